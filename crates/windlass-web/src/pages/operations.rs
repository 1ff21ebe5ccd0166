//! For operators: tokens and usage, segments and merges, ingested files and their problems.

mod files;
mod merges;
mod usage;

use askama::Template;
use windlass_index::{CaptureTime, MergePlan, SegmentEntry};

use crate::error::PageError;
use crate::render;
use crate::shown;
use crate::view::{Rendered, View};

pub use merges::{DoneMerge, Merges};
pub use usage::{TokenLine, Usage, UsageFilter, UsageLine};

use files::Files;

/// Where it is.
pub const PATH: &str = "/operations";

/// What the page shows beside the index, and which of its files are listed.
#[derive(Debug, Clone, Default)]
pub struct Operations {
    /// All tokens.
    pub tokens: Vec<TokenLine>,
    /// What was used.
    pub usage: Usage,
    /// What merging in the background has done, where it is done.
    pub merges: Merges,
    /// Whether files without problems are listed too.
    pub all_files: bool,
    /// How many files are passed over.
    pub first_file: u64,
}

/// Puts the page together.
///
/// # Errors
/// See [`PageError`].
pub fn page(operations: &Operations, view: View<'_>) -> Result<Rendered, PageError> {
    let manifest = view.snapshot.manifest();
    let next = operations.merges.next(manifest);
    let template = Page {
        operations,
        segments: &manifest.segments,
        bytes: manifest.segments.iter().map(|segment| segment.bytes).sum(),
        format_version: manifest.format_version,
        next,
        files: Files::of(operations, manifest),
    };
    Ok(Rendered {
        html: render(&template),
        charge: None,
    })
}

#[derive(Template)]
#[template(path = "operations.html")]
struct Page<'a> {
    operations: &'a Operations,
    segments: &'a [SegmentEntry],
    bytes: u64,
    format_version: u32,
    next: Option<MergePlan>,
    files: Files<'a>,
}

impl Page<'_> {
    fn count(&self, number: usize) -> shown::Number {
        shown::Number(number as u64)
    }

    fn time(&self, seconds: &Option<u32>) -> Option<CaptureTime> {
        seconds.map(CaptureTime::from_unix)
    }
}
