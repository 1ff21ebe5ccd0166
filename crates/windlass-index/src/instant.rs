//! What a page showed, second by second (R13, R14).
//!
//! ```text
//! instants := varint n | instant × n                       ordered by time, each second once
//! instant  := time | tag u8 | state | origins | document
//! time     := signed: the page's latest real capture less this, for the first; varint seconds since the one before
//! tag      := outcome (bits 0–1) | WARC (bit 2) | revisit (bit 3) | one origin (bit 4)
//!           | status, title, same title (bits 5–7)
//! state    := varint internal links | varint external links              a real capture
//!           | varint n | (varint 0, or 1 + seconds) × n                  a revisit: what it refers to
//! origins  := varint n | (varint file | varint offset) × n
//! ```
//! The document is that of a real capture (see [`document`](crate::document)).

use std::cmp::Ordering;
use std::sync::Arc;

use windlass_archive::CaptureTime;
use windlass_links::Source;

use crate::bytes::{Bytes, Corrupt, put_signed, put_varint};
use crate::document::{Document, IN_DOCUMENT};

/// What a real capture says of its page (R2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Shown {
    /// HTML: carries links.
    Html = 0,
    /// Something else: carries none.
    NotHtml = 1,
    /// A redirect.
    Redirect = 2,
    /// Gone.
    Gone = 3,
}

impl Shown {
    pub(crate) const ALL: [Self; 4] = [Self::Html, Self::NotHtml, Self::Redirect, Self::Gone];

    const fn name(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::NotHtml => "not-html",
            Self::Redirect => "redirect",
            Self::Gone => "gone",
        }
    }
}

/// Where a capture was read: a file (by its number in the segment's table) and an offset in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Origin {
    /// Number of the file.
    pub(crate) file: u32,
    /// Offset of the record.
    pub(crate) offset: u64,
}

/// The state of a page at one second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// It was fetched.
    Real {
        /// With this result.
        shown: Shown,
        /// Read from this.
        source: Source,
        /// `href` links to its own registrable domain.
        internal: u32,
        /// `href` links to others.
        external: u32,
        /// With this status and title.
        document: Document,
    },
    /// It was fetched and found unchanged: shows what these captures showed (R1). `None`: the
    /// latest earlier one. Sorted, each once.
    Revisit(Vec<Option<CaptureTime>>),
}

impl State {
    /// Which state wins where two describe one second (R14).
    const fn rank(&self) -> u8 {
        match self {
            Self::Revisit(_) => 0,
            Self::Real {
                source: Source::Wat,
                ..
            } => 1,
            Self::Real {
                source: Source::Warc,
                ..
            } => 2,
        }
    }

    /// The name of the outcome in output.
    pub(crate) const fn outcome(&self) -> &'static str {
        match self {
            Self::Real { shown, .. } => shown.name(),
            Self::Revisit(_) => "revisit",
        }
    }

    /// The name of the source in output; nothing for revisits.
    pub(crate) const fn source(&self) -> Option<&'static str> {
        match self {
            Self::Real {
                source: Source::Warc,
                ..
            } => Some("warc"),
            Self::Real {
                source: Source::Wat,
                ..
            } => Some("wat"),
            Self::Revisit(_) => None,
        }
    }

    /// Whether it was read from a WAT.
    pub(crate) const fn is_wat(&self) -> bool {
        matches!(
            self,
            Self::Real {
                source: Source::Wat,
                ..
            }
        )
    }
}

/// One second of a page's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instant {
    /// When.
    pub(crate) time: CaptureTime,
    /// What it showed.
    pub(crate) state: State,
    /// Where this was read. Sorted, each once.
    pub(crate) origins: Vec<Origin>,
}

impl Instant {
    /// The title of the document, where it was captured with one.
    fn title(&self) -> Option<&Arc<str>> {
        match &self.state {
            State::Real { document, .. } => document.title.as_ref(),
            State::Revisit(_) => None,
        }
    }

