//! `windlass bench --links` and `--ask`: an index that is kept, and what it answers.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};
use support::{program, stderr, stdout};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn ask(index: &Path, questions: &Path, flags: &[&str]) -> Vec<Value> {
    let arguments = ["bench", "--index", text(index), "--ask", text(questions)];
    let arguments = [&arguments, &["--output", "json"][..], flags].concat();
    serde_json::from_str(&stdout(arguments)).unwrap()
}

fn anchors(index: &Path, question: &Value) -> Value {
    let mut arguments = vec!["anchors", question["target"].as_str().unwrap()];
    arguments.extend(["--index", text(index), "--output", "json"]);
    for (flag, name) in [
        ("--mode", "mode"),
        ("--where", "where"),
        ("--having", "having"),
        ("--order-by", "order_by"),
        ("--history", "history"),
    ] {
        if let Some(value) = question[name].as_str() {
            arguments.extend([flag, value]);
        }
    }
    let limit = question["limit"].as_u64().unwrap().to_string();
    arguments.extend(["--limit", &limit]);
    serde_json::from_str(&stdout(arguments)).unwrap()
}

#[test]
fn an_index_is_kept_and_answers_as_the_report_does() {
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().join("index");
    let arguments = ["bench", "--links", "20k", "--keep", text(&index)];
    let built = stdout([&arguments[..], &["--no-ask", "--output", "json"]].concat());
    let built: Value = serde_json::from_str(&built).unwrap();
    let backlinks = built["backlinks"].as_u64().unwrap();
    assert!((15_000..25_000).contains(&backlinks), "{backlinks}");
    let lost = built["shape"]["lost"].as_u64().unwrap();
    assert!(lost > 0 && built["questions"].as_array().unwrap().is_empty());
    let sections = built["bytes_by_section"].as_object().unwrap();
    let sum: u64 = sections.values().map(|bytes| bytes.as_u64().unwrap()).sum();
    let bytes = built["bytes"].as_u64().unwrap();
    assert!(sum <= bytes && bytes - sum < 4096, "{sum} of {bytes}");
    let parts = built["bytes_by_part"].as_object().unwrap();
    let of_sites = parts.iter().filter(|(part, _)| !part.starts_with("ready"));
    let of_sites: u64 = of_sites.map(|(_, bytes)| bytes.as_u64().unwrap()).sum();
    assert_eq!(of_sites, sections["Sites"].as_u64().unwrap());
    // Two segments and their merge lay side by side.
    assert!(built["disk_max"].as_u64().unwrap() > bytes * 3 / 2);

    let questions = json!([
        {"name": "giant", "target": "giant.com", "mode": "subdomains", "limit": 1000,
         "order_by": "backlinks:desc", "what": "others may say more"},
        {"name": "filtered", "target": "giant.com", "mode": "subdomains", "limit": 50,
         "where": "substring(anchor,\"a\"),backlinks<3", "having": "refdomains>1",
         "order_by": "first_seen:desc,refpages"},
        {"name": "lost too", "target": "www.giant.com/docs/", "mode": "prefix", "limit": 100,
         "history": "all_time"},
        {"name": "one URL", "target": "www.giant.com", "mode": "exact", "limit": 0},
        {"name": "nothing", "target": "nowhere.invalid", "mode": "domain", "limit": 10},
    ]);
    let file = directory.path().join("questions.json");
    fs::write(&file, questions.to_string()).unwrap();
    let answers = ask(&index, &file, &["--rows", "--repeat", "4"]);
    let cold = ask(&index, &file, &["--cold"]);
    let questions = questions.as_array().unwrap();
    assert_eq!(
        (answers.len(), cold.len()),
        (questions.len(), questions.len())
    );
    for ((question, answer), cold) in questions.iter().zip(&answers).zip(&cold) {
        let report = anchors(&index, question);
        assert_eq!(answer["rows"], report["anchors"], "{question}");
        assert_eq!(
            answer["backlinks"], report["stats"]["backlinks"],
            "{question}"
        );
        assert_eq!(
            answer["refpages"], report["stats"]["refpages"],
            "{question}"
        );
        assert!(answer["repetitions"].as_u64().unwrap() >= 3, "{answer}");
        let first = answer["first_p50_ms"].as_f64();
        assert!(first.is_some_and(|ms| ms > 0.0), "{answer}");
        for member in ["name", "backlinks", "refpages", "groups_total", "results"] {
            assert_eq!(answer[member], cold[member], "{member} of {question}");
        }
    }
    once_each(&index, &file, questions, &answers);
    assert!(answers[0]["rows"].as_array().unwrap().len() > 100);
    assert!(answers[1]["rows"].as_array().unwrap().len() > 1);
    assert!(answers[3]["backlinks"].as_u64().unwrap() > 50);
}

