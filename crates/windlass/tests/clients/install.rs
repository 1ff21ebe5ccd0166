//! What the clients need, installed where it is missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::script;
use crate::support::root;

/// One installation at a time: tests run side by side.
static INSTALLING: Mutex<()> = Mutex::new(());

fn folder() -> PathBuf {
    let folder = root().join("target/clients");
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn must(command: &mut Command) {
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

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Installs packages of Debian; tests run as root where that is needed.
fn apt(packages: &[&str]) {
    must(Command::new("apt-get").args(["update", "-q"]));
    must(
        Command::new("apt-get")
            .args(["-o", "DPkg::Lock::Timeout=300"])
            .args(["install", "-q", "-y", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    );
}

/// `php` with curl.
pub(crate) fn php() {
    let _one = INSTALLING.lock().unwrap();
    let code = "exit(function_exists('curl_init') ? 0 : 1);";
    if !succeeds(Command::new("php").args(["-r", code])) {
        apt(&["php-cli", "php-curl"]);
    }
}

/// A Python with what `requirements.txt` names.
pub(crate) fn python() -> PathBuf {
    let _one = INSTALLING.lock().unwrap();
    let wanted = fs::read_to_string(script("requirements.txt")).unwrap();
    let venv = folder().join("venv");
    let python = venv.join("bin/python");
    if is_installed(&venv, &wanted) && succeeds(Command::new(&python).args(["-c", ""])) {
        return python;
    }
    let make = || {
        succeeds(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&venv),
        )
    };
    if !make() {
        apt(&["python3-venv"]);
        assert!(make(), "python3 -m venv");
    }
    must(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "-q",
                "--disable-pip-version-check",
                "-r",
            ])
            .arg(script("requirements.txt")),
    );
    installed(&venv, &wanted);
    python
}

/// Where `node` looks for what `package.json` names.
pub(crate) fn node_modules_path() -> PathBuf {
    folder().join("node/node_modules")
}

/// Installs what `package.json` names.
pub(crate) fn node_modules() {
    let _one = INSTALLING.lock().unwrap();
    let wanted = fs::read_to_string(script("package.json")).unwrap();
    let to = folder().join("node");
    if is_installed(&to, &wanted) {
        return;
    }
    fs::create_dir_all(&to).unwrap();
    fs::write(to.join("package.json"), &wanted).unwrap();
    must(
        Command::new("npm")
            .args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"])
            .arg(&to),
    );
    installed(&to, &wanted);
}

fn is_installed(folder: &Path, wanted: &str) -> bool {
    fs::read_to_string(folder.join("installed")).is_ok_and(|found| found == wanted)
}

fn installed(folder: &Path, wanted: &str) {
    fs::write(folder.join("installed"), wanted).unwrap();
}
