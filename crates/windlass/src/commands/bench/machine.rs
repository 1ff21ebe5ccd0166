//! What the operating system says of this process and of files: clocks, memory, disk.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Advice, fadvise};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// A moment, by the wall and by the processor's time of the whole process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    wall: Instant,
    cpu: Duration,
}

/// How long something took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spent {
    pub(super) wall: Duration,
    /// Processor time of all threads.
    pub(super) cpu: Duration,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            wall: Instant::now(),
            cpu: cpu_time(ClockId::ProcessCPUTime),
        }
    }

    pub(super) fn spent(self) -> Spent {
        Spent {
            wall: self.wall.elapsed(),
            cpu: cpu_time(ClockId::ProcessCPUTime).saturating_sub(self.cpu),
        }
    }
}

impl std::ops::AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        self.wall += other.wall;
        self.cpu += other.cpu;
    }
}

/// Processor time of this thread so far.
pub(super) fn thread_time() -> Duration {
    cpu_time(ClockId::ThreadCPUTime)
}

fn cpu_time(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// Memory that this process holds now and that is no file's, in bytes; 0 where the system does not say.
/// What of mapped files is in memory does not count: the system takes it back when it needs it.
fn own_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name| named_number(&status, name).saturating_mul(1024);
    of("RssAnon:") + of("RssShmem:")
}

/// The most memory that this process has held since [`forget_peak_memory`], mapped files included, in
/// bytes; 0 where the system does not say.
pub(super) fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    named_number(&status, "VmHWM:").saturating_mul(1024)
}

/// Begins to measure anew. Where the system cannot, the peak goes on growing.
pub(super) fn forget_peak_memory() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// What this process has read so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reads {
    /// Read calls.
    pub(super) calls: u64,
    /// Bytes that came from the disk, those of mapped files and of read-ahead included.
    pub(super) disk_bytes: u64,
    /// Accesses to mapped files that had to wait for the disk.
    pub(super) major_faults: u64,
    /// Reads that the disk carried out, for whatever process: nothing else may be at work.
    pub(super) disk_reads: u64,
}

impl Reads {
    /// Of the disk that a folder lies on.
    pub(super) fn now(folder: &Path) -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // Reading that file was one call, and reading this one is another: see `since`.
        let io = fs::read_to_string("/proc/self/io").unwrap_or_default();
        Self {
            calls: named_number(&io, "syscr:"),
            disk_bytes: named_number(&io, "read_bytes:"),
            major_faults: major_faults(&stat),
            disk_reads: disk_reads(folder),
        }
    }

    /// What was read between `before` and this, less what looking itself reads.
    pub(super) fn since(self, before: Self, folder: &Path) -> Self {
        let looking = {
            let first = Self::now(folder);
            Self::now(folder).calls.saturating_sub(first.calls)
        };
        Self {
            calls: self
                .calls
                .saturating_sub(before.calls)
                .saturating_sub(looking),
            disk_bytes: self.disk_bytes.saturating_sub(before.disk_bytes),
            major_faults: self.major_faults.saturating_sub(before.major_faults),
            disk_reads: self.disk_reads.saturating_sub(before.disk_reads),
        }
    }
}

/// The first number behind a name, in a file of names and numbers.
fn named_number(text: &str, name: &str) -> u64 {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

/// The tenth field behind the name of the program, which stands in brackets and may hold anything.
fn major_faults(stat: &str) -> u64 {
    stat.rsplit_once(')')
        .and_then(|(_, rest)| rest.split_whitespace().nth(9)?.parse().ok())
        .unwrap_or_default()
}

/// How many reads the disk that a folder lies on has carried out; 0 where the system does not say.
fn disk_reads(folder: &Path) -> u64 {
    let Ok(metadata) = fs::metadata(folder) else {
        return 0;
    };
    let (major, minor) = (
        rustix::fs::major(metadata.dev()),
        rustix::fs::minor(metadata.dev()),
    );
    let stat = fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/stat"));
    let first = stat
        .ok()
        .and_then(|stat| stat.split_whitespace().next()?.parse().ok());
    first.unwrap_or_default()
}

/// Calls `each` with every file under a folder. Files that go meanwhile are passed over.
fn for_each_file(folder: &Path, each: &mut dyn FnMut(&Path, &fs::Metadata)) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => for_each_file(&path, each)?,
            Ok(metadata) => each(&path, &metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Takes the files under a folder out of the page cache, as far as no other process maps them.
pub(super) fn forget_files(folder: &Path) -> std::io::Result<()> {
    let mut result = Ok(());
    for_each_file(folder, &mut |path, _| {
        let forget = || {
            let file = fs::File::open(path)?;
            // Pages that are not written yet would stay.
            file.sync_all()?;
            fadvise(&file, 0, None, Advice::DontNeed)?;
            Ok(())
        };
        if result.is_ok() {
            result = forget();
        }
    })?;
    result
}

/// The most of something since it was last taken.
#[derive(Debug, Default)]
pub(super) struct Peaks {
    disk: AtomicU64,
    memory: AtomicU64,
}

impl Peaks {
    /// Bytes of the files under the folder, those without a name included.
    pub(super) fn take_disk(&self) -> u64 {
        self.disk.swap(0, Ordering::Relaxed)
    }

    /// Bytes of memory that are no file's; see `own_memory`.
    pub(super) fn take_memory(&self) -> u64 {
        self.memory.swap(0, Ordering::Relaxed)
    }

    fn look(&self, folder: &Path) {
        self.memory.fetch_max(own_memory(), Ordering::Relaxed);
        let mut bytes = fs::canonicalize(folder).map_or(0, |folder| nameless(&folder));
        // A folder that goes while it is read is looked at the next time.
        if for_each_file(folder, &mut |_, metadata| bytes += allocated(metadata)).is_ok() {
            self.disk.fetch_max(bytes, Ordering::Relaxed);
        }
    }

    /// Calls `work`, and looks every few milliseconds how much disk the files under a folder take, and
    /// how much memory this process.
    pub(super) fn watch<T>(&self, folder: &Path, work: impl FnOnce() -> T) -> T {
        watched(Duration::from_millis(10), work, || self.look(folder))
    }
}

/// Calls `work`, and says how much memory this process held at most meanwhile; see `own_memory`.
pub(super) fn with_peak_own_memory<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let peak = AtomicU64::new(0);
    let look = || {
        peak.fetch_max(own_memory(), Ordering::Relaxed);
    };
    let result = watched(Duration::from_millis(5), work, look);
    (result, peak.into_inner())
}

/// Calls `work`, and `look` again and again meanwhile, and once behind it.
fn watched<T>(interval: Duration, work: impl FnOnce() -> T, look: impl Fn() + Sync) -> T {
    let done = AtomicBool::new(false);
    let result = thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                look();
                thread::park_timeout(interval);
            }
        });
        // Also where `work` panics: the scope waits for the watcher.
        let stop = Stop(&done, watcher.thread().clone());
        let result = work();
        drop(stop);
        result
    });
    look();
    result
}

