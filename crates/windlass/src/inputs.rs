//! From what was typed to archive files.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use walkdir::WalkDir;
use windlass_archive::Limits;

use crate::cli::{ListOptions, ReadingOptions};

/// Endings of archive files, by which they are found in folders.
const ENDINGS: [&str; 3] = ["warc", "arc", "wat"];
const PACKINGS: [&str; 2] = ["gz", "zst"];

/// What paths, folders and globs name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Inputs {
    /// Files; sorted, each once.
    pub(crate) files: Vec<PathBuf>,
    /// What cannot be read, and why: what is not there, and folders that cannot be listed or hold no archive.
    pub(crate) bad: Vec<(PathBuf, String)>,
}

impl Inputs {
    /// All of it, for who does without what is bad and says so; an error where there is nothing else.
    pub(crate) fn some(self) -> anyhow::Result<Self> {
        if self.files.is_empty() {
            self.complain()?;
        }
        Ok(self)
    }

    /// The files, for who wants all of them or none.
    pub(crate) fn all(self) -> anyhow::Result<Vec<PathBuf>> {
        self.complain()?;
        Ok(self.files)
    }

    fn complain(&self) -> anyhow::Result<()> {
        let named = self.bad.iter();
        let named = named.map(|(path, why)| format!("{}: {why}", path.display()));
        let all: Vec<String> = named.collect();
        if !all.is_empty() {
            bail!("{}", all.join("; "));
        }
        Ok(())
    }

    fn add_bad(&mut self, path: &Path, why: String) {
        self.bad.push((path.to_owned(), why));
    }

    /// What one text names.
    fn add_named(&mut self, text: &str) {
        let path = Path::new(text);
        let Err(error) = path.metadata() else {
            self.add(path);
            return;
        };
        let found = match glob::glob(text) {
            Ok(found) => found,
            Err(wrong) => {
                self.add_bad(path, format!("{error}, and it is no glob: {wrong}"));
                return;
            }
        };
        let mut is_empty = true;
        for found in found {
            is_empty = false;
            match found {
                Ok(path) => self.add(&path),
                Err(error) => self.add_bad(error.path(), error.error().to_string()),
            }
        }
        if is_empty {
            self.add_bad(path, error.to_string());
        }
    }

    /// A file, or the archive files of a folder and of those in it. Links are what they lead to.
    fn add(&mut self, path: &Path) {
        if !path.is_dir() {
            self.files.push(path.to_owned());
            return;
        }
        let before = self.files.len() + self.bad.len();
        for entry in WalkDir::new(path).follow_links(true) {
            match entry {
                Ok(entry) => {
                    if is_archive(entry.path()) && entry.path().is_file() {
                        self.files.push(entry.into_path());
                    }
                }
                Err(error) => self.add_unlisted(&error, path),
            }
        }
        if self.files.len() + self.bad.len() == before {
            let why = "the folder holds no file called *.warc, *.arc or *.wat, plain, .gz or .zst";
            self.add_bad(path, why.to_owned());
        }
    }

    /// What in a folder cannot be listed. The others can be read all the same.
    fn add_unlisted(&mut self, error: &walkdir::Error, folder: &Path) {
        let path = error.path().unwrap_or(folder);
        let Some(io) = error.io_error() else {
            // A link to a folder that it lies in, of which everything is found anyway.
            return;
        };
        // Links that lead nowhere are other programs' locks and the like, where they are not called archives.
        if io.kind() != io::ErrorKind::NotFound || is_archive(path) {
            self.add_bad(path, io.to_string());
        }
    }
}

/// What paths, folders and globs name.
pub(crate) fn expand(paths: &[String]) -> Inputs {
    let mut inputs = Inputs::default();
    for text in paths {
        inputs.add_named(text);
    }
    inputs.files.sort();
    inputs.files.dedup();
    inputs.bad.sort();
    inputs.bad.dedup();
    inputs
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
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, at(name)).unwrap();
        std::fs::create_dir_all(at("crawl/empty.warc")).unwrap();
        std::fs::create_dir(at("other")).unwrap();
        for name in ["elsewhere", "crawl/a.warc", "other/d.warc"] {
            std::fs::write(at(name), "").unwrap();
        }
        link("../elsewhere", "crawl/b.warc");
        link("../other", "crawl/more");
        // It lies in itself.
        link("../crawl", "crawl/again");
        link("nowhere", "crawl/.#lock");
        let of = |texts: &[&str]| {
            let texts = texts.iter().map(|text| at(text).display().to_string());
            expand(&texts.collect::<Vec<_>>())
        };
        let files = ["a.warc", "b.warc", "more/d.warc"].map(|name| at("crawl").join(name));
        // A glob that names a folder is that folder.
        for text in ["crawl", "cr*"] {
            assert_eq!(of(&[text]).all().unwrap(), files, "{text}");
        }
        assert_eq!(of(&["crawl/[ab].warc"]).all().unwrap(), files[..2]);

        for text in ["crawl/empty.warc", "crawl/x*", "crawl/a.warc/", "[", "none"] {
            let alone = of(&[text]).some().unwrap_err().to_string();
            assert!(alone.starts_with(at(text).to_str().unwrap()), "{alone}");
            let with = of(&["crawl/a.warc", text]);
            assert!(with.bad.len() == 1 && with.files == files[..1], "{with:?}");
            let complaint = of(&["crawl/a.warc", text]).all().unwrap_err();
            assert_eq!(complaint.to_string(), alone);
            assert_eq!(with.some().unwrap().files, files[..1]);
        }
        link("nowhere", "other/e.warc");
        let Inputs { files, bad } = of(&["other"]).some().unwrap();
        assert_eq!(files, [at("other/d.warc")]);
        assert!(bad.len() == 1 && bad[0].0 == at("other/e.warc"), "{bad:?}");
    }
}
