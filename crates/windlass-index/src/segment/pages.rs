//! The page table: keys and instants, in chunks of 64 pages.
//!
//! ```text
//! chunk := varint length | payload | CRC-32 of the payload u32
//! payload := page × up to 64
//! page := varint shared with the key before (0 for the first) | varint (length × 2 + coded)
//!       | rest of the key, if coded as symbols for SURTs | instants
//! instants := varint n | instant × n
//! instant := varint time | tag u8 | varint internal links | varint external links      tag & 8 = 0
//!            | varint origins (where tag & 16 = 0; else 1) | (varint file | varint offset) × origins
//!          | varint time | tag u8 | varint n | varint (time referred to + 1, or 0) × n      tag & 8 = 8
//!            | the same origins
//! ```
//! A key is the page's SURT. Pages are ordered by (site key of the registrable domain, SURT), instants by
//! time. The first time is what the page's latest real capture is after it, in zigzag; each further one
//! what it is after the one before. The tag's two lowest bits are the outcome, 4 says WARC.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::bytes::{Bytes, Corrupt, put_sized, put_varint, shared_prefix, u64_at};
use crate::instant::{self, Instant, Kinds};
use crate::paged::Paged;
use crate::symbols::{self, SURT};

/// Pages whose keys are coded together.
pub(super) const CHUNK: usize = 64;

/// Encodes one chunk.
#[derive(Debug, Default)]
pub(super) struct ChunkBuilder {
    n: usize,
    payload: Vec<u8>,
    last: Vec<u8>,
    codes: Vec<u8>,
}

impl ChunkBuilder {
    /// Adds a page, whose latest real capture was at `latest`.
    pub(super) fn push(&mut self, key: &[u8], instants: &[Instant], latest: u32) {
        let shared = shared_prefix(&self.last, key);
        put_varint(&mut self.payload, shared as u64);
        let rest = key.get(shared..).unwrap_or_default();
        self.codes.clear();
        SURT.encode(rest, &mut self.codes);
        let (rest, coded) = if self.codes.len() < rest.len() {
            (self.codes.as_slice(), 1)
        } else {
            (rest, 0)
        };
        put_varint(&mut self.payload, rest.len() as u64 * 2 + coded);
        self.payload.extend_from_slice(rest);
        instant::write(instants, latest, &mut self.payload);
        self.last.clear();
        self.last.extend_from_slice(key);
        self.n += 1;
    }

    pub(super) fn is_full(&self) -> bool {
        self.n == CHUNK
    }

    pub(super) fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// The chunk, and an empty builder.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let chunk = sealed(&self.payload);
        self.n = 0;
        self.payload.clear();
        self.last.clear();
        chunk
    }
}

/// A payload with its length before and its checksum behind it.
pub(super) fn sealed(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 9);
    put_sized(&mut out, payload);
    out.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
    out
}

/// Takes a sealed payload off, without verifying it: (payload, its checksum).
pub(super) fn unseal<'a>(bytes: &mut Bytes<'a>) -> Result<(&'a [u8], u32), Corrupt> {
    Ok((bytes.sized()?, bytes.u32()?))
}

/// Takes a sealed payload off and verifies it.
pub(super) fn unseal_verified<'a>(bytes: &mut Bytes<'a>) -> Result<&'a [u8], Corrupt> {
    let (payload, crc) = unseal(bytes)?;
    if crc32fast::hash(payload) == crc {
        Ok(payload)
    } else {
        Err(Corrupt("a checksum"))
    }
}

/// The chunks of a page table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunks<'a> {
    section: &'a [u8],
    index: &'a [u8],
    verified: &'a VerifiedChunks,
}

/// Which chunks of a page table have been verified.
#[derive(Debug)]
pub(super) struct VerifiedChunks(Vec<AtomicU64>);

impl VerifiedChunks {
    /// None yet, of so many.
    pub(super) fn new(chunks: usize) -> Self {
        Self(
            (0..chunks.div_ceil(64))
                .map(|_| AtomicU64::new(0))
                .collect(),
        )
    }
}

impl<'a> Chunks<'a> {
    pub(super) fn new(section: &'a [u8], index: &'a [u8], verified: &'a VerifiedChunks) -> Self {
        Self {
            section,
            index,
            verified,
        }
    }

    /// The pages of a chunk, which is verified when it is first touched.
    pub(super) fn open(&self, chunk: usize) -> Result<Bytes<'a>, Corrupt> {
        let offset = u64_at(self.index, chunk)?;
        let offset = usize::try_from(offset).map_err(|_| Corrupt("an offset"))?;
        let rest = self.section.get(offset..);
        let rest = rest.ok_or(Corrupt("an offset of pages"))?;
        let mut rest = Bytes::new(rest);
        let word = self.verified.0.get(chunk / 64);
        let (word, bit) = (word.ok_or(Corrupt("a page number"))?, 1 << (chunk % 64));
        if word.load(Ordering::Relaxed) & bit != 0 {
            return unseal(&mut rest).map(|(pages, _)| Bytes::new(pages));
        }
        let pages = unseal_verified(&mut rest)?;
        word.fetch_or(bit, Ordering::Relaxed);
        Ok(Bytes::new(pages))
    }
}

