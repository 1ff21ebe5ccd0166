//! What a loss of power would leave of the index: of each file the bytes that were synced, of each
//! directory the entries as they were synced, or as they are now, for the system may have written
//! them by itself. Directories do not wait for each other: every combination is an image.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::archives;
use crate::shim::{self, Fault, Log, Outcome};
use crate::workspace::Workspace;

type Entries = BTreeMap<String, u64>;

/// The directories of a workspace, from its root. What else is there are files.
const DIRECTORIES: [&str; 4] = ["", "index", "index/segments", "index/tmp"];

/// What is durable before the program runs: everything.
pub struct Durable {
    entries: HashMap<PathBuf, Entries>,
    lengths: HashMap<u64, u64>,
}

impl Durable {
    /// Keeps hold of all files in the workspace.
    pub fn hold(workspace: &Workspace) -> Self {
        let mut durable = Self {
            entries: HashMap::new(),
            lengths: HashMap::new(),
        };
        for directory in DIRECTORIES.map(|part| path(&workspace.root(), part)) {
            let entries = read(&directory);
            for (name, inode) in &entries {
                let path = directory.join(name);
                if path.is_file() {
                    let length = path.metadata().unwrap().len();
                    fs::hard_link(&path, workspace.shadow().join(inode.to_string())).unwrap();
                    durable.lengths.insert(*inode, length);
                }
            }
            durable.entries.insert(directory, entries);
        }
        durable
    }

    /// The roots of all images after a run.
    pub fn images(mut self, workspace: &Workspace, log: &Log) -> Vec<PathBuf> {
        self.entries.extend(log.directories.clone());
        self.lengths.extend(log.synced.clone());
        let root = workspace.root();
        let now: HashMap<PathBuf, Entries> = DIRECTORIES
            .map(|part| path(&root, part))
            .map(|directory| (directory.clone(), read(&directory)))
            .into();
        let differing: Vec<&PathBuf> = now
            .iter()
            .filter(|(directory, entries)| self.entries.get(*directory) != Some(entries))
            .map(|(directory, _)| directory)
            .collect();
        let none = Entries::new();
        fs::create_dir(workspace.images()).unwrap();
        (0..1u32 << differing.len())
            .map(|choice| {
                let image = workspace.images().join(choice.to_string());
                let is_now = |directory: &Path| {
                    let place = differing.iter().position(|differs| *differs == directory);
                    place.is_some_and(|place| choice >> place & 1 == 1)
                };
                let entries = |directory: &Path| {
                    let of = if is_now(directory) {
                        &now
                    } else {
                        &self.entries
                    };
                    of.get(directory).unwrap_or(&none)
                };
                self.write(&root, &image, &entries, &workspace.shadow());
                image
            })
            .collect()
    }

    fn write<'a>(
        &self,
        directory: &Path,
        image: &Path,
        entries: &dyn Fn(&Path) -> &'a Entries,
        shadow: &Path,
    ) {
        fs::create_dir(image).unwrap();
        for (name, inode) in entries(directory) {
            let (path, to) = (directory.join(name), image.join(name));
            if name == "index" || name == "segments" || name == "tmp" {
                self.write(&path, &to, entries, shadow);
                continue;
            }
            let length = usize::try_from(self.lengths.get(inode).copied().unwrap_or(0)).unwrap();
            let mut bytes = fs::read(shadow.join(inode.to_string())).unwrap_or_default();
            bytes.truncate(length);
            fs::write(to, bytes).unwrap();
        }
    }
}

fn path(root: &Path, part: &str) -> PathBuf {
    if part.is_empty() {
        root.to_owned()
    } else {
        root.join(part)
    }
}

/// Names and inodes of what is in a directory; nothing where it does not exist.
fn read(directory: &Path) -> Entries {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries
        .map(Result::unwrap)
        .map(|entry| {
            let inode = entry.metadata().unwrap().ino();
            (entry.file_name().into_string().unwrap(), inode)
        })
        .collect()
}

#[test]
fn the_folders_above_a_new_index_are_durable() {
    let directory = tempfile::tempdir().unwrap();
    let (files, _) = archives::write(directory.path());
    let workspace = Workspace::new(None);
    let mut command = shim::command(&workspace, Fault::None);
    command
        .args(["ingest", "--index"])
        .arg(workspace.root().join("a/b/index"))
        .arg(&files[0]);
    let outcome = Outcome::of(command, &workspace);
    assert!(outcome.output.status.success(), "{}", outcome.stderr());
    for (above, name) in [("", "a"), ("a", "b"), ("a/b", "index")] {
        let synced = outcome.log.directories.get(&path(&workspace.root(), above));
        assert!(
            synced.is_some_and(|entries| entries.contains_key(name)),
            "{name}"
        );
    }
}
