//! Whole gzip members at once: about twice as fast as streaming them, where they are small.
//!
//! The decoder wants a member's length, packed and unpacked, beforehand, which gzip does not tell.
//! It is guessed: a member ends where the next one's magic stands, and its last four bytes are its
//! unpacked length. A wrong guess (the magic can stand inside packed data) does not decode or fails
//! the checksum; then the member is streamed, as are all that are long. So what is decoded is the
//! same either way, and damage is always found and told by the streaming decoder.

use std::io;

use crate::gzip::{self, MAGIC};
use crate::source::Source;

/// Longer members are streamed.
const PACKED_BYTES_MAX: usize = 1 << 20;
const UNPACKED_BYTES_MAX: usize = 4 << 20;

/// The shortest member: header, an empty block, trailer.
const PACKED_BYTES_MIN: usize = 20;

/// DEFLATE packs no tighter than this.
const RATIO_MAX: usize = 1032;

/// One decoded member, handed out piece by piece.
pub(crate) struct Member {
    decoder: libdeflater::Decompressor,
    bytes: Vec<u8>,
    given: usize,
    length: usize,
}

impl Member {
    pub(crate) fn new() -> Self {
        Self {
            decoder: libdeflater::Decompressor::new(),
            bytes: Vec::new(),
            given: 0,
            length: 0,
        }
    }

    /// Decodes the member that the source stands at and steps over it; false, and no step, where it
    /// has to be streamed.
    pub(crate) fn decode(&mut self, source: &mut Source) -> io::Result<bool> {
        let Some(packed) = packed_len(source)? else {
            return Ok(false);
        };
        let member = source.available().get(..packed).unwrap_or_default();
        let gzip::Header::Is(header) = gzip::header_len(member) else {
            return Ok(false);
        };
        let body = member.get(header..).unwrap_or_default();
        let Some((deflated, &[a, b, c, d, e, f, g, h])) = body.split_last_chunk() else {
            return Ok(false);
        };
        let length = usize::try_from(u32::from_le_bytes([e, f, g, h])).unwrap_or(usize::MAX);
        if length > UNPACKED_BYTES_MAX.min(packed.saturating_mul(RATIO_MAX)) {
            return Ok(false);
        }
        if self.bytes.len() < length {
            self.bytes.resize(length, 0);
        }
        let room = self.bytes.get_mut(..length).unwrap_or_default();
        // The decoder may stop before the end that was guessed; the checksum that stands there tells.
        if self.decoder.deflate_decompress(deflated, room) != Ok(length)
            || libdeflater::crc32(room) != u32::from_le_bytes([a, b, c, d])
        {
            return Ok(false);
        }
        source.consume(packed);
        self.given = 0;
        self.length = length;
        Ok(true)
    }

    /// Copies the next bytes of the member to `out`; 0 when all are given.
    pub(crate) fn give(&mut self, out: &mut [u8]) -> usize {
        let left = self.bytes.get(self.given..self.length).unwrap_or_default();
        let n = left.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..n), left.get(..n)) {
            to.copy_from_slice(from);
        }
        self.given += n;
        n
    }
}

/// How long the member is: to the next magic, or to the end of the file.
fn packed_len(source: &mut Source) -> io::Result<Option<usize>> {
    let mut searched = PACKED_BYTES_MIN;
    loop {
        let bytes = source.available();
        let rest = bytes.get(searched..).unwrap_or_default();
        if let Some(at) = memchr::memmem::find(rest, &MAGIC) {
            return Ok(Some(searched + at));
        }
        if bytes.len() >= PACKED_BYTES_MAX {
            return Ok(None);
        }
        let got = bytes.len();
        if source.fill(got + 1)? == got {
            return Ok((got >= PACKED_BYTES_MIN).then_some(got));
        }
        searched = got.saturating_sub(MAGIC.len() - 1).max(PACKED_BYTES_MIN);
    }
}
