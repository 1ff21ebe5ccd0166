//! Writing the outgoing side, within a bound of memory.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use super::{CHUNK, FirstPages};
use crate::bytes::{Bytes, Corrupt, put_signed, put_sized, put_varint};
use crate::segment::pages::sealed;
use crate::segment::writer::WriteError;
use crate::spool::{Scratch, Spool};

/// What a domain and its list take while the list grows, about: the list's vector, and what of that is not
/// used yet.
const LIST_BYTES: u64 = 64;
/// And what each number takes in it.
const NUMBER_BYTES: u64 = 6;
/// How many ranges of domains there are at most.
const RANGES: usize = 64;

/// Collects which domains link to which sites, site by site, and puts it in the order of domains. Memory:
/// 4 bytes for each domain, and a part of the lists, or those of one chunk, at a time.
#[derive(Debug)]
pub(in crate::segment) struct LinkedBuilder {
    starts: FirstPages,
    /// How many records each chunk of domains has.
    counts: Vec<u32>,
    /// The records of each range of so many domains, which make lists that stay near the processor while they grow.
    /// There are none until all domains are known.
    ranges: Vec<RecordsBuilder>,
    range_length: usize,
    ranges_max: usize,
    fetched: Vec<u32>,
    scratch: Arc<Scratch>,
}

/// A domain has pages that link to a site, whose block has that number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Record {
    domain: u32,
    site: u32,
}

impl Record {
    /// Appends the next record, as what it is after this one, which then is that one: signed domain, varint
    /// site.
    fn put_next(&mut self, next: Self, out: &mut Vec<u8>) {
        let last = std::mem::replace(self, next);
        put_signed(out, i64::from(next.domain) - i64::from(last.domain));
        put_varint(out, next.site.wrapping_sub(last.site).into());
    }

    /// Takes the next one off.
    fn take_next(self, bytes: &mut Bytes<'_>) -> Option<Self> {
        let domain = bytes.signed().ok()?.checked_add(i64::from(self.domain))?;
        let step = bytes.varint_u32().ok()?;
        Some(Self {
            domain: u32::try_from(domain).ok()?,
            site: self.site.wrapping_add(step),
        })
    }
}

impl LinkedBuilder {
    pub(in crate::segment) fn new(scratch: &Arc<Scratch>) -> Self {
        Self {
            starts: FirstPages::default(),
            counts: Vec::new(),
            ranges: Vec::new(),
            range_length: 0,
            ranges_max: RANGES,
            fetched: Vec::new(),
            scratch: Arc::clone(scratch),
        }
    }

    /// The next domain begins with this page.
    pub(in crate::segment) fn domain(&mut self, first_page: u32) {
        if self.starts.len().is_multiple_of(CHUNK) {
            self.counts.push(0);
        }
        self.starts.push(first_page);
    }

    /// Fetches what is needed for the first pages of blocks, whose heads these are.
    pub(in crate::segment) fn fetch<'b>(&mut self, heads: impl Iterator<Item = &'b [u8]>) {
        self.fetched.clear();
        for head in heads {
            crate::site::append_first_pages(head, &mut self.fetched);
        }
        self.starts.fetch(&self.fetched);
    }

    /// The site whose block has this number is linked to from the pages of that block, of which `head` has
    /// the numbers. They come one after the other; all domains are there.
    pub(in crate::segment) fn site(&mut self, site: u32, head: &[u8]) -> Result<(), WriteError> {
        if self.ranges.is_empty() {
            self.begin();
        }
        let mut pages = crate::site::pages_of(head)?;
        let (counts, ranges) = (&mut self.counts, &mut self.ranges);
        let range_length = self.range_length.max(1);
        self.starts.domains_of(&mut pages, |domain| {
            let count = counts.get_mut(domain as usize / CHUNK);
            let count = count.ok_or(Corrupt("the domains"))?;
            *count = count
                .checked_add(1)
                .ok_or(WriteError::TooLarge("the sites that 64 domains link to"))?;
            if let Some(range) = ranges.get_mut(domain as usize / range_length) {
                range.put(Record { domain, site });
            }
            Ok::<_, WriteError>(())
        })
    }

    /// All domains are known.
    fn begin(&mut self) {
        self.range_length = self.starts.len().div_ceil(self.ranges_max);
        self.range_length = self.range_length.next_multiple_of(CHUNK);
        let ranges = self.starts.len().div_ceil(self.range_length.max(1)).max(1);
        let scratch = self.scratch.shared_by(ranges);
        self.ranges
            .resize_with(ranges, || RecordsBuilder::new(&scratch));
    }

    /// Writes the chunks, part by part, each of which takes at most about so many bytes of memory. Returns the
    /// offsets of the chunks.
    pub(in crate::segment) fn finish(
        mut self,
        part_bytes: u64,
        out: &mut impl Write,
    ) -> Result<Spool, WriteError> {
        if self.ranges.is_empty() {
            self.begin();
        }
        let mut index = Spool::new(&self.scratch);
        let mut offset = 0;
        let domains = self.starts.len();
        self.starts = FirstPages::default();
        let starts = (0..).step_by(self.range_length.max(1));
        for (start, records) in starts.zip(std::mem::take(&mut self.ranges)) {
            let range = start..domains.min(start + self.range_length);
            for (part, records) in self.parts(range, records, part_bytes)? {
                let mut lists = Lists::of(part);
                records.read(|record| lists.put(record))?;
                lists.write(out, &mut offset, &mut index)?;
            }
        }
        Ok(index)
    }

    /// The records of parts of a range of domains, whole chunks each, whose lists take about so many bytes while
    /// they grow.
    fn parts(
        &self,
        range: Range<usize>,
        records: RecordsBuilder,
        part_bytes: u64,
    ) -> io::Result<Vec<(Range<usize>, RecordsBuilder)>> {
        let mut parts = Vec::new();
        let (mut start, mut bytes) = (range.start, 0);
        for chunk in range.start / CHUNK..range.end.div_ceil(CHUNK) {
            let count = self.counts.get(chunk).copied().unwrap_or_default();
            let more = LIST_BYTES * CHUNK as u64 + NUMBER_BYTES * u64::from(count);
            if bytes > 0 && bytes + more > part_bytes {
                parts.push(start..chunk * CHUNK);
                (start, bytes) = (chunk * CHUNK, 0);
            }
            bytes += more;
        }
        parts.push(start..range.end);
        if parts.len() == 1 {
            return Ok(parts.into_iter().zip([records]).collect());
        }
        let scratch = self.scratch.shared_by(parts.len());
        let new = |part| (part, RecordsBuilder::new(&scratch));
        let mut parts: Vec<_> = parts.into_iter().map(new).collect();
        records.read(|record| {
            let at = parts.partition_point(|(part, _)| part.end <= record.domain as usize);
            if let Some((_, part)) = parts.get_mut(at) {
                part.put(record);
            }
        })?;
        Ok(parts)
    }
}