    /// Takes another description of the same second in (R14): the higher rank — WARC, WAT, revisit — is taken
    /// whole; equals are united. Commutative, associative and idempotent, once they are [in order](Self::put_in_order).
    fn take_in(&mut self, other: Self) {
        match self.state.rank().cmp(&other.state.rank()) {
            Ordering::Less => *self = other,
            Ordering::Greater => {}
            Ordering::Equal => {
                match (&mut self.state, other.state) {
                    (
                        State::Real {
                            shown,
                            internal,
                            external,
                            document,
                            ..
                        },
                        State::Real {
                            shown: shown2,
                            internal: internal2,
                            external: external2,
                            document: document2,
                            ..
                        },
                    ) => {
                        *shown = (*shown).min(shown2);
                        *internal = (*internal).max(internal2);
                        *external = (*external).max(external2);
                        document.unite(document2);
                    }
                    (State::Revisit(refers), State::Revisit(more)) => refers.extend(more),
                    _ => {}
                }
                self.origins.extend(other.origins);
            }
        }
    }

    /// What it refers to and where it was read, in order and each once.
    fn put_in_order(&mut self) {
        if let State::Revisit(refers) = &mut self.state {
            refers.sort_unstable();
            refers.dedup();
        }
        self.origins.sort_unstable();
        self.origins.dedup();
    }
}

/// Unites instants in any order into a list ordered by time, each second once. O(n log n), however many are of one
/// second.
pub(crate) fn unite(mut all: Vec<Instant>) -> Vec<Instant> {
    all.sort_by_key(|instant| instant.time);
    let mut united: Vec<Instant> = Vec::with_capacity(all.len());
    let mut all = all.into_iter().peekable();
    while let Some(mut instant) = all.next() {
        let mut is_one = true;
        while let Some(other) = all.next_if(|other| other.time == instant.time) {
            instant.take_in(other);
            is_one = false;
        }
        if !is_one {
            instant.put_in_order();
        }
        united.push(instant);
    }
    united
}

/// When WATs showed the page, of instants in any order.
pub(crate) fn times_of_wats(instants: &[Instant]) -> impl Iterator<Item = CaptureTime> {
    let of_wats = instants.iter().filter(|instant| instant.state.is_wat());
    of_wats.map(|instant| instant.time)
}

/// Whether what a WAT showed at a time is not taken (R14), since something else outranks it among all instants of the
/// page, which are [united](unite).
pub(crate) fn is_outranked(time: CaptureTime, united: &[Instant]) -> bool {
    let found = united.binary_search_by_key(&time, |instant| instant.time);
    let found = found.ok().and_then(|at| united.get(at));
    found.is_some_and(|instant| !instant.state.is_wat())
}

/// Whether any of the instants is a real capture: without, revisits refer to nothing (R1).
pub(crate) fn was_captured(instants: &[Instant]) -> bool {
    instants
        .iter()
        .any(|instant| matches!(instant.state, State::Real { .. }))
}

/// Whether any of the instants is a revisit, so that showings differ from sightings.
pub(crate) fn has_revisits(instants: &[Instant]) -> bool {
    instants
        .iter()
        .any(|instant| matches!(instant.state, State::Revisit(_)))
}

/// Seconds of the latest real capture among instants that are ordered by time; 0 where all are revisits.
pub(crate) fn latest(instants: &[Instant]) -> u32 {
    real_times(instants).next_back().unwrap_or(0)
}

/// Seconds of the real captures.
pub(crate) fn real_times(instants: &[Instant]) -> impl DoubleEndedIterator<Item = u32> {
    let real = instants
        .iter()
        .filter(|instant| matches!(instant.state, State::Real { .. }));
    real.map(|instant| instant.time.unix())
}

/// The real captures of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Captured {
    /// Seconds of the latest one; 0 where there is none.
    pub(crate) latest: u32,
    /// How many there are.
    pub(crate) count: u32,
}

impl Captured {
    pub(crate) fn of(instants: &[Instant]) -> Self {
        Self {
            latest: latest(instants),
            // Each is at a second of its own.
            count: real_times(instants).count() as u64 as u32,
        }
    }
}

