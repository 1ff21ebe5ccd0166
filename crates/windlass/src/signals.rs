//! Signals that ask the program to stop.

use std::fs;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// A flag that Ctrl-C, SIGTERM and the end of the terminal set; a second one ends the process at once.
pub(crate) fn cancel_on_signal() -> anyhow::Result<Arc<AtomicBool>> {
    let cancel = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cancel);
    on_signal(move || {
        if flag.swap(true, Ordering::Relaxed) {
            process::exit(STOPPED);
        }
        anstream::eprintln!("stopping; once more to stop at once");
    })?;
    Ok(cancel)
}

/// The exit code of a program that a signal ended.
pub(crate) const STOPPED: i32 = 130;

/// Calls `stop` for each signal that asks the program to stop. What is ignored when the program starts stays so: `nohup`
/// and shells that run it in the background ask for that.
pub(crate) fn on_signal(mut stop: impl FnMut() + Send + 'static) -> anyhow::Result<()> {
    let ignored = ignored();
    let wanted = [SIGHUP, SIGINT, SIGTERM].into_iter();
    let wanted = wanted.filter(|signal| !holds(ignored, *signal));
    let mut signals = Signals::new(wanted).context("waiting for signals")?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || signals.forever().for_each(|_| stop()))
        .context("waiting for signals")?;
    Ok(())
}

/// Whether Ctrl-C is to be ignored: a shell without job control starts what runs in the background so.
pub(crate) fn ignores_interrupt() -> bool {
    holds(ignored(), SIGINT)
}

/// The signals that are ignored, a bit each; none where the system does not say.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored_of(&status).unwrap_or_default()
}

fn ignored_of(status: &str) -> Option<u64> {
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

fn holds(mask: u64, signal: i32) -> bool {
    u32::try_from(signal - 1)
        .is_ok_and(|bit| mask.checked_shr(bit).is_some_and(|mask| mask & 1 == 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_says_what_is_ignored() {
        let mask =
            ignored_of("Name:\twindlass\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\n");
        let mask = mask.unwrap();
        assert!(holds(mask, SIGHUP) && holds(mask, 13));
        assert!(!holds(mask, SIGINT) && !holds(mask, SIGTERM) && !holds(mask, 100));
        assert_eq!(ignored_of("Name:\twindlass\n"), None);
    }
}
