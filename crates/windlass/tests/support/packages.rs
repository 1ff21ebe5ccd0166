//! What tests need of other people's programs, installed where it is missing.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One installation at a time: tests run side by side.
static INSTALLING: Mutex<()> = Mutex::new(());

/// Waits until no other test installs anything.
pub fn one_at_a_time() -> MutexGuard<'static, ()> {
    // One that failed has said so; the others need not fail with it.
    INSTALLING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a command, which must succeed.
pub fn must(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| unreachable!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

pub fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Installs packages of Debian; tests run as root where that is needed.
pub fn apt(packages: &[&str]) {
    must(Command::new("apt-get").args(["update", "-q"]));
    must(
        Command::new("apt-get")
            .args(["-o", "DPkg::Lock::Timeout=300"])
            .args(["install", "-q", "-y", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    );
}

/// Whether a folder has what was wanted when it was filled.
pub fn is_installed(folder: &Path, wanted: &str) -> bool {
    fs::read_to_string(folder.join("installed")).is_ok_and(|found| found == wanted)
}

/// Notes that it has.
pub fn installed(folder: &Path, wanted: &str) {
    fs::write(folder.join("installed"), wanted).unwrap();
}
