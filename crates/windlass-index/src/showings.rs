//! What a page showed, second by second, revisits resolved (R1).

use std::ops::Range;

use windlass_archive::CaptureTime;

use crate::instant::{Instant, State};

/// What a page showed, in order of time. Time and memory to make it are in proportion to the instants and to what they
/// refer to, however much that shows in turn: what revisits show is not written out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Showings {
    all: Vec<Showing>,
    /// For those that show what several others show: the places of these, which are before them.
    refers: Vec<u32>,
}

/// What a page showed at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Showing {
    time: CaptureTime,
    /// The place of the one that shows the same: the first that does so, or itself.
    same: u32,
    /// Where in `refers` those are whose links it shows; empty for a real capture, and where it shows the same as
    /// another.
    refers: Range<u32>,
}

/// When a link was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: CaptureTime,
    pub(crate) last: CaptureTime,
    /// The time after the last at which the page showed something, where there is one.
    pub(crate) after: Option<CaptureTime>,
}

impl Showings {
    /// Those of a page, from its instants in order of time. Instants that refer to nothing known are left out.
    pub(crate) fn of(instants: &[Instant]) -> Self {
        let mut showings = Self {
            all: Vec::with_capacity(instants.len()),
            refers: Vec::new(),
        };
        let mut roots = Vec::new();
        for instant in instants {
            roots.clear();
            if let State::Revisit(refers) = &instant.state {
                let earlier = refers.iter().filter_map(|refer| match refer {
                    None => showings.all.last(),
                    Some(time) => showings.at(*time),
                });
                roots.extend(earlier.map(|showing| showing.same));
                roots.sort_unstable();
                roots.dedup();
                if roots.is_empty() {
                    continue;
                }
            }
            showings.push(instant.time, &roots);
        }
        showings
    }

