//! Where a record's content ends: by its length where that is right, else by the next record's
//! start.

use crate::codec::Fault;
use crate::start::{self, Family, LOOK_AHEAD_BYTES};
use crate::warc;
use crate::window::{Reach, Stop, Window};

/// Bytes that are passed over at once.
const STEP_BYTES: usize = 128 << 10;
/// Bytes kept behind the position while content is passed over that is too long to be held, to look for a
/// swallowed record in.
const LOOK_BACK_BYTES: usize = 256 << 10;

/// How the claimed length compares with what was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As claimed.
    Right,
    /// Not as claimed; the content was taken up to the next record.
    Wrong(String),
    /// The file ends before the content does.
    CutShort(String),
    /// The content lies in damaged bytes.
    Spoiled,
}

/// A record's content as found. Behind it the window stands at the next record, at padding, or
/// where the stream stopped.
#[derive(Debug)]
pub(crate) struct Framed {
    held: Held,
    /// There was more than is held.
    pub(crate) cut: bool,
    pub(crate) ending: Ending,
}

#[derive(Debug)]
enum Held {
    /// Between two positions of the window.
    Window(u64, u64),
    Owned(Vec<u8>),
}

impl Framed {
    /// The content's bytes, up to the limit.
    pub(crate) fn bytes<'a>(&'a self, window: &'a Window) -> &'a [u8] {
        match &self.held {
            Held::Window(from, to) => window.slice(*from, *to),
            Held::Owned(bytes) => bytes,
        }
    }
}

/// A record whose header has been read; the window stands at its content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) family: Family,
    /// Position of the record's first byte, where it begins a member.
    pub(crate) member_at: Option<u64>,
    /// The length that the header claims.
    pub(crate) claimed: u64,
}

impl Frame {
    /// Goes over the content, keeping its first `bytes_max` bytes.
    pub(crate) fn read(self, window: &mut Window, bytes_max: usize) -> Framed {
        self.go(window, bytes_max, bytes_max)
    }

    /// Goes over content that is not wanted. Where it is no longer than `bytes_max`, it is held until its
    /// end is known, so that no record in it is lost to a wrong length.
    pub(crate) fn pass(self, window: &mut Window, bytes_max: usize) -> Ending {
        self.go(window, 0, bytes_max).ending
    }

    fn go(self, window: &mut Window, keep: usize, hold: usize) -> Framed {
        window.pin();
        let from = window.position();
        let mut owned = (keep == 0).then(Vec::new);
        let reached = match usize::try_from(self.claimed).ok().filter(|n| *n <= hold) {
            Some(claimed) => step(window, claimed),
            None => {
                let is_long = window.reach(hold) == Reach::Full;
                if is_long && owned.is_none() {
                    owned = window.available().get(..keep).map(<[u8]>::to_vec);
                }
                // Content that ends within `hold`, against its claim, stays in the window.
                let look_back = if is_long { LOOK_BACK_BYTES } else { hold };
                pass(window, self.claimed, look_back.max(LOOK_BACK_BYTES))
            }
        };
        let cut = owned.is_some();
        let mut held = owned.map_or(Held::Window(from, window.position()), Held::Owned);
        let ending = self.end(window, from, reached, &mut held, keep);
        Framed { held, cut, ending }
    }

