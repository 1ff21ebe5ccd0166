//! First seen, last visited, live or lost (R13).

use windlass_archive::CaptureTime;
use windlass_links::History;

use crate::instant::Showing;

/// The dates of a backlink that is in the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dates {
    pub(crate) first_seen: u32,
    pub(crate) last_visited: u32,
}

/// The dates of a backlink by R13, or `None` where `history` leaves it out. `sightings` are the
/// seconds of the real captures that show it, in order; `showings` those of its page.
pub(crate) fn of(sightings: &[u32], showings: &[Showing], history: History) -> Option<Dates> {
    with_loss(sightings, showings, history).map(|(dates, _)| dates)
}

/// [`of`], with the time at which it was lost.
pub(crate) fn with_loss(
    sightings: &[u32],
    showings: &[Showing],
    history: History,
) -> Option<(Dates, Option<CaptureTime>)> {
    let shows = |showing: &&Showing| {
        showing
            .shows
            .iter()
            .any(|time| sightings.binary_search(&time.unix()).is_ok())
    };
    let first_seen = showings.iter().find(shows)?.time.unix();
    let last_at = showings.iter().rposition(|showing| shows(&showing))?;
    let last_visited = showings.get(last_at)?.time.unix();
    let lost = showings.get(last_at + 1).map(|showing| showing.time);
    history.keeps(lost).then_some((
        Dates {
            first_seen,
            last_visited,
        },
        lost,
    ))
}
