//! Archive files that cannot be read to their end: what came before is kept, and the file is not taken for read.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::archives;
use crate::shim::unsynced;
use crate::support::{merged_bytes, stdout};

/// `ingest` of a file whose `at`-th read fails; 0: none. What it says, and whether it ended well.
fn ingest(root: &Path, file: &Path, list: &Path, at: u64) -> (Value, bool) {
    let mut command = unsynced(root);
    command
        .env("FAULT_READ", file)
        .env("FAULT_AT", at.to_string())
        .args(["ingest", "--output", "json", "--index"])
        .arg(root.join("index"))
        .arg("--psl")
        .arg(list)
        .arg(file);
    let output = command.output().unwrap();
    let said = serde_json::from_slice(&output.stdout);
    (said.unwrap(), output.status.success())
}

#[test]
fn a_file_that_was_read_in_part_is_said_to_have_failed_and_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    let (files, list) = archives::write(&root);
    // Longer than what is read at once.
    let file = root.join("long.warc");
    let one = fs::read(&files[0]).unwrap();
    fs::write(&file, one.repeat((2 << 20) / one.len())).unwrap();
    // The first reads are of the whole file, for its digest.
    let digest_reads = fs::metadata(&file).unwrap().len().div_ceil(1 << 18) + 1;
    let (said, ended_well) = ingest(&root, &file, &list, digest_reads + 4);
    assert!(!ended_well);
    assert_eq!(said["files_read"], 1, "{said}");
    assert_eq!(said["files_failed"].as_array().unwrap().len(), 1, "{said}");
    assert_eq!(said["problems"]["io"], 1, "{said}");
    let captures = said["captures"].as_u64().unwrap();
    assert!(captures > 0);

    let (said, ended_well) = ingest(&root, &file, &list, 0);
    assert!(ended_well, "{said}");
    assert!(said["captures"].as_u64().unwrap() > captures, "{said}");
    let (said, _) = ingest(&root, &file, &list, 0);
    assert_eq!(said["files_known"].as_array().unwrap().len(), 1, "{said}");

    let whole = root.join("whole");
    let paths = [&whole, &list, &file].map(|path| path.to_str().unwrap());
    stdout(["ingest", "--index", paths[0], "--psl", paths[1], paths[2]]);
    assert!(merged_bytes(&whole) == merged_bytes(&root.join("index")));
}

#[test]
fn links_of_a_file_that_was_read_in_part_are_not_all_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    let (files, _) = archives::write(&root);
    let file = root.join("long.warc");
    let one = fs::read(&files[0]).unwrap();
    fs::write(&file, one.repeat((2 << 20) / one.len())).unwrap();
    let links = |at: &str| {
        let mut command = unsynced(&root);
        command.env("FAULT_READ", &file).env("FAULT_AT", at);
        command.arg("links").arg(&file).output().unwrap()
    };
    let (whole, part) = (links("0"), links("4"));
    assert!(whole.status.success());
    assert_eq!(part.status.code(), Some(1));
    assert!(part.stdout.len() < whole.stdout.len() && whole.stdout.starts_with(&part.stdout));
    let said = String::from_utf8(part.stderr).unwrap();
    assert!(said.contains("\"kind\":\"io\""), "{said}");
}