    /// Finds out whether the content ends where it was claimed to, and goes to where it does end.
    fn end(
        self,
        window: &mut Window,
        from: u64,
        reached: Reach,
        held: &mut Held,
        keep: usize,
    ) -> Ending {
        match reached {
            Reach::Record(_) => {
                held.give_back_separator(window);
                return self
                    .wrong("the next gzip member or zstd frame starts a record before that");
            }
            Reach::Stop(_) if matches!(window.stop(), Some(Stop::Fault(_))) => {
                return Ending::Spoiled;
            }
            Reach::Stop(_) | Reach::Full => {}
        }
        let end = window.position();
        let mut is_separated = false;
        if reached == Reach::Full {
            match self.separator(window) {
                Separator::Good => return Ending::Right,
                Separator::Odd { lines, swallowed } => {
                    held.give_back(swallowed);
                    return self.wrong(&format!("{lines} line ends instead of two come behind it"));
                }
                Separator::Spoiled => return Ending::Spoiled,
                Separator::Missing { lines } => is_separated = lines == 2,
            }
        }
        let held_from = window.position() - window.kept() as u64;
        let unsearched = held_from.saturating_sub(from);
        if let Some(at) = self.look_back(window, from) {
            held.end_at(from, at, window);
            window.seek(at);
            return self.wrong(&searched("another record starts before that", unsearched));
        }
        if reached != Reach::Full {
            let found = searched("the file ends before that", unsearched);
            return Ending::CutShort(self.message(&found));
        }
        if is_separated && warc::has_empty_line(window.slice(from, end)) {
            // The length is right, and what is wrong comes behind the record — unless the two line
            // ends are those behind the HTTP header.
            return Ending::Right;
        }
        window.seek(end);
        // The content goes on: it is taken up to the next record if it fits.
        let mut bytes = match held {
            Held::Window(from, to) => window.slice(*from, *to).to_vec(),
            Held::Owned(_) => Vec::new(),
        };
        let claimed = bytes.len();
        find_next(window, Some(self.family), |more| {
            if bytes.len() <= keep {
                bytes.extend_from_slice(more);
            }
        });
        if matches!(held, Held::Window(..)) {
            if bytes.len() > keep {
                bytes.truncate(claimed);
            }
            bytes.truncate(without_separator(&bytes));
            *held = Held::Owned(bytes);
        }
        if self.is_spoiled(window) {
            return Ending::Spoiled;
        }
        self.wrong(&searched(
            "the next record does not start there",
            unsearched,
        ))
    }

    fn wrong(self, found: &str) -> Ending {
        Ending::Wrong(self.message(found))
    }

    fn message(self, found: &str) -> String {
        format!(
            "the record is said to hold {} bytes, but {found}",
            self.claimed
        )
    }

    /// Whether damage has come up in the very member that the record began.
    fn is_spoiled(self, window: &Window) -> bool {
        self.member_at.is_some_and(|at| window.fault_spoils(at))
    }

    /// The start of a record that the content has swallowed.
    fn look_back(self, window: &mut Window, from: u64) -> Option<u64> {
        window.ensure(LOOK_AHEAD_BYTES);
        let here = window.position();
        let from = from.max(here - window.kept() as u64);
        let bytes = window.slice(from, here + LOOK_AHEAD_BYTES as u64);
        let at = start::find(bytes, Some(self.family), false)?;
        Some(from + at as u64).filter(|at| *at < here)
    }

    /// Steps over what separates two records: two line ends in a WARC, one in an ARC — which is
    /// often more in practice, and of no use to tell a wrong length. Before the end of a member or of
    /// the file any number will do: writers leave them out there, and a length that takes them in
    /// cannot be told from that.
    fn separator(self, window: &mut Window) -> Separator {
        let end = window.position();
        let (lines, next) = self.line_ends(window);
        let content_end = window.slice(end.saturating_sub(4), end).to_vec();
        let is_split = content_end.ends_with(b"\r") && window.slice(end, end + 1) == b"\n";
        match (next, self.family) {
            (Next::Spoiled, _) => Separator::Spoiled,
            (Next::Other, _) => Separator::Missing { lines },
            (Next::Record(Family::Warc), Family::Warc) if lines != 2 || is_split => {
                // Where the separator is short, the content may have swallowed the rest of it.
                let missing = 2usize.saturating_sub(lines);
                let kept = without_line_ends(&content_end, missing, is_split);
                Separator::Odd {
                    lines,
                    swallowed: kept.map_or(0, |kept| content_end.len() - kept),
                }
            }
            (Next::Record(_) | Next::End | Next::Padding, _) => Separator::Good,
        }
    }

    /// Steps over line ends, counting them, and tells what comes then.
    fn line_ends(self, window: &mut Window) -> (usize, Next) {
        let mut lines = 0;
        for stepped in 0..LOOK_AHEAD_BYTES {
            if stepped > 0 && window.at_member_start() {
                return (lines, Next::End);
            }
            window.ensure(1);
            match window.available().first() {
                Some(b'\n') => lines += 1,
                Some(b'\r') => {}
                Some(0) => return (lines, Next::Padding),
                Some(_) => break,
                None if self.is_spoiled(window) => return (lines, Next::Spoiled),
                None => return (lines, Next::End),
            }
            window.advance(1);
        }
        if window.at_member_start() {
            return (lines, Next::End);
        }
        (lines, window.family_at(0).map_or(Next::Other, Next::Record))
    }
}

impl Held {
    /// Takes from the content's end what belongs to the separator.
    fn give_back(&mut self, bytes: usize) {
        if let Self::Window(from, to) = self {
            *to = to.saturating_sub(bytes as u64).max(*from);
        }
    }

