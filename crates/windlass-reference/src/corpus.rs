//! Where the tests find the corpus, if it is there.

use std::io::Write;
use std::path::{Path, PathBuf};

/// The files in some folders of the corpus, sorted: of `WINDLASS_CORPUS`, or of `../shared/corpus`
/// beside the repository. Empty where that is not there, which is said past the test harness: it shows nothing of a test that
/// passes.
///
/// # Panics
/// Where `WINDLASS_CORPUS` names a folder that has none of them: who names one means it to be used.
#[must_use]
pub fn files(folders: &[&str]) -> Vec<PathBuf> {
    let named = std::env::var_os("WINDLASS_CORPUS").map(PathBuf::from);
    let root = named
        .clone()
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"));
    let mut found = Vec::new();
    for folder in folders {
        collect(&root.join(folder), &mut found);
    }
    if found.is_empty() {
        let root = root.display();
        assert!(
            named.is_none(),
            "WINDLASS_CORPUS: {root} has no files in {folders:?}"
        );
        let text = format!("skipped: no corpus at {root} (set WINDLASS_CORPUS)\n");
        // Who does not hear it has nothing else to hear.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
    found.sort();
    found
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.push(path);
        }
    }
}
