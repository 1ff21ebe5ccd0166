//! Settings of `serve`: precedence, the file, `--print-config` and `--check`.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod support;

use std::fs;
use std::net::TcpListener;

use support::{program, small_index};

/// What `serve` printed with these flags and variables, and whether it ended well.
fn serve(flags: &[&str], environment: &[(&str, &str)]) -> (bool, String) {
    let mut command = program();
    command.arg("serve").args(flags);
    command.envs(environment.iter().copied());
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.success(), text.concat())
}

#[test]
fn flags_count_before_the_environment_and_that_before_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("windlass.toml");
    fs::write(
        &file,
        "query_time_max = '20s'\nqueries_max = 8\nheaders_max = 50\nquery_bytes_max = '1G'\n",
    )
    .unwrap();
    let config = file.to_str().unwrap();
    let environment = [
        ("WINDLASS_QUERIES_MAX", "9"),
        ("WINDLASS_HEADERS_MAX", "60"),
        ("WINDLASS_ALLOW_REMOTE", "true"),
    ];
    let flags = ["--config", config, "--headers-max", "70", "--print-config"];
    let (ended_well, printed) = serve(&flags, &environment);
    assert!(ended_well, "{printed}");
    for line in [
        "query_time_max = \"20s\"",
        "queries_max = 9",
        // All but one of them.
        "queries_per_client_max = 8",
        "headers_max = 70",
        "query_bytes_max = 1073741824",
        "allow_remote = true",
        "listen = \"127.0.0.1:8600\"",
        "stall_time_max = \"1m\"",
    ] {
        assert!(printed.lines().any(|l| l == line), "{line}: {printed}");
    }
    // What is printed can be read, and says the same.
    fs::write(&file, &printed).unwrap();
    assert_eq!(
        serve(&["--config", config, "--print-config"], &[]).1,
        printed
    );
    let (ended_well, printed) = serve(
        &["--print-config", "--allow-remote=false"],
        &[("WINDLASS_ALLOW_REMOTE", "true")],
    );
    assert!(
        ended_well && printed.contains("allow_remote = false"),
        "{printed}"
    );
}

#[test]
fn a_slip_in_the_file_is_an_error_with_a_suggestion() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("windlass.toml");
    let config = file.to_str().unwrap();
    for (text, why) in [
        ("query_time_mx = '1s'", "is 'query_time_max' meant?"),
        ("listen = 'localhost'", "listen: invalid value 'localhost'"),
        ("listen", "line 1"),
    ] {
        fs::write(&file, text).unwrap();
        for flag in ["--check", "--print-config"] {
            let (ended_well, printed) = serve(&["--config", config, flag], &[]);
            assert!(!ended_well && printed.contains(why), "{printed}");
            assert!(printed.contains(config), "{printed}");
        }
    }
    let (ended_well, printed) = serve(&["--config", "nowhere.toml"], &[]);
    assert!(
        !ended_well && printed.contains("reading nowhere.toml"),
        "{printed}"
    );
    let (ended_well, printed) = serve(&[], &[]);
    assert!(
        !ended_well && printed.contains("no index is named"),
        "{printed}"
    );
}

#[test]
fn a_check_says_of_each_thing_whether_it_is_fit() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    small_index(&index);
    let index = index.to_str().unwrap();
    let (ended_well, printed) = serve(
        &["--index", index, "--listen", "127.0.0.1:0", "--check"],
        &[],
    );
    assert!(ended_well, "{printed}");
    assert_eq!(printed.matches("ok   ").count(), 5, "{printed}");

    // It may be by the server whose new settings are looked at.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (ended_well, printed) = serve(&["--index", index, "--listen", &address, "--check"], &[]);
    assert!(ended_well, "{printed}");
    assert!(
        printed.contains(&format!("note address: {address} is in use")),
        "{printed}"
    );
    let missing = folder.path().join("missing.pem");
    let missing = missing.to_str().unwrap();
    for (flags, bad) in [
        (
            vec!["--listen", "0.0.0.0:0"],
            "BAD  address: other machines",
        ),
        (
            vec!["--tls-cert", missing, "--tls-key", missing],
            "BAD  TLS: ",
        ),
        (vec!["--tls-cert", missing], "BAD  TLS: TLS takes both"),
    ] {
        let common = ["--index", index, "--check"];
        let (ended_well, printed) = serve(&[&common[..], &flags].concat(), &[]);
        assert!(!ended_well && printed.contains(bad), "{bad}: {printed}");
    }
    let (ended_well, printed) = serve(&["--index", missing, "--check"], &[]);
    assert!(!ended_well && printed.contains("BAD  index: "), "{printed}");
}

#[test]
fn limits_with_which_nothing_can_be_answered_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    small_index(&index);
    for (flag, value) in [
        ("--uri-bytes-max", "0"),
        ("--uri-bytes-max", "9"),
        ("--query-bytes-max", "0"),
        ("--query-time-max", "0s"),
        ("--request-time-max", "0s"),
        ("--stall-time-max", "0s"),
    ] {
        let setting = flag.trim_start_matches('-').replace('-', "_");
        let flags = [
            "--listen",
            "127.0.0.1:0",
            "--index",
            index.to_str().unwrap(),
        ];
        for check in [&["--check"][..], &[]] {
            let (ended_well, said) = serve(&[&flags[..], &[flag, value], check].concat(), &[]);
            assert!(!ended_well && said.contains(&setting), "{flag}: {said}");
        }
    }
}
