//! The site blocks of a run.

use std::hint::black_box;
use std::io::Write;
use std::ops::Range;

use super::Run;
use super::captures::CaptureOrder;
use super::forms::FormRanks;
use super::keys::Keys;
use super::links::{OTHER, Seen, SortedLinks};
use super::places::Places;
use crate::compact::Progress;
use crate::fetch::{AT_ONCE, Fetching};
use crate::in_order::{self, Bounds, Work};
use crate::instant::Captured;
use crate::intern::Ranks;
use crate::segment::{BlockShape, SegmentWriter, Side, WriteError};
use crate::site::SiteEncoder;

/// Up to so many bytes a block is put together before it is written.
const SMALL_BLOCK: u64 = 1 << 16;
/// Sites with about so many urls are built at a time.
const BATCH_URLS: usize = 1 << 13;
/// Bytes that each thread needs, for each anchor, capture and attr of the run.
pub(super) const WORKER_BYTES: usize = 2 * size_of::<u32>();

/// The links of one side.
pub(super) struct SideLinks<'a> {
    pub(super) side: Side,
    pub(super) urls: &'a Keys,
    pub(super) url_ranks: &'a Ranks,
    pub(super) sorted: &'a SortedLinks,
}

/// Writes a block for each site that has links.
pub(super) fn write<W: Write>(
    run: &Run,
    links: &SideLinks<'_>,
    captures: &CaptureOrder,
    forms: &FormRanks,
    bounds: Bounds,
    writer: &mut SegmentWriter<W>,
    progress: &dyn Progress,
) -> Result<(), WriteError> {
    let building = Building {
        run,
        links,
        captures,
        forms,
        attr_ranks: &run.attrs.byte_ranks(),
    };
    let mut first = 0;
    let next = || {
        let batch = first..links.end_of_sites(first + BATCH_URLS);
        first = batch.end;
        Ok((!batch.is_empty()).then_some(batch))
    };
    in_order::run(&building, bounds, next, |built: Built| {
        let done = built.links;
        built.write(run, links.side, writer)?;
        progress.advance(done);
        Ok(())
    })
}

impl SideLinks<'_> {
    /// The rank behind the urls of a site, of which some come before `rank`; or `rank`.
    fn end_of_sites(&self, rank: usize) -> usize {
        let order = &self.url_ranks.order;
        let before = rank.checked_sub(1).and_then(|before| order.get(before));
        let (Some(before), Some(rest)) = (before, order.get(rank..)) else {
            return order.len();
        };
        let site = self.urls.site(*before);
        rank + rest.partition_point(|url| self.urls.site(*url) == site)
    }
}

/// What blocks are made of.
struct Building<'a> {
    run: &'a Run,
    links: &'a SideLinks<'a>,
    captures: &'a CaptureOrder,
    forms: &'a FormRanks,
    attr_ranks: &'a Ranks,
}

impl<'a> Work for Building<'a> {
    /// The urls of some sites, by their ranks.
    type Task = Range<usize>;
    type Done = Built;
    type Error = WriteError;
    type Worker = SiteBuilder<'a>;

    fn worker(&self) -> SiteBuilder<'a> {
        SiteBuilder {
            run: self.run,
            urls: self.links.urls,
            links: self.links.sorted,
            moments: &self.captures.moments,
            captured: &self.captures.captured,
            url_ranks: self.links.url_ranks,
            form_ranks: self.forms,
            attr_ranks: self.attr_ranks,
            forms: Places::of(self.forms.ranks.order.len()),
            captures: Places::of(self.captures.moments.len()),
            attrs: Places::of(self.attr_ranks.order.len()),
            showings: Vec::new(),
            times: Vec::new(),
            sightings: Vec::new(),
            numbers: Vec::new(),
            urls_ahead: Fetching::default(),
            links_ahead: Fetching::default(),
            encoder: SiteEncoder::in_memory(),
        }
    }

    fn work(&self, builder: &mut SiteBuilder<'a>, urls: Range<usize>) -> Result<Built, WriteError> {
        builder.sites(urls)
    }

    fn memory(built: &Built) -> usize {
        built.memory()
    }
}

/// Blocks of neighbouring sites.
#[derive(Debug, Default)]
struct Built {
    sites: Vec<BuiltSite>,
    /// The small blocks.
    bytes: Vec<u8>,
    /// Links of single captures that they were made of.
    links: u64,
}

#[derive(Debug)]
struct BuiltSite {
    /// The number of its key.
    site: u32,
    shape: BlockShape,
    block: Block,
}

#[derive(Debug)]
enum Block {
    /// A range of the small blocks' bytes.
    Small(Range<usize>),
    Large(Box<SiteEncoder>),
}

