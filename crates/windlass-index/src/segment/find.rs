//! Keys of single pages, and pages by their keys, without decoding those around them.
//!
//! Keys are front-coded, so most of them need not be looked at. Of a page's own key the parts lie in those
//! keys before it that have less in common with their neighbours than any behind them. And of the keys
//! below one that is sought those that have more in common with the key before than the sought one has
//! are below it too, just as the key before is.

use std::cmp::Ordering;

use super::pages::{CHUNK, Chunks, CodedKey};
use super::reader::Segment;
use crate::bytes::{Bytes, Corrupt, shared_prefix};
use crate::instant::{self, Kinds};

/// Reads the keys of pages, whose numbers should ascend.
#[derive(Debug)]
pub(crate) struct PageKeys<'a> {
    chunks: Chunks<'a>,
    chunk: usize,
    /// What has not been read of the chunk.
    rest: Bytes<'a>,
    /// What has.
    keys: Vec<CodedKey<'a>>,
    /// Which of those make up a key, the last one first, and how much of each.
    parts: Vec<(usize, usize)>,
    kinds: Kinds,
}

impl<'a> PageKeys<'a> {
    pub(crate) fn new(segment: &'a Segment) -> Result<Self, Corrupt> {
        Ok(Self {
            chunks: segment.page_chunks()?,
            chunk: usize::MAX,
            rest: Bytes::new(&[]),
            keys: Vec::with_capacity(CHUNK),
            parts: Vec::new(),
            kinds: Kinds::default(),
        })
    }

    /// Reads the key of a page into `key`. Which kinds of instants it has.
    pub(crate) fn read(&mut self, page: u32, key: &mut Vec<u8>) -> Result<Kinds, Corrupt> {
        let (chunk, at) = (page as usize / CHUNK, page as usize % CHUNK);
        if chunk != self.chunk || self.keys.len() > at + 1 {
            self.chunk = usize::MAX;
            self.keys.clear();
            self.rest = self.chunks.open(chunk)?;
            self.chunk = chunk;
        }
        while self.keys.len() <= at {
            self.keys.push(CodedKey::read(&mut self.rest)?);
            self.kinds = instant::skip(&mut self.rest)?;
        }
        self.parts.clear();
        let mut length = usize::MAX;
        for (at, coded) in self.keys.iter().enumerate().rev() {
            if coded.shared < length {
                self.parts.push((at, length));
                length = coded.shared;
            }
            if length == 0 {
                break;
            }
        }
        key.clear();
        for (at, length) in self.parts.iter().rev() {
            let coded = self.keys.get(*at).ok_or(Corrupt("a page's key"))?;
            coded.apply(key)?;
            key.truncate(*length);
        }
        Ok(self.kinds)
    }
}

/// Finds pages by their keys, which should ascend.
#[derive(Debug)]
pub(crate) struct PageFinder<'a> {
    chunks: Chunks<'a>,
    keys: PageKeys<'a>,
    key: Vec<u8>,
    /// The chunk that was searched last, and in which domain.
    last: (usize, (u32, u32)),
}

impl<'a> PageFinder<'a> {
    pub(crate) fn new(segment: &'a Segment) -> Result<Self, Corrupt> {
        Ok(Self {
            chunks: segment.page_chunks()?,
            keys: PageKeys::new(segment)?,
            key: Vec::new(),
            last: (0, (0, 0)),
        })
    }

    /// The number of the page with this key among those of a registrable domain (see
    /// `Domains::range_of`), and which kinds of instants it has. The keys
    /// that are sought one after the other in a domain must ascend.
    pub(crate) fn find(
        &mut self,
        domain: (u32, u32),
        key: &[u8],
    ) -> Result<Option<(u32, Kinds)>, Corrupt> {
        let (start, end) = domain;
        if start >= end {
            return Ok(None);
        }
        let low = match self.last {
            (chunk, of_domain) if of_domain == domain => chunk,
            _ => start as usize / CHUNK,
        };
        let chunk = self.chunk_of(low, (end as usize).div_ceil(CHUNK), key)?;
        self.last = (chunk, domain);
        let first = (chunk * CHUNK).max(start as usize);
        let end = (end as usize).min((chunk + 1) * CHUNK);
        let found = self.find_in(first, end, key)?;
        Ok(found.map(|(page, kinds)| (page as u64 as u32, kinds)))
    }

