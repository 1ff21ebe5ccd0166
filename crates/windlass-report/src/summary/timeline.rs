//! When anchors came and went.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use windlass_index::{LinkFilter, LinkRow, Snapshot};
use windlass_links::{CaptureTime, History, Target};

use crate::engine::{AnswerError, AnswerLimits, Memory};

/// The largest number of months that are told one by one; of more, years are.
pub const SPANS_MAX: usize = 120;

/// How long each span of a timeline is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimelineUnit {
    /// A month of the calendar, UTC.
    Month,
    /// A year of the calendar, UTC.
    Year,
}

/// Anchors that came and went in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimelineSpan {
    /// The year.
    pub year: u16,
    /// The month, from 1; `None` where the span is the year.
    pub month: Option<u8>,
    /// Number of folded anchors whose first backlink was first seen in it.
    pub new_anchors: u64,
    /// Number of folded anchors that no live backlink has, and whose last one was lost in it.
    pub lost_anchors: u64,
}

/// When the anchors of a target came and went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// How long each span is: a month, where [`SPANS_MAX`] of them suffice.
    pub unit: TimelineUnit,
    /// Ascending, from the first with an anchor to the last, and without gaps; none, where there are no
    /// backlinks.
    pub spans: Vec<TimelineSpan>,
}

/// Tells when the anchors of a target were first seen, and when they were lost.
///
/// It is of the whole target, whatever history a report asks for: an anchor is new when the first backlink
/// that ever had it was, and lost when the last one was (R13). It is made of single backlinks, to which conditions
/// on rows (`where`) do not apply. About a microsecond a backlink. Memory grows with the number of anchors:
/// about 130 bytes each, and their texts.
///
/// # Errors
/// Where the index is damaged, or the memory of the limits does not suffice;
/// [`IndexError::Cancelled`](windlass_index::IndexError::Cancelled) soon after `cancel` is set.
pub fn timeline(
    target: &Target,
    snapshot: &Snapshot,
    limits: AnswerLimits,
    cancel: &AtomicBool,
) -> Result<Timeline, AnswerError> {
    let mut memory = Memory::new(limits.memory_max);
    let mut anchors: HashMap<Box<str>, Life> = HashMap::new();
    let filter = LinkFilter {
        history: History::AllTime,
        all_types: false,
    };
    snapshot.for_each_link_to(target, filter, cancel, |link| {
        match anchors.get_mut(link.folded_anchor) {
            Some(life) => life.add(link),
            None => {
                // What the table itself takes, and what doubling it takes for a while.
                memory.take(link.folded_anchor.len() + ANCHOR_BYTES)?;
                anchors.insert(link.folded_anchor.into(), Life::of(link));
            }
        }
        Ok::<_, AnswerError>(ControlFlow::Continue(()))
    })?;
    let mut months = Months::default();
    for life in anchors.into_values() {
        months.add(&life);
    }
    Ok(months.timeline())
}

const ANCHOR_BYTES: usize = 3 * size_of::<(Box<str>, Life)>() + 16;

/// From when to when an anchor is there.
#[derive(Debug, Clone, Copy)]
struct Life {
    first_seen: CaptureTime,
    /// When the latest of its backlinks was lost; `None` while one is live.
    lost: Option<CaptureTime>,
}

impl Life {
    const fn of(link: &LinkRow<'_>) -> Self {
        Self {
            first_seen: link.first_seen,
            lost: link.lost,
        }
    }

    fn add(&mut self, link: &LinkRow<'_>) {
        self.first_seen = self.first_seen.min(link.first_seen);
        self.lost = match (self.lost, link.lost) {
            (Some(lost), Some(other)) => Some(lost.max(other)),
            _ => None,
        };
    }
}

/// New and lost anchors of each month in which there are any. There are 1,637 months that a time can be in.
#[derive(Debug, Default)]
struct Months(BTreeMap<(u16, u8), (u64, u64)>);

impl Months {
    fn add(&mut self, life: &Life) {
        self.0.entry(month(life.first_seen)).or_default().0 += 1;
        if let Some(lost) = life.lost {
            self.0.entry(month(lost)).or_default().1 += 1;
        }
    }

