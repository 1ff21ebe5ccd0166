//! The parts of a block that are read, or rewritten, without the rest.

use crate::bytes::{Bytes, Corrupt, put_varint};
use crate::column::{Column, ColumnBuilder};

/// Rewrites a block's page numbers into `head`. Returns the rest of the block, which stays as it is.
/// The mapping must keep the order.
pub(crate) fn renumber_pages<'a>(
    block: &'a [u8],
    mut page: impl FnMut(u32) -> Option<u32>,
    head: &mut Vec<u8>,
) -> Result<&'a [u8], Corrupt> {
    let mut bytes = Bytes::new(block);
    let n = bytes.varint_usize()?;
    let mut pages = Column::read(&mut bytes, n)?;
    put_varint(head, n as u64);
    let mut column = ColumnBuilder::default();
    for i in 0..n {
        column.push(page(pages.get(i)?).ok_or(Corrupt("a page number"))?);
    }
    column.finish(head)?;
    bytes.rest().all()
}

/// How many `href` links and how many others a block holds.
pub(crate) fn counts(block: &[u8]) -> Result<(u64, u64), Corrupt> {
    let mut bytes = Bytes::new(block);
    let pages = bytes.varint_usize()?;
    Column::read(&mut bytes, pages)?;
    for _ in 0..3 {
        bytes.varint()?;
    }
    Ok((bytes.varint()?, bytes.varint()?))
}

/// Appends the first page numbers of a block, whose beginning may be all that there is: none where that is damaged,
/// which who reads them finds.
pub(crate) fn append_first_pages(block: &[u8], pages: &mut Vec<u32>) {
    if let Ok(mut column) = pages_of(block)
        && let Ok(first) = column.block(0)
    {
        pages.extend_from_slice(first);
    }
}

/// The page numbers of a block.
pub(crate) fn pages_of(block: &[u8]) -> Result<Column<'_>, Corrupt> {
    let mut bytes = Bytes::new(block);
    let n = bytes.varint_usize()?;
    Column::read(&mut bytes, n)
}
