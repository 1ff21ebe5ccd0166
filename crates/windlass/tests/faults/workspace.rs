//! A directory for one run of the program.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// `root/index` is the index; faults strike below `root`.
pub struct Workspace(TempDir);

impl Workspace {
    /// With a copy of an index, where one is given.
    pub fn new(index: Option<&Path>) -> Self {
        let workspace = Self(tempfile::tempdir().unwrap());
        fs::create_dir(workspace.root()).unwrap();
        fs::create_dir(workspace.shadow()).unwrap();
        if let Some(index) = index {
            copy(index, &workspace.index());
        }
        workspace
    }

    pub fn root(&self) -> PathBuf {
        self.0.path().join("root")
    }

    pub fn index(&self) -> PathBuf {
        self.root().join("index")
    }

    pub fn shadow(&self) -> PathBuf {
        self.0.path().join("shadow")
    }

    pub fn log(&self) -> PathBuf {
        self.0.path().join("log")
    }

    /// What fills the disk while it is there.
    pub fn switch(&self) -> PathBuf {
        self.0.path().join("switch")
    }

    pub fn images(&self) -> PathBuf {
        self.0.path().join("images")
    }
}

/// Copies a directory with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

/// The names in a directory, sorted; none where it does not exist.
pub fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The path and bytes of every file below a directory, apart from locks: those are empty, or change
/// with who writes.
pub fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for name in names(directory) {
        let path = directory.join(&name);
        if path.is_dir() {
            all.append(&mut contents(&path));
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        if name != "lock" && !bytes.is_empty() {
            all.push((path, bytes));
        }
    }
    all
}