    /// Takes a whole separator from the content's end.
    fn give_back_separator(&mut self, window: &Window) {
        if let Self::Window(from, to) = self {
            *to = *from + without_separator(window.slice(*from, *to)) as u64;
        }
    }

    /// Ends the content where the next record starts.
    fn end_at(&mut self, from: u64, at: u64, window: &Window) {
        match self {
            Self::Window(start, end) => {
                let length = without_separator(window.slice(*start, at));
                *end = *start + length as u64;
            }
            Self::Owned(bytes) => {
                let length = usize::try_from(at - from).unwrap_or(usize::MAX);
                bytes.truncate(length);
            }
        }
    }
}

enum Separator {
    Good,
    /// Not two line ends, of which the content has swallowed so many bytes.
    Odd {
        lines: usize,
        swallowed: usize,
    },
    /// Something else than a record comes behind so many line ends.
    Missing {
        lines: usize,
    },
    Spoiled,
}

/// What comes behind the line ends behind a record.
enum Next {
    Record(Family),
    /// A member's or the file's end.
    End,
    Padding,
    Other,
    Spoiled,
}

/// The length of `bytes` without the last `count` line ends; `None` where there are fewer. The CR
/// of one that `is_split` from its LF goes first.
fn without_line_ends(bytes: &[u8], count: usize, is_split: bool) -> Option<usize> {
    let mut rest = bytes;
    if is_split {
        rest = rest.strip_suffix(b"\r")?;
    }
    for _ in 0..count {
        let line = rest.strip_suffix(b"\n")?;
        rest = line.strip_suffix(b"\r").unwrap_or(line);
    }
    Some(rest.len())
}

/// What was found, and how much of the content was too long ago to look for other records in.
fn searched(found: &str, unsearched: u64) -> String {
    match unsearched {
        0 => found.to_owned(),
        n => format!("{found}; other records in its first {n} bytes are left out"),
    }
}

/// The length of content without the separator at its end, or what there is of it.
fn without_separator(bytes: &[u8]) -> usize {
    let without = |count| without_line_ends(bytes, count, false);
    without(2).or_else(|| without(1)).unwrap_or(bytes.len())
}

/// Steps over up to `n` bytes, all of them kept.
fn step(window: &mut Window, n: usize) -> Reach {
    let reached = window.reach(n);
    window.advance(match reached {
        Reach::Full => n,
        Reach::Record(n) | Reach::Stop(n) => n,
    });
    reached
}

/// Steps over up to `n` bytes, keeping the last `look_back` of them.
fn pass(window: &mut Window, n: u64, look_back: usize) -> Reach {
    let mut left = n;
    loop {
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(STEP_BYTES);
        let reached = step(window, now);
        left -= now as u64;
        if left == 0 || reached != Reach::Full {
            return reached;
        }
        if window.at_member_start() && window.family_at(0).is_some() {
            return Reach::Record(0);
        }
        window.pin_at_most(look_back);
    }
}

/// Goes to the next start of a record, or to where the stream stops, handing on what it passes.
pub(crate) fn find_next(
    window: &mut Window,
    family: Option<Family>,
    mut passed: impl FnMut(&[u8]),
) {
    let mut at_line_start = false;
    loop {
        if window.at_member_start() && window.family_at(0).is_some() {
            return;
        }
        let (within, is_last) = match window.reach(STEP_BYTES) {
            Reach::Full => (STEP_BYTES, false),
            Reach::Record(n) | Reach::Stop(n) => (n, true),
        };
        // A start just before the end of the step is only recognised with what follows it.
        window.ensure(within + start::ARC_LINE_BYTES_MAX);
        let found = start::find(window.available(), family, at_line_start);
        let now = found.filter(|at| *at < within);
        let bytes = window.available().get(..now.unwrap_or(within));
        let bytes = bytes.unwrap_or_default();
        passed(bytes);
        at_line_start = bytes.last() == Some(&b'\n');
        window.advance(now.unwrap_or(within));
        if now.is_some() || is_last {
            return;
        }
        window.pin_at_most(LOOK_BACK_BYTES);
    }
}

/// Whether the stream has stopped for good or for damage.
pub(crate) fn is_damaged(window: &Window) -> bool {
    matches!(
        window.stop(),
        Some(Stop::Fault(Fault::Damage { .. } | Fault::Io(_)))
    )
}
