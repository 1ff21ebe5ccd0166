//! From what was typed to archive files.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use walkdir::WalkDir;
use windlass_archive::Limits;

use crate::cli::{ListOptions, ReadingOptions};

/// Endings of archive files, by which they are found in folders.
const ENDINGS: [&str; 3] = ["warc", "arc", "wat"];
const PACKINGS: [&str; 2] = ["gz", "zst"];

/// The files that paths, folders and globs name; sorted, each once.
pub(crate) fn expand(paths: &[String]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for text in paths {
        let path = Path::new(text);
        if path.is_dir() {
            let before = files.len();
            for entry in WalkDir::new(path).sort_by_file_name() {
                let entry = entry.with_context(|| format!("listing {text}"))?;
                if entry.file_type().is_file() && is_archive(entry.path()) {
                    files.push(entry.into_path());
                }
            }
            if files.len() == before {
                bail!(
                    "the folder {text} holds no file called *.warc, *.arc or *.wat, plain, .gz or .zst"
                );
            }
        } else if path.exists() {
            files.push(path.to_owned());
        } else {
            let found =
                glob::glob(text).with_context(|| format!("{text} is neither a file nor a glob"))?;
            let before = files.len();
            for path in found {
                files.push(path.with_context(|| format!("listing {text}"))?);
            }
            if files.len() == before {
                bail!("there is no file {text}");
            }
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

fn is_archive(path: &Path) -> bool {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default();
    let mut endings = name.rsplit('.');
    let last = endings.next().unwrap_or_default();
    let ending = if PACKINGS.contains(&last) {
        endings.next().unwrap_or_default()
    } else {
        last
    };
    ENDINGS.contains(&ending)
}

impl ReadingOptions {
    pub(crate) fn limits(&self) -> Limits {
        let body_bytes_max = usize::try_from(self.body_max).unwrap_or(usize::MAX);
        Limits {
            body_bytes_max,
            ..Limits::default()
        }
    }
}

impl ListOptions {
    /// The text of the list that was given, if one was.
    pub(crate) fn text(&self) -> anyhow::Result<Option<String>> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path)
                .with_context(|| format!("reading the Public Suffix List {}", path.display()))
        };
        self.psl.as_ref().map(read).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_by_name() {
        for (name, expected) in [
            ("a.warc", true),
            ("a.WARC.gz", true),
            ("a.warc.wat.gz", true),
            ("a.arc.zst", true),
            ("a.warc.wet.gz", false),
            ("a.cdx", false),
            ("README.md", false),
        ] {
            assert_eq!(is_archive(Path::new(name)), expected, "{name}");
        }
    }
}
