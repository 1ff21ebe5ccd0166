//! What people see while work goes on: a bar on a terminal, structured log lines elsewhere.

use std::env;
use std::io::{self, IsTerminal, Write, stderr};
use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use windlass_archive::Problem;
use windlass_index::{IngestWatcher, Progress, Writer};

use crate::cli::serve::LogFormat;
use crate::table::defused;

/// How many lines of a server's log wait to be written. More are left out.
const LINES_WAITING_MAX: usize = 10_000;

/// Logs go to stderr: where the format is left open, short lines on a terminal, JSON elsewhere.
/// `WINDLASS_LOG` sets the level.
pub(crate) fn start_logging(format: Option<LogFormat>) -> anyhow::Result<()> {
    log_to(format, BoxMakeWriter::new(stderr))
}

/// The same, written by a thread of its own, until what is given back is dropped: nobody who asks a server waits for
/// whoever reads its log, and nor does its end. Where that one does not read, lines are left out.
pub(crate) fn start_server_logging(format: Option<LogFormat>) -> anyhow::Result<WorkerGuard> {
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(LINES_WAITING_MAX)
        .lossy(true)
        .thread_name("log")
        .finish(stderr());
    log_to(format, BoxMakeWriter::new(writer))?;
    Ok(guard)
}

fn log_to(format: Option<LogFormat>, writer: BoxMakeWriter) -> anyhow::Result<()> {
    let filter = match env::var_os("WINDLASS_LOG") {
        None => EnvFilter::new("info"),
        Some(wanted) => log_filter(&wanted.to_string_lossy())?,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        // Where stderr is closed nobody can be told, and to try panics.
        .log_internal_errors(false)
        .with_target(false);
    match format {
        None if stderr().is_terminal() => subscriber.without_time().compact().init(),
        Some(LogFormat::Text) => subscriber
            .with_ansi(stderr().is_terminal())
            .compact()
            .init(),
        None | Some(LogFormat::Json) => subscriber.json().flatten_event(true).init(),
    }
    Ok(())
}

/// What is logged. The library takes a word that is no level for the name of a module, of which everything is then
/// logged, and of others nothing.
fn log_filter(wanted: &str) -> anyhow::Result<EnvFilter> {
    let parts = wanted
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    for part in parts.clone() {
        if !part.contains(['=', '[']) && part.parse::<LevelFilter>().is_err() {
            bail!(
                "WINDLASS_LOG: '{part}' is no level; off, error, warn, info, debug and trace are, and module=level"
            );
        }
    }
    if parts.clone().next().is_none() {
        return Ok(EnvFilter::new("info"));
    }
    EnvFilter::try_new(wanted).with_context(|| format!("WINDLASS_LOG: '{wanted}'"))
}

/// Says why the program failed.
pub(crate) fn complain(error: &anyhow::Error) {
    let style = anstyle::Style::new()
        .bold()
        .fg_color(Some(anstyle::AnsiColor::Red.into()));
    let text = chain(error);
    // Names of files are in it. Some messages have several lines.
    let lines: Vec<String> = text.split('\n').map(defused).collect();
    // Where nobody can be told, the exit code still says it.
    let _ = writeln!(
        anstream::stderr(),
        "{style}error:{style:#} {}",
        lines.join("\n")
    );
}

/// An error with its causes. Many name their cause themselves: what was said last is not said again.
pub(crate) fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let more = cause.to_string();
        if text.is_empty() {
            text = more;
        } else if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
    }
    text
}

/// What came of writing a result to stdout. That nobody reads it any more is no error, and changes nothing of what the
/// exit code has to say.
pub(crate) fn told(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Says what a commit could not clear away: the commit stands all the same.
pub(crate) fn warn_of_left_behind(writer: &Writer) {
    if let Some(error) = writer.left_behind() {
        tracing::warn!(
            error = %error,
            "a file that the index no longer needs is left; the next ingest or merge tries again"
        );
    }
}

/// How often a log line tells of progress where there is no terminal.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// A bar, or log lines, for one kind of work.
#[derive(Debug)]
pub(crate) struct Meter {
    bar: Option<ProgressBar>,
    done: AtomicU64,
    total: AtomicU64,
    told: Mutex<Told>,
}

/// What is done, since when, and when a log line told of it.
#[derive(Debug)]
struct Told {
    what: &'static str,
    started: Instant,
    logged: Instant,
}

impl Told {
    fn of(what: &'static str) -> Self {
        let now = Instant::now();
        Self {
            what,
            started: now,
            logged: now,
        }
    }
}

impl Meter {
    /// Of bytes.
    pub(crate) fn bytes(what: &'static str, total: u64) -> Self {
        Self::new(
            what,
            total,
            "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} ETA {eta}",
        )
    }

    /// Of links and captures.
    pub(crate) fn items(what: &'static str, total: u64) -> Self {
        Self::new(
            what,
            total,
            "{msg} [{bar:30}] {human_pos}/{human_len} {per_sec} ETA {eta}",
        )
    }

    fn new(what: &'static str, total: u64, template: &str) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_message(what);
            bar
        });
        Self {
            bar,
            done: AtomicU64::new(0),
            total: AtomicU64::new(total),
            told: Mutex::new(Told::of(what)),
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was done is done; something else comes, of so many units.
    fn begin(&self, what: &'static str, total: u64) {
        *self.told() = Told::of(what);
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            bar.set_message(what);
            bar.set_length(total);
            bar.reset();
        }
    }

    pub(crate) fn add(&self, n: u64) {
        let done = self.done.fetch_add(n, Ordering::Relaxed) + n;
        if let Some(bar) = &self.bar {
            bar.inc(n);
            return;
        }
        let mut told = self.told();
        if told.logged.elapsed() >= LOG_INTERVAL {
            told.logged = Instant::now();
            let elapsed = told.started.elapsed().as_secs_f64();
            let total = self.total.load(Ordering::Relaxed);
            let rate = done as f64 / elapsed;
            let eta_s = (total.saturating_sub(done)) as f64 / rate.max(f64::MIN_POSITIVE);
            tracing::info!(
                done,
                total,
                rate = rate.round(),
                eta_s = eta_s.round(),
                "{}",
                told.what
            );
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => anstream::eprintln!("{line}"),
        }
    }
}

