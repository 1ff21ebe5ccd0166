//! How the records are packed: plain, gzip or zstd; recognised by the first bytes, never by name.

use std::io;

use crate::gzip::{self, Gzip};
use crate::record::{Problem, ProblemKind};
use crate::source::Source;
use crate::start;
use crate::zst::Zst;

/// Bytes at the beginning of a file that tell how it is packed.
const DETECT_BYTES: usize = 64 << 10;

/// What one step of a decoder brought.
pub(crate) enum Step {
    /// So many bytes were written to the output.
    Data(usize),
    /// A member (gzip) or frame (zstd) begins at this offset of the file.
    Member(u64),
    /// The file ended where it may.
    End,
}

/// Why a decoder cannot go on.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The packed bytes at `offset` are damaged; [`Codec::recover`] looks for the next member.
    Damage {
        /// Of the damaged member, or of the bytes that are no member.
        offset: u64,
        /// The damage lies between members: no record is touched by it.
        between: bool,
        /// What was found and expected.
        message: String,
    },
    /// The file cannot be read any further.
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Fault {
    /// The same before the member has begun: what was read before is not touched by it.
    pub(crate) fn unbegun(mut self) -> Self {
        if let Self::Damage { between, .. } = &mut self {
            *between = true;
        }
        self
    }

    /// The fault as reported to the caller; `at` is where reading stood.
    pub(crate) fn into_problem(self, at: u64) -> Problem {
        match self {
            Self::Damage {
                offset, message, ..
            } => Problem {
                offset,
                kind: ProblemKind::Compression,
                message,
            },
            Self::Io(error) => Problem {
                offset: at,
                kind: ProblemKind::Io,
                message: format!("reading the file: {error}"),
            },
        }
    }
}

/// A decoder of one packing.
pub(crate) enum Codec {
    /// Not packed.
    Plain,
    /// gzip, in one or many members.
    Gzip(Box<Gzip>),
    /// zstd, in one or many frames, with or without a dictionary.
    Zst(Box<Zst>),
}

impl Codec {
    /// Chooses by the first bytes of the file.
    pub(crate) fn detect(source: &mut Source) -> io::Result<Self> {
        source.fill(DETECT_BYTES)?;
        let head = source.available();
        // A file that begins with damage is told by what comes behind it.
        let is_gzip = head.starts_with(&gzip::MAGIC)
            || start::find(head, None, true).is_none() && gzip::holds_member(head);
        Ok(if Zst::is_start(head) {
            Self::Zst(Box::new(Zst::new()))
        } else if is_gzip {
            Self::Gzip(Box::default())
        } else {
            Self::Plain
        })
    }

    /// Decodes some bytes into `out`, which must not be empty.
    pub(crate) fn step(&mut self, source: &mut Source, out: &mut [u8]) -> Result<Step, Fault> {
        match self {
            Self::Plain => {
                source.mark();
                source.fill(1)?;
                let input = source.available();
                let n = input.len().min(out.len());
                if let (Some(to), Some(from)) = (out.get_mut(..n), input.get(..n)) {
                    to.copy_from_slice(from);
                }
                source.consume(n);
                Ok(if n == 0 { Step::End } else { Step::Data(n) })
            }
            Self::Gzip(gzip) => gzip.step(source, out),
            Self::Zst(zst) => zst.step(source, out),
        }
    }

    /// After [`Fault::Damage`]: finds the next member that starts a record. False at the end of the
    /// file.
    pub(crate) fn recover(&mut self, source: &mut Source) -> io::Result<bool> {
        match self {
            Self::Plain => Ok(false),
            Self::Gzip(gzip) => gzip.recover(source),
            Self::Zst(zst) => zst.recover(source),
        }
    }
}

/// How many times the source's way back may be decoded again before reading gets past it.
const RETRIES_MAX: u64 = 4;

/// Decides where behind damage to look for the next member. Normally that is inside the damaged one, for
/// damage is noticed late. But members can be made that all fail at one place, each beginning a little
/// behind the one before: so what may be decoded again is bounded.
#[derive(Debug, Default)]
pub(crate) struct Retries {
    /// Where damage was noticed, at the farthest.
    noticed: u64,
    /// Packed bytes before that place that were decoded again.
    again_bytes: u64,
}

impl Retries {
    /// A member has ended well, at this offset of the file.
    pub(crate) fn ended_well(&mut self, at: u64) {
        if at >= self.noticed {
            self.again_bytes = 0;
        }
    }

    /// The offset to look from, after the member at `member_offset` has failed where the source stands.
    pub(crate) fn look_from(&mut self, source: &Source, member_offset: u64) -> u64 {
        let here = source.offset();
        self.again_bytes += here.min(self.noticed).saturating_sub(member_offset);
        self.noticed = self.noticed.max(here);
        let look_back = source.look_back_bytes_max() as u64;
        let next = member_offset + 1;
        if self.again_bytes > look_back.saturating_mul(RETRIES_MAX) {
            here.max(next)
        } else {
            next
        }
    }
}

/// Looks from `from` on for `magic` where `is_member` agrees, keeping no more than the source does.
/// Leaves the source at the place found.
pub(crate) fn find_member(
    source: &mut Source,
    from: u64,
    magic: &[u8],
    probe_bytes: usize,
    mut is_member: impl FnMut(&[u8]) -> bool,
) -> io::Result<bool> {
    let finder = memchr::memmem::Finder::new(magic);
    source.rewind(from);
    loop {
        source.mark();
        let got = source.fill(probe_bytes)?;
        if got < magic.len() {
            source.consume(got);
            return Ok(false);
        }
        match finder.find(source.available()) {
            Some(0) => {
                let probe = source.available();
                if is_member(probe.get(..probe_bytes).unwrap_or(probe)) {
                    return Ok(true);
                }
                source.consume(1);
            }
            Some(at) => source.consume(at),
            None => {
                let passed = source.available().len() - (magic.len() - 1);
                source.consume(passed);
            }
        }
    }
}
