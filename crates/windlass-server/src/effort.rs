//! What a piece of work took of the machine, whatever else the machine did meanwhile.

use std::time::Duration;

/// Bytes that this process has read from disks so far, whether by calls or by pages of mapped files; where the system
/// says so.
pub(crate) fn disk_read() -> Option<u64> {
    let io = std::fs::read_to_string("/proc/self/io").ok()?;
    let line = io.lines().find_map(|line| line.strip_prefix("read_bytes:"));
    line?.trim().parse().ok()
}

/// Work of this thread, from its beginning on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort(Beginning);

/// `None` where the system does not tell.
#[cfg(target_os = "linux")]
type Beginning = Option<Spent>;

#[cfg(target_os = "linux")]
#[derive(Debug, Clone, Copy)]
struct Spent {
    time: Duration,
    /// Waits for the disk, for bytes of a mapped file.
    faults: i64,
}

#[cfg(target_os = "linux")]
impl Effort {
    pub(crate) fn begin() -> Self {
        Self(Spent::until_now())
    }

    /// Whether this thread has computed for no more than a time, and has not waited for bytes of a mapped file;
    /// where there is no bound, it may have waited too.
    pub(crate) fn is_at_most(self, max: Duration) -> bool {
        if max == Duration::MAX {
            return true;
        }
        let (Some(before), Some(now)) = (self.0, Spent::until_now()) else {
            return false;
        };
        now.faults == before.faults && now.time.saturating_sub(before.time) <= max
    }
}

#[cfg(target_os = "linux")]
impl Spent {
    fn until_now() -> Option<Self> {
        use nix::sys::resource::{UsageWho, getrusage};
        use nix::sys::time::TimeVal;
        let micros = |time: TimeVal| {
            let seconds = u64::try_from(time.tv_sec()).unwrap_or_default();
            let micros = u64::try_from(time.tv_usec()).unwrap_or_default();
            Duration::from_secs(seconds) + Duration::from_micros(micros)
        };
        let usage = getrusage(UsageWho::RUSAGE_THREAD).ok()?;
        Some(Self {
            time: micros(usage.user_time()) + micros(usage.system_time()),
            faults: usage.major_page_faults(),
        })
    }
}

// Other systems tell the time alone, which waits are part of.
#[cfg(not(target_os = "linux"))]
type Beginning = std::time::Instant;

#[cfg(not(target_os = "linux"))]
impl Effort {
    pub(crate) fn begin() -> Self {
        Self(Beginning::now())
    }

    pub(crate) fn is_at_most(self, max: Duration) -> bool {
        self.0.elapsed() <= max
    }
}