/// A page's key as it lies in a chunk. The page's instants come behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct CodedKey<'a> {
    /// How many bytes it has in common with the key before: all that are.
    pub(super) shared: usize,
    is_coded: bool,
    rest: &'a [u8],
}

impl<'a> CodedKey<'a> {
    pub(super) fn read(chunk: &mut Bytes<'a>) -> Result<Self, Corrupt> {
        let (shared, length) = match chunk.rest().head(2)? {
            // Most of them.
            [shared @ 0..0x80, length @ 0..0x80] => {
                chunk.stretch(2)?;
                (usize::from(*shared), usize::from(*length))
            }
            _ => (chunk.varint_usize()?, chunk.varint_usize()?),
        };
        Ok(Self {
            shared,
            is_coded: length % 2 == 1,
            rest: chunk.take(length / 2)?,
        })
    }

    /// Appends the bytes behind those in common.
    pub(super) fn append_rest(&self, key: &mut Vec<u8>) -> Result<(), Corrupt> {
        if self.is_coded {
            symbols::decode(SURT.entries(), self.rest, key)
        } else {
            key.extend_from_slice(self.rest);
            Ok(())
        }
    }

    /// Turns the key before into this one.
    pub(super) fn apply(&self, key: &mut Vec<u8>) -> Result<(), Corrupt> {
        if self.shared > key.len() {
            return Err(Corrupt("a page's key"));
        }
        key.truncate(self.shared);
        self.append_rest(key)
    }
}

/// Reads pages in order.
#[derive(Debug)]
pub(crate) struct PageIter<'a> {
    chunks: Chunks<'a>,
    latest: Paged<'a>,
    n: usize,
    next: usize,
    chunk: Bytes<'a>,
    key: Vec<u8>,
}

impl<'a> PageIter<'a> {
    /// Starts at page `first` of `n`.
    pub(super) fn new(
        chunks: Chunks<'a>,
        latest: Paged<'a>,
        n: usize,
        first: usize,
    ) -> Result<Self, Corrupt> {
        let start = first / CHUNK * CHUNK;
        let mut iter = Self {
            chunks,
            latest,
            n,
            next: start,
            chunk: Bytes::new(&[]),
            key: Vec::new(),
        };
        iter.go_to(first)?;
        Ok(iter)
    }

    /// Makes a page the next one. Costs least where it is a little further on.
    pub(crate) fn go_to(&mut self, page: usize) -> Result<(), Corrupt> {
        if page < self.next || page / CHUNK != self.next / CHUNK {
            self.next = page / CHUNK * CHUNK;
        }
        while self.next < page {
            if self.skip()?.is_none() {
                return Err(Corrupt("a page number"));
            }
        }
        Ok(())
    }

    /// The next page's instants; its key is then in [`key`](Self::key). `None` at the end.
    pub(crate) fn advance(&mut self) -> Result<Option<Vec<Instant>>, Corrupt> {
        if !self.advance_key()? {
            return Ok(None);
        }
        self.instants().map(Some)
    }

    /// Steps over a page, whose key is then in [`key`](Self::key): which kinds of instants it has.
    /// `None` at the end.
    pub(crate) fn skip(&mut self) -> Result<Option<Kinds>, Corrupt> {
        if !self.advance_key()? {
            return Ok(None);
        }
        instant::skip(&mut self.chunk).map(Some)
    }

    /// Reads the next page's key; its instants must be read or stepped over next.
    fn advance_key(&mut self) -> Result<bool, Corrupt> {
        if self.next >= self.n {
            return Ok(false);
        }
        if self.next.is_multiple_of(CHUNK) {
            self.chunk = self.chunks.open(self.next / CHUNK)?;
            self.key.clear();
        }
        CodedKey::read(&mut self.chunk)?.apply(&mut self.key)?;
        self.next += 1;
        Ok(true)
    }

    /// The next page whose key is not below `key`, if it comes before page `end`.
    pub(crate) fn seek(&mut self, key: &[u8], end: usize) -> Result<Option<Vec<Instant>>, Corrupt> {
        while self.next < end && self.advance_key()? {
            if self.key.as_slice() >= key {
                return self.instants().map(Some);
            }
            instant::skip(&mut self.chunk)?;
        }
        Ok(None)
    }

    fn instants(&mut self) -> Result<Vec<Instant>, Corrupt> {
        let latest = self.latest.get(self.next.saturating_sub(1))?;
        instant::read(&mut self.chunk, latest)
    }

    /// The SURT of the page last read.
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// The number of the page to be read next.
    pub(crate) fn position(&self) -> usize {
        self.next
    }
}
