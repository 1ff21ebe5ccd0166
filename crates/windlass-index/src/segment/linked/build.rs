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

/// Collects which domains link to which sites, site by site, and puts it in the order of domains. Memory:
/// 4 bytes for each domain, and a part of the lists, or those of one chunk, at a time.
#[derive(Debug)]
pub(in crate::segment) struct LinkedBuilder {
    starts: FirstPages,
    /// How many records each chunk of domains has.
    counts: Vec<u32>,
    /// (domain, offset) × n, ordered by offset.
    records: Spool,
    last: Record,
    buffer: Vec<u8>,
    scratch: Arc<Scratch>,
}

/// A domain has pages that link to a site, whose block is at that offset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Record {
    domain: u32,
    offset: u64,
}

impl Record {
    /// Appends the next record, as what it is after this one, which then is that one: signed domain, varint
    /// offset.
    fn put_next(&mut self, next: Self, out: &mut Vec<u8>) {
        let last = std::mem::replace(self, next);
        put_signed(out, i64::from(next.domain) - i64::from(last.domain));
        put_varint(out, next.offset.wrapping_sub(last.offset));
    }

    /// Takes the next one off.
    fn take_next(self, bytes: &mut Bytes<'_>) -> Option<Self> {
        let domain = bytes.signed().ok()?.checked_add(i64::from(self.domain))?;
        let step = bytes.varint().ok()?;
        Some(Self {
            domain: u32::try_from(domain).ok()?,
            offset: self.offset.wrapping_add(step),
        })
    }
}

impl LinkedBuilder {
    pub(in crate::segment) fn new(scratch: &Arc<Scratch>) -> Self {
        Self {
            starts: FirstPages::default(),
            counts: Vec::new(),
            records: Spool::new(scratch),
            last: Record::default(),
            buffer: Vec::new(),
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

    /// The site whose block is at this offset is linked to from the pages of that block, of which `head` has
    /// the numbers. Offsets ascend; all domains are there.
    pub(in crate::segment) fn site(&mut self, offset: u64, head: &[u8]) -> Result<(), WriteError> {
        let mut pages = crate::site::pages_of(head)?;
        let (counts, buffer, last) = (&mut self.counts, &mut self.buffer, &mut self.last);
        buffer.clear();
        self.starts.domains_of(&mut pages, |domain| {
            let count = counts.get_mut(domain as usize / CHUNK);
            let count = count.ok_or(Corrupt("the domains"))?;
            *count = count
                .checked_add(1)
                .ok_or(WriteError::TooLarge("the sites that 64 domains link to"))?;
            last.put_next(Record { domain, offset }, buffer);
            Ok::<_, WriteError>(())
        })?;
        self.records.put(buffer);
        Ok(())
    }

    /// Writes the chunks, part by part, each of which takes about so many bytes of memory. Returns the offsets
    /// of the chunks.
    pub(in crate::segment) fn finish(
        mut self,
        part_bytes: u64,
        out: &mut impl Write,
    ) -> Result<Spool, WriteError> {
        let mut index = Spool::new(&self.scratch);
        let mut offset = 0;
        let parts = self.parts(part_bytes);
        self.starts = FirstPages::default();
        if let [part] = parts.as_slice() {
            let mut lists = Lists::of(part.clone());
            let put = |record| lists.put(record);
            self.records.write_to(&mut Records::new(put))?;
            lists.write(out, &mut offset, &mut index)?;
            return Ok(index);
        }
        // Records go to the part of their domain first.
        let scratch = self.scratch.shared_by(parts.len());
        let mut spools: Vec<(Spool, Record)> = parts
            .iter()
            .map(|_| (Spool::new(&scratch), Record::default()))
            .collect();
        let mut buffer = Vec::new();
        let distribute = |record: Record| {
            let part = parts.partition_point(|part| part.end <= record.domain as usize);
            if let Some((spool, last)) = spools.get_mut(part) {
                buffer.clear();
                last.put_next(record, &mut buffer);
                spool.put(&buffer);
            }
        };
        self.records.write_to(&mut Records::new(distribute))?;
        for (part, (mut records, _)) in parts.into_iter().zip(spools) {
            let mut lists = Lists::of(part);
            records.write_to(&mut Records::new(|record| lists.put(record)))?;
            lists.write(out, &mut offset, &mut index)?;
        }
        Ok(index)
    }

    /// Ranges of domains, whole chunks each, whose lists take about so many bytes while they grow.
    fn parts(&self, part_bytes: u64) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let (mut start, mut bytes) = (0, 0);
        for (chunk, count) in self.counts.iter().enumerate() {
            let more = LIST_BYTES * CHUNK as u64 + NUMBER_BYTES * u64::from(*count);
            if bytes > 0 && bytes + more > part_bytes {
                parts.push(start..chunk * CHUNK);
                (start, bytes) = (chunk * CHUNK, 0);
            }
            bytes += more;
        }
        parts.push(start..self.starts.len());
        parts
    }
}

/// The lists of a range of domains.
struct Lists {
    first: usize,
    lists: Vec<List>,
}

/// A list that grows, and the last offset in it.
#[derive(Debug, Clone, Default)]
struct List {
    last: u64,
    bytes: Vec<u8>,
}

impl Lists {
    fn of(domains: Range<usize>) -> Self {
        Self {
            first: domains.start,
            lists: vec![List::default(); domains.len()],
        }
    }

