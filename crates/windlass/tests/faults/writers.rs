//! Two writers, and a writer whose commit failed half-way.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::thread::sleep;
use std::time::Duration;

use windlass_index::{IndexError, IngestOptions, IngestWatcher, Writer};

use crate::archives;
use crate::operation::{Crawls, Operation, full_merge, further_ingest, leftovers, spilling_ingest};
use crate::shim::{Fault, Log, Sort};
use crate::state::State;
use crate::support::{ingest, stderr, stdout};
use crate::workspace::Workspace;

/// A command that was stopped while it writes its segment: it holds the lock.
struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Stopped {
    /// One that will stop when it makes its segment.
    fn command(operation: &Operation, workspace: &Workspace) -> Command {
        let is_segment = |path: &Path| path.extension().is_some_and(|e| e == "segment");
        let writes = operation
            .calls
            .iter()
            .position(|call| is_segment(&call.path));
        operation.command(workspace, Fault::Stop(writes.unwrap() as u64 + 1))
    }

    /// Runs it until it has stopped.
    fn by(mut command: Command, workspace: &Workspace) -> Self {
        let mut stopped = Self(command.spawn().unwrap());
        while Log::read(&workspace.log()).struck.is_none() {
            let ended = stopped.0.try_wait().unwrap();
            assert!(ended.is_none(), "it did not stop");
            sleep(Duration::from_millis(2));
        }
        stopped
    }
}

fn stopped(operation: &Operation, workspace: &Workspace) -> Stopped {
    Stopped::by(Stopped::command(operation, workspace), workspace)
}

