//! The clients that people have, and readers of each format, against a running server.
//!
//! What they need is installed once, into `target/clients`, or from Debian where `php` is missing.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod crawl;
mod install;
#[path = "../support/packages.rs"]
mod packages;
mod peers;
mod recorded;
mod snippets;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Server, demo, ingest, root};

/// A server over the demo crawl and a hostile page, and its index.
fn demo_server() -> (tempfile::TempDir, Server) {
    let index = tempfile::tempdir().unwrap();
    let more = index.path().with_extension("warc");
    crawl::write(&more);
    ingest(index.path(), &[demo(""), more.clone()], &[]);
    std::fs::remove_file(more).unwrap();
    let server = Server::start(index.path());
    (index, server)
}

fn script(name: &str) -> PathBuf {
    root().join("crates/windlass/tests/clients").join(name)
}

/// Runs a script on the address of a server; it must succeed, and say that it did something.
fn run(program: &Path, name: &str, server: &Server) {
    let output = Command::new(program)
        .arg(script(name))
        .arg(format!("http://{}/", server.address))
        .env("NODE_PATH", install::node_modules_path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.ends_with("all right\n"),
        "{name}: {said}\n{complaint}"
    );
}

#[test]
fn php_unserializes_what_it_would_have_serialized() {
    install::php();
    let (_index, server) = demo_server();
    run(Path::new("php"), "formats.php", &server);
}

#[test]
fn pyarrow_duckdb_expat_and_csv_read_what_json_says() {
    let python = install::python();
    let (_index, server) = demo_server();
    run(&python, "formats.py", &server);
}

/// PyPI's `ahrefs-api-python` is written for Python 2, which Debian has no more. Its file is run as it
/// was published, by Python 3, with a module `urllib2` beside it.
#[test]
fn ahrefs_api_python_runs_as_published() {
    let python = install::python();
    let (_index, server) = demo_server();
    run(&python, "ahrefs_api_python_client.py", &server);
}

/// node-ahrefs is in no registry: here are the libraries that it asks and reads with.
#[test]
fn what_node_ahrefs_asks_and_reads_with() {
    install::node_modules();
    let (_index, server) = demo_server();
    run(Path::new("node"), "node_ahrefs_libraries.js", &server);
}

/// Schemathesis makes requests from `/openapi.json`, and holds the answers against it.
#[test]
fn the_openapi_document_is_kept() {
    let python = install::python();
    let (_index, server) = demo_server();
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,\
                  response_headers_conformance,response_schema_conformance";
    let output = Command::new(python.with_file_name("schemathesis"))
        .args(["--no-color", "run", "--checks", checks])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", "40", "--generation-deterministic"])
        .args(["--workers", "1"])
        .arg(format!("http://{}/openapi.json", server.address))
        .current_dir(root().join("target/clients"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complaint}");
    // All operations were asked.
    assert!(said.contains("Tested: 6"), "{said}");
}
