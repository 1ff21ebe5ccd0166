//! Where the tests find the corpus, if it is there.

use std::path::{Path, PathBuf};

/// The files in some folders of the corpus, sorted: of `WINDLASS_CORPUS`, or of `../shared/corpus`
/// beside the repository. Empty where there is no corpus, which is said on standard output.
#[must_use]
#[expect(clippy::print_stdout, reason = "a test that skips says so")]
pub fn files(folders: &[&str]) -> Vec<PathBuf> {
    let root = std::env::var_os("WINDLASS_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let mut found = Vec::new();
    for folder in folders {
        collect(&root.join(folder), &mut found);
    }
    if found.is_empty() {
        println!(
            "skipped: no corpus at {} (set WINDLASS_CORPUS)",
            root.display()
        );
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
