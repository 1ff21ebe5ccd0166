//! Damaged bytes in any file of an index: `verify` names the file, and no answer is wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use windlass_index::{IndexError, Snapshot, merge_to_file};

use crate::archives;
use crate::state::{State, answers, verify};
use crate::support::{ingest, merged_bytes, windlass};
use crate::workspace::{Workspace, contents};

/// An index of two segments with a short list, and with every section that there is.
fn index(directory: &Path) -> PathBuf {
    let (files, list) = archives::write(directory);
    let index = directory.join("index");
    for file in &files[..2] {
        ingest(
            &index,
            std::slice::from_ref(file),
            &["--psl", list.to_str().unwrap(), "--keep-internal"],
        );
    }
    index
}

/// The index with one byte changed. Segments are mapped into memory, so the file is a new one.
fn damage(path: &Path, sound: &[u8], at: usize, mask: u8) {
    let mut bytes = sound.to_vec();
    bytes[at] ^= mask;
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

fn verified(index: &Path) -> Result<(), IndexError> {
    verify(&Snapshot::open(index)?)
}

#[test]
fn every_byte_of_every_file_is_covered() {
    let directory = tempfile::tempdir().unwrap();
    let index = index(directory.path());
    let right = State::of(&index).unwrap().unwrap();
    let mut damaged = 0;
    for (path, sound) in contents(&index) {
        for at in 0..sound.len() {
            // One bit each, the next one at the next byte; all bits where they stand for text.
            let is_text = path
                .extension()
                .is_none_or(|extension| extension != "segment");
            let masks = if is_text { 0..8 } else { at % 8..at % 8 + 1 };
            for bit in masks {
                let told = format!("{}, byte {at}, bit {bit}", path.display());
                damage(&path, &sound, at, 1 << bit);
                let error = verified(&index).expect_err(&told).to_string();
                assert!(error.contains(path.to_str().unwrap()), "{told}: {error}");
                let Ok(snapshot) = Snapshot::open(&index) else {
                    continue;
                };
                for (answer, right) in answers(&snapshot).into_iter().zip(right.answers()) {
                    match answer {
                        Ok(answer) => assert_eq!(&answer, right, "{told}"),
                        Err(error) => {
                            let error = error.to_string();
                            assert!(error.contains(path.to_str().unwrap()), "{told}: {error}");
                        }
                    }
                }
                damaged += 1;
            }
        }
        fs::remove_file(&path).unwrap();
        fs::write(&path, sound).unwrap();
    }
    assert!(damaged > 0);
    assert_eq!(State::of(&index).unwrap().unwrap(), right);
}

/// A merge of a damaged index is refused and changes nothing; or it does not need what is damaged,
/// and gives what it always gives.
fn check_merge(index: &Path, damaged: &Path, right: &[u8], told: &str) {
    let workspace = Workspace::new(Some(index));
    let index = &workspace.index();
    let before = contents(index);
    let output = windlass(["merge".as_ref(), "--index".as_ref(), index.as_os_str()]);
    if output.status.success() {
        assert!(merged_bytes(index) == right, "{told}: other bytes");
        assert!(verified(index).is_ok(), "{told}");
    } else {
        let complaint = String::from_utf8(output.stderr).unwrap();
        let name = damaged.file_name().unwrap().to_str().unwrap();
        assert!(complaint.contains(name), "{told}: {complaint}");
        assert!(
            contents(index) == before,
            "{told}: the merge changed something"
        );
    }
}

#[test]
fn a_merge_never_carries_damage_on() {
    let directory = tempfile::tempdir().unwrap();
    let index = index(directory.path());
    let to = directory.path().join("merged");
    let merge = || {
        let snapshot = Snapshot::open(&index)?;
        merge_to_file(&snapshot, &to, &(), &AtomicBool::new(false))?;
        Ok::<_, IndexError>(fs::read(&to).unwrap())
    };
    let right = merge().unwrap();
    let mut refused = 0;
    for (path, sound) in contents(&index.join("segments")) {
        for at in 0..sound.len() {
            damage(&path, &sound, at, 1 << (at % 8));
            match merge() {
                Ok(merged) => assert!(merged == right, "{}, byte {at}", path.display()),
                Err(_) => refused += 1,
            }
        }
        fs::remove_file(&path).unwrap();
        fs::write(&path, sound).unwrap();
    }
    assert!(refused > 1000, "{refused}");
}

/// The commands, on an index with the list that travels with Windlass.
#[test]
fn the_commands_name_the_damaged_file() {
    let directory = tempfile::tempdir().unwrap();
    let (files, _) = archives::write(directory.path());
    let index = directory.path().join("index");
    ingest(&index, &files[..2], &["--batch", "1"]);
    let run = |arguments: &[&str]| {
        let index = ["--index", index.to_str().unwrap()];
        let output = windlass([arguments, &index].concat());
        let text = [output.stdout.clone(), output.stderr.clone()].concat();
        let text = String::from_utf8(text).unwrap();
        assert!(!text.contains("panicked"), "{text}");
        (output.status.success(), output.stdout, text)
    };
    let ask = [
        "anchors",
        "target.org",
        "--mode",
        "subdomains",
        "--output",
        "json",
    ];
    let right = run(&ask).1;
    let whole = Workspace::new(Some(&index));
    let merged = merged_bytes(&whole.index());
    for (path, sound) in contents(&index) {
        for part in 0..12 {
            let at = sound.len() * part / 12;
            let told = format!("{}, byte {at}", path.display());
            damage(&path, &sound, at, 1 << (part % 8));
            let (is_whole, _, text) = run(&["verify"]);
            assert!(
                !is_whole && text.contains(path.to_str().unwrap()),
                "{told}: {text}"
            );
            let (is_answered, answer, text) = run(&ask);
            assert!(
                if is_answered {
                    answer == right
                } else {
                    text.contains(path.to_str().unwrap())
                },
                "{told}: {text}"
            );
            check_merge(&index, &path, &merged, &told);
        }
        fs::remove_file(&path).unwrap();
        fs::write(&path, sound).unwrap();
    }
    assert!(run(&["verify"]).0);
}
