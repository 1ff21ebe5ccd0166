//! Batches of neighbouring sites: what one thread merges at a time.

use std::hint::black_box;
use std::io::Write;
use std::ops::Range;

use super::pages::{Mapping, MergedPages};
use super::site::{Part, SiteMerger};
use super::union::Union;
use super::{Damage, Means, MergeError, Watch};
use crate::bytes::Corrupt;
use crate::fetch::{AT_ONCE, Fetching};
use crate::recaptured::CaptureTimes;
use crate::segment::{BlockShape, Segment, SegmentWriter, Side, WriteError};
use crate::site::{self, SiteEncoder};
use crate::stretch::Stretch;

/// A batch has so many sites, or so many bytes of blocks.
const BATCH_SITES: usize = 1 << 12;
const BATCH_BYTES: usize = 1 << 20;
/// Blocks up to this size are put together in memory.
const SMALL_BLOCK: u64 = 1 << 18;

/// Neighbouring sites.
#[derive(Debug, Default)]
pub(super) struct Batch<'a> {
    /// Their keys, one behind the other.
    keys: Vec<u8>,
    /// For each, where its key and its blocks end.
    ends: Vec<(usize, usize)>,
    /// Input, and what it has of the site, not yet verified.
    blocks: Vec<(usize, Stretch<'a>)>,
}

impl<'a> Batch<'a> {
    /// Each site's key, as a range of `keys`, with its blocks.
    fn sites(&self) -> impl Iterator<Item = (Range<usize>, &[(usize, Stretch<'a>)])> {
        let starts = std::iter::once((0, 0)).chain(self.ends.iter().copied());
        let ends = self.ends.iter().copied();
        starts
            .zip(ends)
            .map(|((key, block), (key_end, block_end))| {
                let blocks = self.blocks.get(block..block_end);
                (key..key_end, blocks.unwrap_or_default())
            })
    }
}

/// Sites that are merged.
pub(super) struct Merged<'a> {
    side: Side,
    keys: Vec<u8>,
    sites: Vec<MergedSite<'a>>,
    /// The small blocks.
    bytes: Vec<u8>,
}

struct MergedSite<'a> {
    key: Range<usize>,
    shape: BlockShape,
    block: Block<'a>,
}

impl MergedSite<'_> {
    /// Where its page numbers are among the small blocks' bytes: nowhere, where it was built and is large.
    fn head(&self) -> Range<usize> {
        match &self.block {
            Block::Small(block) => block.start..block.start + self.shape.head as usize,
            Block::Copied { head, .. } => head.clone(),
            Block::Built(_) => 0..0,
        }
    }
}

enum Block<'a> {
    /// A range of the small blocks' bytes.
    Small(Range<usize>),
    /// An input's block with other page numbers in front.
    Copied {
        head: Range<usize>,
        rest: &'a [u8],
    },
    Built(Box<SiteEncoder>),
}

/// What batches are made of, and made with.
#[derive(Clone, Copy)]
pub(super) struct Job<'a, 'w> {
    pub(super) side: Side,
    pub(super) inputs: &'w [&'a Segment],
    /// When the pages of each were really captured.
    pub(super) captures: &'w [CaptureTimes<'a>],
    pub(super) pages: &'a MergedPages,
    pub(super) means: &'w Means,
    pub(super) watch: Watch<'w>,
}

impl<'a> Job<'a, '_> {
    /// The next sites, with their blocks.
    pub(super) fn next_batch(self, sites: &mut Union<'_>) -> Result<Option<Batch<'a>>, MergeError> {
        let mut batch = Batch::default();
        let mut bytes = 0;
        while batch.ends.len() < BATCH_SITES && bytes < BATCH_BYTES {
            let site = sites.next_site();
            let Some((key, places)) = site.map_err(|damage| damage.error(self.inputs))? else {
                break;
            };
            batch.keys.extend_from_slice(key);
            for (input, offset) in places {
                let Some(segment) = self.inputs.get(*input) else {
                    continue;
                };
                let block = segment.stretch_of(self.side, *offset);
                let block = block.map_err(|e| MergeError::Input(segment.corrupt(e)))?;
                bytes += block.len();
                batch.blocks.push((*input, block));
            }
            batch.ends.push((batch.keys.len(), batch.blocks.len()));
        }
        Ok((!batch.ends.is_empty()).then_some(batch))
    }
}

