//! Merging the blocks of one site.
//!
//! Pages, forms and attrs of the blocks are merged first, which gives the new place of each; then urls
//! and, url by url, links. New places have the order of old ones, so all of it is comparing the heads
//! of sorted lists. What is written depends on nothing that comes later, but in one case: where
//! captures are outranked (R14), or several blocks show the same capture, a form may lose its last
//! link, and an attr may be new or lose its last sighting (R12). Such a block is *loose*, and its
//! links are read twice, first to see what is used.

mod ahead;
mod attrs;
mod cursor;
mod links;
mod pages;
#[cfg(test)]
mod tests;
mod used;

use super::dictionaries::MergedStrings;
use super::pages::{Mapping, MergedPages};
use super::{Damage, MergeError, Watch};
use crate::bytes::Corrupt;
use crate::recaptured::CaptureTimes;
use crate::segment::Segment;
use crate::site::{SiteBlock, SiteEncoder};
use ahead::Ahead;
use attrs::UnitedAttrs;
use cursor::TableCursor;
use links::{LinkMerger, LinkSink};
use pages::Pages;
use used::{Folds, Used};

/// Merges the blocks of one site after the other.
#[derive(Debug, Default)]
pub(super) struct SiteMerger<'a> {
    sources: Vec<Source<'a>>,
    pages: Pages,
    strings: MergedStrings<'a>,
    /// Links that are done and that nobody was told of.
    unreported: u64,
}

/// What an input has of a site.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    /// The number of the input.
    pub(super) input: usize,
    pub(super) block: &'a [u8],
    /// When each of the input's pages was really captured.
    pub(super) captures: CaptureTimes<'a>,
}

/// One of the blocks.
#[derive(Debug)]
struct Source<'a> {
    input: usize,
    block: SiteBlock<'a>,
    mapping: &'a Mapping,
    ahead: Ahead,
    /// The new place of each page, or what [`Pages`] says of it.
    pages: Vec<u32>,
    /// Whether all its pages have new places, none of them shared.
    is_apart: bool,
    /// The new place of each form and each attr.
    forms: Vec<u32>,
    attrs: Vec<u32>,
    hrefs: TableCursor,
    others: TableCursor,
}

impl<'a> Source<'a> {
    fn new(part: &Part<'a>, mapping: &'a Mapping) -> Result<Self, Corrupt> {
        Ok(Self {
            input: part.input,
            block: SiteBlock::read(&[], part.block, part.captures)?,
            mapping,
            ahead: Ahead::default(),
            pages: Vec::new(),
            is_apart: true,
            forms: Vec::new(),
            attrs: Vec::new(),
            hrefs: TableCursor::default(),
            others: TableCursor::default(),
        })
    }
}

impl<'a> Source<'a> {
    /// Becomes that of another block. What it has allocated is used again: most sites are small.
    fn become_of(&mut self, part: &Part<'a>, mapping: &'a Mapping) -> Result<(), Corrupt> {
        self.input = part.input;
        self.block.read_again(part.block, part.captures)?;
        self.mapping = mapping;
        self.pages.clear();
        self.is_apart = true;
        self.hrefs = TableCursor::default();
        self.others = TableCursor::default();
        Ok(())
    }
}

/// Why the blocks of a site are not merged.
#[derive(Debug)]
enum Stop {
    /// The input is the place of the block among those of the site.
    Damage(Damage),
    Other(MergeError),
}

impl From<Damage> for Stop {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl From<MergeError> for Stop {
    fn from(error: MergeError) -> Self {
        Self::Other(error)
    }
}

impl<'a> SiteMerger<'a> {
    /// Counts links that were done otherwise.
    pub(super) fn count(&mut self, links: u64) {
        self.unreported += links;
    }

    /// Tells of all that is done.
    pub(super) fn report(&mut self, watch: Watch<'_>) -> Result<(), MergeError> {
        watch.advance(std::mem::take(&mut self.unreported))
    }

