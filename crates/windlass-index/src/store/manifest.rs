//! The manifest: what an index consists of, as JSON with a checksum.
//!
//! ```text
//! {"crc32": CRC-32 of the bytes of the manifest's value, "manifest": {…}}
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use windlass_archive::ProblemKind;

use crate::error::IndexError;
use crate::segment::{Counts, FORMAT_VERSION, RULES_VERSION, check_versions};

/// What an index consists of at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the segment format.
    pub format_version: u32,
    /// Version of the counting rules.
    pub rules_version: u32,
    /// Grows by one with each commit.
    pub generation: u64,
    /// Version of the Public Suffix List (R7).
    pub public_suffix_list: String,
    /// BLAKE3 digest of the list, in hexadecimal.
    pub public_suffix_list_digest: String,
    /// Whether links within registrable domains are kept, apart from the backlinks (R11).
    pub keep_internal: bool,
    /// The segments.
    pub segments: Vec<SegmentEntry>,
    /// The archive files that were ingested, in order of their digests.
    pub files: Vec<FileEntry>,
}

/// One segment of the index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentEntry {
    /// File name in the directory `segments`.
    pub name: String,
    /// Length in bytes.
    pub bytes: u64,
    /// What it holds.
    pub counts: Counts,
    /// BLAKE3 digest of its footer, in hexadecimal: which of all segments of its length it is. Manifests did
    /// not have it at first; the next commit adds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer_digest: Option<String>,
}

/// One ingested archive file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FileEntry {
    /// BLAKE3 digest of its bytes, in hexadecimal: its identity.
    pub digest: String,
    /// The names under which it was given, sorted.
    pub names: Vec<String>,
    /// Length in bytes.
    pub bytes: u64,
    /// Records that are no captures (request, warcinfo…).
    pub records_skipped: u64,
    /// Captures indexed.
    pub captures: u64,
    /// Captures that say nothing about their page (R2), by reason.
    pub captures_skipped: BTreeMap<String, u64>,
    /// `href` links seen: internal and external.
    pub links: u64,
    /// External `href` links seen (R11), before equal ones are united.
    pub external_links: u64,
    /// References rejected (R4): they do not parse or are too long.
    pub links_rejected: u64,
    /// Anchors cut at 64 KiB (R9).
    pub anchors_cut: u64,
    /// Problems by kind.
    pub problems: BTreeMap<String, u64>,
    /// The first of them.
    pub first_problems: Vec<ProblemNote>,
}

impl FileEntry {
    /// What the system said where the file could not be read to its end: then some of its captures are missing, and
    /// it is read again when it is given again.
    #[must_use]
    pub fn read_error(&self) -> Option<String> {
        let io = ProblemKind::Io.name();
        self.problems.get(io)?;
        let first = self
            .first_problems
            .iter()
            .find(|problem| problem.kind == io);
        Some(first.map_or_else(
            || "reading the file failed".to_owned(),
            |problem| format!("at {}: {}", problem.offset, problem.message),
        ))
    }
}

/// A problem as the manifest keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemNote {
    /// Where in the file.
    pub offset: u64,
    /// Its kind.
    pub kind: String,
    /// What was found.
    pub message: String,
}

#[derive(Serialize)]
struct Sealed<'a> {
    crc32: u32,
    manifest: &'a RawValue,
}

#[derive(Deserialize)]
struct Unsealed<'a> {
    crc32: u32,
    #[serde(borrow)]
    manifest: &'a RawValue,
}

#[derive(Deserialize)]
struct Versions {
    format_version: u32,
    rules_version: u32,
}