/// In a tag: a revisit.
const REVISIT: u8 = 8;
/// In a tag: read from a WARC.
const WARC: u8 = 4;
/// In a tag: from one place in one file, as most are.
const ONE_ORIGIN: u8 = 16;

/// Writes instants that are ordered by time, and whose [`latest`] is known from elsewhere.
pub(crate) fn write(instants: &[Instant], latest: u32, out: &mut Vec<u8>) {
    put_varint(out, instants.len() as u64);
    let mut before = None;
    let mut title = None;
    for instant in instants {
        let time = instant.time.unix();
        match before.replace(time) {
            None => put_signed(out, i64::from(latest) - i64::from(time)),
            Some(before) => put_varint(out, u64::from(time.wrapping_sub(before))),
        }
        let one = if instant.origins.len() == 1 {
            ONE_ORIGIN
        } else {
            0
        };
        let mut document = None;
        match &instant.state {
            State::Real {
                shown,
                source,
                internal,
                external,
                document: shows,
            } => {
                let tag = shows.tag(*shown, title);
                title = shows.title.as_ref().or(title);
                document = Some((shows, tag));
                out.push(*shown as u8 | (u8::from(*source == Source::Warc) * WARC) | one | tag);
                put_varint(out, u64::from(*internal));
                put_varint(out, u64::from(*external));
            }
            State::Revisit(refers) => {
                out.push(REVISIT | one);
                put_varint(out, refers.len() as u64);
                for refer in refers {
                    put_varint(out, refer.map_or(0, |time| u64::from(time.unix()) + 1));
                }
            }
        }
        if one == 0 {
            put_varint(out, instant.origins.len() as u64);
        }
        for origin in &instant.origins {
            put_varint(out, u64::from(origin.file));
            put_varint(out, origin.offset);
        }
        if let Some((document, tag)) = document {
            document.write(tag, out);
        }
    }
}

/// Reads what [`write`] wrote.
pub(crate) fn read(bytes: &mut Bytes<'_>, latest: u32) -> Result<Vec<Instant>, Corrupt> {
    let n = bytes.varint_usize()?;
    let mut instants: Vec<Instant> = Vec::new();
    // The last instant that has a title.
    let mut titled = None;
    let mut before = None;
    for _ in 0..n {
        let time = match before {
            None => i64::from(latest).checked_sub(bytes.signed()?),
            Some(before) => Some(i64::from(bytes.varint_u32()?) + before),
        };
        let time = time.and_then(|time| u32::try_from(time).ok());
        let time = time.ok_or(Corrupt("a capture time"))?;
        before = Some(i64::from(time));
        let tag = bytes.u8()?;
        let mut state = if tag & REVISIT == 0 {
            State::Real {
                shown: Shown::ALL
                    .get(usize::from(tag & 3))
                    .copied()
                    .ok_or(Corrupt("an outcome"))?,
                source: if tag & WARC == 0 {
                    Source::Wat
                } else {
                    Source::Warc
                },
                internal: bytes.varint_u32()?,
                external: bytes.varint_u32()?,
                document: Document::default(),
            }
        } else {
            let mut refers = Vec::new();
            for _ in 0..bytes.varint_usize()? {
                refers.push(match bytes.varint()? {
                    0 => None,
                    time => Some(CaptureTime::from_unix(
                        u32::try_from(time - 1).map_err(|_| Corrupt("a capture time"))?,
                    )),
                });
            }
            State::Revisit(refers)
        };
        let mut origins = Vec::new();
        for _ in 0..origin_count(tag, bytes)? {
            origins.push(Origin {
                file: bytes.varint_u32()?,
                offset: bytes.varint()?,
            });
        }
        if let State::Real {
            shown, document, ..
        } = &mut state
        {
            let before = titled.and_then(|at| instants.get(at));
            *document = Document::read(bytes, tag, *shown, before.and_then(Instant::title))?;
            if document.title.is_some() {
                titled = Some(instants.len());
            }
        }
        instants.push(Instant {
            time: CaptureTime::from_unix(time),
            state,
            origins,
        });
    }
    Ok(instants)
}

