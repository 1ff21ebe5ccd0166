//! The decompressed stream as the record readers see it: a window that grows no further than it
//! must, knows where gzip members and zstd frames begin, and can be gone back in.

use std::collections::VecDeque;

use crate::codec::{Codec, Fault, Step};
use crate::record::Problem;
use crate::source::Source;
use crate::start::{self, Family};

/// Room that a decoder is given at least.
const STEP_BYTES: usize = 64 << 10;

/// A member begins: where in the decompressed stream, and where in the file.
#[derive(Debug, Clone, Copy)]
struct Member {
    at: u64,
    offset: u64,
}

/// Why no more bytes come.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The file ended where it may.
    End,
    /// It is damaged here; [`Window::recover`] goes on behind the damage.
    Fault(Fault),
}

/// How far [`Window::reach`] got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// As far as was asked.
    Full,
    /// So many bytes, then a member begins that starts a record.
    Record(usize),
    /// So many bytes, then nothing: see [`Window::stop`].
    Stop(usize),
}

/// A view of the decompressed stream. Positions are counted in decompressed bytes from the start of
/// the file; positions never go down over damage.
pub(crate) struct Window {
    source: Source,
    codec: Codec,
    buf: Vec<u8>,
    /// Position of `buf[0]`.
    base: u64,
    /// `buf[pin..]` is kept; `pin <= pos <= end`.
    pin: usize,
    pos: usize,
    end: usize,
    /// In order, each at a position of its own.
    members: VecDeque<Member>,
    /// [`reach`](Self::reach) has found no record at the members that begin behind where it looked from
    /// and up to here, so that none is looked at twice.
    no_record_until: u64,
    stop: Option<Stop>,
}

impl Window {
    pub(crate) fn new(source: Source, codec: Codec) -> Self {
        Self {
            source,
            codec,
            buf: Vec::new(),
            base: 0,
            pin: 0,
            pos: 0,
            end: 0,
            members: VecDeque::new(),
            no_record_until: 0,
            stop: None,
        }
    }

    /// The bytes from here on that are decoded already.
    pub(crate) fn available(&self) -> &[u8] {
        self.buf.get(self.pos..self.end).unwrap_or_default()
    }

    /// The position.
    pub(crate) fn position(&self) -> u64 {
        self.base + self.pos as u64
    }

    /// Bytes decoded so far.
    pub(crate) fn decoded(&self) -> u64 {
        self.base + self.end as u64
    }

    /// Bytes of the file consumed so far.
    pub(crate) fn file_offset(&self) -> u64 {
        self.source.offset()
    }

    /// Why no more bytes come, once that is so.
    pub(crate) fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// Keeps the bytes from here on; those before may go.
    pub(crate) fn pin(&mut self) {
        self.pin_at_most(0);
    }

    /// Keeps no more than `n` bytes behind the position.
    pub(crate) fn pin_at_most(&mut self, n: usize) {
        self.pin = self.pin.max(self.pos.saturating_sub(n));
        let pinned = self.base + self.pin as u64;
        // The member that holds the pin stays: it tells whether damage later on touches it.
        while self.members.get(1).is_some_and(|m| m.at <= pinned) {
            self.members.pop_front();
        }
    }

    /// Bytes that are kept behind the position.
    pub(crate) fn kept(&self) -> usize {
        self.pos - self.pin
    }

