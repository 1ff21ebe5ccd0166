//! Writing the outgoing side, within a bound of memory.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use super::{CHUNK, FirstPages};
use crate::bytes::{Bytes, Corrupt, put_signed, put_sized, put_varint, varint_length};
use crate::segment::pages::sealed;
use crate::segment::writer::WriteError;
use crate::spool::{Scratch, Spool};

/// Collects which domains link to which sites, site by site, and puts it in the order of domains. Memory:
/// 20 bytes for each domain, and a part of the lists, or one of them, at a time.
#[derive(Debug)]
pub(in crate::segment) struct LinkedBuilder {
    starts: FirstPages,
    lists: Vec<ListSize>,
    /// (signed domain less the one before, varint offset less the one before in its list) × n.
    records: Spool,
    domain: u32,
    buffer: Vec<u8>,
    scratch: Arc<Scratch>,
}

/// What is known of a domain's list while it grows.
#[derive(Debug, Clone, Copy, Default)]
struct ListSize {
    last: u64,
    bytes: u32,
}

impl ListSize {
    /// The difference to the last offset, which then is this one.
    fn step(&mut self, offset: u64) -> u64 {
        offset.wrapping_sub(std::mem::replace(&mut self.last, offset))
    }
}

impl LinkedBuilder {
    pub(in crate::segment) fn new(scratch: &Arc<Scratch>) -> Self {
        Self {
            starts: FirstPages::default(),
            lists: Vec::new(),
            records: Spool::new(scratch),
            domain: 0,
            buffer: Vec::new(),
            scratch: Arc::clone(scratch),
        }
    }

    /// The next domain begins with this page.
    pub(in crate::segment) fn domain(&mut self, first_page: u32) {
        self.starts.push(first_page);
        self.lists.push(ListSize::default());
    }

    /// The site whose block is at this offset is linked to from the pages of that block, of which `head` has
    /// the numbers. Offsets ascend; all domains are there.
    pub(in crate::segment) fn site(&mut self, offset: u64, head: &[u8]) -> Result<(), WriteError> {
        let mut pages = crate::site::pages_of(head)?;
        let (lists, buffer, before) = (&mut self.lists, &mut self.buffer, &mut self.domain);
        buffer.clear();
        self.starts.domains_of(&mut pages, |domain| {
            let list = lists.get_mut(domain as usize);
            let list = list.ok_or(Corrupt("the domains"))?;
            let step = list.step(offset);
            let bytes = u64::from(list.bytes) + varint_length(step);
            list.bytes = u32::try_from(bytes)
                .map_err(|_| WriteError::TooLarge("the sites that one domain links to"))?;
            put_record(buffer, before, domain, step);
            Ok::<_, WriteError>(())
        })?;
        self.records.put(buffer);
        Ok(())
    }

    /// Writes the chunks, part by part, each of about so many bytes. Returns the offsets of the chunks.
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
            let mut placed = Placed::of(part.clone(), &self.lists);
            self.records
                .write_to(&mut Records::new(|domain, step| placed.put(domain, step)))?;
            placed.write(&self.lists, out, &mut offset, &mut index)?;
            return Ok(index);
        }
        // Records go to the part of their domain first.
        let first = |part: &Range<usize>| part.start as u64 as u32;
        let mut spools: Vec<(Spool, u32)> = parts
            .iter()
            .map(|part| (Spool::new(&self.scratch), first(part)))
            .collect();
        let mut buffer = Vec::new();
        let distribute = |domain: u32, step| {
            let part = parts.partition_point(|part| part.end <= domain as usize);
            if let Some((spool, before)) = spools.get_mut(part) {
                buffer.clear();
                put_record(&mut buffer, before, domain, step);
                spool.put(&buffer);
            }
        };
        self.records.write_to(&mut Records::new(distribute))?;
        for (part, (mut records, _)) in parts.into_iter().zip(spools) {
            let start = first(&part);
            let mut placed = Placed::of(part, &self.lists);
            let put = |domain, step| placed.put(domain, step);
            records.write_to(&mut Records::from(start, put))?;
            placed.write(&self.lists, out, &mut offset, &mut index)?;
        }
        Ok(index)
    }

    /// Ranges of domains, whole chunks each, with lists of about so many bytes.
    fn parts(&self, part_bytes: u64) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let (mut start, mut bytes) = (0, 0);
        for (chunk, lists) in self.lists.chunks(CHUNK).enumerate() {
            let more: u64 = lists.iter().map(|list| u64::from(list.bytes)).sum();
            if bytes > 0 && bytes + more > part_bytes {
                parts.push(start..chunk * CHUNK);
                (start, bytes) = (chunk * CHUNK, 0);
            }
            bytes += more;
        }
        parts.push(start..self.lists.len());
        parts
    }
}

