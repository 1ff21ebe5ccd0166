//! What people see while work goes on: a bar on a terminal, structured log lines elsewhere.

use std::io::{self, IsTerminal, Write, stderr};
use std::path::Path;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use tracing_subscriber::EnvFilter;
use windlass_archive::Problem;
use windlass_index::{IngestWatcher, Progress, Writer};

use crate::cli::serve::LogFormat;
use crate::table::defused;

/// Logs go to stderr: where the format is left open, short lines on a terminal, JSON elsewhere.
/// `WINDLASS_LOG` sets the level.
pub(crate) fn start_logging(format: Option<LogFormat>) {
    let filter = EnvFilter::try_from_env("WINDLASS_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
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

/// A flag that Ctrl-C and SIGTERM set; a second one ends the process at once.
pub(crate) fn cancel_on_signal() -> anyhow::Result<Arc<AtomicBool>> {
    let cancel = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cancel);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        anstream::eprintln!("stopping; once more to stop at once");
    })
    .context("waiting for signals")?;
    Ok(cancel)
}

/// How often a log line tells of progress where there is no terminal.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// A bar, or log lines, for one kind of work.
#[derive(Debug)]
pub(crate) struct Meter {
    bar: Option<ProgressBar>,
    done: AtomicU64,
    total: AtomicU64,
    started: Instant,
    logged: Mutex<Instant>,
    what: &'static str,
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
            started: Instant::now(),
            logged: Mutex::new(Instant::now()),
            what,
        }
    }

    pub(crate) fn add(&self, n: u64) {
        let done = self.done.fetch_add(n, Ordering::Relaxed) + n;
        if let Some(bar) = &self.bar {
            bar.inc(n);
            return;
        }
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.elapsed() >= LOG_INTERVAL {
            *logged = Instant::now();
            let elapsed = self.started.elapsed().as_secs_f64();
            let total = self.total.load(Ordering::Relaxed);
            let rate = done as f64 / elapsed;
            let eta_s = (total.saturating_sub(done)) as f64 / rate.max(f64::MIN_POSITIVE);
            tracing::info!(
                done,
                total,
                rate = rate.round(),
                eta_s = eta_s.round(),
                "{}",
                self.what
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
}

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
