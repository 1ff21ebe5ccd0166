//! Merging segments: the union of their captures and links (R14).
//!
//! Commutative, associative, idempotent: the result depends on the set of captures alone, to the
//! byte. Blocks of sites that one input alone has are copied, with their pages renumbered.

use std::collections::HashSet;
use std::io::Write;

use fst::Streamer;
use fst::map::OpBuilder;

use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::instant::{self, Instant};
use crate::intern::Interner;
use crate::run::form_ranks;
use crate::segment::{Counts, Digest, PageIter, Segment, SegmentWriter, WriteError};
use crate::sighting::{Dictionaries, Sighting, combine};
use crate::site::{self, SiteBlock};

/// Why a merge stopped.
#[derive(Debug)]
pub(crate) enum MergeError {
    /// An input is not what it should be.
    Input(IndexError),
    /// The output could not be written.
    Output(WriteError),
    /// The caller asked for it.
    Cancelled,
}

impl From<WriteError> for MergeError {
    fn from(error: WriteError) -> Self {
        Self::Output(error)
    }
}

/// How far a merge is, for progress: counted in captures, then in backlinks and other links.
pub(crate) trait MergeProgress {
    /// `done` more of the total are done; `false` to stop.
    fn advance(&mut self, done: u64) -> bool;
}

/// Merges segments into one. Memory: 8 bytes a page of each input, and the largest site that
/// several inputs have.
pub(crate) fn merge<W: Write>(
    inputs: &[&Segment],
    public_suffix_list: &str,
    out: W,
    progress: &mut dyn MergeProgress,
) -> Result<(W, Counts), MergeError> {
    let mut files: Vec<Digest> = inputs.iter().flat_map(|input| input.files()).collect();
    files.sort_unstable();
    files.dedup();
    let mut writer = SegmentWriter::new(out, public_suffix_list, &files)?;
    let mappings = merge_pages(inputs, &files, &mut writer, progress)?;
    merge_sites(inputs, &mappings, &mut writer, progress)?;
    Ok(writer.finish()?)
}

/// What merging the page tables says about one input.
#[derive(Debug, Default)]
struct Mapping {
    /// New number of each page.
    pages: Vec<u32>,
    /// Captures, by (new page, second), whose links are not taken because another input has them
    /// from a WARC (R14).
    outranked: HashSet<(u32, u32)>,
    /// The (new) pages of those captures.
    outranked_pages: HashSet<u32>,
}

struct PageCursor<'a> {
    segment: &'a Segment,
    iter: PageIter<'a>,
    domain: u32,
    domain_key: Vec<u8>,
    domain_end: u32,
    file_map: Vec<u32>,
    instants: Option<Vec<Instant>>,
}

impl<'a> PageCursor<'a> {
    fn new(segment: &'a Segment, files: &[Digest]) -> Result<Self, Corrupt> {
        let file_map = segment
            .files()
            .iter()
            .map(|file| files.binary_search(file).unwrap_or_default() as u64 as u32)
            .collect();
        let mut cursor = Self {
            segment,
            iter: segment.pages(0)?,
            domain: 0,
            domain_key: Vec::new(),
            domain_end: 0,
            file_map,
            instants: None,
        };
        cursor.advance()?;
        Ok(cursor)
    }

    fn advance(&mut self) -> Result<Option<Vec<Instant>>, Corrupt> {
        let page = self.iter.position() as u64 as u32;
        let next = match self.iter.advance()? {
            None => None,
            Some(mut instants) => {
                if page >= self.domain_end {
                    let domains = self.segment.domains()?;
                    self.domain_key = domains.key(self.domain)?;
                    self.domain_end = domains.range(self.domain as usize)?.1;
                    self.domain += 1;
                }
                for origin in instants.iter_mut().flat_map(|instant| &mut instant.origins) {
                    let file = self.file_map.get(origin.file as usize);
                    origin.file = *file.ok_or(Corrupt("the number of an archive file"))?;
                }
                Some(instants)
            }
        };
        Ok(std::mem::replace(&mut self.instants, next))
    }

