//! From one link down to its bytes: every capture of its page, whether it shows the link, and where in
//! which archive file it was read.
//!
//! Everything is found by its key, in each segment that has it: what this costs grows with the captures
//! of the page and, by its logarithm, with what the site of the target has.

mod page;
mod sightings;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_links::{CanonicalUrl, CaptureTime, History, LinkType, Rel};

use super::Page;
use crate::error::{IndexError, check};
use crate::instant::{Instant, State};
use crate::query::dates;
use crate::segment::Segment;
use crate::showings::Showings;
use crate::sighting::{split_attr, unite_attrs};
use crate::store::Snapshot;
use page::TracedPage;
use sightings::Wanted;

/// Bytes that the captures which a page's revisits renew may take, written out for each of them. Of pages that were not
/// made to, they take some hundreds.
const RENEWED_BYTES_MAX: usize = 64 << 20;

/// A link with all captures of its page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The page.
    pub page: Page,
    /// Where the link leads.
    pub target: String,
    /// Its anchor as written (R9).
    pub anchor: String,
    /// Its alt, at `last_visited`.
    pub alt: String,
    /// Its rel, at `last_visited` (R10).
    pub rel: Rel,
    /// What kind of reference it is (R8).
    pub link_type: LinkType,
    /// R13.
    pub first_seen: CaptureTime,
    /// R13.
    pub last_visited: CaptureTime,
    /// R13; `None` while it is live.
    pub lost: Option<CaptureTime>,
    /// The captures of the page, ascending, each second once (R14).
    pub captures: Vec<TracedCapture>,
}

/// One capture of a page, and what it says of a link there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedCapture {
    /// When.
    pub time: CaptureTime,
    /// `html`, `not-html`, `redirect`, `gone` (R2) or `revisit` (R1).
    pub outcome: &'static str,
    /// HTTP status; nothing for revisits and where the record is no HTTP response.
    pub status: Option<u16>,
    /// `warc` or `wat`; nothing for revisits.
    pub source: Option<&'static str>,
    /// Whether it shows the link; a revisit does where a capture does that it renews.
    pub shows_link: bool,
    /// The link's rel then (R10), where it is shown.
    pub rel: Option<Rel>,
    /// Its alt then, where it is shown.
    pub alt: Option<String>,
    /// Of a revisit, the captures that it renews (R1): their records hold the document. None where it
    /// refers to nothing known, and of other captures.
    pub renews: Arc<[CaptureTime]>,
    /// Where it was read, ordered by (digest, offset); several where equal captures came more than once.
    /// What another capture of the second outranks (R14) is left out.
    pub places: Vec<ArchivePlace>,
}

/// A record in an archive file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArchivePlace {
    /// BLAKE3 digest of the file, in hexadecimal.
    pub digest: String,
    /// Where the record starts: see [`Record::offset`](windlass_archive::Record::offset).
    pub offset: u64,
    /// The names under which the file was ingested.
    pub file_names: Vec<String>,
}

impl Snapshot {
    /// A link by its page, its target and its anchor as written, with all captures of the page. `None`
    /// where the page is not in the index, or never showed such a link.
    ///
    /// It is the `href` link, where there is one; else, where `anchor` is empty, the reference of another
    /// type (R8), the first in the order of [`LinkType::ALL`]. Links within a registrable domain are found
    /// where the index keeps them (R11). URLs are canonicalised (R4); those that do not parse are in no
    /// index.
    ///
    /// # Errors
    /// Where the index is damaged; [`IndexError::Cancelled`] soon after `cancel` is set.
    pub fn trace(
        &self,
        page_url: &str,
        target_url: &str,
        anchor: &str,
        cancel: &AtomicBool,
    ) -> Result<Option<Trace>, IndexError> {
        let manifest = self.manifest();
        let names = |digest: &str| {
            let file = manifest.file(digest);
            file.map(|file| file.names.clone()).unwrap_or_default()
        };
        let segments = self.segments_by_reference();
        trace(&segments, &names, (page_url, target_url, anchor), cancel)
    }
}

/// What [`Snapshot::trace`] does, over segments that need not belong to one index: the names of files are
/// not known.
///
/// # Errors
/// As there.
pub fn trace_segments(
    segments: &[Arc<Segment>],
    page_url: &str,
    target_url: &str,
    anchor: &str,
    cancel: &AtomicBool,
) -> Result<Option<Trace>, IndexError> {
    let segments: Vec<&Segment> = segments.iter().map(AsRef::as_ref).collect();
    let names = |_: &str| Vec::new();
    trace(&segments, &names, (page_url, target_url, anchor), cancel)
}

