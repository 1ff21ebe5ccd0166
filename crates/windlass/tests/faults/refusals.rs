//! Indexes that are not whole, or not to be written: what the commands say, and that they leave
//! everything as it was.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use tempfile::TempDir;

use crate::archives;
use crate::operation::Crawls;
use crate::state::State;
use crate::support::{self, program, skipped, stderr, windlass};
use crate::workspace::{contents, copy, names};

/// What every command says of an index; each must fail.
struct Complaints {
    verify: String,
    anchors: String,
    ingest: String,
    merge: String,
}

impl Complaints {
    fn of(index: &Path, file: &Path) -> Self {
        let path = index.to_str().unwrap();
        let before = contents(index);
        let complaint = |arguments: &[&str]| {
            let text = stderr([arguments, &["--index", path]].concat());
            assert!(
                text.contains("error: ") && !text.contains("panicked"),
                "{text}"
            );
            text
        };
        // It says of each file what is wrong, and fails without more words.
        let verified = windlass(["verify", "--index", path]);
        assert_eq!(verified.status.code(), Some(1));
        let said = [verified.stdout, verified.stderr].concat();
        let complaints = Self {
            verify: String::from_utf8(said).unwrap(),
            anchors: complaint(&["anchors", "target.org"]),
            ingest: complaint(&["ingest", file.to_str().unwrap()]),
            merge: complaint(&["merge"]),
        };
        assert!(contents(index) == before, "a file was changed");
        complaints
    }

    fn all(&self) -> [&str; 4] {
        [&self.verify, &self.anchors, &self.ingest, &self.merge]
    }
}

/// An index of two segments, and a file that it has not.
fn index(directory: &Path) -> (PathBuf, PathBuf) {
    let (mut files, list) = archives::write(directory);
    let file = files.remove(2);
    let index = directory.join("index");
    Crawls { files, list }.index(&index, &[0, 1]);
    (index, file)
}

#[test]
fn files_cut_short() {
    let directory = tempfile::tempdir().unwrap();
    let (index, file) = index(directory.path());
    let right = State::of(&index).unwrap();
    for (path, sound) in contents(&index) {
        for length in [0, 1, sound.len() / 2, sound.len() - 1] {
            fs::remove_file(&path).unwrap();
            fs::write(&path, &sound[..length]).unwrap();
            let told = format!("{} cut to {length}", path.display());
            if path.ends_with("public_suffix_list.dat") {
                // Queries do not need the list.
                for command in ["ingest", "merge"] {
                    let mut arguments = vec![command, "--index", index.to_str().unwrap()];
                    arguments.extend(Some(file.to_str().unwrap()).filter(|_| command == "ingest"));
                    let text = stderr(arguments);
                    assert!(
                        text.contains("public_suffix_list.dat is damaged"),
                        "{told}: {text}"
                    );
                }
                continue;
            }
            for text in Complaints::of(&index, &file).all() {
                assert!(text.contains(path.to_str().unwrap()), "{told}: {text}");
                assert!(text.contains("is damaged"), "{told}: {text}");
            }
        }
        fs::remove_file(&path).unwrap();
        fs::write(&path, sound).unwrap();
    }
    assert_eq!(State::of(&index).unwrap(), right);
}

#[test]
fn a_missing_segment() {
    let directory = tempfile::tempdir().unwrap();
    let (index, file) = index(directory.path());
    let (path, _) = contents(&index.join("segments")).remove(0);
    fs::remove_file(&path).unwrap();
    for text in Complaints::of(&index, &file).all() {
        assert!(
            text.contains(path.to_str().unwrap()) && text.contains("No such file"),
            "{text}"
        );
    }
}

/// A new index in its place would take the segments for garbage.
#[test]
fn a_missing_manifest_costs_no_segments() {
    let directory = tempfile::tempdir().unwrap();
    let (index, file) = index(directory.path());
    let right = State::of(&index).unwrap();
    let (manifest, kept) = (index.join("manifest.json"), directory.path().join("kept"));
    fs::rename(&manifest, &kept).unwrap();
    let complaints = Complaints::of(&index, &file);
    assert!(
        complaints
            .ingest
            .contains("has no manifest.json, but there is"),
        "{}",
        complaints.ingest
    );
    for text in complaints.all() {
        assert!(text.contains("manifest.json"), "{text}");
    }
    fs::rename(&kept, &manifest).unwrap();
    assert_eq!(State::of(&index).unwrap(), right);
}

/// `tmp` is a name that other people use.
#[test]
fn a_directory_with_other_files_is_no_place_for_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let (files, _) = archives::write(directory.path());
    let home = directory.path().join("home");
    fs::create_dir_all(home.join("tmp")).unwrap();
    fs::write(home.join("tmp/thesis.txt"), "the only copy").unwrap();
    let text = Complaints::of(&home, &files[0]).ingest;
    assert!(text.contains("tmp/thesis.txt"), "{text}");
    assert_eq!(names(&home.join("tmp")), ["thesis.txt"]);
}