    fn key(&self) -> Option<(&[u8], &[u8])> {
        self.instants
            .as_ref()
            .map(|_| (self.domain_key.as_slice(), self.iter.key()))
    }
}

fn merge_pages<W: Write>(
    inputs: &[&Segment],
    files: &[Digest],
    writer: &mut SegmentWriter<W>,
    progress: &mut dyn MergeProgress,
) -> Result<Vec<Mapping>, MergeError> {
    let mut cursors = Vec::new();
    let mut mappings: Vec<Mapping> = Vec::new();
    for segment in inputs {
        let cursor = PageCursor::new(segment, files);
        cursors.push(cursor.map_err(|e| MergeError::Input(segment.corrupt(e)))?);
        mappings.push(Mapping {
            pages: Vec::with_capacity(segment.page_count()),
            ..Mapping::default()
        });
    }
    let mut unreported = 0;
    while let Some((domain, key)) = cursors.iter().filter_map(PageCursor::key).min() {
        let (domain, key) = (domain.to_owned(), key.to_owned());
        let mut parts: Vec<(usize, Vec<Instant>)> = Vec::new();
        for (i, cursor) in cursors.iter_mut().enumerate() {
            if cursor.key() == Some((&domain, &key)) {
                let instants = cursor
                    .advance()
                    .map_err(|e| MergeError::Input(cursor.segment.corrupt(e)))?;
                parts.extend(instants.map(|instants| (i, instants)));
            }
        }
        unreported += parts
            .iter()
            .map(|(_, instants)| instants.len() as u64)
            .sum::<u64>();
        let united = match parts.as_slice() {
            [(_, only)] => only.clone(),
            _ => instant::unite(
                parts
                    .iter()
                    .flat_map(|(_, instants)| instants)
                    .cloned()
                    .collect(),
            ),
        };
        let number = writer.page(&domain, &key, &united)?;
        for (i, instants) in &parts {
            let Some(mapping) = mappings.get_mut(*i) else {
                continue;
            };
            mapping.pages.push(number);
            for instant in instants.iter().filter(|instant| instant.state.is_wat()) {
                let winner = united
                    .binary_search_by_key(&instant.time, |i| i.time)
                    .ok()
                    .and_then(|at| united.get(at));
                if winner.is_some_and(|winner| !winner.state.is_wat()) {
                    mapping.outranked.insert((number, instant.time.unix()));
                    mapping.outranked_pages.insert(number);
                }
            }
        }
        if unreported >= 4096 && !progress.advance(std::mem::take(&mut unreported)) {
            return Err(MergeError::Cancelled);
        }
    }
    if !progress.advance(unreported) {
        return Err(MergeError::Cancelled);
    }
    Ok(mappings)
}

fn merge_sites<W: Write>(
    inputs: &[&Segment],
    mappings: &[Mapping],
    writer: &mut SegmentWriter<W>,
    progress: &mut dyn MergeProgress,
) -> Result<(), MergeError> {
    let mut directories = Vec::new();
    for segment in inputs {
        directories.push(
            segment
                .directory()
                .map_err(|e| MergeError::Input(segment.corrupt(e)))?,
        );
    }
    let mut sites = directories
        .iter()
        .fold(OpBuilder::new(), OpBuilder::add)
        .union();
    let mut out = Vec::new();
    let mut unreported = 0;
    while let Some((key, places)) = sites.next() {
        out.clear();
        let mut draft = SiteDraft::default();
        let mut is_copied = false;
        for place in places {
            let (Some(segment), Some(mapping)) =
                (inputs.get(place.index), mappings.get(place.index))
            else {
                continue;
            };
            let input = |e| MergeError::Input(segment.corrupt(e));
            let block = segment.block_at(place.value).map_err(input)?;
            unreported += links_in(block).map_err(input)?;
            if places.len() == 1 && !has_outranked(block, mapping).map_err(input)? {
                let page = |page| mapping.pages.get(page as usize).copied();
                site::renumber_pages(block, page, &mut out).map_err(input)?;
                is_copied = true;
            } else {
                draft.add(block, mapping).map_err(input)?;
            }
        }
        if is_copied || draft.encode(&mut out).map_err(WriteError::from)? {
            writer.site(key, &out)?;
        }
        if unreported >= 1 << 16 && !progress.advance(std::mem::take(&mut unreported)) {
            return Err(MergeError::Cancelled);
        }
    }
    if progress.advance(unreported) {
        Ok(())
    } else {
        Err(MergeError::Cancelled)
    }
}