/// Records that are put aside.
#[derive(Debug)]
struct RecordsBuilder {
    spool: Spool,
    last: Record,
    buffer: Vec<u8>,
}

impl RecordsBuilder {
    fn new(scratch: &Arc<Scratch>) -> Self {
        Self {
            spool: Spool::new(scratch),
            last: Record::default(),
            buffer: Vec::new(),
        }
    }

    fn put(&mut self, record: Record) {
        self.buffer.clear();
        self.last.put_next(record, &mut self.buffer);
        self.spool.put(&self.buffer);
    }

    /// Calls `each` with all of them, in their order.
    fn read(mut self, each: impl FnMut(Record)) -> io::Result<()> {
        self.spool.write_to(&mut Records::new(each))
    }
}

/// The lists of a range of domains.
struct Lists {
    first: usize,
    lists: Vec<List>,
}

/// A list that grows, and the last site in it.
#[derive(Debug, Clone, Default)]
struct List {
    last: u32,
    bytes: Vec<u8>,
}

impl Lists {
    fn of(domains: Range<usize>) -> Self {
        Self {
            first: domains.start,
            lists: vec![List::default(); domains.len()],
        }
    }

    /// Records come by site.
    fn put(&mut self, record: Record) {
        let at = (record.domain as usize).wrapping_sub(self.first);
        if let Some(list) = self.lists.get_mut(at) {
            let last = std::mem::replace(&mut list.last, record.site);
            put_varint(&mut list.bytes, record.site.wrapping_sub(last).into());
        }
    }

    fn write(&self, out: &mut impl Write, offset: &mut u64, index: &mut Spool) -> io::Result<()> {
        for of_chunk in self.lists.chunks(CHUNK) {
            let mut payload = Vec::new();
            for list in of_chunk {
                put_sized(&mut payload, &list.bytes);
            }
            let chunk = sealed(&payload);
            index.put(&offset.to_le_bytes());
            *offset += chunk.len() as u64;
            out.write_all(&chunk)?;
        }
        Ok(())
    }
}

/// Reads records as they come, in pieces of any length.
struct Records<F> {
    each: F,
    last: Record,
    /// The beginning of a record whose end has not come.
    begun: Vec<u8>,
}

impl<F: FnMut(Record)> Records<F> {
    fn new(each: F) -> Self {
        Self {
            each,
            last: Record::default(),
            begun: Vec::new(),
        }
    }

    /// Takes the records off that are whole; how many bytes they have.
    fn records(&mut self, bytes: &[u8]) -> usize {
        let mut rest = Bytes::new(bytes);
        let mut done = 0;
        while let Some(record) = self.last.take_next(&mut rest) {
            self.last = record;
            (self.each)(record);
            done = bytes.len() - rest.rest().len();
        }
        done
    }
}