/// What the build and the merge of many links may use: memory as they are told, beside that of the bench itself and what is
/// always needed, where they would take three times as much; and disk two and a half times what comes of it, files without
/// a name included.
#[test]
fn memory_and_disk_stay_within_bounds() {
    let arguments = ["bench", "--links", "3M", "--memory", "48M", "--no-ask"];
    let built = stdout([&arguments[..], &["--output", "json"]].concat());
    let built: Value = serde_json::from_str(&built).unwrap();
    let number = |value: &Value| value.as_u64().unwrap();
    for step in ["build", "merge"] {
        let held = number(&built[step]["memory_max"]);
        assert!(held > 0 && held < (48 + 48) << 20, "{step}: {held}");
    }
    let (disk, result) = (number(&built["disk_max"]), number(&built["bytes"]));
    assert!(disk * 2 <= result * 5, "{disk} for {result}");
}

/// Questions that are asked once are told of by groups; those without a group are one.
fn once_each(index: &Path, file: &Path, questions: &[Value], answers: &[Value]) {
    let mut questions = questions.to_vec();
    for question in &mut questions[..2] {
        question["group"] = json!("two of them");
    }
    fs::write(file, json!(questions).to_string()).unwrap();
    let groups = ask(index, file, &["--once"]);
    let backlinks = |answers: &[Value]| -> u64 {
        answers
            .iter()
            .map(|answer| answer["backlinks"].as_u64().unwrap())
            .sum()
    };
    let (two, others) = answers.split_at(2);
    let expected = [
        ("", others.len(), backlinks(others)),
        ("two of them", 2, backlinks(two)),
    ];
    assert_eq!(groups.len(), expected.len());
    for (group, (name, asked, backlinks)) in groups.iter().zip(expected) {
        assert_eq!(
            (&group["group"], &group["questions"], &group["backlinks"]),
            (&json!(name), &json!(asked), &json!(backlinks))
        );
        let times =
            ["p50_ms", "p90_ms", "p99_ms", "max_ms"].map(|name| group[name].as_f64().unwrap());
        assert!(times[0] > 0.0 && times.is_sorted(), "{group}");
    }
    let arguments = [
        "bench",
        "--index",
        text(index),
        "--ask",
        text(file),
        "--once",
    ];
    let table = stdout(arguments);
    assert!(
        table.starts_with("group") && table.contains("two of them"),
        "{table}"
    );
    for other in [&["--rows"][..], &["--cold"], &["--repeat", "3"]] {
        let error = stderr([&arguments[..], other].concat());
        assert!(error.contains("cannot be used with"), "{error}");
    }
}

#[test]
fn an_index_is_not_added_to_and_questions_must_be_some() {
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().join("index");
    let build = [
        "bench",
        "--links",
        "100",
        "--no-ask",
        "--keep",
        text(&index),
    ];
    stdout(build);
    assert!(stderr(build).contains("holds an index already"));
    let file = directory.path().join("questions.json");
    fs::write(&file, "{}").unwrap();
    let ask = ["bench", "--index", text(&index), "--ask", text(&file)];
    assert!(stderr(ask).contains("is no list of questions"));
    assert!(stderr(["bench", "--index", text(&index)]).contains("--ask"));
    assert!(stderr(["bench"]).contains("--links"));
}

#[test]
fn what_a_signal_ends_leaves_no_index_behind() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["TERM", "INT", "HUP"] {
        let mut child = program()
            .args(["bench", "--links", "3M", "--no-ask"])
            .env("TMPDIR", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let is_empty = || fs::read_dir(folder.path()).unwrap().next().is_none();
        while is_empty() {
            sleep(Duration::from_millis(1));
        }
        sleep(Duration::from_millis(100));
        let mut kill = Command::new("kill");
        kill.args([format!("-{name}"), child.id().to_string()]);
        assert!(kill.status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130), "{name}");
        assert!(is_empty(), "{name}");
    }
}
