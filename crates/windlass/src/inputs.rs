//! From what was typed to archive files.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use walkdir::WalkDir;
use windlass_archive::Limits;

use crate::cli::{ListOptions, ReadingOptions};

/// Endings of archive files, by which they are found in folders.
const ENDINGS: [&str; 3] = ["warc", "arc", "wat"];
const PACKINGS: [&str; 2] = ["gz", "zst"];

/// The files that paths, folders and globs name; sorted, each once. Links to files are files. What is not there is
/// among them where others are, and so are folders that cannot be listed: whoever reads them says so.
pub(crate) fn expand(paths: &[String]) -> anyhow::Result<Vec<PathBuf>> {
    let (mut files, mut missing) = (Vec::new(), Vec::new());
    for text in paths {
        let path = Path::new(text);
        if path.exists() {
            add(path, &mut files)?;
            continue;
        }
        let found =
            glob::glob(text).with_context(|| format!("{text} is neither a file nor a glob"))?;
        let before = files.len();
        for path in found {
            let path = path.with_context(|| format!("listing {text}"))?;
            add(&path, &mut files)?;
        }
        if files.len() == before {
            missing.push(path.to_owned());
        }
    }
    if let (true, Some(first)) = (files.is_empty(), missing.first()) {
        bail!("there is no file {}", first.display());
    }
    files.append(&mut missing);
    files.sort();
    files.dedup();
    Ok(files)
}

/// Adds a file, or the archive files of a folder and of those in it.
fn add(path: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let name = path.display();
    let before = files.len();
    for entry in WalkDir::new(path).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => match error.path().map(Path::to_owned) {
                // The others can be read all the same.
                Some(forbidden) if forbidden != path => {
                    files.push(forbidden);
                    continue;
                }
                _ => return Err(error).with_context(|| format!("listing {name}")),
            },
        };
        if is_archive(entry.path()) && entry.path().is_file() {
            files.push(entry.into_path());
        }
    }
    if files.len() == before {
        bail!("the folder {name} holds no file called *.warc, *.arc or *.wat, plain, .gz or .zst");
    }
    Ok(())
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

    #[test]
    fn folders_globs_and_links() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("crawl/empty.warc")).unwrap();
        std::fs::write(at("elsewhere"), "").unwrap();
        std::fs::write(at("crawl/a.warc"), "").unwrap();
        std::os::unix::fs::symlink("../elsewhere", at("crawl/b.warc")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("crawl/c.warc")).unwrap();
        let expanded = |text: &str| expand(&[at(text).to_str().unwrap().to_owned()]);
        let both = [at("crawl/a.warc"), at("crawl/b.warc")];
        // A glob that names a folder is that folder.
        for text in ["crawl", "cr*"] {
            assert_eq!(expanded(text).unwrap(), both, "{text}");
        }
        assert_eq!(expanded("crawl/[ab].warc").unwrap(), both);
        for text in ["crawl/empty.warc", "crawl/x*", "crawl/c.warc/"] {
            assert!(expanded(text).is_err(), "{text}");
        }
        let some = ["crawl/a.warc", "nowhere"].map(|name| at(name).to_str().unwrap().to_owned());
        assert_eq!(expand(&some).unwrap(), [at("crawl/a.warc"), at("nowhere")]);
    }
}
