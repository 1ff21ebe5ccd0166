//! Runs: captures collected in memory, sorted once, written as a segment.

use std::collections::HashSet;
use std::io::Write;

use windlass_links::anchor::fold;
use windlass_links::surt::host_key;
use windlass_links::{CanonicalUrl, Capture, LinkType, PublicSuffixList, Source, Surt};

use crate::instant::{self, Instant, Origin};
use crate::intern::{Interner, Ranks};
use crate::segment::{Counts, Digest, SegmentWriter, WriteError};
use crate::sighting::{Dictionaries, Sighting, combine};
use crate::site;

/// Collects captures until they are written.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// SURTs of pages and of targets, apart.
    pages: Keys,
    urls: Keys,
    forms: Interner,
    attrs: Interner,
    files: Vec<Digest>,
    instants: Vec<(u32, Instant)>,
    sightings: Vec<Sighting>,
    key: Vec<u8>,
    host: String,
    site_length: usize,
}

/// SURTs, each with the length of its site key, which it starts with.
#[derive(Debug, Default)]
struct Keys {
    keys: Interner,
    site_lengths: Vec<u16>,
}

impl Keys {
    fn site(&self, number: u32) -> &[u8] {
        let length = self.site_lengths.get(number as usize).copied().unwrap_or(0);
        self.keys
            .get(number)
            .get(..usize::from(length))
            .unwrap_or_default()
    }

    /// In the order of segments: (site key, SURT).
    fn ranks(&self) -> Ranks {
        let mut order: Vec<u32> = (0..self.keys.len() as u64 as u32).collect();
        order.sort_unstable_by(|&a, &b| {
            (self.site(a), self.keys.get(a)).cmp(&(self.site(b), self.keys.get(b)))
        });
        Ranks::of_order(order)
    }

    fn memory(&self) -> usize {
        self.keys.memory() + self.site_lengths.capacity() * 2
    }
}

