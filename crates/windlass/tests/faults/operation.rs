//! What the program is doing when a fault strikes.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::archives;
use crate::shim::{self, Call, Fault, Outcome};
use crate::state::State;
use crate::support::{ingest, segments};
use crate::workspace::{Workspace, copy, names};

/// A command on an index, and what it gives where nothing disturbs it.
pub struct Operation {
    pub name: &'static str,
    _directory: TempDir,
    /// The index before; not there where the command makes it.
    before: PathBuf,
    arguments: Vec<OsString>,
    /// The states that the index goes through, first to last; `None`: no index.
    pub states: Vec<Option<State>>,
    /// The only segment after a full merge.
    pub merged: Vec<u8>,
    /// The calls that change the index.
    pub calls: Vec<Call>,
    /// What lies in the index's directory afterwards.
    pub names: Vec<String>,
    /// What lies in `tmp` before, and in `segments` without being part of the index.
    pub leftovers: Vec<String>,
}

/// The crawls, and behind them the two halves, ready for an operation.
pub struct Crawls {
    pub files: Vec<PathBuf>,
    pub list: PathBuf,
}

impl Crawls {
    /// Makes an index of those crawls, one segment each.
    pub fn index(&self, index: &Path, crawls: &[usize]) {
        for n in crawls {
            ingest(
                index,
                &self.files[*n..=*n],
                &["--psl", self.list.to_str().unwrap()],
            );
        }
    }
}

impl Operation {
    /// `prepare` makes the index before; `steps` are the crawls that the command commits, one by
    /// one, where it commits several times.
    pub fn new(
        name: &'static str,
        prepare: impl Fn(&Crawls, &Path),
        steps: &[usize],
        arguments: impl Fn(&Crawls) -> Vec<OsString>,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (mut files, list) = archives::write(directory.path());
        files.append(&mut archives::write_halves(directory.path()));
        let crawls = Crawls { files, list };
        let before = directory.path().join("before");
        prepare(&crawls, &before);
        let mut states = vec![State::of(&before).unwrap()];
        let between = directory.path().join("between");
        if !steps.is_empty() {
            copy(&before, &between);
        }
        for step in steps {
            crawls.index(&between, &[*step]);
            states.push(State::of(&between).unwrap());
        }
        let mut operation = Self {
            name,
            leftovers: leftovers(&before),
            before,
            arguments: arguments(&crawls),
            _directory: directory,
            states,
            names: Vec::new(),
            merged: Vec::new(),
            calls: Vec::new(),
        };
        let workspace = operation.workspace();
        let outcome = operation.run(&workspace, Fault::None);
        assert!(outcome.output.status.success(), "{}", outcome.stderr());
        assert!(
            !outcome.log.calls.is_empty(),
            "no calls were seen: is the program linked statically?"
        );
        let after = State::of(&workspace.index()).unwrap();
        if operation.states.is_empty() || operation.states.last() != Some(&after) {
            operation.states.push(after);
        }
        operation.names = names(&workspace.index());
        operation.merged = merged(&workspace.index());
        operation.calls = outcome.log.calls;
        operation
    }

    pub fn workspace(&self) -> Workspace {
        Workspace::new(Some(self.before.as_path()).filter(|before| before.exists()))
    }

    pub fn command(&self, workspace: &Workspace, fault: Fault) -> Command {
        self.on(shim::command(workspace, fault), &workspace.index())
    }

    /// The command on another index, undisturbed.
    pub fn again(&self, index: &Path) -> Output {
        self.on(shim::unsynced(index), index).output().unwrap()
    }

    fn on(&self, mut command: Command, index: &Path) -> Command {
        command.args(&self.arguments).arg("--index").arg(index);
        command
    }

    pub fn run(&self, workspace: &Workspace, fault: Fault) -> Outcome {
        let _ = fs::remove_file(workspace.log());
        Outcome::of(self.command(workspace, fault), workspace)
    }

    /// An archive file that it reads.
    pub fn file(&self) -> &Path {
        Path::new(self.arguments.last().unwrap())
    }

    /// The state after; the only one where the command has been acknowledged.
    pub fn after(&self) -> &Option<State> {
        self.states.last().unwrap()
    }
}

/// The bytes of the only segment after a full merge.
pub fn merged(index: &Path) -> Vec<u8> {
    let mut command = shim::unsynced(index);
    let output = command.arg("merge").arg("--index").arg(index).output();
    assert!(output.unwrap().status.success());
    let segments = segments(index);
    assert_eq!(segments.len(), 1, "{segments:?}");
    fs::read(&segments[0]).unwrap()
}

