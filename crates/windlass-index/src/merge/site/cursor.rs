//! The next link of a table that is read in order.

use std::hint::black_box;
use std::iter;

use super::Source;
use super::pages::{PagePlace, Pages, SharedPage};
use crate::bytes::Corrupt;
use crate::column::BLOCK;
use crate::site::Table;

/// How far a table has been read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TableCursor {
    /// The next link.
    pub(super) next: usize,
    /// The next link that is an exception.
    pub(super) exception: Option<usize>,
}

/// One of the tables of a source, with how far it has been read.
pub(super) fn table<'s, 'a>(
    source: &'s mut Source<'a>,
    is_other: bool,
) -> (&'s mut Table<'a>, &'s mut TableCursor) {
    if is_other {
        (&mut source.block.others, &mut source.others)
    } else {
        (&mut source.block.hrefs, &mut source.hrefs)
    }
}

/// From so many pages on, their new places do not stay near the processor.
const MANY: usize = 1 << 14;

/// Before a link is looked at: where it begins a block of the columns, fetches the new places of the pages of all links
/// of the block, and of their forms.
#[inline]
pub(super) fn fetch(source: &mut Source<'_>, is_other: bool, link: usize) -> Result<(), Corrupt> {
    if !link.is_multiple_of(BLOCK) || source.pages.len() < MANY {
        return Ok(());
    }
    let table = if is_other {
        &mut source.block.others
    } else {
        &mut source.block.hrefs
    };
    let forms = (!is_other).then_some((&mut table.forms, &source.forms));
    for (column, places) in iter::once((&mut table.pages, &source.pages)).chain(forms) {
        let new = |old: &u32| places.get(*old as usize).copied();
        let new = column.block(link / BLOCK)?.iter().flat_map(new);
        black_box(new.fold(0, |a, place| a ^ place));
    }
    Ok(())
}

/// The new place of what has an old one.
#[inline]
pub(super) fn new_place(places: &[u32], old: u32) -> Result<u32, Corrupt> {
    let new = places.get(old as usize).copied();
    new.ok_or(Corrupt("a number in a site block"))
}

/// A source's next link.
pub(super) enum Next<'p> {
    /// It was seen at all times of its page, which this source alone has, with this attr.
    Plain(u32),
    /// It was seen at others, on such a page.
    Exception,
    Shared(&'p SharedPage),
}

/// What a source's next link is.
pub(super) fn next<'p>(
    source: &mut Source<'_>,
    is_other: bool,
    pages: &'p Pages,
) -> Result<Next<'p>, Corrupt> {
    let (table, cursor) = table(source, is_other);
    let (link, is_exception) = (cursor.next, cursor.exception == Some(cursor.next));
    let (old, attr) = (table.pages.get(link)?, table.attrs.get(link)?);
    match pages.get(source, old)? {
        PagePlace::Shared(page) => Ok(Next::Shared(page)),
        PagePlace::Gone => Err(Corrupt("a page")),
        PagePlace::Apart(_) if is_exception => Ok(Next::Exception),
        PagePlace::Apart(_) => new_place(&source.attrs, attr).map(Next::Plain),
    }
}

/// Reads the sightings of the next link, which is an exception.
pub(super) fn read_exception(
    table: &mut Table<'_>,
    cursor: &mut TableCursor,
    attrs: &[u32],
    out: &mut Vec<(u32, u32)>,
) -> Result<(), Corrupt> {
    let link = u32::try_from(cursor.next).map_err(|_| Corrupt("a link's number"))?;
    let seen = table.exception(link)?.ok_or(Corrupt("an exception"))?;
    if seen.is_empty() {
        return Err(Corrupt("an exception"));
    }
    out.clear();
    for (time, attr) in seen {
        out.push((time, new_place(attrs, attr)?));
    }
    cursor.exception = table.next_exception(cursor.next + 1)?;
    Ok(())
}

/// Appends the sightings of the next link, on a page that is shared.
pub(super) fn append_sightings(
    source: &mut Source<'_>,
    is_other: bool,
    page: &SharedPage,
    times: &mut Vec<u32>,
    out: &mut Vec<(u32, u32)>,
) -> Result<(), Corrupt> {
    let first = out.len();
    let (table, cursor) = if is_other {
        (&mut source.block.others, &mut source.others)
    } else {
        (&mut source.block.hrefs, &mut source.hrefs)
    };
    if cursor.exception == Some(cursor.next) {
        let mut seen = Vec::new();
        read_exception(table, cursor, &source.attrs, &mut seen)?;
        out.append(&mut seen);
    } else {
        let (old, attr) = (table.pages.get(cursor.next)?, table.attrs.get(cursor.next)?);
        let attr = new_place(&source.attrs, attr)?;
        source.block.times(old, times)?;
        out.extend(times.iter().map(|time| (*time, attr)));
    }
    if source.mapping.has_outranked(page.number) {
        let mut at = 0;
        out.retain(|(time, _)| {
            let is_own = at >= first;
            at += 1;
            !(is_own && source.mapping.is_outranked(page.number, *time))
        });
    }
    Ok(())
}