    /// The next one: a real capture, or what others show.
    fn push(&mut self, time: CaptureTime, roots: &[u32]) {
        let own = self.all.len() as u64 as u32;
        let start = self.refers.len() as u64 as u32;
        let same = match roots {
            [root] => *root,
            _ => {
                self.refers.extend_from_slice(roots);
                own
            }
        };
        let refers = start..self.refers.len() as u64 as u32;
        self.all.push(Showing { time, same, refers });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// When the page showed something first and last; `None` where it is as if it had never been captured.
    pub(crate) fn bounds(&self) -> Option<(CaptureTime, CaptureTime)> {
        Some((self.all.first()?.time, self.all.last()?.time))
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.all.capacity() * size_of::<Showing>() + self.refers.capacity() * 4
    }

    fn at(&self, time: CaptureTime) -> Option<&Showing> {
        let at = self.all.binary_search_by_key(&time, |showing| showing.time);
        at.ok().and_then(|at| self.all.get(at))
    }

    fn refers(&self, showing: &Showing) -> &[u32] {
        let range = showing.refers.start as usize..showing.refers.end as usize;
        self.refers.get(range).unwrap_or_default()
    }

    /// When a link was shown that real captures show at these seconds, which are in order; `None` where it never
    /// was.
    pub(crate) fn span(&self, sightings: &[u32]) -> Option<Span> {
        let is_seen = |time: CaptureTime| sightings.binary_search(&time.unix()).is_ok();
        let (first, last) = if self.refers.is_empty() {
            // Each shows one real capture.
            let real = |showing: &Showing| self.all.get(showing.same as usize);
            let shows = |showing: &Showing| real(showing).is_some_and(|real| is_seen(real.time));
            let first = self.all.iter().position(shows)?;
            (first, self.all.iter().rposition(shows)?)
        } else {
            let mut shows: Vec<bool> = Vec::with_capacity(self.all.len());
            for (showing, at) in self.all.iter().zip(0u32..) {
                let same = |at: &u32| shows.get(*at as usize) == Some(&true);
                let refers = self.refers(showing);
                shows.push(if showing.same != at {
                    same(&showing.same)
                } else if refers.is_empty() {
                    is_seen(showing.time)
                } else {
                    refers.iter().any(same)
                });
            }
            let first = shows.iter().position(|shows| *shows)?;
            (first, shows.iter().rposition(|shows| *shows)?)
        };
        Some(Span {
            first: self.all.get(first)?.time,
            last: self.all.get(last)?.time,
            after: self.all.get(last + 1).map(|showing| showing.time),
        })
    }

    /// Names what is shown at a time, for [`captures`](Self::captures); `None` where nothing is. A revisit has the name
    /// of what it shows again.
    pub(crate) fn named(&self, time: CaptureTime) -> Option<u32> {
        self.at(time).map(|showing| showing.same)
    }

    /// The times of the real captures that are shown, by their [name](Self::named), in order. Time in proportion to
    /// what is referred to, and what that refers to in turn.
    pub(crate) fn captures(&self, name: u32) -> Vec<CaptureTime> {
        let is_real = |showing: &&Showing| showing.refers.is_empty();
        if let Some(real) = self.all.get(name as usize).filter(is_real) {
            return vec![real.time];
        }
        let mut met = vec![false; name as usize + 1];
        let mut found = Vec::new();
        let mut left = vec![name];
        while let Some(at) = left.pop() {
            let (Some(met), Some(showing)) = (met.get_mut(at as usize), self.all.get(at as usize))
            else {
                continue;
            };
            if std::mem::replace(met, true) {
                continue;
            }
            match self.refers(showing) {
                [] => found.push(showing.time),
                refers => left.extend_from_slice(refers),
            }
        }
        found.sort_unstable();
        found
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use windlass_links::Source;

    use super::*;
    use crate::document::Document;
    use crate::instant::Shown;

    fn at(time: u32, refers: Option<Vec<Option<u32>>>) -> Instant {
        let state = match refers {
            None => State::Real {
                shown: Shown::Html,
                source: Source::Warc,
                internal: 0,
                external: 1,
                document: Document::default(),
            },
            Some(refers) => {
                let refers = refers.into_iter();
                State::Revisit(
                    refers
                        .map(|refer| refer.map(CaptureTime::from_unix))
                        .collect(),
                )
            }
        };
        Instant {
            time: CaptureTime::from_unix(time),
            state,
            origins: Vec::new(),
        }
    }

    /// The same as R1 says it: each instant with the seconds of all that it shows.
    fn plainly(instants: &[Instant]) -> Vec<(u32, BTreeSet<u32>)> {
        let mut all: Vec<(u32, BTreeSet<u32>)> = Vec::new();
        for instant in instants {
            let time = instant.time.unix();
            let mut shows = BTreeSet::new();
            match &instant.state {
                State::Real { .. } => shows.extend([time]),
                State::Revisit(refers) => {
                    for refer in refers {
                        let earlier = match refer {
                            None => all.last(),
                            Some(refer) => all.iter().find(|(time, _)| *time == refer.unix()),
                        };
                        shows.extend(earlier.into_iter().flat_map(|(_, shows)| shows));
                    }
                }
            }
            if !shows.is_empty() {
                all.push((time, shows));
            }
        }
        all
    }

    proptest! {
        #[test]
        fn what_is_shown_is_what_is_referred_to(
            states in prop::collection::vec(
                prop_oneof![
                    Just(None),
                    prop::collection::vec(prop::option::of(1u32..20), 1..4).prop_map(Some),
                ],
                0..20,
            ),
            sightings in prop::collection::btree_set(1u32..20, 0..8),
        ) {
            let instants: Vec<Instant> = (1..).zip(states).map(|(time, state)| at(time, state)).collect();
            let showings = Showings::of(&instants);
            let expected = plainly(&instants);
            prop_assert_eq!(showings.is_empty(), expected.is_empty());
            let times = |shows: &BTreeSet<u32>| shows.iter().copied().map(CaptureTime::from_unix).collect::<Vec<_>>();
            for instant in &instants {
                let shows = expected.iter().find(|(time, _)| *time == instant.time.unix());
                let name = showings.named(instant.time);
                prop_assert_eq!(name.map(|name| showings.captures(name)), shows.map(|(_, shows)| times(shows)));
            }
            let shown = |(_, shows): &&(u32, BTreeSet<u32>)| shows.intersection(&sightings).next().is_some();
            let span = expected.iter().position(|one| shown(&one)).and_then(|first| {
                let last = expected.iter().rposition(|one| shown(&one))?;
                let time = |at: usize| expected.get(at).map(|(time, _)| CaptureTime::from_unix(*time));
                Some(Span { first: time(first)?, last: time(last)?, after: time(last + 1) })
            });
            let sightings: Vec<u32> = sightings.into_iter().collect();
            prop_assert_eq!(showings.span(&sightings), span);
        }
    }

    /// Revisits of revisits that each show more than the one before: written out, it would be gigabytes.
    #[test]
    fn what_many_revisits_show_takes_no_more_than_they_do() {
        const N: u32 = 50_000;
        let mut instants: Vec<Instant> = (1..=N).map(|time| at(time, None)).collect();
        let more = |time: u32| at(N + time, Some(vec![None, Some(time)]));
        instants.extend((1..=N).map(more));
        let showings = Showings::of(&instants);
        assert!(showings.memory() < 64 * instants.len());
        let span = showings.span(&[1]).unwrap();
        assert_eq!(
            (span.first.unix(), span.last.unix(), span.after),
            (1, 2 * N, None)
        );
        let last = showings.named(CaptureTime::from_unix(2 * N)).unwrap();
        assert_eq!(showings.captures(last).len(), N as usize);
    }
}
