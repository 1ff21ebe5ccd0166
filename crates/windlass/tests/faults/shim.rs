//! The library that injects faults (`shim.c`), and what it writes down.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use crate::support::program;
use crate::workspace::Workspace;

/// What happens to a call; in the words of `shim.c`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    KillBefore(u64),
    KillAfter(u64),
    Stop(u64),
    Short(u64),
    ShortThenFull(u64),
    Full(u64),
    Budget(u64),
    /// As long as the workspace's switch is there.
    FullWhile,
    EioOnce(u64),
    EioEver(u64),
    EintrOnce(u64),
}

impl Fault {
    fn words(self) -> (&'static str, u64) {
        match self {
            Self::None => ("none", 0),
            Self::KillBefore(at) => ("kill-before", at),
            Self::KillAfter(at) => ("kill-after", at),
            Self::Stop(at) => ("stop", at),
            Self::Short(at) => ("short", at),
            Self::ShortThenFull(at) => ("short-then-full", at),
            Self::Full(at) => ("full", at),
            Self::Budget(bytes) => ("budget", bytes),
            Self::FullWhile => ("full-while", 0),
            Self::EioOnce(at) => ("eio-once", at),
            Self::EioEver(at) => ("eio-ever", at),
            Self::EintrOnce(at) => ("eintr-once", at),
        }
    }

    pub fn kills(self) -> bool {
        matches!(self, Self::KillBefore(_) | Self::KillAfter(_))
    }

    /// Whether the program must get over it.
    pub fn is_harmless(self) -> bool {
        matches!(self, Self::None | Self::Short(_) | Self::EintrOnce(_))
    }
}

/// The sorts of calls that change a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Open,
    Create,
    Mkdir,
    Write,
    Truncate,
    Sync,
    Rename,
    Unlink,
}

impl Sort {
    pub fn takes_space(self) -> bool {
        matches!(self, Self::Create | Self::Mkdir | Self::Write)
    }
}

#[derive(Debug, Clone)]
pub struct Call {
    pub sort: Sort,
    pub path: PathBuf,
}

impl Call {
    /// Whether it makes a new state of the index the present one.
    pub fn commits(&self) -> bool {
        self.sort == Sort::Rename && self.path.ends_with("manifest.json")
    }
}

/// What the library wrote down of a run.
#[derive(Debug, Default)]
pub struct Log {
    /// The calls in turn; call N of the faults is the one at N − 1.
    pub calls: Vec<Call>,
    /// The call that a fault struck first.
    pub struck: Option<u64>,
    /// The synced length of files, by inode.
    pub synced: HashMap<u64, u64>,
    /// The entries of directories, as they were last synced.
    pub directories: HashMap<PathBuf, BTreeMap<String, u64>>,
}

impl Log {
    pub fn read(path: &Path) -> Self {
        let mut log = Self::default();
        let mut directory = PathBuf::new();
        for line in fs::read_to_string(path).unwrap_or_default().lines() {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            match words[..] {
                ["call", _, sort, path] => log.calls.push(Call {
                    sort: sort_of(sort),
                    path: path.into(),
                }),
                ["fault", at] => {
                    log.struck.get_or_insert(at.parse().unwrap());
                }
                ["synced", inode, length] => {
                    let (inode, length) = (inode.parse().unwrap(), length.parse().unwrap());
                    log.synced.insert(inode, length);
                }
                ["directory", path] => {
                    directory = path.into();
                    log.directories.insert(directory.clone(), BTreeMap::new());
                }
                ["entry", inode, name] => {
                    let entries = log.directories.get_mut(&directory).unwrap();
                    entries.insert(name.to_owned(), inode.parse().unwrap());
                }
                _ => panic!("{line}"),
            }
        }
        log
    }

    /// The call that was struck.
    pub fn struck_call(&self) -> Option<&Call> {
        self.calls.get(usize::try_from(self.struck?).unwrap() - 1)
    }
}

fn sort_of(word: &str) -> Sort {
    match word {
        "open" => Sort::Open,
        "create" => Sort::Create,
        "mkdir" => Sort::Mkdir,
        "write" => Sort::Write,
        "truncate" => Sort::Truncate,
        "sync" => Sort::Sync,
        "rename" => Sort::Rename,
        "unlink" => Sort::Unlink,
        _ => panic!("{word}"),
    }
}

/// The program, about to meet a fault below the root of the workspace.
pub fn command(workspace: &Workspace, fault: Fault) -> Command {
    let (kind, number) = fault.words();
    let mut command = unsynced(&workspace.root());
    command
        .env("FAULT_LOG", workspace.log())
        .env("FAULT_SHADOW", workspace.shadow())
        .env("FAULT_SWITCH", workspace.switch())
        .env("FAULT_KIND", kind)
        .env("FAULT_AT", number.to_string())
        .env("FAULT_BUDGET", number.to_string());
    command
}

/// The program without faults, and without waiting for the disk below `root`.
pub fn unsynced(root: &Path) -> Command {
    let mut command = program();
    command
        .env("LD_PRELOAD", library())
        .env("FAULT_ROOT", root)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// How a run ended.
pub struct Outcome {
    pub output: Output,
    pub log: Log,
}

impl Outcome {
    pub fn of(mut command: Command, workspace: &Workspace) -> Self {
        let output = command.output().unwrap();
        Self {
            output,
            log: Log::read(&workspace.log()),
        }
    }

    pub fn was_killed(&self) -> bool {
        self.output.status.signal() == Some(9)
    }

    pub fn stderr(&self) -> String {
        String::from_utf8(self.output.stderr.clone()).unwrap()
    }

    pub fn stdout(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).unwrap()
    }
}

/// Compiles the library once.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/shim.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults.so");
        // Test runs at the same time do not disturb each other: the name is given at the end.
        let unnamed = library.with_extension(std::process::id().to_string());
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&unnamed)
            .arg(source)
            .arg("-lpthread")
            .output()
            .expect("a C compiler, as Rust needs one to link");
        assert!(
            compiled.status.success(),
            "{}",
            String::from_utf8_lossy(&compiled.stderr)
        );
        fs::rename(&unnamed, &library).unwrap();
        library
    })
}