fn origin_count(tag: u8, bytes: &mut Bytes<'_>) -> Result<usize, Corrupt> {
    if tag & ONE_ORIGIN == 0 {
        bytes.varint_usize()
    } else {
        Ok(1)
    }
}

/// Which kinds of instants a page has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Kinds {
    pub(crate) has_wat: bool,
    pub(crate) has_warc: bool,
    pub(crate) has_revisits: bool,
}

impl Kinds {
    /// Those of two pages.
    pub(crate) fn union(self, other: Self) -> Self {
        Self {
            has_wat: self.has_wat | other.has_wat,
            has_warc: self.has_warc | other.has_warc,
            has_revisits: self.has_revisits | other.has_revisits,
        }
    }

    /// Whether uniting (R14) leaves each capture what it was, and none is a revisit: then the latest
    /// capture alone tells which links are live.
    pub(crate) const fn is_plain(self) -> bool {
        !(self.has_revisits || self.has_wat && self.has_warc)
    }
}

/// Steps over what [`write`] wrote; which kinds of instants they were.
pub(crate) fn skip(bytes: &mut Bytes<'_>) -> Result<Kinds, Corrupt> {
    let mut kinds = Kinds::default();
    if let [1, 0..0x80, tag, ..] = bytes.rest().head(3)?
        && tag & (REVISIT | ONE_ORIGIN) == ONE_ORIGIN
    {
        // Most of them: one capture, from one place.
        kinds.has_warc = tag & WARC != 0;
        kinds.has_wat = !kinds.has_warc;
        bytes.stretch(3)?;
        bytes.skip_varints(4)?;
        if tag & IN_DOCUMENT != 0 {
            Document::skip(bytes, *tag)?;
        }
        return Ok(kinds);
    }
    for _ in 0..bytes.varint_usize()? {
        bytes.varint()?;
        let tag = bytes.u8()?;
        let is_revisit = tag & REVISIT != 0;
        kinds.has_revisits |= is_revisit;
        kinds.has_warc |= !is_revisit && tag & WARC != 0;
        kinds.has_wat |= !is_revisit && tag & WARC == 0;
        let numbers = if is_revisit { bytes.varint_usize()? } else { 2 };
        bytes.skip_varints(numbers)?;
        let origins = origin_count(tag, bytes)?;
        bytes.skip_varints(origins.saturating_mul(2))?;
        if !is_revisit {
            Document::skip(bytes, tag)?;
        }
    }
    Ok(kinds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn revisit(time: u32, refers: Option<u32>, offset: u64) -> Instant {
        Instant {
            time: CaptureTime::from_unix(time),
            state: State::Revisit(vec![refers.map(CaptureTime::from_unix)]),
            origins: vec![Origin { file: 0, offset }],
        }
    }

    proptest! {
        #[test]
        fn united_twice_or_in_another_order_is_the_same(
            some in prop::collection::vec((1u32..4, prop::option::of(1u32..4), 0u64..6), 0..30),
            at in any::<prop::sample::Index>(),
        ) {
            let all: Vec<Instant> = some.into_iter().map(|(time, refers, offset)| revisit(time, refers, offset)).collect();
            let united = unite(all.clone());
            let (front, back) = all.split_at(at.index(all.len() + 1));
            let mut other = unite(back.to_vec());
            other.extend(unite(front.to_vec()));
            other.extend(united.clone());
            prop_assert_eq!(unite(other), united);
        }
    }

    /// Where each came in by itself, these took half a minute.
    #[test]
    fn very_many_of_one_second_are_united_soon() {
        const N: u64 = 200_000;
        let all = (0..N).map(|n| revisit(1, Some(n as u32), n % 1000));
        let united = unite(all.rev().collect());
        assert_eq!(united.len(), 1);
        let one = &united[0];
        assert_eq!(one.origins.len(), 1000);
        assert!(matches!(&one.state, State::Revisit(refers) if refers.len() as u64 == N));
    }
}
