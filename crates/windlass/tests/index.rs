//! `windlass ingest`, `merge`, `verify`, `stats`, `export`: the life of an index.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use support::{
    demo, ingest, merged_bytes, program, segments, small_index, stderr, stdout, windlass,
};

/// Two crawls of one site, and a WARC and a WAT of the same captures.
fn files() -> Vec<PathBuf> {
    [
        "awesome-selfhosted.net.warc.gz",
        "awesome-selfhosted.net.warc.wat.gz",
        "docs.sqlalchemy.org-2021-03-15.warc.gz",
        "docs.sqlalchemy.org-2024-09-05.warc.gz",
    ]
    .map(demo)
    .to_vec()
}

fn json(command: &str, index: &Path) -> serde_json::Value {
    let text = stdout([
        command.as_ref(),
        "--output".as_ref(),
        "json".as_ref(),
        "--index".as_ref(),
        index.as_os_str(),
    ]);
    serde_json::from_str(&text).unwrap()
}

#[test]
fn r14_any_order_batches_memory_and_repetition_give_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let whole = directory.path().join("whole");
    let summary = ingest(&whole, &files(), &[]);
    assert_eq!(summary["files_read"], 4);
    assert!(summary["in_segments"]["backlinks"].as_u64().unwrap() > 1000);
    let expected = merged_bytes(&whole);

    let again = ingest(&whole, &files(), &[]);
    assert_eq!(
        (
            again["files_read"].as_u64(),
            again["files_known"].as_array().map(Vec::len)
        ),
        (Some(0), Some(4))
    );
    assert_eq!(
        ingest(&whole, &files()[1..2], &["--force"])["files_read"],
        1
    );
    assert!(
        merged_bytes(&whole) == expected,
        "--force changed something"
    );

    let parts = directory.path().join("parts");
    for file in files().iter().rev() {
        ingest(
            &parts,
            std::slice::from_ref(file),
            &["--threads", "1", "--memory", "300k", "--merge", "none"],
        );
    }
    assert_eq!(segments(&parts).len(), 4);
    assert!(merged_bytes(&parts) == expected, "other bytes in parts");

    let batches = directory.path().join("batches");
    ingest(&batches, &files(), &["--batch", "1"]);
    assert!(merged_bytes(&batches) == expected, "other bytes in batches");
}

#[test]
fn folders_globs_and_files_that_are_no_archives() {
    let directory = tempfile::tempdir().unwrap();
    let crawl = directory.path().join("crawl");
    fs::create_dir(&crawl).unwrap();
    fs::copy(&files()[2], crawl.join("a.warc.gz")).unwrap();
    fs::write(crawl.join("notes.txt"), "not an archive").unwrap();
    fs::write(crawl.join("bad.warc.gz"), "not an archive either").unwrap();
    let index = directory.path().join("index");
    let output = windlass([
        "ingest".as_ref(),
        "--index".as_ref(),
        index.as_os_str(),
        crawl.as_os_str(),
    ]);
    assert!(!output.status.success(), "a file failed");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("1 files read") && text.contains("failed:") && text.contains("bad.warc.gz"),
        "{text}"
    );
    let glob = crawl.join("a*.gz");
    assert_eq!(
        ingest(&index, &[glob], &[])["files_known"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert!(
        stderr(["ingest", "--index", index.to_str().unwrap(), "nowhere*"])
            .contains("nowhere*: No such file or directory")
    );
}

#[test]
fn what_cannot_be_read_costs_itself_alone_each_time_that_it_is_given() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for folder in ["empty", "crawl"] {
        fs::create_dir(at(folder)).unwrap();
    }
    fs::copy(&files()[2], at("crawl/a.warc.gz")).unwrap();
    // The same bytes twice, and read by one thread or by two.
    for name in ["crawl/bad.warc", "crawl/worse.warc"] {
        fs::write(at(name), "not an archive").unwrap();
    }
    let named = ["empty", "crawl", "[", "nowhere"].map(|name| at(name).display().to_string());
    for threads in ["1", "2"] {
        let index = at(&format!("index-{threads}"));
        let index = index.to_str().unwrap();
        let options = [
            "ingest",
            "--threads",
            threads,
            "--output",
            "json",
            "--index",
            index,
        ];
        let output = windlass(options.into_iter().chain(named.iter().map(String::as_str)));
        assert_eq!(output.status.code(), Some(1));
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said["files_read"], 1, "{said}");
        assert_eq!(said["files_known"].as_array().unwrap().len(), 0, "{said}");
        let failed = said["files_failed"].as_array().unwrap();
        let failed = failed.iter().map(|failed| failed["file"].as_str().unwrap());
        let mut failed: Vec<&str> = failed.collect();
        failed.sort_unstable();
        let mut expected: Vec<_> = [
            "[",
            "crawl/bad.warc",
            "crawl/worse.warc",
            "empty",
            "nowhere",
        ]
        .map(|name| at(name).display().to_string())
        .to_vec();
        expected.sort_unstable();
        assert_eq!(failed, expected);
    }
    // Nor does it keep links from being listed.
    let output = windlass(
        ["links"]
            .into_iter()
            .chain(named.iter().map(String::as_str)),
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(!output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("the folder holds no file called"), "{said}");
    // A measurement of some of them would say something else.
    let bench = stderr(["bench", &named[0], &named[1]]);
    assert!(bench.contains("the folder holds no file called"), "{bench}");
}