impl Run {
    /// Whether it holds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.instants.is_empty()
    }

    /// Bytes of memory that it holds, and needs while it is written.
    pub(crate) fn memory(&self) -> usize {
        self.pages.memory()
            + self.urls.memory()
            + self.forms.memory()
            + self.attrs.memory()
            + self.instants.capacity() * (size_of::<(u32, Instant)>() + size_of::<Origin>())
            + self.sightings.capacity() * size_of::<Sighting>()
            + 8 * (self.pages.keys.len() + self.urls.keys.len() + self.forms.len())
    }

    /// The number, in this run, of the archive file with that digest.
    pub(crate) fn file(&mut self, digest: Digest) -> u32 {
        let at = self
            .files
            .iter()
            .position(|known| *known == digest)
            .unwrap_or_else(|| {
                self.files.push(digest);
                self.files.len() - 1
            });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    fn key(&mut self, url: &CanonicalUrl, list: &PublicSuffixList, of_page: bool) -> u32 {
        self.key.clear();
        Surt::write(url, &mut self.key);
        let keys = if of_page {
            &mut self.pages
        } else {
            &mut self.urls
        };
        let (number, is_new) = keys.keys.intern(&self.key);
        if is_new {
            if self.host != url.host() {
                self.host.clear();
                self.host.push_str(url.host());
                self.site_length = host_key(list.registrable_domain(url.host())).len();
            }
            // A host is at most a URL long, which is 8,192 bytes (R4).
            keys.site_lengths
                .push(u16::try_from(self.site_length).unwrap_or(u16::MAX));
        }
        number
    }

    /// Adds a capture that was read at `offset` of a file (see [`file`](Self::file)). Internal links
    /// are passed over (R11).
    pub(crate) fn add(
        &mut self,
        capture: &Capture,
        file: u32,
        offset: u64,
        list: &PublicSuffixList,
    ) {
        let page = self.key(&capture.page, list, true);
        self.instants
            .push((page, Instant::of(capture, Origin { file, offset })));
        let mut attr = Vec::new();
        for link in capture.links.iter().filter(|link| link.external) {
            let url = self.key(&link.target, list, false);
            let other = link.link_type != LinkType::Href;
            let form = if other {
                link.link_type as u32
            } else {
                self.forms.intern(link.anchor.as_bytes()).0
            };
            attr.clear();
            attr.push(link.rel.bits());
            attr.extend_from_slice(link.alt.as_bytes());
            let attr = self.attrs.intern(&attr).0;
            self.sightings.push(Sighting {
                url,
                form,
                page,
                time: capture.time.unix(),
                attr,
                other,
                wat: capture.source == Source::Wat,
            });
        }
    }

    /// Sorts and writes the run, and leaves it empty.
    pub(crate) fn write<W: Write>(
        &mut self,
        out: W,
        public_suffix_list: &str,
    ) -> Result<(W, Counts), WriteError> {
        let mut run = std::mem::take(self);
        let mut files = std::mem::take(&mut run.files);
        let file_ranks = rank_files(&mut files);
        let mut writer = SegmentWriter::new(out, public_suffix_list, &files)?;
        let page_ranks = run.pages.ranks();
        let outranked = run.write_pages(&page_ranks, &file_ranks, &mut writer)?;
        if !outranked.is_empty() {
            run.sightings
                .retain(|s| !(s.wat && outranked.contains(&(s.page, s.time))));
        }
        run.write_sites(&page_ranks, &mut writer)?;
        writer.finish()
    }

    /// Writes the page table. Returns the (page, second) pairs that both a WAT and a WARC describe:
    /// there the WARC's links are taken (R14).
    fn write_pages<W: Write>(
        &mut self,
        ranks: &Ranks,
        file_ranks: &[u32],
        writer: &mut SegmentWriter<W>,
    ) -> Result<HashSet<(u32, u32)>, WriteError> {
        let mut all = std::mem::take(&mut self.instants);
        all.sort_by_key(|(page, instant)| (ranks.rank(*page), instant.time));
        let mut outranked = HashSet::new();
        let mut all = all.into_iter().peekable();
        while let Some((page, first)) = all.next() {
            let mut instants = vec![first];
            while let Some((_, next)) = all.next_if(|(next, _)| *next == page) {
                instants.push(next);
            }
            for instant in &mut instants {
                for origin in &mut instant.origins {
                    origin.file = file_ranks
                        .get(origin.file as usize)
                        .copied()
                        .unwrap_or(u32::MAX);
                }
            }
            let wat: Vec<_> = instants
                .iter()
                .filter(|i| i.state.is_wat())
                .map(|i| i.time)
                .collect();
            let united = instant::unite(instants);
            outranked.extend(
                united
                    .iter()
                    .filter(|i| !i.state.is_wat() && wat.contains(&i.time))
                    .map(|i| (page, i.time.unix())),
            );
            writer.page(self.pages.site(page), self.pages.keys.get(page), &united)?;
        }
        Ok(outranked)
    }

    fn write_sites<W: Write>(
        &mut self,
        page_ranks: &Ranks,
        writer: &mut SegmentWriter<W>,
    ) -> Result<(), WriteError> {
        let url_ranks = self.urls.ranks();
        let form_ranks = form_ranks(&self.forms);
        let mut sightings = std::mem::take(&mut self.sightings);
        for sighting in &mut sightings {
            sighting.url = url_ranks.rank(sighting.url);
            sighting.page = page_ranks.rank(sighting.page);
            if !sighting.other {
                sighting.form = form_ranks.rank(sighting.form);
            }
        }
        combine(&mut sightings, &mut self.attrs);
        let (urls, forms) = (&self.urls, &self.forms);
        let dictionaries = Dictionaries {
            urls: &|rank| urls.keys.get(url_ranks.number(rank)),
            forms: &|rank| forms.get(form_ranks.number(rank)),
            attrs: &self.attrs,
        };
        let site = |sighting: &Sighting| urls.site(url_ranks.number(sighting.url));
        let mut block = Vec::new();
        for of_site in sightings.chunk_by(|a, b| a.url == b.url || site(a) == site(b)) {
            let Some(first) = of_site.first() else {
                continue;
            };
            block.clear();
            site::encode(of_site, &dictionaries, &mut block)?;
            writer.site(site(first), &block)?;
        }
        Ok(())
    }
}

/// Anchors in the order of site blocks: (folded, as written).
pub(crate) fn form_ranks(forms: &Interner) -> Ranks {
    let mut folded = Interner::default();
    let mut pairs: Vec<(u32, u32)> = Vec::with_capacity(forms.len());
    for form in 0..forms.len() as u64 as u32 {
        let text = fold(&String::from_utf8_lossy(forms.get(form)));
        pairs.push((folded.intern(text.as_bytes()).0, form));
    }
    let fold_ranks = folded.byte_ranks();
    for (fold, _) in &mut pairs {
        *fold = fold_ranks.rank(*fold);
    }
    pairs.sort_unstable_by(|a, b| {
        a.0.cmp(&b.0)
            .then_with(|| forms.get(a.1).cmp(forms.get(b.1)))
    });
    Ranks::of_order(pairs.into_iter().map(|(_, form)| form).collect())
}

fn rank_files(files: &mut [Digest]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..files.len() as u64 as u32).collect();
    order.sort_unstable_by_key(|&i| files.get(i as usize).copied());
    files.sort_unstable();
    Ranks::of_order(order).rank
}