impl Built {
    /// Bytes of memory held.
    fn memory(&self) -> usize {
        let large = self.sites.iter().map(|site| match &site.block {
            Block::Small(_) => 0,
            Block::Large(encoder) => encoder.memory(),
        });
        self.bytes.capacity() + large.sum::<usize>()
    }

    fn write<W: Write>(
        self,
        run: &Run,
        side: Side,
        writer: &mut SegmentWriter<W>,
    ) -> Result<(), WriteError> {
        let keys: Vec<u32> = self.sites.iter().map(|site| site.site).collect();
        let mut fetching = Fetching::default();
        for (at, site) in self.sites.into_iter().enumerate() {
            if let Some(soon) = fetching.before(at..at + 1, keys.len()) {
                run.sites.keys.fetch(keys.get(soon).unwrap_or_default());
            }
            let key = run.sites.keys.get(site.site);
            match site.block {
                Block::Small(range) => {
                    let block = self.bytes.get(range).unwrap_or_default();
                    writer.site_from_parts(side, key, site.shape, |out| out.write_all(block))?;
                }
                Block::Large(mut encoder) => {
                    writer.site_from_parts(side, key, site.shape, |out| encoder.write_to(out))?;
                }
            }
        }
        Ok(())
    }
}

/// Builds the blocks of one site after the other.
struct SiteBuilder<'a> {
    run: &'a Run,
    urls: &'a Keys,
    links: &'a SortedLinks,
    moments: &'a [(u32, u32)],
    captured: &'a [Captured],
    url_ranks: &'a Ranks,
    form_ranks: &'a FormRanks,
    attr_ranks: &'a Ranks,
    forms: Places,
    /// The place of a capture is that of its page.
    captures: Places,
    /// By rank.
    attrs: Places,
    /// How many captures of each page show a link to the site.
    showings: Vec<u32>,
    times: Vec<u32>,
    sightings: Vec<(u32, u32)>,
    /// The numbers of some forms.
    numbers: Vec<u32>,
    /// Of urls, by rank, and of links, what was fetched.
    urls_ahead: Fetching,
    links_ahead: Fetching,
    encoder: SiteEncoder,
}