impl<F: FnMut(Record)> Write for Records<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.begun.is_empty() {
            let done = self.records(bytes);
            self.begun
                .extend_from_slice(bytes.get(done..).unwrap_or_default());
        } else {
            let mut begun = std::mem::take(&mut self.begun);
            begun.extend_from_slice(bytes);
            let done = self.records(&begun);
            begun.drain(..done);
            self.begun = begun;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::column::ColumnBuilder;
    use crate::segment::directory::SiteDirectory;
    use crate::segment::linked::{LinkedCheck, Numbered, SITES_A_START, for_each_site_of};
    use crate::segment::pages::{Chunks, VerifiedChunks};
    use crate::stretch::Stretch;

    fn sites_of(chunks: &Chunks<'_>, domain: u32) -> Result<Vec<u32>, Corrupt> {
        let mut sites = Vec::new();
        for_each_site_of(chunks, domain, |site| {
            sites.push(site);
            Ok::<_, Corrupt>(())
        })?;
        Ok(sites)
    }

    /// The beginning of a block with these pages.
    fn head(pages: &BTreeSet<u32>) -> Vec<u8> {
        let mut head = Vec::new();
        put_varint(&mut head, pages.len() as u64);
        let mut column = ColumnBuilder::default();
        pages.iter().for_each(|page| column.push(*page));
        column.finish(&mut head).unwrap();
        head
    }

    proptest! {
        #[test]
        fn each_domain_lists_the_sites_of_its_pages(
            widths in prop::collection::vec(1u32..5, 1..400),
            sites in prop::collection::vec(
                (0usize..300, prop::collection::vec(any::<prop::sample::Index>(), 1..40)),
                0..100,
            ),
            part_bytes in prop_oneof![Just(1), Just(64), Just(u64::MAX)],
            ranges_max in 1usize..6,
        ) {
            let mut starts = Vec::new();
            let mut pages = 0;
            for width in &widths {
                starts.push(pages);
                pages += width;
            }
            let scratch = Scratch::new(std::env::temp_dir(), 50);
            let mut builder = LinkedBuilder { ranges_max, ..LinkedBuilder::new(&scratch) };
            starts.iter().for_each(|start| builder.domain(*start));
            let mut expected = vec![Vec::new(); starts.len()];
            let mut blocks = Vec::new();
            let (mut all, mut site_starts) = (Vec::new(), Vec::new());
            for (site, (length, linking)) in (0u32..).zip(&sites) {
                let linking: BTreeSet<u32> = linking.iter().map(|index| index.index(pages as usize) as u32).collect();
                let domains: BTreeSet<usize> = linking.iter().map(|page| starts.partition_point(|start| start <= page) - 1).collect();
                for domain in domains {
                    expected[domain].push(site);
                }
                builder.site(site, &head(&linking)).unwrap();
                let offset = all.len() as u64;
                blocks.push((offset, head(&linking)));
                if site.is_multiple_of(SITES_A_START) {
                    site_starts.extend_from_slice(&offset.to_le_bytes());
                }
                put_sized(&mut all, &vec![0; *length]);
            }
            let mut section = Vec::new();
            let mut spool = builder.finish(part_bytes, &mut section).unwrap();
            let mut index = Vec::new();
            spool.write_to(&mut index).unwrap();
            let verified = VerifiedChunks::new(index.len() / 8);
            let chunks = Chunks::new(&section, &index, &verified);
            for (domain, sites) in (0..).zip(&expected) {
                prop_assert_eq!(&sites_of(&chunks, domain).unwrap(), sites);
            }
            let mut map = fst::MapBuilder::memory();
            for (site, (offset, _)) in blocks.iter().enumerate() {
                map.insert(format!("{site:05}"), *offset).unwrap();
            }
            let map = map.into_inner().unwrap();
            let directory = SiteDirectory::open(Stretch::trusted(&map), all.len()).unwrap();
            for sites in expected {
                let mut numbered = Numbered { directory: &directory, starts: &site_starts, at: None };
                for site in sites {
                    let found = numbered.go_to(site).unwrap();
                    let key = format!("{site:05}");
                    prop_assert_eq!(found.key(), key.as_bytes());
                    prop_assert_eq!(found.offset(), Some(blocks[site as usize].0));
                }
                prop_assert!(numbered.go_to((blocks.len() as u32).next_multiple_of(32)).is_err());
            }
            prop_assert!(sites_of(&chunks, (starts.len() as u32).next_multiple_of(64)).is_err());
            let check = |blocks: &[(u64, Vec<u8>)]| {
                let mut check = LinkedCheck::new(&section, &index, &site_starts, (&starts, pages as usize))?;
                for (offset, block) in blocks {
                    check.site(*offset, block)?;
                }
                check.finish()
            };
            prop_assert_eq!(check(&blocks), Ok(()));
            if let Some((_, fewer)) = blocks.split_last() {
                prop_assert!(check(fewer).is_err());
                blocks.push((all.len() as u64, blocks[0].1.clone()));
                prop_assert!(check(&blocks).is_err());
            }
        }
    }
}