/// What lies in `tmp`, and in `segments` without being part of the index.
pub fn leftovers(index: &Path) -> Vec<String> {
    let named: Vec<String> = match windlass_index::Snapshot::open(index) {
        Ok(snapshot) => {
            let segments = snapshot.manifest().segments.iter();
            segments.map(|entry| entry.name.clone()).collect()
        }
        Err(_) => Vec::new(),
    };
    let unnamed = names(&index.join("segments"))
        .into_iter()
        .filter(|name| !named.contains(name))
        .map(|name| format!("segments/{name}"));
    let unfinished = names(&index.join("tmp"))
        .into_iter()
        .map(|name| format!("tmp/{name}"));
    unnamed.chain(unfinished).collect()
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// `windlass ingest` of some crawls by one thread.
pub fn ingest_of(crawls: &Crawls, which: &[usize], flags: &[&str]) -> Vec<OsString> {
    let mut arguments = words(&["ingest", "--psl"]);
    arguments.push(crawls.list.clone().into());
    arguments.extend(words(flags));
    arguments.extend(which.iter().map(|n| crawls.files[*n].clone().into()));
    arguments
}

const ONE_THREAD: [&str; 2] = ["--threads", "1"];
/// Memory so small that every capture is spilled.
const SPILLING: [&str; 4] = ["--threads", "1", "--memory", "1k"];

/// The first ingest, which makes the index.
pub fn first_ingest() -> Operation {
    Operation::new(
        "first ingest",
        |_, _| {},
        &[],
        |crawls| ingest_of(crawls, &[0], &ONE_THREAD),
    )
}

/// A further ingest.
pub fn further_ingest() -> Operation {
    Operation::new(
        "further ingest",
        |crawls, index| crawls.index(index, &[0]),
        &[],
        |crawls| ingest_of(crawls, &[1], &ONE_THREAD),
    )
}

/// An ingest that spills and merges its runs.
pub fn spilling_ingest() -> Operation {
    Operation::new(
        "spilling ingest",
        |crawls, index| crawls.index(index, &[0]),
        &[],
        |crawls| ingest_of(crawls, &[1], &SPILLING),
    )
}

/// An ingest that commits twice.
pub fn ingest_in_batches() -> Operation {
    Operation::new(
        "ingest in batches",
        |crawls, index| crawls.index(index, &[0]),
        &[1],
        |crawls| ingest_of(crawls, &[1, 2], &["--threads", "1", "--batch", "1"]),
    )
}

/// A full merge of three segments.
pub fn full_merge() -> Operation {
    Operation::new(
        "full merge",
        |crawls, index| crawls.index(index, &[0, 1, 2]),
        &[],
        |_| words(&["merge"]),
    )
}

/// The places of the two halves.
const HALVES: [usize; 2] = [archives::CRAWLS, archives::CRAWLS + 1];

/// An ingest of so many links to one site that spools are spilled, and its report is made ready.
pub fn large_ingest() -> Operation {
    Operation::new(
        "large ingest",
        |crawls, index| crawls.index(index, &[0]),
        &[],
        |crawls| ingest_of(crawls, &HALVES, &SPILLING),
    )
}

/// A merge that makes a report ready: neither half has one.
pub fn large_merge() -> Operation {
    Operation::new(
        "large merge",
        |crawls, index| crawls.index(index, &HALVES),
        &[],
        |_| words(&["merge", "--memory", "1k"]),
    )
}

/// An ingest that commits, and then merges what is of similar size.
pub fn merging_ingest() -> Operation {
    Operation::new(
        "merging ingest",
        |crawls, index| crawls.index(index, &[0, 1, 2]),
        &[],
        |crawls| ingest_of(crawls, &[3], &ONE_THREAD),
    )
}

/// An ingest that finds what a crash left, and must clear it away.
pub fn recovery() -> Operation {
    Operation::new(
        "recovery",
        |crawls, index| {
            crawls.index(index, &[0]);
            for name in ["tmp/0.segment", "tmp/1.segment", "tmp/manifest.json"] {
                fs::write(index.join(name), "half of a").unwrap();
            }
            let segment = names(&index.join("segments")).remove(0);
            for name in ["1.segment", "3.segment"] {
                let segments = index.join("segments");
                fs::copy(segments.join(&segment), segments.join(name)).unwrap();
            }
            fs::write(index.join("lock"), "process 1\n").unwrap();
        },
        &[],
        |crawls| ingest_of(crawls, &[1], &ONE_THREAD),
    )
}

/// An ingest of two files by two threads that spill: the order of calls is not the same each time.
pub fn threaded_ingest() -> Operation {
    Operation::new(
        "threaded ingest",
        |crawls, index| crawls.index(index, &[0]),
        &[],
        |crawls| ingest_of(crawls, &[1, 2], &["--threads", "2", "--memory", "2k"]),
    )
}
