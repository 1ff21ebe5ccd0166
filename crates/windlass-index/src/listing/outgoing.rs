//! The links on a target's own pages.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::AtomicBool;

use windlass_links::Target;

use super::captured::page_ranges;
use super::cursor::Cursor;
use super::links::{self, LinkRow};
use super::{LinkFilter, Pages, SITE_BYTES};
use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::query::Question;
use crate::segment::Segment;
use crate::site::SiteBlock;
use crate::store::Snapshot;

impl Snapshot {
    /// Calls `each` with the links on a target's own pages, external ones and, where the index keeps them,
    /// internal ones too, ordered by (registrable domain linked to, external first, `href` first, SURT
    /// linked to, folded anchor, anchor or type, registrable domain of the page, SURT of the page), until
    /// it breaks. Time grows with the number of links that the sites have which the target links to: some
    /// nanoseconds for each, and about a microsecond for each that is the target's. Memory, of which there are so many
    /// bytes: some dozens for each site that is linked to.
    ///
    /// # Errors
    /// As [`for_each_link_to`](Self::for_each_link_to); [`IndexError::Memory`] where that is more than it may be.
    pub fn for_each_link_from<E: From<IndexError>>(
        &self,
        target: &Target,
        filter: LinkFilter,
        memory_max: usize,
        cancel: &AtomicBool,
        mut each: impl FnMut(&LinkRow<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let question = Question::in_memory(target, filter.history, memory_max, cancel);
        let segments = self.segments_by_reference();
        let mut ranges = Vec::with_capacity(segments.len());
        // Which segments' pages of the target link, or once linked, to each site.
        let mut sites: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        for (at, segment) in segments.iter().enumerate() {
            let wrong = |corrupt: Corrupt| segment.corrupt(corrupt);
            let of_segment = page_ranges(segment, &question).map_err(wrong)?;
            let mut add = |key: &[u8]| {
                let Some(blocks) = sites.get_mut(key) else {
                    question.take(key.len() + SITE_BYTES)?;
                    sites.insert(key.to_owned(), vec![at]);
                    return Ok(());
                };
                if blocks.last() != Some(&at) {
                    blocks.push(at);
                }
                Ok(())
            };
            for range in &of_segment {
                question.check_cancelled()?;
                add(&range.domain_key)?;
                let each = |site: &[u8], _| add(site).map_err(Failed::Index);
                let linked = segment.for_each_site_linked_from(range.domain, each);
                linked.map_err(|failed| match failed {
                    Failed::Index(error) => error,
                    Failed::Corrupt(corrupt) => wrong(corrupt),
                })?;
            }
            ranges.push(joined(of_segment.into_iter().map(|range| range.pages)));
        }
        let mut each = |row: &LinkRow<'_>| {
            if target.has_port(&row.page.key.1) {
                each(row)
            } else {
                Ok(ControlFlow::Continue(()))
            }
        };
        let mut pages = Pages::new(segments.clone());
        for (key, holders) in sites {
            for side in [Segment::site, Segment::internal_site] {
                let mut cursors = Vec::new();
                for at in &holders {
                    if let (Some(segment), Some(ranges)) = (segments.get(*at), ranges.get(*at))
                        && let Some(block) = side(segment, &key).map_err(|c| segment.corrupt(c))?
                    {
                        let cursor = cursor(segment, *at, block, ranges, filter.all_types);
                        cursors.extend(cursor.map_err(|corrupt| segment.corrupt(corrupt))?);
                    }
                }
                let history = filter.history;
                let flow = links::for_each(&key, cursors, &mut pages, history, cancel, &mut each)?;
                if flow.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Why the sites that a domain links to are not known.
enum Failed {
    Index(IndexError),
    Corrupt(Corrupt),
}

impl From<Corrupt> for Failed {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt(corrupt)
    }
}

/// Ranges of pages, those that follow each other as one: the domains below a suffix are many, and are looked for in each
/// site's block.
fn joined(ranges: impl Iterator<Item = Range<u32>>) -> Vec<Range<u32>> {
    let mut joined: Vec<Range<u32>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => joined.push(range),
        }
    }
    joined
}

/// The links of a block on some pages; `None` where none of them has any.
fn cursor<'a>(
    segment: &'a Segment,
    segment_at: usize,
    mut block: SiteBlock<'a>,
    ranges: &[Range<u32>],
    all_types: bool,
) -> Result<Option<Cursor<'a>>, Corrupt> {
    let mut places: Vec<Range<u32>> = Vec::new();
    for pages in ranges {
        let start = block.pages.lower_bound(pages.start)? as u64 as u32;
        let end = block.pages.lower_bound(pages.end)? as u64 as u32;
        if start < end {
            places.push(start..end);
        }
    }
    if places.is_empty() {
        return Ok(None);
    }
    let urls = std::iter::once(0..block.urls.len()).collect();
    Ok(Some(Cursor::new(
        segment,
        segment_at,
        block,
        urls,
        Some(places),
        all_types,
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_follow_each_other_are_one() {
        let ranges = [0..2, 2..5, 5..5, 7..9, 9..10];
        assert_eq!(joined(ranges.into_iter()), [0..5, 7..10]);
        assert!(joined(std::iter::empty()).is_empty());
    }
}
