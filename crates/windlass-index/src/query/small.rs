//! The rows of a target, where it is known before they are read that they cost little.
//!
//! For who must not be kept waiting: a thread that others wait for too. How many links lead to the target, and
//! how many finished groups there are, stands in the index, and is found in some microseconds.

use std::sync::Arc;

use windlass_links::History;

use super::one::{self, Found};
use super::{Question, known};
use crate::error::IndexError;
use crate::rows::{Links, TargetRows};
use crate::segment::Segment;

/// The most that a question may have to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkBound {
    /// Links to the target, lost ones included: about 100 ns each.
    pub links_max: usize,
    /// Finished groups in place of the links: some ns each, for blocks of them are passed over. 0 where the
    /// question cannot be answered from them.
    pub groups_max: usize,
}

/// Site blocks that are looked into before it is said that there may be more. A target has links in one, but
/// hosts above it may have blocks of their own.
const SITES_MAX: usize = 4;
/// Most pages that link to a site: a bit for each is cleared.
const PAGES_MAX: usize = 1 << 20;

/// Why the cost is not known to be little.
enum Stop {
    TooMuch,
    Index(IndexError),
}

/// The rows of a target over all segments, or `None` where they may take more than the bound; also where
/// there are none, for whether the host is known then (R20) may take any time.
pub(crate) fn rows(
    segments: &[Arc<Segment>],
    question: &Question<'_>,
    bound: WorkBound,
) -> Result<Option<TargetRows>, IndexError> {
    // Several must be united; and each url of the range is looked at for its port.
    let [segment] = segments else {
        return Ok(None);
    };
    if question.target.names_port() {
        return Ok(None);
    }
    let found = match only_site(segment, question) {
        Ok(Some(found)) => found,
        Ok(None) | Err(Stop::TooMuch) => return Ok(None),
        Err(Stop::Index(error)) => return Err(error),
    };
    if found.count() > bound.links_max {
        let is_ready = bound.groups_max > 0 && question.history == History::Live;
        let rows = is_ready.then(|| one::scanned(found, segment, question));
        let groups = rows.as_ref().map(TargetRows::ready_groups).transpose()?;
        let groups = groups.flatten().map(|groups| groups.len());
        // Groups are there where links are live.
        return Ok(match (groups, rows) {
            (Some(1..), Some(mut rows)) if groups <= Some(bound.groups_max) => {
                rows.host_known = true;
                Some(rows)
            }
            _ => None,
        });
    }
    if found.block.pages.len() > PAGES_MAX {
        return Ok(None);
    }
    let mut rows = one::listed(&found, segment, question)?;
    let is_empty = matches!(&rows.links, Links::Listed(hits, _) if hits.is_empty());
    // Of lost links the first one says so.
    rows.host_known = !is_empty || known::host_occurs(segments, question)?;
    Ok(Some(rows))
}

/// What the only site that has links to the target has of it.
fn only_site<'a>(segment: &'a Segment, question: &Question<'_>) -> Result<Option<Found<'a>>, Stop> {
    let wrong = |corrupt| Stop::Index(segment.corrupt(corrupt));
    let (mut sites, mut only) = (0, None);
    question.for_each_site(segment, wrong, |site_key, offset| {
        sites += 1;
        if sites > SITES_MAX {
            return Err(Stop::TooMuch);
        }
        let found = Found::of(segment, (site_key, offset), question.target).map_err(wrong)?;
        if found.count() > 0 && only.replace(found).is_some() {
            return Err(Stop::TooMuch);
        }
        Ok(())
    })?;
    Ok(only)
}
