//! The merge in the background of `serve`: killed at any call, and on a full disk.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;

use tempfile::TempDir;

use crate::archives;
use crate::injection::chosen;
use crate::operation::{leftovers, merged};
use crate::shim::{Call, Fault, Log, Sort, command};
use crate::state::{State, requests};
use crate::support::{Server, ingest, segments, until, windlass};
use crate::workspace::Workspace;

/// How many kills there are where not all are done.
const SAMPLE: usize = 40;

/// An index with as many segments as are merged by themselves.
struct Unmerged {
    _directory: TempDir,
    index: PathBuf,
    state: Option<State>,
    merged: Vec<u8>,
}

impl Unmerged {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (files, list) = archives::write(directory.path());
        let index = directory.path().join("index");
        for file in &files {
            let flags = ["--merge", "none", "--psl", list.to_str().unwrap()];
            ingest(&index, std::slice::from_ref(file), &flags);
        }
        assert_eq!(segments(&index).len(), archives::CRAWLS);
        Self {
            state: State::of(&index).unwrap(),
            merged: merged(&Workspace::new(Some(&index)).index()),
            _directory: directory,
            index,
        }
    }

    fn workspace(&self) -> Workspace {
        Workspace::new(Some(&self.index))
    }

    /// All answers are what they were, nothing is damaged, and a full merge gives what it always gives.
    fn check(&self, workspace: &Workspace, told: &str) {
        let index = workspace.index();
        assert_eq!(State::of(&index).as_ref(), Ok(&self.state), "{told}");
        let verified = windlass(["verify".as_ref(), "--index".as_ref(), index.as_os_str()]);
        assert!(verified.status.success(), "{told}");
        assert!(merged(&index) == self.merged, "{told}: other bytes");
        assert_eq!(leftovers(&index), [""; 0], "{told}");
    }
}

fn serve(workspace: &Workspace, fault: Fault) -> Server {
    let mut command = command(workspace, fault);
    Server::spawn(command.stderr(Stdio::null()), &workspace.index(), &[])
}

/// The calls of a merge that nothing disturbs.
fn calls(unmerged: &Unmerged) -> Vec<Call> {
    let workspace = unmerged.workspace();
    let server = serve(&workspace, Fault::None);
    let index = workspace.index();
    until("the merge", || {
        segments(&index).len() == 1 && fs::read_to_string(index.join("lock")).unwrap().is_empty()
    });
    assert_eq!(server.stop(), Some(0));
    Log::read(&workspace.log()).calls
}

#[test]
fn killed_at_any_call_of_a_merge_in_the_background() {
    let unmerged = Unmerged::new();
    let calls = calls(&unmerged);
    assert!(calls.iter().any(Call::commits), "{calls:?}");
    let kills =
        (1..=calls.len() as u64).flat_map(|at| [Fault::KillBefore(at), Fault::KillAfter(at)]);
    for fault in chosen(kills.collect(), SAMPLE) {
        let told = format!("{fault:?} of {calls:?}");
        let workspace = unmerged.workspace();
        let mut server = serve(&workspace, fault);
        until(&told, || server.child.try_wait().unwrap().is_some());
        let ended = server.child.wait().unwrap();
        assert_eq!(ended.signal(), Some(9), "{told}");
        unmerged.check(&workspace, &told);
    }
}

#[test]
fn a_merge_in_the_background_on_a_disk_that_gets_full_changes_nothing() {
    let unmerged = Unmerged::new();
    let is_written = |call: &Call| {
        call.sort == Sort::Write && call.path.extension().is_some_and(|e| e == "segment")
    };
    let at = calls(&unmerged).iter().position(is_written).unwrap() as u64 + 1;
    let workspace = unmerged.workspace();
    let server = serve(&workspace, Fault::Full(at));
    until("a full disk", || {
        Log::read(&workspace.log()).struck.is_some()
    });
    let index = workspace.index();
    let right = unmerged.state.as_ref().unwrap().answers();
    for (request, right) in requests().iter().zip(right) {
        assert_eq!(&server.get(request).2, right);
    }
    until("the merge to be cleared away", || {
        leftovers(&index).is_empty()
    });
    assert_eq!(segments(&index).len(), archives::CRAWLS);
    assert_eq!(server.stop(), Some(0));
    unmerged.check(&workspace, "after a full disk");
}