fn signal(name: &str, child: &Child) {
    let status = Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn the_second_writer_is_told_who_writes_and_readers_read_on() {
    let operation = further_ingest();
    let workspace = operation.workspace();
    let index = workspace.index();
    let mut stopped = stopped(&operation, &workspace);
    let child = &mut stopped.0;
    for mut second in [
        vec!["merge"],
        vec!["ingest", operation.file().to_str().unwrap()],
    ] {
        second.extend(["--index", index.to_str().unwrap()]);
        let complaint = stderr(second);
        assert!(
            complaint.contains(&format!("is being written by process {}", child.id())),
            "{complaint}"
        );
    }
    assert_eq!(State::of(&index).unwrap(), operation.states[0]);
    signal("CONT", child);
    assert!(child.wait().unwrap().success());
    assert_eq!(&State::of(&index).unwrap(), operation.after());
}

#[test]
fn the_lock_of_a_killed_process_does_not_block() {
    let operation = further_ingest();
    let workspace = operation.workspace();
    let mut stopped = stopped(&operation, &workspace);
    let child = &mut stopped.0;
    child.kill().unwrap();
    child.wait().unwrap();
    let lock = fs::read_to_string(workspace.index().join("lock")).unwrap();
    assert!(
        lock.starts_with(&format!("process {}", child.id())),
        "{lock}"
    );
    let outcome = operation.run(&workspace, Fault::None);
    assert!(outcome.output.status.success(), "{}", outcome.stderr());
    assert_eq!(&State::of(&workspace.index()).unwrap(), operation.after());
    assert!(leftovers(&workspace.index()).is_empty());
}

/// What a writer that lost its lock says, and that it has kept nothing: `lose` takes the lock from it while it
/// writes, and gives the index that lies there then.
fn loses_its_lock(lose: impl Fn(&Operation, &Path)) {
    let operation = further_ingest();
    let workspace = operation.workspace();
    let index = workspace.index();
    let mut command = Stopped::command(&operation, &workspace);
    command.stderr(Stdio::piped());
    let mut stopped = Stopped::by(command, &workspace);
    lose(&operation, &index);
    let right = State::of(&index).unwrap();
    signal("CONT", &stopped.0);
    let mut complaint = String::new();
    let mut said = stopped.0.stderr.take().unwrap();
    said.read_to_string(&mut complaint).unwrap();
    assert_eq!(stopped.0.wait().unwrap().code(), Some(1), "{complaint}");
    assert!(
        complaint.contains("is no longer the one that this process locked"),
        "{complaint}"
    );
    assert_eq!(State::of(&index).unwrap(), right);
    assert!(leftovers(&index).is_empty(), "{:?}", leftovers(&index));
}

#[test]
fn a_writer_whose_lock_was_removed_overwrites_nothing() {
    loses_its_lock(|operation, index| {
        fs::remove_file(index.join("lock")).unwrap();
        let other = operation.file().with_file_name("crawl-2.warc");
        ingest(index, &[other], &["--merge", "none"]);
    });
}

#[test]
fn an_index_that_took_the_place_of_another_is_left_alone() {
    loses_its_lock(|operation, index| {
        fs::rename(index, index.with_file_name("away")).unwrap();
        let other = operation.file().with_file_name("crawl-2.warc");
        for _ in 0..2 {
            ingest(index, std::slice::from_ref(&other), &["--force"]);
        }
    });
}

/// SIGTERM comes while a run is being spilled; it may come too late to be heard.
#[test]
fn a_process_that_is_asked_to_stop_leaves_nothing_unfinished() {
    let operation = spilling_ingest();
    let workspace = operation.workspace();
    let mut stopped = stopped(&operation, &workspace);
    signal("TERM", &stopped.0);
    signal("CONT", &stopped.0);
    let is_acknowledged = stopped.0.wait().unwrap().success();
    let index = workspace.index();
    let state = State::of(&index).unwrap();
    let expected = if is_acknowledged {
        operation.after()
    } else {
        &operation.states[0]
    };
    assert_eq!(&state, expected);
    assert!(leftovers(&index).is_empty());
}

/// Nobody looks.
pub struct Unwatched;

impl IngestWatcher for Unwatched {
    fn read(&self, _: u64) {}
    fn problem(&self, _: &Path, _: &windlass_archive::Problem) {}
    fn merging(&self, _: u64) {}
    fn making_ready(&self, _: u64) {}
    fn writing(&self, _: u64) {}
    fn advanced(&self, _: u64) {}
    fn committed(&self, _: usize) {}
}

/// A writer that lives on after its commit failed.
#[test]
fn a_writer_whose_commit_failed_half_way_commits_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let (files, list) = archives::write(directory.path());
    let crawls = Crawls { files, list };
    let index = directory.path().join("index");
    crawls.index(&index, &[0]);
    let before = State::of(&index).unwrap();
    let mut writer = Writer::open(&index, None).unwrap();
    let mut ingest = |n: usize| {
        windlass_index::ingest(
            &mut writer,
            &crawls.files[n..=n],
            &IngestOptions::default(),
            &Unwatched,
            &AtomicBool::new(false),
        )
    };

    // The manifest cannot be written: nothing has happened, and the writer may try again.
    let (temporary, manifest) = (index.join("tmp/manifest.json"), index.join("manifest.json"));
    fs::create_dir(&temporary).unwrap();
    let error = ingest(1).unwrap_err().to_string();
    assert!(error.contains("tmp/manifest.json"), "{error}");
    assert_eq!(leftovers(&index), ["tmp/manifest.json"]);
    assert_eq!(State::of(&index).unwrap(), before);
    fs::remove_dir(&temporary).unwrap();
    ingest(1).unwrap();
    let after = State::of(&index).unwrap();
    assert_ne!(after, before);

    // It cannot be renamed: what the disk holds is not known.
    let kept = directory.path().join("kept.json");
    fs::rename(&manifest, &kept).unwrap();
    fs::create_dir_all(manifest.join("in the way")).unwrap();
    let error = ingest(2).unwrap_err().to_string();
    assert!(error.contains("renaming to"), "{error}");
    fs::remove_dir_all(&manifest).unwrap();
    fs::rename(&kept, &manifest).unwrap();
    let error = ingest(2).unwrap_err();
    assert!(matches!(error, IndexError::Unsettled { .. }), "{error}");
    // What went wrong first is said again.
    assert!(error.to_string().contains("renaming to"), "{error}");
    assert_eq!(State::of(&index).unwrap(), after);
    drop(writer);

    crawls.index(&index, &[2]);
    assert_ne!(State::of(&index).unwrap(), after);
    assert!(leftovers(&index).is_empty());
}

/// What a merge could not clear away, it tells, and the next writer removes it.
#[test]
fn files_that_cannot_be_removed_are_told_and_removed_later() {
    let operation = full_merge();
    let workspace = operation.workspace();
    let unlink = operation
        .calls
        .iter()
        .position(|call| call.sort == Sort::Unlink);
    let outcome = operation.run(&workspace, Fault::EioEver(unlink.unwrap() as u64 + 1));
    assert!(outcome.output.status.success(), "the merge is durable");
    assert!(
        outcome
            .stderr()
            .contains("is left; the next ingest or merge tries again"),
        "{}",
        outcome.stderr()
    );
    let index = workspace.index();
    assert_eq!(leftovers(&index).len(), 3);
    stdout(["merge".as_ref(), "--index".as_ref(), index.as_os_str()]);
    assert!(leftovers(&index).is_empty());
}
