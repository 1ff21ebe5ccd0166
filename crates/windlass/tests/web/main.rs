//! The pages, in a browser; and that what the binary has of them is what their sources give.
//!
//! `web/e2e/` says what is looked at. Screenshots of each page are in `target/web/screenshots` then.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod crawl;
mod install;
#[path = "../support/packages.rs"]
mod packages;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Server, demo, ingest, root, stdout};

/// Runs a tool to the end, which must succeed; what it printed is the reason otherwise.
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn the_sources_have_the_types_and_the_format_that_they_say() {
    install::node_modules();
    run(&mut install::tool("tsc"));
    run(install::tool("prettier").args(["--check", "."]));
}

#[test]
fn what_is_committed_is_what_the_sources_give() {
    install::node_modules();
    let built = tempfile::tempdir().unwrap();
    run(install::tool("vite")
        .arg("build")
        .env("WINDLASS_WEB_DIST", built.path()));
    let found = files(&install::web().join("dist"));
    let expected = files(built.path());
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected), "npm run build");
    for (name, bytes) in expected {
        assert!(found[&name] == bytes, "{name}: npm run build");
    }
}

/// A token for a server over the index.
fn token(index: &Path, flags: &[&str]) -> String {
    let mut arguments = vec!["token".as_ref(), "create".as_ref()];
    arguments.extend(flags.iter().map(|flag| OsStr::new(*flag)));
    arguments.extend(["--index".as_ref(), index.as_os_str()]);
    stdout(arguments).trim().to_owned()
}

/// An index of a few pages and of a file that is cut off.
fn small_index(folder: &Path) -> PathBuf {
    let whole = demo("docs.sqlalchemy.org-2021-03-15.warc.gz");
    let bytes = fs::read(&whole).unwrap();
    let damaged = folder.join("damaged.warc.gz");
    fs::write(&damaged, &bytes[..bytes.len() / 2]).unwrap();
    let index = folder.join("small");
    ingest(&index, &[whole, damaged], &[]);
    index
}

#[test]
fn the_pages_in_chromium() {
    install::node_modules();
    let chromium = install::chromium();
    let folder = tempfile::tempdir().unwrap();
    let hostile = folder.path().join("hostile.warc");
    crawl::write(&hostile);
    let index = folder.path().join("index");
    ingest(&index, &[demo(""), hostile], &[]);
    let server = Server::start(&index);
    let small = small_index(folder.path());
    let metered = Server::start(&small);
    let artefacts = root().join("target/web");
    let _ = fs::remove_dir_all(artefacts.join("screenshots"));
    run(install::tool("playwright")
        .arg("test")
        .env("WINDLASS_URL", format!("http://{}", server.address))
        .env(
            "WINDLASS_METERED_URL",
            format!("http://{}", metered.address),
        )
        .env(
            "WINDLASS_READER_TOKEN",
            token(&small, &["--name", "reader", "--rows", "100k"]),
        )
        .env(
            "WINDLASS_POOR_TOKEN",
            token(&small, &["--name", "poor", "--rows", "2"]),
        )
        .env(
            "WINDLASS_OPERATOR_TOKEN",
            token(&small, &["--name", "operator", "--admin"]),
        )
        .env("WINDLASS_CHROMIUM", chromium)
        .env("WINDLASS_ARTEFACTS", &artefacts));
}
