//! The requests that the report's page shows in several languages, run as they are copied.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::Server;
use crate::{demo_server, install};

/// Reports whose requests have everything that languages trip over.
const REPORTS: [&str; 3] = [
    "target=ahrefs.com&mode=domain&where=substring%28anchor%2C%22it%27s%20%5C%22q%5C%22%20%5C%5C%20%C3%BC%22%29",
    "target=hostile.example&mode=exact&having=anchor%3C%3E%22%24HOME%20%60id%60%20%21%20%E2%80%AE%F0%9F%98%80%22",
    "target=github.com&history=all_time&having=backlinks%3E%3D2%2Cfirst_seen%3E%3D%222021-01-01%22&limit=25",
];

/// The text of an element, as a browser gives it.
fn text_of(html: &str, id: &str) -> String {
    let (_, rest) = html.split_once(&format!("<code id=\"{id}\">")).unwrap();
    let (text, _) = rest.split_once("</code>").unwrap();
    [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn lines(body: &str) -> Vec<String> {
    let answer: serde_json::Value = serde_json::from_str(body).unwrap();
    let rows = answer["anchors"].as_array().unwrap();
    let line = |row: &serde_json::Value| {
        format!("{} {}", row["anchor"].as_str().unwrap(), row["backlinks"])
    };
    rows.iter().map(line).collect()
}

fn run(program: &Path, arguments: &[&str], code: &str, file: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file);
    fs::write(&path, code).unwrap();
    let output = Command::new(program)
        .args(arguments)
        .arg(&path)
        .env("PYTHONIOENCODING", "utf-8")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{code}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn page(server: &Server, report: &str) -> String {
    let (status, _, body) = server.get(&format!("/report?{report}"));
    assert!(status.contains("200"), "{report}: {status}");
    body
}

/// R is on no registry that tests can reach: its request is looked at alone.
#[test]
fn requests_that_the_page_shows_run_as_they_are() {
    install::php();
    let python = install::python();
    let (_index, server) = demo_server();
    for report in REPORTS {
        let html = page(&server, report);
        let code = |language: &str| text_of(&html, &format!("request-{language}"));
        let url = code("url");
        let path = url.split_once(&server.address).unwrap().1;
        let body = server.get(path).2;
        let expected = lines(&body);
        assert!(!expected.is_empty(), "{report}");
        let curl = run(Path::new("sh"), &[], &code("curl"), "request.sh");
        assert_eq!(curl, body, "{report}");
        for (program, file, language) in [
            (python.as_path(), "request.py", "python"),
            (Path::new("php"), "request.php", "php"),
            (Path::new("node"), "request.mjs", "javascript"),
        ] {
            let said = run(program, &[], &code(language), file);
            let said: Vec<&str> = said.trim_end_matches('\n').split('\n').collect();
            assert_eq!(said, expected, "{language}: {report}");
        }
        assert!(code("r").contains("order_by = \"refdomains:desc,backlinks:desc\""));
    }
}