#[test]
fn a_truncated_file_gives_what_is_before_the_damage_and_the_manifest_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let whole = fs::read(&files()[0]).unwrap();
    let cut = directory.path().join("cut.warc.gz");
    fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let index = directory.path().join("index");
    let summary = ingest(&index, &[cut], &[]);
    assert_eq!(summary["problems"]["compression"], 1);
    assert!(summary["captures"].as_u64().unwrap() > 10);
    let stats = json("stats", &index);
    let problem = &stats["files"][0]["first_problems"][0];
    assert_eq!(problem["kind"], "compression");
    assert!(
        problem["offset"].as_u64().unwrap() > 0 && !problem["message"].as_str().unwrap().is_empty()
    );
}

#[test]
fn the_second_writer_is_told_who_writes() {
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().to_owned();
    ingest(&index, &files()[2..3], &[]);
    let lock = fs::File::options()
        .write(true)
        .open(index.join("lock"))
        .unwrap();
    lock.lock().unwrap();
    fs::write(index.join("lock"), "process 4711").unwrap();
    let complaint = stderr(["merge", "--index", index.to_str().unwrap()]);
    assert!(
        complaint.contains("is being written by process 4711"),
        "{complaint}"
    );
    drop(lock);
    stdout(["merge", "--index", index.to_str().unwrap()]);
}

#[test]
fn a_damaged_byte_is_found_and_never_gives_a_wrong_answer() {
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().join("index");
    ingest(&index, &files()[2..3], &[]);
    let ask = || {
        windlass([
            "anchors".as_ref(),
            "github.com".as_ref(),
            "--mode".as_ref(),
            "subdomains".as_ref(),
            "--output".as_ref(),
            "json".as_ref(),
            "--index".as_ref(),
            index.as_os_str(),
        ])
    };
    let right = ask().stdout;
    assert_eq!(json("verify", &index)["whole"], true);
    let path = &segments(&index)[0];
    let whole = fs::read(path).unwrap();
    for part in 1..16 {
        let mut damaged = whole.clone();
        let at = whole.len() * part / 16;
        damaged[at] ^= 0x10;
        fs::write(path, &damaged).unwrap();
        let verified = windlass(["verify".as_ref(), "--index".as_ref(), index.as_os_str()]);
        assert!(!verified.status.success(), "byte {at} of {}", whole.len());
        let answer = ask();
        assert!(
            !answer.status.success() || answer.stdout == right,
            "a wrong answer for byte {at}"
        );
    }
    fs::write(path, &whole).unwrap();
    assert_eq!(json("verify", &index)["whole"], true);
}

#[test]
fn killed_at_any_moment_nothing_acknowledged_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let undisturbed = directory.path().join("undisturbed");
    for file in &files() {
        ingest(&undisturbed, std::slice::from_ref(file), &[]);
    }
    let expected = merged_bytes(&undisturbed);
    let index = directory.path().join("index");
    ingest(&index, &files()[2..3], &[]);
    let mut acknowledged = 1;
    for i in 0..40u64 {
        let mut command = program();
        if i % 4 == 3 {
            command.arg("merge");
        } else {
            command
                .arg("ingest")
                .args(["--batch", "1", "--memory", "300k"])
                .args(files());
        }
        let mut child = command
            .arg("--index")
            .arg(&index)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // From at once to about the time that the work takes.
        sleep(Duration::from_millis(i * i * 37 % 900));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(json("verify", &index)["whole"], true, "after kill {i}");
        let known = json("stats", &index)["files"].as_array().unwrap().len();
        assert!(known >= acknowledged, "kill {i} lost a file");
        acknowledged = known;
    }
    ingest(&index, &files(), &[]);
    assert!(merged_bytes(&index) == expected, "other bytes after kills");
    assert_eq!(
        fs::read_dir(index.join("tmp")).unwrap().count(),
        0,
        "garbage is left"
    );
}

