//! What the parts of a block cost.

use super::lists::Lists;
use super::subset::Subset;
use crate::bytes::{Bytes, Corrupt};
use crate::column::Column;
use crate::stretch::Stretch;
use crate::strings::StringList;

/// Reads the parts of a block one after the other, and tells of each how long it is.
struct Ruler<'a, F> {
    bytes: Bytes<'a>,
    tell: F,
}

impl<'a, F: FnMut(&'static str, u64)> Ruler<'a, F> {
    fn measure<T>(
        &mut self,
        what: &'static str,
        read: impl FnOnce(&mut Bytes<'a>) -> Result<T, Corrupt>,
    ) -> Result<T, Corrupt> {
        let before = self.bytes.rest().len();
        let value = read(&mut self.bytes)?;
        (self.tell)(what, (before - self.bytes.rest().len()) as u64);
        Ok(value)
    }

    fn number(&mut self) -> Result<usize, Corrupt> {
        self.measure("numbers", Bytes::varint_usize)
    }

    fn column(&mut self, what: &'static str, n: usize) -> Result<(), Corrupt> {
        self.measure(what, |bytes| Column::read(bytes, n).map(drop))
    }

    fn strings(&mut self, what: &'static str, n: usize) -> Result<(), Corrupt> {
        self.measure(what, |bytes| StringList::read(bytes, n).map(drop))
    }

    fn lists(&mut self, what: &'static str) -> Result<(), Corrupt> {
        self.measure(what, |bytes| Lists::read(bytes).map(drop))
    }
}

/// Tells how many bytes each part of a block has. Reads little of it.
pub(crate) fn sizes(
    block: Stretch<'_>,
    tell: impl FnMut(&'static str, u64),
) -> Result<(), Corrupt> {
    let bytes = Bytes::over(block);
    let mut ruler = Ruler { bytes, tell };
    let pages = ruler.number()?;
    ruler.column("pages", pages)?;
    let (urls, forms, attrs) = (ruler.number()?, ruler.number()?, ruler.number()?);
    let (hrefs, others) = (ruler.number()?, ruler.number()?);
    ruler.measure("times of pages", |bytes| {
        let own = Subset::read(bytes, pages)?.len();
        if own > 0 {
            Column::read(bytes, own)?;
            bytes.sized_stretch()?;
        }
        Ok(())
    })?;
    ruler.strings("urls", urls)?;
    ruler.strings("anchors", forms)?;
    ruler.measure("anchors", |bytes| Subset::read(bytes, forms).map(drop))?;
    ruler.strings("rel and alt", attrs)?;
    if hrefs > 0 {
        ruler.column("links: first of each url", urls)?;
        ruler.column("links: anchor", hrefs)?;
        ruler.column("links: page", hrefs)?;
        ruler.column("links: rel and alt", hrefs)?;
        ruler.lists("links: times")?;
    }
    if others > 0 {
        ruler.column("other links", urls)?;
        for _ in 0..3 {
            ruler.column("other links", others)?;
        }
        ruler.lists("other links")?;
    }
    if ruler.bytes.is_empty() {
        Ok(())
    } else {
        Err(Corrupt("a site block with bytes left over"))
    }
}