impl Manifest {
    /// The manifest of an index that holds nothing yet.
    pub(super) fn empty(public_suffix_list: String, digest: String) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            rules_version: RULES_VERSION,
            generation: 0,
            public_suffix_list,
            public_suffix_list_digest: digest,
            keep_internal: false,
            segments: Vec::new(),
            files: Vec::new(),
        }
    }

    /// The file of that digest (hexadecimal).
    #[must_use]
    pub fn file(&self, digest: &str) -> Option<&FileEntry> {
        let at = self.place(digest).ok()?;
        self.files.get(at)
    }

    /// Where the file of that digest is, or belongs.
    fn place(&self, digest: &str) -> Result<usize, usize> {
        self.files
            .binary_search_by(|file| file.digest.as_str().cmp(digest))
    }

    /// Adds a file, or replaces the one with its digest; names are kept.
    pub(crate) fn put_file(&mut self, mut file: FileEntry) {
        match self.place(&file.digest) {
            Ok(at) => {
                if let Some(known) = self.files.get_mut(at) {
                    file.names.append(&mut known.names);
                    file.names.sort();
                    file.names.dedup();
                    *known = file;
                }
            }
            Err(at) => self.files.insert(at, file),
        }
    }

    /// Adds a name to the file of that digest, where there is one.
    pub(super) fn put_name(&mut self, digest: &str, name: &str) {
        let at = self.place(digest).ok();
        if let Some(file) = at.and_then(|at| self.files.get_mut(at))
            && let Err(place) = file
                .names
                .binary_search_by(|known| known.as_str().cmp(name))
        {
            file.names.insert(place, name.to_owned());
        }
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let manifest = serde_json::value::to_raw_value(self)?;
        let crc32 = crc32fast::hash(manifest.get().as_bytes());
        serde_json::to_vec(&Sealed {
            crc32,
            manifest: &manifest,
        })
    }

    pub(super) fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, IndexError> {
        let corrupt = |what: String| IndexError::Corrupt {
            path: path.to_owned(),
            what,
        };
        let sealed: Unsealed<'_> = serde_json::from_slice(bytes)
            .map_err(|e| corrupt(format!("it is no manifest: {e}")))?;
        let body = sealed.manifest.get();
        if crc32fast::hash(body.as_bytes()) != sealed.crc32 {
            return Err(corrupt("it does not match its checksum".to_owned()));
        }
        let versions: Versions = serde_json::from_str(body).map_err(|e| corrupt(e.to_string()))?;
        let found = [versions.format_version, versions.rules_version];
        check_versions(path, found.map(Ok))?;
        serde_json::from_str(body).map_err(|e| corrupt(e.to_string()))
    }
}

/// The BLAKE3 digest of a Public Suffix List, in hexadecimal.
pub(super) fn digest(list: &[u8]) -> String {
    blake3::hash(list).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever another version counts or writes is not taken for what this one does.
    #[test]
    fn manifests_of_other_versions_are_refused() {
        let own = Manifest::empty("v".to_owned(), "d".to_owned());
        let read = |manifest: &Manifest| {
            let bytes = manifest.to_bytes().unwrap();
            Manifest::from_bytes(Path::new("manifest"), &bytes)
        };
        assert_eq!(read(&own).unwrap(), own);
        for by in [1, u32::MAX] {
            let other = Manifest {
                format_version: own.format_version.wrapping_add(by),
                ..own.clone()
            };
            let what = "format";
            assert!(
                matches!(read(&other), Err(IndexError::Version { what: found, .. }) if found == what)
            );
            let other = Manifest {
                rules_version: own.rules_version.wrapping_add(by),
                ..own.clone()
            };
            let what = "counting rules";
            assert!(
                matches!(read(&other), Err(IndexError::Version { what: found, .. }) if found == what)
            );
        }
    }

    /// Read again under another name, a file has both.
    #[test]
    fn names_of_a_file_stay_when_it_is_read_again() {
        let mut manifest = Manifest::empty("v".to_owned(), "d".to_owned());
        let file = |name: &str, captures| FileEntry {
            digest: "0".to_owned(),
            names: vec![name.to_owned()],
            captures,
            ..FileEntry::default()
        };
        manifest.put_file(file("b", 1));
        manifest.put_file(file("a", 2));
        manifest.put_file(file("b", 3));
        assert_eq!(manifest.files.len(), 1);
        assert_eq!(manifest.files[0].names, ["a", "b"]);
        assert_eq!(manifest.files[0].captures, 3);
    }
}
