//! What the pages are built and tested with, installed where it is missing.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::packages::{apt, installed, is_installed, must, one_at_a_time, succeeds};
use crate::support::root;

/// Debian's browser.
const CHROMIUM: &str = "/usr/bin/chromium";

/// The folder of the pages' sources.
pub(crate) fn web() -> PathBuf {
    root().join("web")
}

/// A program that `package.json` names.
pub(crate) fn tool(name: &str) -> Command {
    let mut command = Command::new(web().join("node_modules/.bin").join(name));
    command.current_dir(web());
    command
}

/// Chromium, and fonts for what anchors are written in.
pub(crate) fn chromium() -> &'static str {
    let _one = one_at_a_time();
    if !succeeds(Command::new(CHROMIUM).arg("--version")) {
        apt(&["chromium", "fonts-dejavu-core"]);
    }
    CHROMIUM
}

/// The packages that `package-lock.json` names, to the byte.
pub(crate) fn node_modules() {
    let _one = one_at_a_time();
    let wanted = fs::read_to_string(web().join("package-lock.json")).unwrap();
    let folder = web().join("node_modules");
    if is_installed(&folder, &wanted) {
        return;
    }
    must(
        Command::new("npm")
            .args(["ci", "--silent", "--no-audit", "--no-fund"])
            .current_dir(web()),
    );
    installed(&folder, &wanted);
}
