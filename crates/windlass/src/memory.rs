//! How much memory the machine has.

use std::fs;

/// Where the system does not say.
const FALLBACK: u64 = 1 << 30;

/// A quarter of RAM, in bytes; of the control group's limit where that is lower.
pub(crate) fn quarter_of_ram() -> u64 {
    let ram = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| total_of(&text));
    let limit = fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse().ok());
    ram.into_iter()
        .chain(limit)
        .min()
        .map_or(FALLBACK, |bytes: u64| bytes / 4)
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
        assert!(quarter_of_ram() > 0);
    }
}