    fn timeline(self) -> Timeline {
        let (Some((first, _)), Some((last, _))) =
            (self.0.first_key_value(), self.0.last_key_value())
        else {
            return Timeline {
                unit: TimelineUnit::Month,
                spans: Vec::new(),
            };
        };
        let months = (first.0..=last.0)
            .flat_map(|year| (1..=12).map(move |month| (year, month)))
            .filter(|month| (first..=last).contains(&month));
        if months.clone().count() <= SPANS_MAX {
            let span = |(year, month): (u16, u8)| {
                let counts = self.0.get(&(year, month)).copied();
                span_of(year, Some(month), counts.into_iter())
            };
            return Timeline {
                unit: TimelineUnit::Month,
                spans: months.map(span).collect(),
            };
        }
        let span = |year: u16| {
            let of_year = self.0.range((year, 1)..=(year, 12));
            span_of(year, None, of_year.map(|(_, counts)| *counts))
        };
        Timeline {
            unit: TimelineUnit::Year,
            spans: (first.0..=last.0).map(span).collect(),
        }
    }
}

fn month(time: CaptureTime) -> (u16, u8) {
    let (year, month, _) = time.date();
    (year, month)
}

fn span_of(year: u16, month: Option<u8>, counts: impl Iterator<Item = (u64, u64)>) -> TimelineSpan {
    let (new_anchors, lost_anchors) =
        counts.fold((0, 0), |(new, lost), count| (new + count.0, lost + count.1));
    TimelineSpan {
        year,
        month,
        new_anchors,
        lost_anchors,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> CaptureTime {
        text.parse().unwrap()
    }

    /// Year, month, new and lost anchors.
    type Span = (u16, Option<u8>, u64, u64);

    fn of(lives: &[(&str, &str)]) -> (TimelineUnit, Vec<Span>) {
        let mut months = Months::default();
        for (first_seen, lost) in lives {
            months.add(&Life {
                first_seen: at(first_seen),
                lost: (!lost.is_empty()).then(|| at(lost)),
            });
        }
        let timeline = months.timeline();
        let span = |s: &TimelineSpan| (s.year, s.month, s.new_anchors, s.lost_anchors);
        (timeline.unit, timeline.spans.iter().map(span).collect())
    }

    #[test]
    fn months_have_no_gaps() {
        use TimelineUnit::Month;
        assert_eq!(of(&[]), (Month, vec![]));
        assert_eq!(
            of(&[("2021-03-15", "")]),
            (Month, vec![(2021, Some(3), 1, 0)])
        );
        assert_eq!(
            of(&[
                ("2020-11-30T23:59:59Z", "2021-02-01"),
                ("2021-02-01", "2021-02-02"),
                ("2020-11-01", ""),
            ]),
            (
                Month,
                vec![
                    (2020, Some(11), 2, 0),
                    (2020, Some(12), 0, 0),
                    (2021, Some(1), 0, 0),
                    (2021, Some(2), 1, 2),
                ]
            )
        );
    }

    #[test]
    fn more_than_ten_years_are_told_by_year() {
        let (unit, spans) = of(&[("2010-02-28", "2020-01-01")]);
        assert_eq!((unit, spans.len()), (TimelineUnit::Month, SPANS_MAX));
        let (unit, spans) = of(&[("2010-01-31", "2020-01-01"), ("2010-12-31", "2019-12-31")]);
        assert_eq!(unit, TimelineUnit::Year);
        assert_eq!(spans.len(), 11);
        assert_eq!(spans.first(), Some(&(2010, None, 2, 0)));
        assert_eq!(spans.get(1), Some(&(2011, None, 0, 0)));
        assert_eq!(spans.get(9), Some(&(2019, None, 0, 1)));
        assert_eq!(spans.last(), Some(&(2020, None, 0, 1)));
        let (unit, spans) = of(&[("1970-01-01", "2106-02-07")]);
        assert_eq!((unit, spans.len()), (TimelineUnit::Year, 137));
    }
}
