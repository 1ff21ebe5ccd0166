//! First seen, last visited, live or lost (R13).

use windlass_archive::CaptureTime;
use windlass_links::History;

use crate::instant::Showing;

/// The dates of a backlink that is in the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dates {
    pub(super) first_seen: u32,
    pub(super) last_visited: u32,
}

/// The dates of a backlink by R13, or `None` where `history` leaves it out. `sightings` are the
/// seconds of the real captures that show it, in order; `showings` those of its page.
pub(super) fn of(sightings: &[u32], showings: &[Showing], history: History) -> Option<Dates> {
    let shows = |showing: &&Showing| {
        showing
            .shows
            .iter()
            .any(|time| sightings.binary_search(&time.unix()).is_ok())
    };
    let first = showings.iter().find(shows)?.time;
    let last_at = showings.iter().rposition(|showing| shows(&showing))?;
    let last = showings.get(last_at)?.time;
    let lost: Option<CaptureTime> = showings.get(last_at + 1).map(|showing| showing.time);
    history.keeps(lost).then_some(Dates {
        first_seen: first.unix(),
        last_visited: last.unix(),
    })
}
