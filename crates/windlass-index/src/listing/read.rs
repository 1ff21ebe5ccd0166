//! Single links of a segment, read by their places.

use std::ops::Range;
use std::rc::Rc;

use windlass_links::History;
use windlass_links::surt::url_of_key;

use super::cursor::Cursor;
use super::links::{LinkRow, history_of, row};
use super::pages::Pages;
use crate::error::IndexError;
use crate::segment::Segment;
use crate::site::SiteBlock;

/// Reads links; keeps pages that were read.
pub(super) struct Reading<'a> {
    segment: &'a Segment,
    pages: Pages<'a>,
}

impl<'a> Reading<'a> {
    /// For a segment that is alone.
    pub(super) fn new(segment: &'a Segment) -> Self {
        Self {
            segment,
            pages: Pages::new(vec![segment]),
        }
    }

    /// The links of a block to some of its urls.
    pub(super) fn site<'r>(
        &'r mut self,
        block: SiteBlock<'a>,
        urls: Vec<Range<usize>>,
    ) -> ReadSite<'a, 'r> {
        ReadSite {
            cursor: Cursor::new(self.segment, 0, block, urls, None, true),
            pages: &mut self.pages,
            url_key: Vec::new(),
            target: String::new(),
        }
    }
}

/// A site whose links are read.
pub(super) struct ReadSite<'a, 'r> {
    cursor: Cursor<'a>,
    pages: &'r mut Pages<'a>,
    /// Which url the target is.
    url_key: Vec<u8>,
    target: String,
}

impl ReadSite<'_, '_> {
    /// Calls `each` with a link, by its place among those of its kind.
    pub(super) fn read<E: From<IndexError>>(
        &mut self,
        site: &str,
        is_other: bool,
        link: usize,
        each: impl FnOnce(&LinkRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let cursor = &mut self.cursor;
        if !cursor.go_to(is_other, link, self.pages)? {
            return Err(cursor.corrupt("a link's place").into());
        }
        if self.url_key != cursor.url_key() {
            self.url_key.clear();
            self.url_key.extend_from_slice(cursor.url_key());
            let target = url_of_key(&self.url_key);
            self.target = target.ok_or_else(|| cursor.corrupt("a target's key"))?;
        }
        let (mut sightings, mut times) = (Vec::new(), Vec::new());
        cursor.sightings(&mut sightings)?;
        let page = Rc::clone(&cursor.entry()?.page);
        let history = History::AllTime;
        let known = history_of(&mut sightings, &mut times, &page.showings, history);
        let known = known.ok_or_else(|| cursor.corrupt("the times of a link"))?;
        each(&row(cursor, site, &self.target, &page, &known)?)
    }
}