#[test]
fn internal_links_are_kept_apart_where_the_index_was_made_for_them() {
    let directory = tempfile::tempdir().unwrap();
    let [without, with, parts] =
        ["without", "with", "parts"].map(|name| directory.path().join(name));
    ingest(&without, &files(), &[]);
    ingest(&with, &files(), &["--keep-internal"]);
    for file in files().into_iter().rev() {
        let flags = ["--keep-internal", "--memory", "300k", "--merge", "none"];
        ingest(&parts, &[file], &flags);
    }
    assert_eq!(segments(&parts).len(), 4);
    assert!(merged_bytes(&with) == merged_bytes(&parts), "other bytes");
    merged_bytes(&without);
    stdout(["verify".as_ref(), "--index".as_ref(), with.as_os_str()]);
    let [mut kept, bare] = [&with, &without].map(|index| json("stats", index));
    let internal = kept["segments"][0]["counts"]["internal_links"].take();
    assert!(internal.as_u64().unwrap() > 1000);
    assert_eq!(bare["segments"][0]["counts"]["internal_links"], 0);
    for count in ["captures", "pages", "sites", "backlinks", "other_links"] {
        let of = |stats: &Value| stats["segments"][0]["counts"][count].clone();
        assert_eq!(of(&kept), of(&bare), "{count}");
    }
    for (section, bytes) in bare["bytes_by_section"].as_object().unwrap() {
        assert_eq!(&kept["bytes_by_section"][section], bytes, "{section}");
    }
    // The choice belongs to the index.
    for (index, flags, built) in [
        (&with, &[][..], "with --keep-internal"),
        (
            &without,
            &["--keep-internal"][..],
            "without --keep-internal",
        ),
    ] {
        let file = demo("docs.sqlalchemy.org-2021-03-15.warc.gz");
        let ends = [
            "ingest".as_ref(),
            file.as_os_str(),
            "--index".as_ref(),
            index.as_os_str(),
        ];
        let output = windlass(ends.into_iter().chain(flags.iter().map(OsStr::new)));
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        assert!(complaint.contains(&format!("built {built}")), "{complaint}");
    }
}

#[test]
fn stats_and_export_count_the_same() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().join("index");
    for file in files() {
        ingest(&index, &[file], &[]);
    }
    let to = directory.path().join("parquet");
    // What an export left that was killed.
    let left = to.join(".windlass-export");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("merged.segment"), "half of it").unwrap();
    stdout([
        "export".as_ref(),
        "--index".as_ref(),
        index.as_os_str(),
        "--to".as_ref(),
        to.as_os_str(),
    ]);
    assert_eq!(fs::read_dir(&to).unwrap().count(), 2);
    merged_bytes(&index);
    let stats = json("stats", &index);
    assert!(stats.get("bytes_by_part").is_none());
    let arguments = ["stats", "--parts", "--output", "json", "--index"].map(OsStr::new);
    let with_parts: Value = serde_json::from_str(&stdout(
        arguments.iter().copied().chain([index.as_os_str()]),
    ))
    .unwrap();
    let parts = with_parts["bytes_by_part"].as_object().unwrap();
    let sum: u64 = parts.values().map(|bytes| bytes.as_u64().unwrap()).sum();
    assert_eq!(sum, stats["bytes_by_section"]["Sites"].as_u64().unwrap());
    let counts = &stats["segments"][0]["counts"];
    let open =
        |name: &str| SerializedFileReader::new(fs::File::open(to.join(name)).unwrap()).unwrap();
    let links = open("links.parquet");
    let total = counts["backlinks"].as_i64().unwrap() + counts["other_links"].as_i64().unwrap();
    assert_eq!(links.metadata().file_metadata().num_rows(), total);
    let captures = open("captures.parquet");
    let rows = captures.metadata().file_metadata().num_rows();
    assert!(rows >= counts["captures"].as_i64().unwrap());
    let (mut titles, mut statuses) = (0, 0);
    for row in captures.get_row_iter(None).unwrap().map(Result::unwrap) {
        let is_html = row.get_string(3).unwrap() == "html";
        let status = row.get_long(5).ok();
        statuses += i64::from(status.is_some());
        assert!(!is_html || status == Some(200));
        if let Ok(title) = row.get_string(6) {
            assert!(is_html && !title.is_empty());
            titles += 1;
        }
    }
    assert!(
        titles > 10 && statuses == rows,
        "{titles} titles, {statuses} statuses of {rows}"
    );
    // Live backlinks to github.com, by hand and by the report.
    let live = links
        .get_row_iter(None)
        .unwrap()
        .map(Result::unwrap)
        .filter(|row| {
            row.get_string(0).unwrap() == "github.com" && row.get_string(4).unwrap() == "href"
        })
        .filter(|row| row.get_timestamp_millis(12).is_err())
        .count();
    let report = stdout([
        "anchors".as_ref(),
        "github.com".as_ref(),
        "--mode".as_ref(),
        "subdomains".as_ref(),
        "--limit".as_ref(),
        "0".as_ref(),
        "--output".as_ref(),
        "json".as_ref(),
        "--index".as_ref(),
        index.as_os_str(),
    ]);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["stats"]["backlinks"], live);
    assert_eq!(
        fs::read_dir(&to).unwrap().count(),
        2,
        "unfinished work is left"
    );
}