    /// Merges the blocks of a site into the encoder. `false` where no link is left.
    pub(super) fn merge(
        &mut self,
        inputs: &[&'a Segment],
        pages: &'a MergedPages,
        parts: impl Iterator<Item = Part<'a>>,
        encoder: &mut SiteEncoder,
        watch: Watch<'_>,
    ) -> Result<bool, MergeError> {
        let mut n = 0;
        for part in parts {
            let input = part.input;
            let Some(mapping) = pages.mappings.get(input) else {
                continue;
            };
            let damage = |what| Damage { input, what }.error(inputs);
            match self.sources.get_mut(n) {
                Some(source) => source.become_of(&part, mapping).map_err(damage)?,
                None => {
                    let source = Source::new(&part, mapping).map_err(damage)?;
                    self.sources.push(source);
                }
            }
            n += 1;
        }
        self.sources.truncate(n);
        self.merge_sources(pages, encoder, watch)
            .map_err(|stop| match stop {
                Stop::Damage(damage) => {
                    let source = self.sources.get(damage.input);
                    let input = source.map_or(usize::MAX, |source| source.input);
                    Damage { input, ..damage }.error(inputs)
                }
                Stop::Other(error) => error,
            })
    }

    fn merge_sources(
        &mut self,
        merged: &MergedPages,
        encoder: &mut SiteEncoder,
        watch: Watch<'_>,
    ) -> Result<bool, Stop> {
        let is_loose = self.pages.merge(&mut self.sources, merged, encoder)?;
        watch.check()?;
        let mut folds = Folds::default();
        let forms = self.merge_forms(|_, strings| {
            if !is_loose {
                encoder.form(strings.as_written(), folds.is_same(strings.folded()));
            }
        })?;
        let attrs = self.merge_attrs(|_, strings| {
            if !is_loose {
                encoder.attr(strings.as_written());
            }
        })?;
        watch.check()?;
        if !is_loose {
            return self.merge_links(&mut UnitedAttrs::default(), encoder, watch, true);
        }
        let mut united = UnitedAttrs::new(attrs, &self.sources);
        let mut used = Used::new(forms, attrs);
        if !self.merge_links(&mut united, &mut used, watch, false)? {
            encoder.clear();
            return Ok(false);
        }
        let attr_order = self.write_used(&used, &united, encoder)?;
        let mut sink = used.translating(&attr_order, encoder);
        self.merge_links(&mut united, &mut sink, watch, true)
    }

    /// Merges the forms, and gives each with its new place to `each`. Returns their number.
    fn merge_forms(&mut self, each: impl FnMut(u32, &MergedStrings<'a>)) -> Result<u32, Damage> {
        let lists = self.sources.iter().map(|source| source.block.forms);
        self.strings.begin(lists, true);
        merge_strings(&mut self.strings, &mut self.sources, |s| &mut s.forms, each)
    }

    /// Merges the attrs, and gives each with its new place to `each`. Returns their number.
    fn merge_attrs(&mut self, each: impl FnMut(u32, &MergedStrings<'a>)) -> Result<u32, Damage> {
        let lists = self.sources.iter().map(|source| source.block.attrs);
        self.strings.begin(lists, false);
        merge_strings(&mut self.strings, &mut self.sources, |s| &mut s.attrs, each)
    }

    /// Adds the forms and attrs of a loose block that are used. Returns the attrs in their order.
    fn write_used(
        &mut self,
        used: &Used,
        united: &UnitedAttrs,
        encoder: &mut SiteEncoder,
    ) -> Result<Vec<u32>, Damage> {
        let mut folds = Folds::default();
        self.merge_forms(|form, strings| {
            if used.has_form(form) {
                encoder.form(strings.as_written(), folds.is_same(strings.folded()));
            }
        })?;
        let mut order = Vec::new();
        let new = united.new_ones().into_iter();
        let mut new = new.filter(|(_, attr)| used.has_attr(*attr)).peekable();
        self.merge_attrs(|attr, strings| {
            if used.has_attr(attr) {
                while let Some((text, attr)) = new.next_if(|(text, _)| *text < strings.text()) {
                    encoder.attr(text);
                    order.push(attr);
                }
                encoder.attr(strings.as_written());
                order.push(attr);
            }
        })?;
        for (text, attr) in new {
            encoder.attr(text);
            order.push(attr);
        }
        Ok(order)
    }

    /// Merges urls and links into `sink`. `false` where no link is left.
    fn merge_links(
        &mut self,
        united: &mut UnitedAttrs,
        sink: &mut impl LinkSink,
        watch: Watch<'_>,
        is_last: bool,
    ) -> Result<bool, Stop> {
        let lists = self.sources.iter().map(|source| source.block.urls);
        self.strings.begin(lists, false);
        let mut links = LinkMerger::new(&mut self.sources, &self.pages, united, sink)?;
        let (mut is_any, mut done) = (false, 0);
        while self.strings.advance()? {
            links.begin_url();
            for is_other in [false, true] {
                links.begin(is_other, self.strings.having())?;
                while links.merge(self.strings.as_written(), LINKS_AT_ONCE)? {
                    if is_last {
                        watch.advance(std::mem::take(&mut self.unreported) + links.take_done())?;
                    }
                    watch.check()?;
                }
            }
            done += links.take_done();
            is_any |= links.is_url_begun();
            if done >= LINKS_AT_ONCE as u64 {
                watch.check()?;
                let done = std::mem::take(&mut done);
                if is_last {
                    watch.advance(std::mem::take(&mut self.unreported) + done)?;
                }
            }
        }
        if is_last || !is_any {
            self.unreported += done;
        }
        Ok(is_any)
    }
}

/// How many links are merged before somebody is told.
const LINKS_AT_ONCE: usize = 1 << 14;

fn merge_strings<'a>(
    strings: &mut MergedStrings<'a>,
    sources: &mut [Source<'a>],
    places: impl for<'s> Fn(&'s mut Source<'a>) -> &'s mut Vec<u32>,
    mut each: impl FnMut(u32, &MergedStrings<'a>),
) -> Result<u32, Damage> {
    for source in sources.iter_mut() {
        places(source).clear();
    }
    let mut place = 0;
    while strings.advance()? {
        each(place, strings);
        for (source, _) in strings.having() {
            if let Some(source) = sources.get_mut(source) {
                places(source).push(place);
            }
        }
        place += 1;
    }
    Ok(place)
}
