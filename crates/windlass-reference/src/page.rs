//! What one page showed, second by second (R1, R2, R14).

use std::collections::{BTreeMap, BTreeSet};

use windlass_links::{Capture, CaptureTime, Link, Outcome, Source};

/// The links that a page showed at each second at which something is known of it (R13). A second
/// with no links is one at which the page showed none.
pub(crate) type Showings = BTreeMap<CaptureTime, BTreeSet<Link>>;

/// Resolves the captures of one page. They may be in any order and repeated (R14).
pub(crate) fn showings(captures: &[&Capture]) -> Showings {
    let times: BTreeSet<CaptureTime> = captures.iter().map(|capture| capture.time).collect();
    let mut showings = Showings::new();
    for time in times {
        let of_second: Vec<&Capture> = captures
            .iter()
            .copied()
            .filter(|c| c.time == time)
            .collect();
        let shown = match real(&of_second) {
            Some(links) => Some(links),
            None => renewed(&of_second, &showings),
        };
        if let Some(links) = shown {
            showings.insert(time, links);
        }
    }
    showings
}

/// The links that the fetched documents of one second carry: those of the WARC where there is one,
/// else those of the WAT; several of a kind are united (R14). `None` where there are only revisits.
///
/// A capture that is no HTML page counts too: it shows just what it carries, which is no `href`
/// link (R2).
pub(crate) fn real(of_second: &[&Capture]) -> Option<BTreeSet<Link>> {
    for source in [Source::Warc, Source::Wat] {
        let found: Vec<&&Capture> = of_second
            .iter()
            .filter(|c| c.source == source && !matches!(c.outcome, Outcome::Revisit(_)))
            .collect();
        if !found.is_empty() {
            return Some(found.iter().flat_map(|c| &c.links).cloned().collect());
        }
    }
    None
}

/// What the revisits of one second show: what the earlier captures that they refer to showed (R1),
/// united where they disagree. `None` where they refer to nothing that is known.
fn renewed(of_second: &[&Capture], earlier: &Showings) -> Option<BTreeSet<Link>> {
    let mut united = None;
    for capture in of_second {
        let referred = match capture.outcome {
            // The page's latest earlier capture.
            Outcome::Revisit(None) => earlier.values().next_back(),
            // `earlier` ends before this second: a revisit cannot refer to itself or to the future.
            Outcome::Revisit(Some(time)) => earlier.get(&time),
            _ => None,
        };
        if let Some(links) = referred {
            united
                .get_or_insert_with(BTreeSet::new)
                .extend(links.iter().cloned());
        }
    }
    united
}