#[test]
fn names_that_are_no_text_and_things_that_are_no_files() {
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().join("index");
    let folder = directory.path().join("crawl");
    fs::create_dir(&folder).unwrap();
    let strange = |name: &[u8]| folder.join(OsStr::from_bytes(name));
    fs::copy(
        demo("docs.sqlalchemy.org-2021-03-15.warc.gz"),
        strange(b"\xff.warc.gz"),
    )
    .unwrap();
    fs::write(strange(b"\xfe.warc"), "no archive").unwrap();
    for known in [0, 1] {
        let output = windlass([
            "ingest".as_ref(),
            "--output".as_ref(),
            "json".as_ref(),
            "--index".as_ref(),
            index.as_os_str(),
            folder.as_os_str(),
            "/dev/zero".as_ref(),
        ]);
        assert_eq!(output.status.code(), Some(1));
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            said["files_known"].as_array().unwrap().len(),
            known,
            "{said}"
        );
        let failed = said["files_failed"].as_array().unwrap();
        assert_eq!(failed.len(), 2, "{said}");
        let device = failed.iter().find(|failed| failed["file"] == "/dev/zero");
        let why = device.unwrap()["error"].as_str().unwrap();
        assert!(why.contains("a pipe or a device"), "{why}");
    }
}

#[test]
fn nobody_who_hears_of_problems_is_no_error() {
    let directory = tempfile::tempdir().unwrap();
    let damaged = directory.path().join("damaged.warc");
    let mut text = fs::read(demo("docs.sqlalchemy.org-2021-03-15.warc.gz")).unwrap();
    text.truncate(text.len() / 2);
    fs::write(&damaged, text).unwrap();
    let mut child = program()
        .args(["ingest", "--index"])
        .args([&directory.path().join("index"), &damaged])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("1 problems: compression"), "{said}");
}

#[test]
fn each_file_that_is_damaged_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().join("index");
    for file in files() {
        ingest(&index, &[file], &["--merge", "none"]);
    }
    let mut paths = segments(&index);
    paths.sort();
    assert_eq!(paths.len(), 4);
    let mut bytes = fs::read(&paths[0]).unwrap();
    bytes[3] ^= 1;
    fs::write(&paths[0], bytes).unwrap();
    fs::remove_file(&paths[2]).unwrap();
    let output = windlass([
        "verify".as_ref(),
        "--output".as_ref(),
        "json".as_ref(),
        "--index".as_ref(),
        index.as_os_str(),
    ]);
    assert_eq!(output.status.code(), Some(1));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["whole"], false);
    let wrong = said["segments"].as_array().unwrap().iter();
    let wrong: Vec<bool> = wrong.map(|segment| !segment["error"].is_null()).collect();
    assert_eq!(wrong, [true, false, true, false], "{said}");
    assert!(said["public_suffix_list"]["error"].is_null());
}