impl SiteBuilder<'_> {
    /// Builds the blocks of the sites that these urls are all of.
    fn sites(&mut self, urls: Range<usize>) -> Result<Built, WriteError> {
        let mut built = Built::default();
        let (all_urls, url_ranks) = (self.urls, self.url_ranks);
        let order = url_ranks.order.get(..urls.end).unwrap_or_default();
        let mut first = urls.start;
        // Other threads build what comes before.
        (self.urls_ahead, self.links_ahead) = Default::default();
        let of_site = |a: &u32, b: &u32| all_urls.site(*a) == all_urls.site(*b);
        for of_site in order.get(urls).unwrap_or_default().chunk_by(of_site) {
            let range = first..first + of_site.len();
            first = range.end;
            self.fetch_urls(range.clone());
            if let Some(url) = of_site.first() {
                self.site(all_urls.site(*url), range, &mut built)?;
            }
        }
        Ok(built)
    }

    fn site(&mut self, site: u32, urls: Range<usize>, built: &mut Built) -> Result<(), WriteError> {
        let (start, end) = (
            self.links.of_url(urls.start).start,
            self.links.of_url(urls.end.saturating_sub(1)).end,
        );
        if start >= end {
            // All its links were a WAT's, where a WARC shows others.
            return Ok(());
        }
        self.fetch_links(start..end);
        for seen in self.links.get(start..end) {
            if seen.form & OTHER == 0 {
                self.forms.need(seen.form);
            }
            self.captures.need(seen.capture);
            self.attrs.need(self.attr_ranks.rank(seen.attr));
        }
        self.forms.number();
        self.attrs.number();
        self.captures.number();
        self.pages();
        self.strings();
        let site_length = self.run.sites.keys.get(site).len();
        for rank in urls {
            self.fetch_urls(rank..rank + 1);
            let of_url = self.links.get(self.links.of_url(rank));
            if of_url.is_empty() {
                continue;
            }
            let url = self.url_ranks.number(rank as u64 as u32);
            let key = self.urls.texts.get(url);
            self.encoder.url(key.get(site_length..).unwrap_or_default());
            self.links_to(of_url);
        }
        self.forms.clear();
        self.attrs.clear();
        self.captures.clear();
        self.encoder.close()?;
        built.links += (end - start) as u64;
        let shape = self.encoder.shape();
        let block = if shape.length > SMALL_BLOCK {
            let next = SiteEncoder::in_memory();
            Block::Large(Box::new(std::mem::replace(&mut self.encoder, next)))
        } else {
            let start = built.bytes.len();
            self.encoder.write_to(&mut built.bytes)?;
            Block::Small(start..built.bytes.len())
        };
        built.sites.push(BuiltSite { site, shape, block });
        Ok(())
    }

    /// Touches the urls that come next, those of these ranks first. Most sites have a few.
    fn fetch_urls(&mut self, ranks: Range<usize>) {
        let order = &self.url_ranks.order;
        if let Some(soon) = self.urls_ahead.before(ranks, order.len()) {
            self.urls.fetch(order.get(soon).unwrap_or_default());
        }
    }

    /// Touches what is needed of the links that come next: of those of small sites for many sites at once, as each
    /// would wait for its own.
    fn fetch_links(&mut self, links: Range<usize>) {
        let Some(soon) = self.links_ahead.before(links, self.links.len()) else {
            return;
        };
        let soon = self.links.get(soon);
        self.numbers.clear();
        let mut touched = 0;
        for seen in soon {
            // That of another kind of link is small, and does no harm.
            let form = seen.form & !OTHER;
            let (page, time) = self
                .moments
                .get(seen.capture as usize)
                .copied()
                .unwrap_or_default();
            touched ^= self.forms.place(form) ^ self.form_ranks.fold(form);
            touched ^= self.captures.place(seen.capture) ^ page ^ time;
            self.numbers.push(self.form_ranks.ranks.number(form));
        }
        for seen in soon {
            let moment = self.moments.get(seen.capture as usize);
            let captured = moment.and_then(|(page, _)| self.captured.get(*page as usize));
            touched ^= captured.copied().unwrap_or_default().count;
        }
        black_box(touched);
        self.run.forms.fetch(&self.numbers);
    }

    /// Adds the pages with their times, and turns the captures' places into those of their pages.
    fn pages(&mut self) {
        self.showings.clear();
        let moment = |capture: u32| self.moments.get(capture as usize).copied();
        let captures = &mut self.captures;
        for of_page in captures
            .needed
            .chunk_by(|a, b| moment(*a).map(|m| m.0) == moment(*b).map(|m| m.0))
        {
            let Some((number, _)) = of_page.first().and_then(|capture| moment(*capture)) else {
                continue;
            };
            self.times.clear();
            let times = of_page.iter().filter_map(|capture| moment(*capture));
            self.times.extend(times.map(|(_, time)| time));
            let place = self.showings.len() as u64 as u32;
            for capture in of_page {
                if let Some(slot) = captures.place.get_mut(*capture as usize) {
                    *slot = place;
                }
            }
            self.showings.push(self.times.len() as u64 as u32);
            let captured = self.captured.get(number as usize).copied();
            let captured = captured.unwrap_or_default();
            self.encoder.page(number, captured, &self.times);
        }
    }

    /// Adds the forms and the attrs.
    fn strings(&mut self) {
        let mut before = None;
        for ranks in self.forms.needed.chunks(AT_ONCE) {
            self.numbers.clear();
            let numbers = ranks.iter().map(|rank| self.form_ranks.ranks.number(*rank));
            self.numbers.extend(numbers);
            self.run.forms.fetch(&self.numbers);
            for (rank, form) in ranks.iter().zip(&self.numbers) {
                let fold = self.form_ranks.fold(*rank);
                let text = self.run.forms.get(*form);
                self.encoder.form(text, before == Some(fold));
                before = Some(fold);
            }
        }
        for rank in &self.attrs.needed {
            let attr = self.attr_ranks.number(*rank);
            self.encoder.attr(self.run.attrs.get(attr));
        }
    }

    /// Adds the links to a url.
    fn links_to(&mut self, of_url: &[Seen]) {
        let captures = &self.captures;
        let page = |seen: &Seen| captures.place(seen.capture);
        let (mut done, mut fetching) = (0, Fetching::default());
        for link in of_url.chunk_by(|a, b| a.form == b.form && page(a) == page(b)) {
            if let Some(soon) = fetching.before(done..done + link.len(), of_url.len()) {
                let soon = of_url.get(soon).unwrap_or_default();
                black_box(soon.iter().fold(0, |a, seen| a ^ page(seen)));
            }
            done += link.len();
            let Some(first) = link.first() else {
                continue;
            };
            let is_other = first.form & OTHER != 0;
            let form = if is_other {
                first.form & !OTHER
            } else {
                self.forms.place(first.form)
            };
            let place = page(first);
            let attr = |seen: &Seen| self.attrs.place(self.attr_ranks.rank(seen.attr));
            let showings = self.showings.get(place as usize).copied().unwrap_or(0);
            let is_plain =
                link.len() == showings as usize && link.iter().all(|s| s.attr == first.attr);
            if is_plain {
                self.encoder.link(is_other, form, place, attr(first));
                continue;
            }
            self.sightings.clear();
            for seen in link {
                let time = self.moments.get(seen.capture as usize);
                let time = time.map_or(0, |(_, time)| *time);
                self.sightings.push((time, attr(seen)));
            }
            self.encoder
                .exception(is_other, form, place, &self.sightings);
        }
    }
}
