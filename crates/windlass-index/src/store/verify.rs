//! Reading all of an index that may be damaged.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::manifest::{Manifest, SegmentEntry};
use super::reader::{ATTEMPTS_MAX, open_segment, read_manifest, read_public_suffix_list};
use crate::cache::KeptMemory;
use crate::collect::digest_text;
use crate::error::IndexError;
use crate::segment::Segment;

/// What is wrong with a file of an index, if anything is.
#[derive(Debug)]
pub struct Verdict {
    /// The file's name: that of a segment, or of the Public Suffix List.
    pub name: String,
    /// What is wrong.
    pub error: Option<IndexError>,
}

/// Reads all files that the manifest of an index names, and compares them with their checksums and with themselves:
/// each, whatever is wrong with others, segments first. A file's verdict is given as soon as there is one.
///
/// # Errors
/// Where the manifest cannot be read, and on [`IndexError::Cancelled`], which says nothing of the files.
pub fn verify(
    directory: &Path,
    cancel: &AtomicBool,
    mut each: impl FnMut(Verdict),
) -> Result<(), IndexError> {
    let mut attempt = 0;
    let (manifest, segments) = loop {
        attempt += 1;
        let (manifest, _) = read_manifest(directory)?;
        let memory = KeptMemory::new(0);
        let open = |entry| open_segment(directory, entry, &[], &memory);
        // All are opened before the first is read, so that a merge does not take them away.
        let segments: Vec<_> = manifest.segments.iter().map(open).collect();
        let is_missing = |error: &IndexError| matches!(error, IndexError::Io { source, .. } if source.kind() == ErrorKind::NotFound);
        let any_missing = segments
            .iter()
            .any(|opened| opened.as_ref().is_err_and(is_missing));
        // A merge has deleted it, unless the manifest stays as it is.
        let is_present =
            !any_missing || read_manifest(directory)?.0.generation == manifest.generation;
        if is_present || attempt >= ATTEMPTS_MAX {
            break (manifest, segments);
        }
    };
    for (entry, opened) in manifest.segments.iter().zip(segments) {
        let verified = opened.and_then(|segment| {
            check_files(&manifest, entry, &segment)?;
            segment.verify(cancel)
        });
        let error = match verified {
            Ok(()) => None,
            Err(error @ IndexError::Cancelled) => return Err(error),
            Err(error) => Some(error),
        };
        each(Verdict {
            name: entry.name.clone(),
            error,
        });
    }
    each(Verdict {
        name: super::PUBLIC_SUFFIX_LIST.to_owned(),
        error: read_public_suffix_list(directory, &manifest).err(),
    });
    Ok(())
}

/// Whether the archive files that a segment was made of are those of the index: of one that the manifest knows by length
/// and counts alone, that tells it from another's. An index that knows no files was not made of any.
fn check_files(
    manifest: &Manifest,
    entry: &SegmentEntry,
    segment: &Segment,
) -> Result<(), IndexError> {
    if entry.footer_digest.is_some() || manifest.files.is_empty() {
        return Ok(());
    }
    let mut digests = segment.files().into_iter().map(|file| digest_text(&file));
    match digests.find(|digest| manifest.file(digest).is_none()) {
        None => Ok(()),
        Some(digest) => Err(IndexError::Corrupt {
            path: segment.path().to_owned(),
            what: format!(
                "it is not the segment that the manifest names: it was made of a file, BLAKE3 {digest}, that the index does not have"
            ),
        }),
    }
}