    /// Records come by offset.
    fn put(&mut self, record: Record) {
        let at = (record.domain as usize).wrapping_sub(self.first);
        if let Some(list) = self.lists.get_mut(at) {
            let last = std::mem::replace(&mut list.last, record.offset);
            put_varint(&mut list.bytes, record.offset.wrapping_sub(last));
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
    use crate::segment::linked::{LinkedCheck, for_each_offset};
    use crate::segment::pages::{Chunks, VerifiedChunks};

    fn offsets(chunks: &Chunks<'_>, domain: u32) -> Result<Vec<u64>, Corrupt> {
        let mut offsets = Vec::new();
        for_each_offset(chunks, domain, |offset| {
            offsets.push(offset);
            Ok::<_, Corrupt>(())
        })?;
        Ok(offsets)
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
                (1u64..100_000, prop::collection::vec(any::<prop::sample::Index>(), 1..40)),
                0..60,
            ),
            part_bytes in prop_oneof![Just(1), Just(64), Just(u64::MAX)],
        ) {
            let mut starts = Vec::new();
            let mut pages = 0;
            for width in &widths {
                starts.push(pages);
                pages += width;
            }
            let scratch = Scratch::new(std::env::temp_dir(), 50);
            let mut builder = LinkedBuilder::new(&scratch);
            starts.iter().for_each(|start| builder.domain(*start));
            let mut expected = vec![Vec::new(); starts.len()];
            let mut blocks = Vec::new();
            let mut offset = 0;
            for (step, linking) in &sites {
                let linking: BTreeSet<u32> = linking.iter().map(|index| index.index(pages as usize) as u32).collect();
                let domains: BTreeSet<usize> = linking.iter().map(|page| starts.partition_point(|start| start <= page) - 1).collect();
                for domain in domains {
                    expected[domain].push(offset);
                }
                builder.site(offset, &head(&linking)).unwrap();
                blocks.push((offset, head(&linking)));
                offset += step;
            }
            let mut section = Vec::new();
            let mut spool = builder.finish(part_bytes, &mut section).unwrap();
            let mut index = Vec::new();
            spool.write_to(&mut index).unwrap();
            let verified = VerifiedChunks::new(index.len() / 8);
            let chunks = Chunks::new(&section, &index, &verified);
            for (domain, sites) in (0..).zip(&expected) {
                prop_assert_eq!(&offsets(&chunks, domain).unwrap(), sites);
            }
            prop_assert!(offsets(&chunks, (starts.len() as u32).next_multiple_of(64)).is_err());
            let check = |blocks: &[(u64, Vec<u8>)]| {
                let mut check = LinkedCheck::new(&section, &index, (&starts, pages as usize))?;
                for (offset, block) in blocks {
                    check.site(*offset, block)?;
                }
                check.finish()
            };
            prop_assert_eq!(check(&blocks), Ok(()));
            if let Some((_, fewer)) = blocks.split_last() {
                prop_assert!(check(fewer).is_err());
                blocks.push((offset, blocks[0].1.clone()));
                prop_assert!(check(&blocks).is_err());
            }
        }
    }
}
