//! First seen, last visited, live or lost (R13).

use windlass_archive::CaptureTime;
use windlass_links::History;

use crate::showings::{Showings, Span};

/// The dates of a backlink that is in the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dates {
    pub(crate) first_seen: u32,
    pub(crate) last_visited: u32,
}

/// The dates of a backlink by R13, or `None` where `history` leaves it out. `sightings` are the
/// seconds of the real captures that show it, in order; `showings` those of its page.
pub(crate) fn of(sightings: &[u32], showings: &Showings, history: History) -> Option<Dates> {
    with_loss(sightings, showings, history).map(|(dates, _)| dates)
}

/// [`of`], with the time at which it was lost.
pub(crate) fn with_loss(
    sightings: &[u32],
    showings: &Showings,
    history: History,
) -> Option<(Dates, Option<CaptureTime>)> {
    let Span { first, last, after } = showings.span(sightings)?;
    let dates = Dates {
        first_seen: first.unix(),
        last_visited: last.unix(),
    };
    history.keeps(after).then_some((dates, after))
}
