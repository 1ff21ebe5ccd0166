//! What `deploy/` holds is understood by those who read it.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod support;

use std::fs;
use std::process::Command;

use support::{program, root, skipped};

fn read(name: &str) -> String {
    fs::read_to_string(root().join("deploy").join(name)).unwrap()
}

/// What `serve --print-config` says with these flags and variables.
fn settings(flags: &[&str], environment: &[(&str, &str)]) -> String {
    let mut command = program();
    command.args(["serve", "--print-config"]).args(flags);
    let output = command.envs(environment.iter().copied()).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_file_of_settings_and_those_that_it_proposes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("windlass.toml");
    let text = read("windlass.toml");
    let proposed = text.replace("listen = \"127.0.0.1:8600\"\n", "");
    let proposed: Vec<&str> = proposed
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(setting) if setting.contains(" = ") => setting,
            _ => line,
        })
        .collect();
    for (text, listen) in [
        (text.clone(), "listen = \"127.0.0.1:8600\""),
        (proposed.join("\n"), "listen = \"0.0.0.0:443\""),
    ] {
        fs::write(&file, text).unwrap();
        let settings = settings(&["--config", file.to_str().unwrap()], &[]);
        assert!(settings.contains(listen), "{settings}");
    }
}

/// systemd is not everywhere where tests run.
#[test]
fn the_unit_is_what_systemd_takes_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("windlass.service");
    let text = read("windlass.service");
    let binary = env!("CARGO_BIN_EXE_windlass");
    fs::write(&unit, text.replace("/usr/local/bin/windlass", binary)).unwrap();
    assert_eq!(text.matches("/usr/local/bin/windlass serve").count(), 2);
    let verify = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--generators=no"])
        .arg(&unit)
        .output();
    let Ok(verified) = verify else {
        skipped("systemd-analyze is not here: the unit was not looked at");
        return;
    };
    let complaints = String::from_utf8(verified.stderr).unwrap();
    let ours: Vec<&str> = complaints
        .lines()
        .filter(|line| line.contains("windlass"))
        .collect();
    assert!(ours.is_empty(), "{ours:#?}");
}

#[test]
fn the_container_is_built_and_started_with_what_there_is() {
    let text = read("Containerfile").replace("\\\n", " ");
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap();
    let environment: Vec<(&str, &str)> = line("ENV ")
        .split_whitespace()
        .filter_map(|word| word.split_once('='))
        .collect();
    let settings = settings(&[], &environment);
    for setting in [
        "index = \"/var/lib/windlass/index\"",
        "listen = \"0.0.0.0:8600\"",
        "allow_remote = true",
        "log_format = \"json\"",
    ] {
        assert!(settings.lines().any(|line| line == setting), "{settings}");
    }
    // docker looks for it beside the file that it builds from.
    let ignored = fs::read_to_string(root().join(".containerignore")).unwrap();
    assert_eq!(read("Containerfile.dockerignore"), ignored);
    assert_eq!(line("USER "), "USER 10001");
    assert!(line("HEALTHCHECK ").contains("http://127.0.0.1:8600/healthz"));

    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let version = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "))
        .unwrap()
        .trim_matches('"');
    assert!(
        line("FROM ").contains(&format!("/rust:{version}-")),
        "{version}"
    );
    let build = line("RUN cargo build");
    assert_eq!(
        build,
        "RUN cargo build --release --locked --package windlass"
    );
    let package = Command::new(env!("CARGO"))
        .args(["pkgid", "--locked", "--offline", "--package", "windlass"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        package.status.success(),
        "{}",
        String::from_utf8_lossy(&package.stderr)
    );
}