impl Progress for Meter {
    fn advance(&self, done: u64) {
        self.add(done);
    }

    fn making_ready(&self, total: u64) {
        self.begin(MAKING_READY, total);
    }

    fn readied(&self, done: u64) {
        self.add(done);
    }
}

/// What follows a merge.
const MAKING_READY: &str = "making reports ready";

/// How many problems are shown one by one; all are counted.
const PROBLEMS_SHOWN_MAX: u64 = 20;

/// Shows an ingest.
#[derive(Debug)]
pub(crate) struct IngestMeter {
    reading: Meter,
    /// Of what is done with what was read.
    then: Mutex<Option<Meter>>,
    problems: AtomicU64,
}

impl IngestMeter {
    pub(crate) fn new(total_bytes: u64) -> Self {
        Self {
            reading: Meter::bytes("reading", total_bytes),
            then: Mutex::new(None),
            problems: AtomicU64::new(0),
        }
    }

    fn then(&self) -> MutexGuard<'_, Option<Meter>> {
        self.then.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends what was done before, and begins something of so many units; nothing, where there are none.
    fn begin(&self, what: &'static str, total: u64) {
        let next = (total > 0).then(|| Meter::items(what, total));
        let before = std::mem::replace(&mut *self.then(), next);
        if let Some(before) = before {
            before.finish();
        }
    }

    pub(crate) fn finish(&self) {
        self.reading.finish();
        let hidden = self
            .problems
            .load(Ordering::Relaxed)
            .saturating_sub(PROBLEMS_SHOWN_MAX);
        if hidden > 0 && stderr().is_terminal() {
            anstream::eprintln!("… and {hidden} problems more: see 'windlass stats --output json'");
        }
    }
}

impl IngestWatcher for IngestMeter {
    fn read(&self, bytes: u64) {
        self.reading.add(bytes);
    }

    fn problem(&self, path: &Path, problem: &Problem) {
        if self.problems.fetch_add(1, Ordering::Relaxed) >= PROBLEMS_SHOWN_MAX {
            return;
        }
        if self.reading.bar.is_some() {
            let line = format!("{}: {problem}", path.display());
            self.reading.say(&defused(&line));
        } else {
            let Problem {
                offset,
                kind,
                message,
            } = problem;
            tracing::warn!(file = %path.display(), offset, kind = kind.name(), "{message}");
        }
    }

    fn writing(&self, total: u64) {
        self.begin("writing", total);
    }

    fn merging(&self, total: u64) {
        self.begin("merging", total);
    }

    fn making_ready(&self, total: u64) {
        self.begin(MAKING_READY, total);
    }

    fn advanced(&self, done: u64) {
        if let Some(meter) = &*self.then() {
            meter.add(done);
        }
    }

    fn committed(&self, files: usize) {
        if let Some(meter) = self.then().take() {
            meter.finish();
        }
        tracing::debug!(files, "committed");
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn what_is_logged_is_a_level_or_says_of_which_module() {
        for wanted in [
            "",
            "warn",
            "ERROR",
            "off",
            "info,windlass=debug",
            "windlass_server=trace",
        ] {
            assert!(log_filter(wanted).is_ok(), "{wanted}");
        }
        for wrong in ["warning", "inof", "info, verbose", "]["] {
            let refused = log_filter(wrong).unwrap_err().to_string();
            assert!(refused.starts_with("WINDLASS_LOG: '"), "{refused}");
        }
    }

    #[test]
    fn a_cause_that_was_said_is_not_said_again() {
        let full = || io::Error::from_raw_os_error(28);
        let said = full().to_string();
        let named = anyhow::anyhow!(full()).context(format!("writing ix/lock: {said}"));
        assert_eq!(chain(&named), format!("writing ix/lock: {said}"));
        let plain = Err::<(), _>(full()).context("writing to stdout");
        assert_eq!(
            chain(&plain.unwrap_err()),
            format!("writing to stdout: {said}")
        );
    }
}
