//! Damaged bytes in any file of an index: `verify` names the file, and no answer is wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_index::{IndexError, IngestOptions, Section, Snapshot, Writer, merge_to_file};

use crate::archives;
use crate::state::{State, answers, verify};
use crate::support::{ingest, merged_bytes, segments, windlass};
use crate::workspace::{Workspace, contents, copy};
use crate::writers::Unwatched;

/// An index of two segments with a short list, and with every section that there is: reports are made ready of each
/// site, however small.
fn index(directory: &Path) -> PathBuf {
    let (files, _) = archives::write(directory);
    let index = directory.join("index");
    let mut writer = Writer::open(&index, Some(archives::PUBLIC_SUFFIX_LIST)).unwrap();
    writer.set_ready_links_min(1);
    let options = IngestOptions {
        threads: 1,
        keep_internal: true,
        ..IngestOptions::default()
    };
    for file in &files[..2] {
        let file = std::slice::from_ref(file);
        let cancel = AtomicBool::new(false);
        windlass_index::ingest(&mut writer, file, &options, &Unwatched, &cancel).unwrap();
    }
    let snapshot = Snapshot::open(&index).unwrap();
    assert_eq!(snapshot.segments().len(), 2);
    for segment in snapshot.segments() {
        assert_eq!(segment.sizes().0.len(), Section::ALL.len());
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
                let Ok(snapshot) = Snapshot::open(&index).map(Arc::new) else {
                    continue;
                };
                for (answer, right) in answers(&snapshot).into_iter().zip(right.answers()) {
                    match answer {
                        Ok(answer) => assert_eq!(&answer, right, "{told}"),
                        Err(error) => {
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

/// Puts each byte of the segments wrong, one after the other, and has them merged: what comes of it is what comes of
/// sound ones, or nothing. Gives how many were refused.
fn merge_damaged(index: &Path, merge: impl Fn() -> Result<Vec<u8>, IndexError>) -> usize {
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
    refused
}

#[test]
fn a_merge_never_carries_damage_on() {
    let directory = tempfile::tempdir().unwrap();
    let index = index(directory.path());
    let to = directory.path().join("merged");
    let refused = merge_damaged(&index, || {
        let snapshot = Snapshot::open(&index)?;
        merge_to_file(&snapshot, &to, &(), &AtomicBool::new(false))?;
        Ok(fs::read(&to).unwrap())
    });
    assert!(refused > 1000, "{refused}");
}

/// What is ready-made is copied where the site is in one segment alone, and made anew where that is damaged.
#[test]
fn a_merge_never_copies_damage_of_what_is_ready_made() {
    let directory = tempfile::tempdir().unwrap();
    let index = index(directory.path());
    let merged = directory.path().join("merged");
    let refused = merge_damaged(&index, || {
        let _ = fs::remove_dir_all(&merged);
        copy(&index, &merged);
        let mut writer = Writer::open(&merged, None)?;
        writer.set_ready_links_min(1);
        writer.merge_all(&(), &AtomicBool::new(false))?;
        Ok(fs::read(&segments(&merged)[0]).unwrap())
    });
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

/// An index of one page that links to a host with a name of four letters.
fn one_link(directory: &Path, name: &str) -> PathBuf {
    let message = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<a href=http://{name}.com/>{name}</a>"
    );
    let file = directory.join(format!("{name}.warc"));
    let record = format!(
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://source.org/\r\n\
         WARC-Date: 2024-01-01T00:00:00Z\r\nContent-Type: application/http\r\n\
         Content-Length: {}\r\n\r\n{message}\r\n\r\n",
        message.len()
    );
    fs::write(&file, record).unwrap();
    let index = directory.join(name);
    ingest(&index, &[file], &[]);
    index
}

/// The manifest as it was written before it knew the footers of its segments.
fn forget_footers(index: &Path) {
    let path = index.join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let start = text.find(r#","footer_digest":""#).unwrap();
    let end = start + r#","footer_digest":"""#.len() + 64;
    let text = format!("{}{}", &text[..start], &text[end..]);
    let at = text.find(r#""manifest":"#).unwrap() + r#""manifest":"#.len();
    let body = &text[at..text.len() - 1];
    let mut crc = flate2::Crc::new();
    crc.update(body.as_bytes());
    let crc = crc.sum();
    fs::write(&path, format!(r#"{{"crc32":{crc},"manifest":{body}}}"#)).unwrap();
}

/// Of the same name, length and counts.
#[test]
fn a_segment_of_another_index_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let index = one_link(directory.path(), "aaaa");
    let path = segments(&index).remove(0);
    let sound = fs::read(&path).unwrap();
    let others = ["bbbb", "cccc", "dddd", "eeee", "ffff", "gggg"];
    let foreign = others
        .iter()
        .map(|name| segments(&one_link(directory.path(), name)).remove(0))
        .map(|segment| fs::read(segment).unwrap())
        .find(|segment| segment.len() == sound.len())
        .expect("a segment of that length");
    let put = |bytes: &[u8]| {
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
    };
    let index_path = index.to_str().unwrap();
    let said = |arguments: &[&str]| {
        let output = windlass([arguments, &["--index", index_path]].concat());
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    put(&foreign);
    let file = directory.path().join("bbbb.warc");
    for arguments in [
        &["verify"][..],
        &["anchors", "bbbb.com"],
        &["ingest", file.to_str().unwrap()],
        &["merge"],
    ] {
        let (is_fine, text) = said(arguments);
        assert!(!is_fine, "{arguments:?}: {text}");
        assert!(
            text.contains(path.to_str().unwrap())
                && text.contains("it is not the segment that the manifest names"),
            "{arguments:?}: {text}"
        );
    }
    // Where the manifest does not know the footer, the archive files tell.
    forget_footers(&index);
    let (is_whole, text) = said(&["verify"]);
    assert!(
        !is_whole && text.contains("it was made of a file"),
        "{text}"
    );
    put(&sound);
    assert!(said(&["verify"]).0);
    // The next commit adds what is missing.
    assert!(said(&["ingest", "--merge", "none", file.to_str().unwrap()]).0);
    let snapshot = Snapshot::open(&index).unwrap();
    let mut entries = snapshot.manifest().segments.iter();
    assert!(entries.all(|entry| entry.footer_digest.is_some()));
}
