//! The file's own bytes, with a bounded way back.

use std::io::{self, Read};

/// Bytes asked of the reader at once.
const READ_BYTES: usize = 256 << 10;

/// A buffered reader that remembers the bytes since its mark, up to a limit, so that a search for
/// the next gzip member can start inside a damaged one.
pub(crate) struct Source {
    inner: Box<dyn Read + Send>,
    buf: Vec<u8>,
    /// `buf[pos..end]` is read but not consumed; `buf[..pos]` can be gone back to.
    pos: usize,
    end: usize,
    /// Offset in the file of `buf[0]`.
    base: u64,
    /// The mark's offset in the file.
    mark: u64,
    look_back_bytes_max: usize,
    eof: bool,
    /// What went wrong in reading, to be told once the bytes before it are consumed.
    error: Option<io::Error>,
}

impl Source {
    pub(crate) fn new(inner: Box<dyn Read + Send>, look_back_bytes_max: usize) -> Self {
        Self {
            inner,
            buf: Vec::new(),
            pos: 0,
            end: 0,
            base: 0,
            mark: 0,
            look_back_bytes_max,
            eof: false,
            error: None,
        }
    }

    /// What is read and not yet consumed.
    pub(crate) fn available(&self) -> &[u8] {
        self.buf.get(self.pos..self.end).unwrap_or_default()
    }

    /// Offset in the file of the first byte of [`available`](Self::available).
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.pos as u64
    }

    /// Bytes that are held behind [`offset`](Self::offset) at most, and since the mark.
    pub(crate) fn look_back_bytes_max(&self) -> usize {
        self.look_back_bytes_max
    }

    /// Takes `n` of the available bytes.
    pub(crate) fn consume(&mut self, n: usize) {
        self.pos = self.pos.saturating_add(n).min(self.end);
    }

    /// Keeps the bytes from here on, up to the limit.
    pub(crate) fn mark(&mut self) {
        self.mark = self.offset();
    }

    /// Goes back to a file offset, or as near to it as is still held.
    pub(crate) fn rewind(&mut self, offset: u64) {
        let back = offset.saturating_sub(self.base);
        self.pos = usize::try_from(back).unwrap_or(self.end).min(self.end);
    }

    /// Reads until `n` bytes are available or the file ends; returns how many are available. An error
    /// counts as the end until the bytes before it are consumed.
    pub(crate) fn fill(&mut self, n: usize) -> io::Result<usize> {
        while self.end - self.pos < n && !self.eof {
            self.read_more();
        }
        match self.end - self.pos {
            0 => self.error.take().map_or(Ok(0), Err),
            available => Ok(available),
        }
    }

    fn read_more(&mut self) {
        self.make_room();
        let room = self.buf.get_mut(self.end..).unwrap_or_default();
        match self.inner.read(room) {
            Ok(0) => self.eof = true,
            Ok(n) => self.end += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => {
                self.error = Some(e);
                self.eof = true;
            }
        }
    }

    /// Drops what need not be kept once that is worth the move, and grows where room is short.
    fn make_room(&mut self) {
        let marked = usize::try_from(self.mark.saturating_sub(self.base)).unwrap_or(0);
        let keep_from = marked
            .min(self.pos)
            .max(self.pos.saturating_sub(self.look_back_bytes_max));
        let kept = self.end - keep_from;
        if keep_from >= READ_BYTES.max(kept) || keep_from == self.end {
            self.buf.copy_within(keep_from..self.end, 0);
            self.base += keep_from as u64;
            self.pos -= keep_from;
            self.end -= keep_from;
        }
        if self.buf.len() - self.end < READ_BYTES {
            self.buf.resize(self.end + READ_BYTES, 0);
        }
    }
}
