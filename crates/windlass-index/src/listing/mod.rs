//! Links and pages one by one, with all that the index knows of them: for tables of single links, of
//! pages, and of what a target's own pages link to; for export; and a single link with the captures behind
//! it.
//!
//! Where several segments have a site their blocks are gone through side by side, and links that more
//! than one of them has are united as a merge would unite them; so are pages. What comes is the same as
//! after the merge, in the same order. Memory does not grow with the number of links.

mod captured;
mod cursor;
mod glance;
mod glanced_site;
mod link_parts;
mod links;
mod outgoing;
mod pages;
mod read;
mod side_by_side;
mod sites;
mod top_sites;
mod trace;

use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use windlass_links::{History, Target};

use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::query::{Question, matching_urls};
use crate::segment::Segment;
use crate::site::SiteBlock;
use crate::store::Snapshot;
use cursor::Cursor;

pub use glance::{Glance, Glances, LinkId, Looks};
pub use link_parts::{LinkPart, ReadPart};
pub use links::LinkRow;
pub use pages::Page;
pub(crate) use pages::Pages;
pub use top_sites::TopSite;
pub use trace::{ArchivePlace, Trace, TracedCapture, trace_segments};

/// Bytes that a site takes in a list, beside its key.
const SITE_BYTES: usize = 96;

/// Which links are listed.
#[derive(Debug, Clone, Copy)]
pub struct LinkFilter {
    /// Live ones, or lost ones too (R15).
    pub history: History,
    /// Not only `href` links (R8).
    pub all_types: bool,
}

impl Snapshot {
    /// Calls `each` with the links to a target from other registrable domains, ordered by (registrable
    /// domain of the target, `href` first, SURT of the target, folded anchor, anchor or type, registrable
    /// domain of the page, SURT of the page), until it breaks. About a microsecond a link.
    ///
    /// # Errors
    /// Where the index is damaged, and what `each` returns; [`IndexError::Cancelled`] soon after
    /// `cancel` is set.
    pub fn for_each_link_to<E: From<IndexError>>(
        &self,
        target: &Target,
        filter: LinkFilter,
        cancel: &AtomicBool,
        each: impl FnMut(&LinkRow<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.links_to(target, filter, None, cancel, each)
    }

    /// The same for those links alone whose folded anchors (R9a) are wanted; each is asked about once for each
    /// form and site. Links that are not wanted cost some nanoseconds.
    ///
    /// # Errors
    /// As [`for_each_link_to`](Self::for_each_link_to).
    pub fn for_each_link_with_anchor<E: From<IndexError>>(
        &self,
        target: &Target,
        filter: LinkFilter,
        wants_anchor: &dyn Fn(&str) -> bool,
        cancel: &AtomicBool,
        each: impl FnMut(&LinkRow<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.links_to(target, filter, Some(wants_anchor), cancel, each)
    }

    fn links_to<E: From<IndexError>>(
        &self,
        target: &Target,
        filter: LinkFilter,
        wants_anchor: Option<&dyn Fn(&str) -> bool>,
        cancel: &AtomicBool,
        mut each: impl FnMut(&LinkRow<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let question = Question::new(target, filter.history, cancel);
        let segments = self.segments_by_reference();
        let mut pages = Pages::new(segments.clone());
        sites::for_each_site(&segments, &question, |key, places| {
            let mut cursors = Vec::with_capacity(places.len());
            for &(at, offset) in places {
                let Some(segment) = segments.get(at).copied() else {
                    continue;
                };
                let wrong = |corrupt: Corrupt| segment.corrupt(corrupt);
                let block = segment.site_at(key, offset).map_err(wrong)?;
                let urls = matching_urls(&block, target).map_err(wrong)?;
                let cursor = Cursor::new(segment, at, block, urls, None, filter.all_types);
                cursors.push(cursor.with_anchors(wants_anchor));
            }
            links::for_each(key, cursors, &mut pages, filter.history, cancel, &mut each)
        })
    }

    /// Whether the target's host — with `subdomains`, or one below it — occurs in the index, as the host of
    /// a captured page or of a link's target (R20).
    ///
    /// # Errors
    /// Where the index is damaged; [`IndexError::Cancelled`] soon after `cancel` is set.
    pub fn knows_host(&self, target: &Target, cancel: &AtomicBool) -> Result<bool, IndexError> {
        let question = Question::new(target, History::AllTime, cancel);
        crate::query::host_occurs(self.segments(), &question)
    }

    fn segments_by_reference(&self) -> Vec<&Segment> {
        self.segments().iter().map(AsRef::as_ref).collect()
    }
}

/// All links of one block of a segment that is alone, lost ones and all types included.
pub(crate) fn links_of_block<E: From<IndexError>>(
    segment: &Segment,
    site_key: &[u8],
    block: SiteBlock<'_>,
    pages: &mut Pages<'_>,
    mut each: impl FnMut(&LinkRow<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let urls = std::iter::once(0..block.urls.len()).collect();
    let cursors = vec![Cursor::new(segment, 0, block, urls, None, true)];
    let mut each = |row: &LinkRow<'_>| each(row).map(ControlFlow::Continue);
    let never = AtomicBool::new(false);
    links::for_each(
        site_key,
        cursors,
        pages,
        History::AllTime,
        &never,
        &mut each,
    )
    .map(drop)
}