    /// The page with this key, among pages of one chunk that are of one domain; at least one.
    fn find_in(
        &mut self,
        first: usize,
        end: usize,
        key: &[u8],
    ) -> Result<Option<(usize, Kinds)>, Corrupt> {
        let mut rest;
        let mut kinds;
        if first.is_multiple_of(CHUNK) {
            rest = self.chunks.open(first / CHUNK)?;
            self.key.clear();
            CodedKey::read(&mut rest)?.apply(&mut self.key)?;
            kinds = instant::skip(&mut rest)?;
        } else {
            kinds = self.keys.read(first as u64 as u32, &mut self.key)?;
            rest = self.keys.rest;
        }
        // How many bytes the sought key shares with the last key below it.
        let mut shared;
        match self.key.as_slice().cmp(key) {
            Ordering::Equal => return Ok(Some((first, kinds))),
            Ordering::Greater => return Ok(None),
            Ordering::Less => shared = shared_prefix(&self.key, key),
        }
        for page in first + 1..end {
            let coded = CodedKey::read(&mut rest)?;
            kinds = instant::skip(&mut rest)?;
            match coded.shared.cmp(&shared) {
                Ordering::Greater => continue,
                Ordering::Less => return Ok(None),
                Ordering::Equal => {}
            }
            self.key.clear();
            coded.append_rest(&mut self.key)?;
            let sought = key.get(shared..).unwrap_or_default();
            match self.key.as_slice().cmp(sought) {
                Ordering::Equal => return Ok(Some((page, kinds))),
                Ordering::Greater => return Ok(None),
                Ordering::Less => shared += shared_prefix(&self.key, sought),
            }
        }
        Ok(None)
    }