/// Writes a record behind that of the domain `before`.
fn put_record(out: &mut Vec<u8>, before: &mut u32, domain: u32, step: u64) {
    let last = std::mem::replace(before, domain);
    put_signed(out, i64::from(domain) - i64::from(last));
    put_varint(out, step);
}

/// The lists of a range of domains, one behind the other.
struct Placed {
    domains: Range<usize>,
    bytes: Vec<u8>,
    /// Where the next number of each list goes.
    next: Vec<usize>,
}

impl Placed {
    fn of(domains: Range<usize>, lists: &[ListSize]) -> Self {
        let mut end = 0;
        let lists = lists.get(domains.clone()).unwrap_or_default();
        let starts = lists.iter().map(|list| {
            let start = end;
            end += list.bytes as usize;
            start
        });
        Self {
            next: starts.collect(),
            bytes: vec![0; end],
            domains,
        }
    }

    fn put(&mut self, domain: u32, step: u64) {
        let at = (domain as usize).wrapping_sub(self.domains.start);
        let Some(next) = self.next.get_mut(at) else {
            return;
        };
        let mut number = Vec::with_capacity(10);
        put_varint(&mut number, step);
        if let Some(place) = self.bytes.get_mut(*next..*next + number.len()) {
            place.copy_from_slice(&number);
        }
        *next += number.len();
    }

    fn write(
        &self,
        lists: &[ListSize],
        out: &mut impl Write,
        offset: &mut u64,
        index: &mut Spool,
    ) -> io::Result<()> {
        let mut rest = self.bytes.as_slice();
        let lists = lists.get(self.domains.clone()).unwrap_or_default();
        for of_chunk in lists.chunks(CHUNK) {
            let mut payload = Vec::new();
            for list in of_chunk {
                let (bytes, after) = rest
                    .split_at_checked(list.bytes as usize)
                    .unwrap_or_default();
                rest = after;
                put_sized(&mut payload, bytes);
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
    domain: u32,
    /// The beginning of a record whose end has not come.
    begun: Vec<u8>,
}

impl<F: FnMut(u32, u64)> Records<F> {
    fn new(each: F) -> Self {
        Self::from(0, each)
    }

    fn from(domain: u32, each: F) -> Self {
        Self {
            each,
            domain,
            begun: Vec::new(),
        }
    }

    /// Takes a record off; `None` where it is not whole.
    fn record(&mut self, bytes: &mut Bytes<'_>) -> Option<()> {
        let domain = bytes.signed().ok()? + i64::from(self.domain);
        let step = bytes.varint().ok()?;
        self.domain = u32::try_from(domain).ok()?;
        (self.each)(self.domain, step);
        Some(())
    }

    fn records(&mut self, bytes: &[u8]) -> usize {
        let mut rest = Bytes::new(bytes);
        let mut done = 0;
        while self.record(&mut rest).is_some() {
            done = bytes.len() - rest.rest().len();
        }
        done
    }
}

impl<F: FnMut(u32, u64)> Write for Records<F> {
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
