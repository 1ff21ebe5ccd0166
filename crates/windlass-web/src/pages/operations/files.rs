//! Ingested files, and what was wrong with them.

use windlass_index::{FileEntry, Manifest, ProblemNote};

use super::Operations;
use crate::pager::Pager;

/// Files on a page: each has up to some dozens of notes.
const FILES: u64 = 20;

/// A page of files.
pub(super) struct Files<'a> {
    pub(super) lines: Vec<&'a FileEntry>,
    /// How many there are in all, and how many of them have problems.
    pub(super) total: u64,
    pub(super) with_problems: u64,
    pub(super) pager: Pager,
    /// The address of the list of the others.
    pub(super) others: String,
}

impl<'a> Files<'a> {
    pub(super) fn of(operations: &Operations, manifest: &'a Manifest) -> Self {
        let has_problems = |file: &&FileEntry| !file.problems.is_empty();
        let with_problems = manifest.files.iter().filter(has_problems).count() as u64;
        let total = manifest.files.len() as u64;
        let listed = if operations.all_files {
            total
        } else {
            with_problems
        };
        let address = |all_files: bool, first: u64| {
            let address = operations.usage.address();
            let address = address.with("files", if all_files { "all" } else { "" });
            let address = match first {
                0 => address,
                first => address.with("start", &first.to_string()),
            };
            format!("{address}#files")
        };
        let skipped = usize::try_from(operations.first_file).unwrap_or(usize::MAX);
        let lines: Vec<&FileEntry> = manifest
            .files
            .iter()
            .filter(|file| operations.all_files || has_problems(file))
            .skip(skipped)
            .take(FILES as usize)
            .collect();
        let shown = lines.len() as u64;
        Self {
            lines,
            total,
            with_problems,
            pager: Pager::new(operations.first_file, shown, FILES, listed, |first| {
                address(operations.all_files, first)
            }),
            others: address(!operations.all_files, 0),
        }
    }

    /// The first problems of the files on the page, each with its file.
    pub(super) fn notes(&self) -> impl Iterator<Item = (&'a FileEntry, &'a ProblemNote)> {
        let lines = self.lines.iter();
        lines.flat_map(|file| file.first_problems.iter().map(|note| (*file, note)))
    }
}

/// The name of a file: the first of those under which it was given.
pub(super) fn name(file: &FileEntry) -> &str {
    file.names
        .first()
        .map_or(file.digest.as_str(), String::as_str)
}