pub(super) struct Worker<'a, 'w> {
    job: Job<'a, 'w>,
    merger: SiteMerger<'a>,
    encoder: SiteEncoder,
}

impl<'a, 'w> Worker<'a, 'w> {
    pub(super) fn new(job: Job<'a, 'w>) -> Self {
        Self {
            merger: SiteMerger::default(),
            encoder: SiteEncoder::new(&job.means.scratch),
            job,
        }
    }

    /// Merges the sites of a batch.
    pub(super) fn merge(&mut self, batch: Batch<'a>) -> Result<Merged<'a>, MergeError> {
        let mut merged = Merged {
            side: self.job.side,
            keys: Vec::new(),
            sites: Vec::new(),
            bytes: Vec::new(),
        };
        let mut sites = batch.sites();
        let mut some = Vec::new();
        loop {
            some.clear();
            for (key, blocks) in sites.by_ref().take(AT_ONCE) {
                some.push((key, self.verified(blocks)?));
            }
            if some.is_empty() {
                break;
            }
            self.fetch(some.iter().flat_map(|(_, blocks)| blocks));
            for (key, blocks) in some.drain(..) {
                self.site(key, &blocks, &mut merged)?;
            }
        }
        drop(sites);
        merged.keys = batch.keys;
        self.merger.report(self.job.watch)?;
        Ok(merged)
    }

    /// The blocks of a site, each with the number of its input.
    fn verified(
        &self,
        blocks: &[(usize, Stretch<'a>)],
    ) -> Result<Vec<(usize, &'a [u8])>, MergeError> {
        let verified = blocks.iter().map(|(input, block)| match block.all() {
            Ok(block) => Ok((*input, block)),
            Err(what) => Err(Damage {
                input: *input,
                what,
            }
            .error(self.job.inputs)),
        });
        verified.collect()
    }

    /// Fetches what is said of the first pages of blocks.
    fn fetch<'b>(&self, blocks: impl Iterator<Item = &'b (usize, &'a [u8])>)
    where
        'a: 'b,
    {
        let (mut touched, mut pages) = (0, Vec::new());
        for (input, block) in blocks {
            let Some(mapping) = self.job.pages.mappings.get(*input) else {
                continue;
            };
            pages.clear();
            site::append_first_pages(block, &mut pages);
            let numbers = pages.iter().flat_map(|page| mapping.number(*page));
            touched ^= numbers.fold(0, |a, number| a ^ number);
        }
        black_box(touched);
    }

    /// Merges a site. Where no link is left, nothing is added.
    fn site(
        &mut self,
        key: Range<usize>,
        blocks: &[(usize, &'a [u8])],
        merged: &mut Merged<'a>,
    ) -> Result<(), MergeError> {
        let job = self.job;
        let damage = |input, what| Damage { input, what }.error(job.inputs);
        if let [(input, block)] = blocks
            && let Some(mapping) = job.pages.mappings.get(*input)
            && !is_changed(block, mapping).map_err(|what| damage(*input, what))?
        {
            let copied = self.copy(key, (*input, block), mapping, merged);
            return copied.map_err(|what| damage(*input, what));
        }
        let (merger, encoder) = (&mut self.merger, &mut self.encoder);
        let parts = blocks.iter().filter_map(|(input, block)| {
            Some(Part {
                input: *input,
                block,
                captures: *job.captures.get(*input)?,
            })
        });
        if !merger.merge(job.inputs, job.pages, parts, encoder, job.watch)? {
            return Ok(());
        }
        encoder.close().map_err(WriteError::from)?;
        let shape = encoder.shape();
        let block = if shape.length > SMALL_BLOCK {
            let next = SiteEncoder::new(&job.means.scratch);
            Block::Built(Box::new(std::mem::replace(encoder, next)))
        } else {
            let start = merged.bytes.len();
            let written = encoder.write_to(&mut merged.bytes);
            written.map_err(WriteError::from)?;
            Block::Small(start..merged.bytes.len())
        };
        merged.sites.push(MergedSite { key, shape, block });
        Ok(())
    }

    /// Copies the block of a site that one input alone has.
    fn copy(
        &mut self,
        key: Range<usize>,
        (input, block): (usize, &'a [u8]),
        mapping: &Mapping,
        merged: &mut Merged<'a>,
    ) -> Result<(), Corrupt> {
        let links = site::counts(block)?;
        let start = merged.bytes.len();
        let mut has_other_dates = false;
        let page = |page| {
            let number = mapping.number(page)?;
            has_other_dates |= mapping.has_other_dates(number);
            Some(number)
        };
        let rest = site::renumber_pages(block, page, &mut merged.bytes)?;
        let head = start..merged.bytes.len();
        let shape = BlockShape {
            length: (head.len() + rest.len()) as u64,
            head: head.len() as u64,
            links,
            copied_from: (!has_other_dates).then_some(input),
        };
        let block = if rest.len() as u64 > SMALL_BLOCK {
            Block::Copied { head, rest }
        } else {
            merged.bytes.extend_from_slice(rest);
            Block::Small(start..merged.bytes.len())
        };
        self.merger.count(links.0 + links.1);
        merged.sites.push(MergedSite { key, shape, block });
        Ok(())
    }
}

/// Whether a block has pages of which it says something else than it said.
fn is_changed(block: &[u8], mapping: &Mapping) -> Result<bool, Corrupt> {
    if mapping.is_whole() {
        return Ok(false);
    }
    let mut pages = site::pages_of(block)?;
    for i in 0..pages.len() {
        let page = mapping.number(pages.get(i)?);
        if mapping.is_changed(page.ok_or(Corrupt("a page number"))?) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Merged<'_> {
    /// Bytes of memory held.
    pub(super) fn memory(&self) -> usize {
        let built = self.sites.iter().map(|site| match &site.block {
            Block::Built(encoder) => encoder.memory(),
            Block::Small(_) | Block::Copied { .. } => 0,
        });
        self.bytes.capacity() + self.keys.capacity() + built.sum::<usize>()
    }
}

/// Writes what was merged. Batches come in order.
pub(super) fn write_batch<W: Write>(
    merged: Merged<'_>,
    writer: &mut SegmentWriter<W>,
) -> Result<(), WriteError> {
    let bytes = |range: Range<usize>| merged.bytes.get(range).unwrap_or_default();
    let mut fetching = Fetching::default();
    let heads: Vec<Range<usize>> = merged.sites.iter().map(MergedSite::head).collect();
    for (at, site) in merged.sites.into_iter().enumerate() {
        if let Some(soon) = fetching.before(at..at + 1, heads.len()) {
            let heads = heads.get(soon).unwrap_or_default();
            writer.fetch(merged.side, heads.iter().map(|head| bytes(head.clone())));
        }
        let key = merged.keys.get(site.key).unwrap_or_default();
        match site.block {
            Block::Small(range) => {
                let block = bytes(range);
                writer.site_from_parts(merged.side, key, site.shape, |out| out.write_all(block))?;
            }
            Block::Copied { head, rest } => {
                let head = bytes(head);
                writer.site_from_parts(merged.side, key, site.shape, |out| {
                    out.write_all(head)?;
                    out.write_all(rest)
                })?;
            }
            Block::Built(mut encoder) => {
                writer
                    .site_from_parts(merged.side, key, site.shape, |out| encoder.write_to(out))?;
            }
        }
    }
    Ok(())
}