struct Stop<'a>(&'a AtomicBool, thread::Thread);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.unpark();
    }
}

/// Bytes of the files under a folder, by its canonical name, that have lost their names, and that this process has open, or mapped; 0 where
/// the system does not say.
fn nameless(folder: &Path) -> u64 {
    let mut sizes: HashMap<u64, u64> = HashMap::new();
    for entry in fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten()
    {
        let Ok(target) = fs::read_link(entry.path()) else {
            continue;
        };
        if target.starts_with(folder)
            && target.to_string_lossy().ends_with(DELETED)
            && let Ok(metadata) = fs::metadata(entry.path())
        {
            sizes.insert(metadata.ino(), allocated(&metadata));
        }
    }
    let open: HashSet<u64> = sizes.keys().copied().collect();
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (inode, end) in maps.lines().filter_map(|line| mapped(line, folder)) {
        if !open.contains(&inode) {
            let size = sizes.entry(inode).or_default();
            *size = end.max(*size);
        }
    }
    sizes.values().sum()
}

/// What the system writes behind the name that a file had.
const DELETED: &str = " (deleted)";

/// The inode of a file under a folder that has no name any more, and how far it is mapped, from a line of
/// `/proc/self/maps`: `7f00-7f40 r--s 00001000 fe:00 12 /folder/file (deleted)`.
fn mapped(line: &str, folder: &Path) -> Option<(u64, u64)> {
    let path = line.get(line.find('/')?..)?;
    if !path.ends_with(DELETED) || !Path::new(path).starts_with(folder) {
        return None;
    }
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    let offset = number(words.nth(1)?)?;
    let inode = words.nth(1)?.parse().ok()?;
    Some((inode, offset + number(end)?.checked_sub(number(start)?)?))
}

fn allocated(metadata: &fs::Metadata) -> u64 {
    metadata.blocks() * 512
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_system_says() {
        assert_eq!(named_number("a: 1\nVmHWM:\t  12 kB\n", "VmHWM:"), 12);
        assert_eq!(
            major_faults("7 (a) b (c) S 1 2 3 4 5 6 7 8 17 10 11 12"),
            17
        );
        assert!(own_memory() > 0);
        assert!(Reads::now(Path::new("/")).calls > 0);
        assert_eq!(disk_reads(Path::new("/proc")), 0);
    }

    #[test]
    fn the_peak_of_memory_outlives_the_memory() {
        let (sum, peak) = with_peak_own_memory(|| {
            let filled = vec![1u8; 64 << 20];
            // As long as it takes to be seen: the watcher looks again and again.
            thread::sleep(Duration::from_millis(100));
            filled.iter().map(|byte| u64::from(*byte)).sum::<u64>()
        });
        assert_eq!(sum, 64 << 20);
        assert!(peak >= 60 << 20, "{peak}");
    }

    #[test]
    fn files_without_a_name_count() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let path = folder.join("a");
        fs::write(&path, vec![1; 1 << 20]).unwrap();
        assert_eq!(nameless(&folder), 0);
        let file = fs::File::open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(nameless(&folder), 1 << 20);
        assert_eq!(nameless(Path::new("/nowhere")), 0);
        drop(file);
        assert_eq!(nameless(&folder), 0);
        let line = "7f00000000-7f00004000 r--s 00001000 fe:00 12   /a b/c (deleted)";
        assert_eq!(mapped(line, Path::new("/a b")), Some((12, 0x5000)));
        assert_eq!(mapped(line, Path::new("/b")), None);
        assert_eq!(
            mapped("7f00-7f40 rw-p 00000000 00:00 0", Path::new("/")),
            None
        );
    }

    #[test]
    fn the_peak_of_the_disk_outlives_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inside").join("a");
        let peaks = Peaks::default();
        let length = peaks.watch(folder.path(), || {
            fs::create_dir(folder.path().join("inside")).unwrap();
            fs::write(&path, vec![1; 1 << 20]).unwrap();
            fs::metadata(&path).unwrap().len()
        });
        assert_eq!(length, 1 << 20);
        assert!(peaks.take_disk() >= 1 << 20);
        assert!(peaks.take_memory() > 0);
        assert_eq!(peaks.take_disk(), 0);
        forget_files(folder.path()).unwrap();
        assert_eq!(fs::read(&path).unwrap().len(), 1 << 20);
    }
}
