//! How much memory the machine has.

use std::fs;

/// Where the system does not say.
const FALLBACK: u64 = 1 << 30;

/// What a build may hold where nothing else is said: a quarter of RAM.
pub(crate) fn quarter_of_ram() -> u64 {
    ram() / 4
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

/// RAM, in bytes; the control group's limit where that is lower.
fn ram() -> u64 {
    let ram = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| total_of(&text));
    let limit = fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse().ok());
    ram.into_iter().chain(limit).min().unwrap_or(FALLBACK)
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
}