fn links_in(block: &[u8]) -> Result<u64, Corrupt> {
    site::counts(block).map(|(backlinks, others)| backlinks + others)
}

/// Whether a block has links of captures that are outranked, so that it cannot be copied.
fn has_outranked(block: &[u8], mapping: &Mapping) -> Result<bool, Corrupt> {
    if mapping.outranked.is_empty() {
        return Ok(false);
    }
    let mut pages = site::pages_of(block)?;
    for i in 0..pages.len() {
        let page = mapping
            .pages
            .get(pages.get(i)? as usize)
            .ok_or(Corrupt("a page number"))?;
        if mapping.outranked_pages.contains(page) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The sightings of one site, from several blocks.
#[derive(Default)]
struct SiteDraft {
    urls: Interner,
    forms: Interner,
    attrs: Interner,
    sightings: Vec<Sighting>,
}

impl SiteDraft {
    fn add(&mut self, block: &[u8], mapping: &Mapping) -> Result<(), Corrupt> {
        let mut block = SiteBlock::read(block)?;
        let (urls, forms, attrs) = (&mut self.urls, &mut self.forms, &mut self.attrs);
        let url_map = intern_all(block.urls, urls)?;
        let form_map = intern_all(block.forms, forms)?;
        let attr_map = intern_all(block.attrs, attrs)?;
        let sightings = &mut self.sightings;
        block.for_each_sighting(0..url_map.len(), |s| {
            let page = *mapping
                .pages
                .get(s.page as usize)
                .ok_or(Corrupt("a page number"))?;
            if mapping.outranked.contains(&(page, s.time)) {
                return Ok(());
            }
            let new = |map: &[u32], number: u32| {
                map.get(number as usize)
                    .copied()
                    .ok_or(Corrupt("a number in a site block"))
            };
            sightings.push(Sighting {
                url: new(&url_map, s.url)?,
                form: if s.other {
                    s.form
                } else {
                    new(&form_map, s.form)?
                },
                page,
                attr: new(&attr_map, s.attr)?,
                ..s
            });
            Ok(())
        })
    }

    /// Writes the block; `false` where no sighting is left.
    fn encode(mut self, out: &mut Vec<u8>) -> Result<bool, Corrupt> {
        let (url_ranks, form_ranks) = (self.urls.byte_ranks(), form_ranks(&self.forms));
        for sighting in &mut self.sightings {
            sighting.url = url_ranks.rank(sighting.url);
            if !sighting.other {
                sighting.form = form_ranks.rank(sighting.form);
            }
        }
        combine(&mut self.sightings, &mut self.attrs);
        if self.sightings.is_empty() {
            return Ok(false);
        }
        let (urls, forms) = (&self.urls, &self.forms);
        let dictionaries = Dictionaries {
            urls: &|rank| urls.get(url_ranks.number(rank)),
            forms: &|rank| forms.get(form_ranks.number(rank)),
            attrs: &self.attrs,
        };
        site::encode(&self.sightings, &dictionaries, out)?;
        Ok(true)
    }
}

fn intern_all(
    list: crate::strings::StringList<'_>,
    interner: &mut Interner,
) -> Result<Vec<u32>, Corrupt> {
    let mut map = Vec::new();
    let mut text = Vec::new();
    let mut iter = list.iter();
    while iter.next_into(&mut text)? {
        map.push(interner.intern(&text).0);
    }
    Ok(map)
}