/// Permissions do not bind root: the program is then run as nobody, beside the index, for nobody may not run it where it
/// was built.
fn as_nobody(arguments: &[&str], index: &Path) -> Output {
    const NOBODY: u32 = 65534;
    let beside = index.parent().unwrap();
    let copied = tempfile::tempdir_in(beside).unwrap();
    let mut command = program();
    if beside.metadata().unwrap().uid() == 0 {
        set_mode(copied.path(), 0o755);
        let built = command.get_program().to_owned();
        let copy = copied.path().join("windlass");
        // It is large.
        fs::hard_link(&built, &copy)
            .or_else(|_| fs::copy(&built, &copy).map(drop))
            .unwrap();
        command = support::command(copy);
        command.uid(NOBODY).gid(NOBODY);
    }
    let command = command.args(arguments).arg("--index").arg(index);
    command.output().unwrap()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn an_index_that_may_not_be_written_or_read() {
    let directory = tempfile::tempdir().unwrap();
    set_mode(directory.path(), 0o755);
    let (index, file) = index(directory.path());
    for part in ["", "segments", "tmp"] {
        set_mode(&index.join(part), 0o555);
    }
    set_mode(&index.join("lock"), 0o444);
    let before = contents(&index);
    let file = file.to_str().unwrap();
    for (arguments, is_reading) in [
        (&["verify"][..], true),
        (&["anchors", "target.org"], true),
        (&["ingest", file], false),
        (&["merge"], false),
    ] {
        let output = as_nobody(arguments, &index);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.success(), is_reading, "{arguments:?}: {text}");
        if !is_reading {
            assert!(
                text.contains("Permission denied") && text.contains(index.to_str().unwrap()),
                "{text}"
            );
        }
    }
    set_mode(&index, 0);
    for arguments in [
        &["verify"][..],
        &["anchors", "target.org"],
        &["ingest", file],
    ] {
        let output = as_nobody(arguments, &index);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {text}");
        assert!(text.contains("Permission denied"), "{text}");
    }
    set_mode(&index, 0o755);
    assert!(contents(&index) == before);
    for part in ["segments", "tmp"] {
        set_mode(&index.join(part), 0o755);
    }
}

#[test]
fn a_folder_that_may_not_be_listed_costs_its_own_files_alone() {
    let directory = tempfile::tempdir().unwrap();
    set_mode(directory.path(), 0o755);
    let crawl = directory.path().join("crawl");
    let (forbidden, open) = (crawl.join("lost+found"), directory.path().join("open"));
    for folder in [&crawl, &forbidden, &open] {
        fs::create_dir(folder).unwrap();
    }
    archives::write(&crawl);
    set_mode(&forbidden, 0);
    set_mode(&open, 0o777);
    let path = crawl.to_str().unwrap();
    let output = as_nobody(&["ingest", path], &open.join("index"));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    let read = format!("{} files read, 0 known already, 1 failed", archives::CRAWLS);
    assert!(text.starts_with(&read), "{text}");
    let failed = format!("failed: {}: Permission denied", forbidden.display());
    assert!(text.contains(&failed), "{text}");
    set_mode(&forbidden, 0o755);
}

/// A folder on another file system than the index, where there is one that may be written to.
fn elsewhere(index: &Path) -> Option<TempDir> {
    let own = index.metadata().unwrap().dev();
    let built = env!("CARGO_TARGET_TMPDIR");
    // The first two are in memory on most machines.
    ["/dev/shm", "/run", built, "/var/tmp", "/tmp"]
        .iter()
        .filter_map(|folder| tempfile::tempdir_in(folder).ok())
        .find(|folder| folder.path().metadata().unwrap().dev() != own)
}

#[test]
fn an_index_on_two_file_systems() {
    let directory = tempfile::tempdir().unwrap();
    let (index, file) = index(directory.path());
    let Some(other) = elsewhere(&index) else {
        skipped("no other file system than that of temporary files may be written to");
        return;
    };
    let (segments, elsewhere) = (index.join("segments"), other.path().join("segments"));
    copy(&segments, &elsewhere);
    fs::remove_dir_all(&segments).unwrap();
    symlink(&elsewhere, &segments).unwrap();
    let before = contents(&elsewhere);
    let file = file.to_str().unwrap();
    for arguments in [&["ingest", file][..], &["merge"]] {
        let text = stderr([arguments, &["--index", index.to_str().unwrap()]].concat());
        assert!(text.contains("is on another file system than"), "{text}");
    }
    assert!(contents(&elsewhere) == before);
    assert!(State::of(&index).unwrap().is_some());
}
