//! What the index holds.

use std::time::{SystemTime, UNIX_EPOCH};

use askama::Template;
use windlass_index::{CaptureTime, Manifest};

use crate::error::PageError;
use crate::render;
use crate::shown;
use crate::view::{Rendered, View};

/// Where it is.
pub const PATH: &str = "/index";

/// Puts the page together.
///
/// # Errors
/// See [`PageError`].
pub fn page(view: View<'_>) -> Result<Rendered, PageError> {
    let manifest = view.snapshot.manifest();
    let counts = manifest.segments.iter().map(|segment| segment.counts);
    let time = |seconds: Option<u32>| seconds.map(CaptureTime::from_unix);
    let sum = |of: fn(&windlass_index::Counts) -> u64| {
        let numbers = manifest.segments.iter().map(|segment| of(&segment.counts));
        numbers.fold(0, u64::saturating_add)
    };
    let template = Index {
        manifest,
        version: view.snapshot.version(),
        captures: sum(|counts| counts.captures),
        pages: sum(|counts| counts.pages),
        refdomains: sum(|counts| counts.refdomains),
        backlinks: sum(|counts| counts.backlinks),
        other_links: sum(|counts| counts.other_links),
        internal_links: sum(|counts| counts.internal_links),
        sites: sum(|counts| counts.sites),
        bytes: manifest.segments.iter().map(|segment| segment.bytes).sum(),
        first: time(counts.clone().filter_map(|c| c.first_capture).min()),
        last: time(counts.filter_map(|c| c.last_capture).max()),
        changed: view.snapshot.changed().and_then(moment),
        file_bytes: manifest.files.iter().map(|file| file.bytes).sum(),
        skipped: problems(manifest, |file| &file.captures_skipped),
        problems: problems(manifest, |file| &file.problems),
    };
    Ok(Rendered {
        html: render(&template),
        charge: None,
    })
}

fn problems(
    manifest: &Manifest,
    of: fn(&windlass_index::FileEntry) -> &std::collections::BTreeMap<String, u64>,
) -> u64 {
    let numbers = manifest.files.iter().flat_map(|file| of(file).values());
    numbers.fold(0, |sum, number| sum.saturating_add(*number))
}

/// A moment of the system's clock, as far as captures have such.
fn moment(time: SystemTime) -> Option<CaptureTime> {
    let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
    u32::try_from(seconds).ok().map(CaptureTime::from_unix)
}

#[derive(Template)]
#[template(path = "index_page.html")]
struct Index<'a> {
    manifest: &'a Manifest,
    version: &'a str,
    captures: u64,
    pages: u64,
    refdomains: u64,
    backlinks: u64,
    other_links: u64,
    internal_links: u64,
    sites: u64,
    bytes: u64,
    first: Option<CaptureTime>,
    last: Option<CaptureTime>,
    changed: Option<CaptureTime>,
    file_bytes: u64,
    skipped: u64,
    problems: u64,
}

impl Index<'_> {
    fn files(&self) -> shown::Number {
        shown::Number(self.manifest.files.len() as u64)
    }

    fn segments(&self) -> shown::Number {
        shown::Number(self.manifest.segments.len() as u64)
    }
}