#[test]
fn a_missing_file_does_not_keep_the_others_out_and_an_index_is_no_part_of_another() {
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().join("index");
    let ingest = |index: &Path, files: &[&Path]| {
        let arguments = ["ingest".as_ref(), "--index".as_ref(), index.as_os_str()];
        let files = files.iter().map(|file| file.as_os_str());
        windlass(arguments.into_iter().chain(files))
    };
    let (file, missing) = (
        demo("docs.sqlalchemy.org-2021-03-15.warc.gz"),
        Path::new("/nowhere"),
    );
    let output = ingest(&index, &[missing]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!index.exists());
    let output = ingest(&index, &[missing, &file]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.starts_with("1 files read, 0 known already, 1 failed"),
        "{said}"
    );
    assert!(said.contains("failed: /nowhere: No such file"), "{said}");

    let link = directory.path().join("link");
    symlink(index.join("tmp"), &link).unwrap();
    for inside in ["segments", "segments/sub", "tmp/a/b"].map(|part| index.join(part)) {
        let output = ingest(&inside, &[&file]);
        assert_eq!(output.status.code(), Some(1), "{}", inside.display());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("is part of the index of"), "{said}");
    }
    let said = String::from_utf8(ingest(&link.join("a"), &[&file]).stderr).unwrap();
    assert!(said.contains("is part of the index of"), "{said}");
    assert_eq!(segments(&index).len(), 1);
    // A folder of that name alone is none of an index.
    let elsewhere = directory.path().join("tmp/index");
    fs::write(directory.path().join("manifest.json"), "{}").unwrap();
    assert!(ingest(&elsewhere, &[&file]).status.success());
}

/// A folder there, `lost+found` of a file system, is nobody's garbage, and no hindrance.
#[test]
fn what_is_not_a_writers_stays_in_its_folders() {
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().join("index");
    let theirs = ["segments/lost+found", "tmp/lost+found", "tmp/1.segment"];
    for folder in theirs {
        fs::create_dir_all(index.join(folder)).unwrap();
    }
    small_index(&index);
    fs::write(index.join("segments/notes.txt"), "mine").unwrap();
    for garbage in ["segments/77.segment", "tmp/0.segment", "tmp/5.spool"] {
        fs::write(index.join(garbage), "half of a").unwrap();
    }
    let files = [demo("docs.sqlalchemy.org-2024-09-05.warc.gz")];
    ingest(&index, &files, &["--merge", "full"]);
    for stays in theirs.into_iter().chain(["segments/notes.txt"]) {
        assert!(index.join(stays).exists(), "{stays}");
    }
    let count = |part: &str| fs::read_dir(index.join(part)).unwrap().count();
    assert_eq!((count("segments"), count("tmp")), (3, 2));
    assert_eq!(json("verify", &index)["whole"], true);
}

#[test]
fn a_reader_who_has_enough_of_a_report_is_no_error() {
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().join("index");
    small_index(&index);
    for format in ["table", "json", "ndjson", "csv", "xml", "php"] {
        let mut child = program()
            .args([
                "report",
                "backlinks",
                "org",
                "--mode",
                "subdomains",
                "--limit",
                "1k",
            ])
            .args(["--output", format, "--index", index.to_str().unwrap()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.success() && said.is_empty(),
            "{format}: {said}"
        );
    }
}

/// Whoever reads has gone before anything was written.
#[test]
fn what_is_wrong_is_in_the_exit_code_whoever_reads() {
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().join("index");
    small_index(&index);
    fs::write(&segments(&index)[0], "").unwrap();
    let junk = directory.path().join("junk.warc");
    fs::write(&junk, "junk").unwrap();
    let other = directory.path().join("other");
    for format in ["table", "json"] {
        for (command, index) in [
            (vec!["verify"], &index),
            (vec!["ingest", junk.to_str().unwrap()], &other),
        ] {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let status = program()
                .args(&command)
                .args(["--output", format, "--index", index.to_str().unwrap()])
                .stdout(writer)
                .stderr(Stdio::null())
                .status();
            assert_eq!(status.unwrap().code(), Some(1), "{command:?} {format}");
        }
    }
}

#[test]
fn what_fails_is_said_once_and_names_what_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().join("index");
    small_index(&index);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = program()
        .args(["stats", "--output", "json", "--index"])
        .arg(&index)
        .stdout(full)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("error: writing to stdout: No space left on device")
            && said.matches("os error 28").count() == 1,
        "{said}"
    );
    fs::remove_dir_all(index.join("tmp")).unwrap();
    fs::write(index.join("tmp"), "").unwrap();
    let said = stderr(["merge".as_ref(), "--index".as_ref(), index.as_os_str()]);
    assert_eq!(said.matches("os error").count(), 1, "{said}");
    // A mistyped folder becomes no index.
    let mistyped = directory.path().join("mistyped");
    stderr(["merge".as_ref(), "--index".as_ref(), mistyped.as_os_str()]);
    assert!(!mistyped.exists());
    // No flag of that name was meant.
    for number in ["-1", "-5M"] {
        let said = stderr(["ingest", "--index", "index", "--memory", number, "a.warc"]);
        assert!(
            said.contains("a number of bytes is wanted") && !said.contains("'-- -"),
            "{said}"
        );
    }
}