fn trace(
    segments: &[&Segment],
    names: &dyn Fn(&str) -> Vec<String>,
    (page_url, target_url, anchor): (&str, &str, &str),
    cancel: &AtomicBool,
) -> Result<Option<Trace>, IndexError> {
    let (Ok(page_url), Ok(target)) = (
        CanonicalUrl::parse(page_url),
        CanonicalUrl::parse(target_url),
    ) else {
        return Ok(None);
    };
    let Some(found) = TracedPage::find(segments, &page_url, cancel)? else {
        return Ok(None);
    };
    let mut wanted = Wanted::new(&target, anchor);
    let mut seen = Seen::default();
    for link_type in LinkType::ALL {
        if link_type != LinkType::Href && !anchor.is_empty() {
            break;
        }
        wanted.link_type = link_type;
        for holder in &found.holders {
            check(cancel)?;
            for (time, attr) in wanted.sightings_in(holder)? {
                seen.add(time, attr);
            }
        }
        if !seen.0.is_empty() {
            break;
        }
    }
    let times: Vec<u32> = seen.0.keys().copied().collect();
    let Some((dates, lost)) = dates::with_loss(&times, &found.page.showings, History::AllTime)
    else {
        return Ok(None);
    };
    let captures = captures(&found, &seen, names, cancel)?;
    let shown = captures
        .iter()
        .rfind(|capture| capture.time.unix() == dates.last_visited);
    let (rel, alt) = shown.map_or((None, None), |shown| (shown.rel, shown.alt.clone()));
    Ok(Some(Trace {
        page: found.page,
        target: target.as_str().to_owned(),
        anchor: anchor.to_owned(),
        alt: alt.unwrap_or_default(),
        rel: rel.unwrap_or_default(),
        link_type: wanted.link_type,
        first_seen: CaptureTime::from_unix(dates.first_seen),
        last_visited: CaptureTime::from_unix(dates.last_visited),
        lost,
        captures,
    }))
}

/// The seconds of the real captures that show the link, each with the attr.
#[derive(Debug, Default)]
struct Seen(BTreeMap<u32, Vec<u8>>);

impl Seen {
    fn add(&mut self, time: u32, attr: Vec<u8>) {
        match self.0.entry(time) {
            Entry::Vacant(vacant) => {
                vacant.insert(attr);
            }
            Entry::Occupied(mut known) => {
                let united = unite_attrs(known.get(), &attr);
                known.insert(united);
            }
        }
    }

    /// Rel and alt in a capture that shows what these captures showed; `None` where that is not the link.
    fn in_any(&self, times: &[CaptureTime]) -> Option<(Rel, String)> {
        let attrs = times.iter().filter_map(|time| self.0.get(&time.unix()));
        let attr = attrs
            .cloned()
            .reduce(|united, attr| unite_attrs(&united, &attr))?;
        let (rel, alt) = split_attr(&attr);
        // It was found to be UTF-8 when it was read.
        let alt = String::from_utf8_lossy(alt).into_owned();
        Some((rel, alt))
    }
}

fn captures(
    found: &TracedPage<'_>,
    seen: &Seen,
    names: &dyn Fn(&str) -> Vec<String>,
    cancel: &AtomicBool,
) -> Result<Vec<TracedCapture>, IndexError> {
    let showings = &found.page.showings;
    let mut renewed = Renewed::default();
    let each = found.instants.iter().map(|instant| {
        check(cancel)?;
        let Instant { time, state, .. } = instant;
        let shows = match showings.named(*time) {
            Some(name) => renewed.captures(showings, name)?,
            None => Arc::default(),
        };
        let (rel, alt) = seen.in_any(&shows).unzip();
        let (status, renews) = match state {
            State::Real { document, .. } => (document.status, Arc::default()),
            State::Revisit(_) => (None, shows),
        };
        Ok(TracedCapture {
            time: *time,
            outcome: state.outcome(),
            status,
            source: state.source(),
            shows_link: rel.is_some(),
            rel,
            alt,
            renews,
            places: found.places(instant, names),
        })
    });
    each.collect()
}

/// What the captures of a page show, written out. Those that show the same one after the other share it.
#[derive(Default)]
struct Renewed {
    last: Option<(u32, Arc<[CaptureTime]>)>,
    bytes: usize,
}

impl Renewed {
    fn captures(
        &mut self,
        showings: &Showings,
        name: u32,
    ) -> Result<Arc<[CaptureTime]>, IndexError> {
        if let Some((last, captures)) = &self.last
            && *last == name
        {
            return Ok(Arc::clone(captures));
        }
        let captures: Arc<[CaptureTime]> = showings.captures(name).into();
        self.bytes += size_of_val::<[CaptureTime]>(&captures);
        if self.bytes > RENEWED_BYTES_MAX {
            return Err(IndexError::Memory {
                max: RENEWED_BYTES_MAX,
            });
        }
        self.last = Some((name, Arc::clone(&captures)));
        Ok(captures)
    }
}