    /// The last of the chunks from `low` to before `high` that does not begin behind the key, or `low`.
    fn chunk_of(&mut self, mut low: usize, mut high: usize, key: &[u8]) -> Result<usize, Corrupt> {
        let mut step = 1;
        while low + step < high {
            if self.begins_behind(low + step, key)? {
                high = low + step;
            } else {
                low += step;
                step *= 2;
            }
        }
        while high.saturating_sub(low) > 1 {
            let middle = low + (high - low) / 2;
            if self.begins_behind(middle, key)? {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(low)
    }

    fn begins_behind(&mut self, chunk: usize, key: &[u8]) -> Result<bool, Corrupt> {
        self.key.clear();
        CodedKey::read(&mut self.chunks.open(chunk)?)?.apply(&mut self.key)?;
        Ok(self.key.as_slice() > key)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use windlass_archive::CaptureTime;
    use windlass_links::Source;
    use windlass_links::surt::KeyRange;

    use super::*;
    use crate::document::Document;
    use crate::instant::{Instant, Origin, Shown, State};
    use crate::segment::SegmentWriter;
    use crate::spool::Scratch;

    /// By a number: a capture from a WARC or a WAT, a revisit, or two of them, from one place or two.
    fn instants(n: u8) -> Vec<Instant> {
        let instant = |time, state, origins: u32| Instant {
            time: CaptureTime::from_unix(time),
            state,
            origins: (0..origins)
                .map(|file| Origin {
                    file,
                    offset: u64::from(n) << (8 * file),
                })
                .collect(),
        };
        let real = |source| State::Real {
            shown: Shown::Html,
            source,
            internal: u32::from(n) * 100,
            external: 1,
            document: Document {
                status: Some(200 + u16::from(n) % 3),
                title: (n % 5 > 1).then(|| format!("title {}", n % 4).into()),
            },
        };
        let origins = 1 + u32::from(n) % 2;
        match n % 4 {
            0 => vec![instant(10, real(Source::Warc), origins)],
            1 => vec![instant(10, real(Source::Wat), origins)],
            2 => vec![
                instant(10, real(Source::Wat), origins),
                instant(20, State::Revisit(vec![None]), origins),
            ],
            _ => vec![
                instant(10, real(Source::Wat), 1),
                instant(20, real(Source::Warc), origins),
            ],
        }
    }

    fn kinds(n: u8) -> Kinds {
        Kinds {
            has_wat: !n.is_multiple_of(4),
            has_warc: matches!(n % 4, 0 | 3),
            has_revisits: n % 4 == 2,
        }
    }

    fn segment(pages: &[(u8, Vec<u8>)]) -> Segment {
        let scratch = Scratch::new(std::path::PathBuf::new(), usize::MAX);
        let files = [[0; 32], [1; 32]];
        let mut writer = SegmentWriter::new(Vec::new(), "", &files, &scratch).unwrap();
        for (n, (domain, key)) in pages.iter().enumerate() {
            writer.page(&[*domain], key, &instants(n as u8)).unwrap();
        }
        Segment::from_bytes(writer.finish().unwrap().0).unwrap()
    }

    fn arb_key() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            "[ab]{0,7}",
            "com\u{2}(example|site)\u{2}www\u{1}/(index|page)?[0-9]{0,3}(\\.html)? https?",
        ]
        .prop_map(String::into_bytes)
    }

    proptest! {
        #[test]
        fn keys_are_read_and_found_as_they_were_written(
            pages in prop::collection::btree_set((b'a'..b'd', arb_key()), 1..400),
            sought in prop::collection::btree_set((b'a'..b'e', arb_key()), 0..60),
            some in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
        ) {
            let pages: Vec<(u8, Vec<u8>)> = pages.into_iter().collect();
            let segment = segment(&pages);
            let (mut keys, mut key) = (PageKeys::new(&segment).unwrap(), Vec::new());
            let forth = 0..pages.len();
            let here_and_there = some.iter().map(|index| index.index(pages.len()));
            for number in forth.clone().chain(here_and_there).chain(forth.step_by(7)) {
                let found = keys.read(number as u32, &mut key).unwrap();
                prop_assert_eq!(&key, &pages[number].1);
                prop_assert_eq!(found, kinds(number as u8));
            }
            prop_assert!(keys.read((pages.len() as u32).next_multiple_of(64), &mut key).is_err());
            // Those that are there, and others.
            let all: BTreeSet<_> = pages.iter().cloned().collect();
            let mut finder = PageFinder::new(&segment).unwrap();
            let domains = segment.domains().unwrap();
            for (start, end) in sought.iter().zip(sought.iter().skip(3)) {
                let range = KeyRange { start: start.1.clone(), end: end.1.clone() };
                let is_in = |(domain, key): &(u8, Vec<u8>)| *domain == start.0 && *key >= range.start && *key < range.end;
                let expected: Vec<u32> = (0u32..).zip(&pages).filter(|(_, page)| is_in(page)).map(|(number, _)| number).collect();
                let found = match domains.range_of(&[start.0]).unwrap() {
                    Some(domain) => segment.pages_in(domain, &range).unwrap(),
                    None => 0..0,
                };
                prop_assert_eq!(found.collect::<Vec<_>>(), expected);
            }
            for page in all.union(&sought) {
                let found = match domains.range_of(&[page.0]).unwrap() {
                    Some(range) => finder.find(range, &page.1).unwrap(),
                    None => None,
                };
                let number = pages.binary_search(page).ok();
                let expected = number.map(|number| (number as u32, kinds(number as u8)));
                prop_assert_eq!(found, expected);
            }
        }
    }
}