    /// The bytes from position `from` to position `to`, as far as they are kept.
    pub(crate) fn slice(&self, from: u64, to: u64) -> &[u8] {
        let index = |at: u64| usize::try_from(at.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let (from, to) = (index(from).max(self.pin), index(to).min(self.end));
        self.buf.get(from..to).unwrap_or_default()
    }

    /// Steps over `n` of the available bytes.
    pub(crate) fn advance(&mut self, n: usize) {
        self.pos = self.pos.saturating_add(n).min(self.end);
    }

    /// Goes to a position that is kept.
    pub(crate) fn seek(&mut self, to: u64) {
        let index = usize::try_from(to.saturating_sub(self.base)).unwrap_or(usize::MAX);
        self.pos = index.clamp(self.pin, self.end);
    }

    /// Decodes until `n` bytes are available, or no more come; returns how many are available.
    pub(crate) fn ensure(&mut self, n: usize) -> usize {
        while self.end - self.pos < n && self.stop.is_none() {
            self.make_room();
            let room = self.buf.get_mut(self.end..).unwrap_or_default();
            match self.codec.step(&mut self.source, room) {
                Ok(Step::Data(made)) => self.end += made,
                Ok(Step::Member(offset)) => self.begin_member(offset),
                Ok(Step::End) => self.stop = Some(Stop::End),
                Err(fault) => self.stop = Some(Stop::Fault(fault)),
            }
        }
        self.end - self.pos
    }

    fn begin_member(&mut self, offset: u64) {
        let at = self.decoded();
        // Empty members leave no trace.
        if self.members.back().is_some_and(|m| m.at == at) {
            self.members.pop_back();
        }
        self.members.push_back(Member { at, offset });
    }

    fn make_room(&mut self) {
        if self.buf.len() - self.end >= STEP_BYTES {
            return;
        }
        let kept = self.end - self.pin;
        if self.pin >= STEP_BYTES.max(kept) || kept == 0 {
            self.buf.copy_within(self.pin..self.end, 0);
            self.base += self.pin as u64;
            self.pos -= self.pin;
            self.end = kept;
            self.pin = 0;
        }
        if self.buf.len() - self.end < STEP_BYTES {
            // Grown by half, so that a long record is not copied over and over.
            let wanted = self.end + STEP_BYTES + self.end / 2;
            self.buf.resize(wanted, 0);
        }
    }

    /// Makes `n` bytes available, but does not cross into a member that starts a record: a record
    /// that is said to be longer is wrong about its length.
    pub(crate) fn reach(&mut self, n: usize) -> Reach {
        let got = self.ensure(n).min(n);
        let here = self.position();
        let known = here.max(self.no_record_until);
        let mut next = self.members.partition_point(|m| m.at <= known);
        while let Some(member) = self.members.get(next).copied() {
            next += 1;
            let ahead = usize::try_from(member.at - here).unwrap_or(usize::MAX);
            if ahead >= got {
                break;
            }
            self.ensure(ahead + start::LOOK_AHEAD_BYTES);
            if self.family_at(ahead).is_some() {
                return Reach::Record(ahead);
            }
            self.no_record_until = member.at;
        }
        if got == n {
            Reach::Full
        } else {
            Reach::Stop(got)
        }
    }

    /// The family of the record that starts `ahead` bytes from here, if one does.
    pub(crate) fn family_at(&mut self, ahead: usize) -> Option<Family> {
        // An ARC line may be long; a WARC's version line is not. Only what looks like the former
        // is read further.
        let mut wanted = start::LOOK_AHEAD_BYTES;
        loop {
            let got = self.ensure(ahead.saturating_add(wanted));
            let bytes = self.available().get(ahead..).unwrap_or_default();
            if let Some(family) = start::family(bytes) {
                return Some(family);
            }
            let whole_line = memchr::memchr(b'\n', bytes).is_some();
            let ended = got < ahead.saturating_add(wanted);
            if whole_line
                || ended
                || wanted >= start::ARC_LINE_BYTES_MAX
                || !start::may_begin(bytes)
            {
                return None;
            }
            wanted *= 4;
        }
    }

    /// Where a record that starts here is reported to be: at its member's offset in the file where
    /// it begins the member, else at its position.
    pub(crate) fn record_offset(&self) -> u64 {
        self.member_begun_here()
            .map_or_else(|| self.position(), |m| m.offset)
    }

    /// Whether a member begins at this position.
    pub(crate) fn at_member_start(&self) -> bool {
        self.member_begun_here().is_some()
    }

    fn member_begun_here(&self) -> Option<Member> {
        let here = self.position();
        let at = self.members.partition_point(|m| m.at < here);
        self.members.get(at).copied().filter(|m| m.at == here)
    }

    /// Whether the damage that stopped the stream lies in the member that begins at `at`, so that
    /// what was read from there cannot be trusted.
    pub(crate) fn fault_spoils(&self, at: u64) -> bool {
        match &self.stop {
            Some(Stop::Fault(Fault::Damage { between: false, .. })) => {
                self.members.back().is_some_and(|m| m.at == at)
            }
            _ => false,
        }
    }

    /// After a stop by a fault: reports it, drops what was decoded but not read, and goes on at the
    /// next member that starts a record. `None` where the stop is the plain end.
    pub(crate) fn recover(&mut self) -> Option<Problem> {
        let fault = match self.stop.take() {
            Some(Stop::Fault(fault)) => fault,
            end => {
                self.stop = end;
                return None;
            }
        };
        let is_io = matches!(fault, Fault::Io(_));
        let problem = fault.into_problem(self.source.offset());
        self.pos = self.end;
        self.pin = self.end;
        if is_io {
            self.stop = Some(Stop::End);
            return Some(problem);
        }
        match self.codec.recover(&mut self.source) {
            Ok(true) => {}
            Ok(false) => self.stop = Some(Stop::End),
            Err(error) => self.stop = Some(Stop::Fault(Fault::Io(error))),
        }
        Some(problem)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    #[test]
    fn members_that_are_passed_are_forgotten() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(b"x").unwrap();
        let file = encoder.finish().unwrap().repeat(50_000);
        let mut source = Source::new(Box::new(Cursor::new(file)), 1 << 20);
        let codec = Codec::detect(&mut source).unwrap();
        let mut window = Window::new(source, codec);
        while window.reach(1000) == Reach::Full {
            window.advance(1000);
            window.pin_at_most(100);
            // Those that are kept, and those that were looked ahead at.
            let most = 102 + start::LOOK_AHEAD_BYTES;
            assert!(window.members.len() <= most, "{}", window.members.len());
        }
        assert_eq!(window.position(), 50_000);
    }
}
