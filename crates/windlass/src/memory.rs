//! How much memory the machine has.

use std::fs;
use std::path::Path;

/// Where the system does not say.
const FALLBACK: u64 = 1 << 30;

/// What a build may hold where nothing else is said: a quarter of RAM.
pub(crate) fn quarter_of_ram() -> u64 {
    ram() / 4
}

/// What a question on the command line, which is alone, may take for what grows with its target: a quarter of RAM.
pub(crate) fn lone_query_bytes() -> usize {
    usize::try_from(quarter_of_ram()).unwrap_or(usize::MAX)
}

/// What is kept of an index for the next questions where nothing else is said: an eighth of RAM.
pub(crate) fn kept_bytes() -> usize {
    usize::try_from(ram() / 8).unwrap_or(usize::MAX)
}

/// What a question may take for what grows with its target where nothing else is said: a sixteenth of RAM, and
/// where that is little, so many bytes.
pub(crate) fn query_bytes(at_least: usize) -> usize {
    usize::try_from(ram() / 16).map_or(usize::MAX, |share| share.max(at_least))
}

/// RAM, in bytes; what the control groups that the process is in may have, where that is less.
fn ram() -> u64 {
    let ram = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| total_of(&text));
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limit = limit_of(Path::new("/sys/fs/cgroup"), &groups);
    ram.into_iter().chain(limit).min().unwrap_or(FALLBACK)
}

/// The least that a control group, or one above it, may have, before it is slowed down or killed. `groups` is what
/// `/proc/self/cgroup` says: `0::/GROUP` of version 2, `N:memory:/GROUP` of version 1, which has a folder for memory.
fn limit_of(mounted_at: &Path, groups: &str) -> Option<u64> {
    let limits = groups.lines().filter_map(|line| {
        let (_, group) = line.split_once(':')?;
        let (controllers, group) = group.split_once(":/")?;
        let (folder, names): (_, &[&str]) = match controllers {
            "" => (mounted_at.to_owned(), &["memory.max", "memory.high"]),
            list if list.split(',').any(|name| name == "memory") => {
                (mounted_at.join("memory"), &["memory.limit_in_bytes"])
            }
            _ => return None,
        };
        least(&folder, Path::new(group), names)
    });
    limits.min()
}

/// The least of the limits of a group, and of those above it.
fn least(mounted_at: &Path, group: &Path, names: &[&str]) -> Option<u64> {
    let folders = group.ancestors().map(|above| mounted_at.join(above));
    let files = folders.flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    let limits = files.filter_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok());
    limits.min()
}

fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_system_says() {
        assert_eq!(
            total_of("MemTotal:       24689764 kB\nMemFree: 1 kB\n"),
            Some(24_689_764 * 1024)
        );
        assert!(quarter_of_ram() > 0 && kept_bytes() > 0);
        assert_eq!(query_bytes(usize::MAX), usize::MAX);
    }
    #[test]
    fn the_least_limit_of_a_group_and_those_above_it_counts() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let limit = |groups: &str| limit_of(folder.path(), groups);
        assert_eq!(limit("0::/system.slice/windlass.service\n"), None);
        write("system.slice/windlass.service/memory.max", "max\n");
        assert_eq!(limit("0::/system.slice/windlass.service\n"), None);
        write("system.slice/windlass.service/memory.high", "3000000\n");
        write("system.slice/memory.max", "2000000\n");
        assert_eq!(
            limit("0::/system.slice/windlass.service\n"),
            Some(2_000_000)
        );
        assert_eq!(
            limit("1:name=systemd:/\n0::/system.slice/other\n"),
            Some(2_000_000)
        );
        assert_eq!(limit("0::/user.slice\n"), None);
        // Inside a container the group is the root that is seen.
        write("memory.max", "1000000\n");
        assert_eq!(limit("0::/\n"), Some(1_000_000));
        assert_eq!(limit(""), None);
        // Of version 1, "no limit" is a very large one.
        write("memory/memory.limit_in_bytes", "9223372036854771712\n");
        write("memory/docker/a/memory.limit_in_bytes", "500000\n");
        assert_eq!(
            limit("9:cpu,memory:/docker/a\n1:name=systemd:/docker/a\n"),
            Some(500_000)
        );
        assert_eq!(limit("4:memory:/docker/a/below\n"), Some(500_000));
        assert_eq!(limit("4:cpu:/docker/a\n"), None);
    }
}
