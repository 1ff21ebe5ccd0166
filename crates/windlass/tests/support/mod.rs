//! Running the program.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file of the demo crawl.
pub fn demo(name: &str) -> PathBuf {
    root().join("demo").join(name)
}

/// The program, ready for arguments.
pub fn program() -> Command {
    command(env!("CARGO_BIN_EXE_windlass"))
}

/// A program that may run this one, without what the surroundings say to it.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env_remove("WINDLASS_INDEX")
        .env_remove("WINDLASS_ACCOUNTS")
        .env_remove("WINDLASS_LOG")
        .stdin(Stdio::null());
    command
}

/// Runs it to the end.
pub fn windlass<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Output {
    program().args(arguments).output().unwrap()
}

/// Says why something is not tested on this machine: written past the test harness, which shows nothing of a test that
/// passes.
pub fn skipped(why: &str) {
    let text = format!("skipped: {why}\n");
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}

/// What it printed, where it must succeed.
pub fn stdout<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> String {
    let output = windlass(arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// What it complained of, where it must fail.
pub fn stderr<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> String {
    let output = windlass(arguments);
    assert!(
        !output.status.success(),
        "it succeeded: {}",
        String::from_utf8_lossy(&output.stdout)
    );
    String::from_utf8(output.stderr).unwrap()
}

/// What a command printed that was run over an index, where it must succeed.
pub fn over(index: &Path, line: &str) -> String {
    let arguments = line.split_whitespace().map(str::to_owned);
    let index = ["--index".to_owned(), index.display().to_string()];
    stdout(arguments.chain(index))
}

/// Ingests files into an index.
pub fn ingest(index: &Path, files: &[PathBuf], flags: &[&str]) -> serde_json::Value {
    let mut arguments: Vec<&OsStr> = vec![
        "ingest".as_ref(),
        "--output".as_ref(),
        "json".as_ref(),
        "--index".as_ref(),
        index.as_ref(),
    ];
    arguments.extend(flags.iter().map(|flag| OsStr::new(*flag)));
    arguments.extend(files.iter().map(|file| file.as_os_str()));
    serde_json::from_str(&stdout(arguments)).unwrap()
}

/// An index of one small file of the demo crawl.
pub fn small_index(index: &Path) {
    let file = demo("docs.sqlalchemy.org-2021-03-15.warc.gz");
    ingest(index, &[file], &[]);
}

/// The bytes of the only segment of an index, after a full merge.
pub fn merged_bytes(index: &Path) -> Vec<u8> {
    stdout(["merge".as_ref(), "--index".as_ref(), index.as_os_str()]);
    let segments = segments(index);
    assert_eq!(segments.len(), 1, "{segments:?}");
    fs::read(&segments[0]).unwrap()
}

/// Looks until it is so; fails where that takes so long that it will never be.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "waited for: {what}"
        );
        sleep(Duration::from_millis(2));
    }
}

/// The segment files of an index.
pub fn segments(index: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(index.join("segments")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// A running server, killed at the end.
pub struct Server {
    pub child: Child,
    pub address: String,
}

impl Server {
    pub fn start(index: &Path) -> Self {
        Self::start_with(index, &[])
    }

    pub fn start_with(index: &Path, flags: &[&str]) -> Self {
        Self::spawn(program().stderr(Stdio::null()), index, flags)
    }

    /// Started by a command that is the program, and gets its arguments here.
    pub fn spawn(command: &mut Command, index: &Path, flags: &[&str]) -> Self {
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0", "--index"])
            .arg(index)
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit_once("://").unwrap().1.to_owned();
        Self { child, address }
    }

    /// Sends it a signal, by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Status line, head and body of an answer.
    pub fn get(&self, path: &str) -> (String, String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let (status, head) = head.split_once("\r\n").unwrap();
        (
            status.to_owned(),
            head.to_ascii_lowercase(),
            body.to_owned(),
        )
    }

    /// Asks it to stop, and waits.
    pub fn stop(mut self) -> Option<i32> {
        self.signal("TERM");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
