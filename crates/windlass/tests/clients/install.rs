//! What the clients need, installed where it is missing.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::packages::{apt, installed, is_installed, must, one_at_a_time, succeeds};
use crate::script;
use crate::support::root;

fn folder() -> PathBuf {
    let folder = root().join("target/clients");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// `php` with curl.
pub(crate) fn php() {
    let _one = one_at_a_time();
    let code = "exit(function_exists('curl_init') ? 0 : 1);";
    if !succeeds(Command::new("php").args(["-r", code])) {
        apt(&["php-cli", "php-curl"]);
    }
}

/// A Python with what `requirements.txt` names.
pub(crate) fn python() -> PathBuf {
    let _one = one_at_a_time();
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
    let _one = one_at_a_time();
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