/// What was read is in the index though merging fails; the exit code says that something did.
#[test]
fn a_merge_that_fails_after_an_ingest_is_in_the_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().join("index");
    let [first, second] =
        ["2021-03-15", "2024-09-05"].map(|day| demo(&format!("docs.sqlalchemy.org-{day}.warc.gz")));
    ingest(&index, &[first], &[]);
    // Damage that nothing but a merge comes upon.
    let [segment] = segments(&index).try_into().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    for byte in &mut bytes[middle..middle + 16] {
        *byte ^= 1;
    }
    fs::write(&segment, bytes).unwrap();
    let output = windlass([
        "ingest".as_ref(),
        "--merge".as_ref(),
        "full".as_ref(),
        "--index".as_ref(),
        index.as_os_str(),
        second.as_os_str(),
    ]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.starts_with("1 files read, 0 known already, 0 failed")
            && said.contains("\nmerging failed: "),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(segments(&index).len(), 2);
}

#[test]
fn names_of_files_do_nothing_to_a_terminal() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bad\u{1b}[31m.warc");
    fs::write(&file, "junk").unwrap();
    let index = directory.path().join("index");
    let arguments = ["ingest".as_ref(), "--index".as_ref(), index.as_os_str()];
    let output = windlass(arguments.into_iter().chain([file.as_os_str()]));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("bad\u{fffd}[31m.warc"), "{said}");
}

#[test]
fn further_names_of_a_file_are_kept_with_the_next_commit() {
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().join("index");
    let [a, b, c] = ["a.warc.gz", "b.warc.gz", "c.warc.gz"].map(|name| directory.path().join(name));
    for copy in [&a, &b, &c] {
        fs::copy(demo("docs.sqlalchemy.org-2021-03-15.warc.gz"), copy).unwrap();
    }
    let names = || {
        let snapshot = windlass_index::Snapshot::open(&index).unwrap();
        let names = snapshot
            .manifest()
            .files
            .iter()
            .map(|file| file.names.clone());
        let mut names: Vec<_> = names.collect();
        names.sort();
        (snapshot.manifest().generation, names)
    };
    let text = |path: &Path| path.display().to_string();
    ingest(&index, std::slice::from_ref(&b), &[]);
    let before = names();
    assert_eq!(before.1, [[text(&b)]]);
    // No commit for a name alone.
    let said = ingest(&index, std::slice::from_ref(&a), &[]);
    assert_eq!(said["files_known"].as_array().unwrap().len(), 1);
    assert_eq!(names(), before);
    let other = demo("docs.sqlalchemy.org-2024-09-05.warc.gz");
    let given = [c.clone(), a.clone(), other];
    ingest(&index, &given, &["--merge", "none"]);
    assert!(names().1.contains(&vec![text(&a), text(&b), text(&c)]));
    // Nor are they lost when it is read again.
    ingest(&index, std::slice::from_ref(&c), &["--force"]);
    assert!(names().1.contains(&vec![text(&a), text(&b), text(&c)]));
    // Two of one ingest: both are there, whichever was read.
    let index = directory.path().join("both");
    ingest(&index, &[b.clone(), a.clone()], &[]);
    let snapshot = windlass_index::Snapshot::open(&index).unwrap();
    assert_eq!(snapshot.manifest().files[0].names, [text(&a), text(&b)]);
}
