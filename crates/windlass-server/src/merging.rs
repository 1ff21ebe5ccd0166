//! Merging in the background of the answers: one thread of low priority, which makes way for queries
//! and for whoever else wants to write.

use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout;
use windlass_index::{BackgroundMerge, BackgroundStep, IndexError, lower_thread_priority};

use crate::app::App;
use crate::options::MergingOptions;

/// How often the index is looked at.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long merging pauses at most where it fails again and again: a full disk, a damaged segment.
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// How long the end waits for a merge to be given up. Where that takes longer the process ends
/// without it, and the next writer removes what it leaves.
const END_MAX: Duration = Duration::from_secs(2);

/// The thread that merges. Ends, soon, when this is dropped.
pub(crate) struct Merger {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    ended: Option<oneshot::Receiver<()>>,
}

impl Merger {
    pub(crate) fn start(app: Arc<App>, options: MergingOptions) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (end, ended) = oneshot::channel();
        let flag = Arc::clone(&stop);
        app.merges.follow(Some(options.policy));
        let thread = thread::Builder::new()
            .name("merging".to_owned())
            .spawn(move || {
                lower_thread_priority();
                run(&app, &options, &flag);
                // Nobody may be waiting.
                let _ = end.send(());
            })?;
        Ok(Self {
            stop,
            thread,
            ended: Some(ended),
        })
    }

    /// Tells the thread to end; completes when it has, or has had its time.
    pub(crate) fn stop(mut self) -> impl Future<Output = ()> {
        let ended = self.ended.take();
        drop(self);
        async move {
            if let Some(ended) = ended
                && timeout(END_MAX, ended).await.is_err()
            {
                tracing::warn!("a merge in the background is cut off");
            }
        }
    }
}

impl Drop for Merger {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
    }
}

/// Merges what is due until `stop` is set.
fn run(app: &App, options: &MergingOptions, stop: &AtomicBool) {
    let seen = AtomicU64::new(0);
    // Short queries come and go between two looks.
    let is_busy = || {
        let (begun, is_running) = app.load();
        seen.swap(begun, Ordering::Relaxed) != begun || is_running
    };
    let merge = BackgroundMerge {
        directory: app.reader.directory(),
        policy: options.policy,
        bytes_per_second_max: options.bytes_per_second_max,
        is_busy: &is_busy,
        stop,
    };
    let mut pause = INTERVAL;
    while !stop.load(Ordering::Relaxed) {
        // Also after a merge: so that no request has to open the new segment.
        let state = app.reader.current();
        // Where it cannot be opened the requests say so.
        let is_due = state.is_ok_and(|state| merge.is_due(state.manifest()));
        match is_due.then(|| merge.step()) {
            Some(Ok(step)) => {
                pause = INTERVAL;
                log(&step);
                count(app, &step);
                if matches!(step, BackgroundStep::Merged(_)) {
                    continue;
                }
            }
            Some(Err(IndexError::Cancelled)) => break,
            Some(Err(error)) if is_forbidden(&error, app.reader.directory()) => {
                tracing::warn!(error = %error, "the index is only read: segments are not merged here");
                app.merges.follow(None);
                return;
            }
            Some(Err(error)) => {
                app.metrics.merge_ended("failed", 0);
                app.merges.add_failure(&error);
                tracing::error!(error = %error, pause_s = pause.as_secs(), "merging in the background");
                wait(pause, stop);
                pause = (pause * 2).min(PAUSE_MAX);
                continue;
            }
            None => {}
        }
        wait(INTERVAL, stop);
    }
}

/// Until the time is over, or `stop` is set and the thread woken. Threads that a merge used may have woken it before,
/// for nothing.
fn wait(time: Duration, stop: &AtomicBool) {
    let end = Instant::now() + time;
    while !stop.load(Ordering::Relaxed) {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        thread::park_timeout(left);
    }
}

/// Whether nothing may be written into the folder of the index itself, which will not change. A segment that cannot be
/// read is another matter.
fn is_forbidden(error: &IndexError, directory: &Path) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    let IndexError::Io { source, path, .. } = error else {
        return false;
    };
    let is_denied = matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem);
    is_denied && path.parent() == Some(directory)
}

fn count(app: &App, step: &BackgroundStep) {
    app.merges.add(step);
    match step {
        BackgroundStep::Merged(merged) => app.metrics.merge_ended("merged", merged.plan.bytes),
        BackgroundStep::GaveWay => app.metrics.merge_ended("gave_way", 0),
        BackgroundStep::Occupied | BackgroundStep::NothingDue => {}
    }
}

fn log(step: &BackgroundStep) {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    match step {
        BackgroundStep::Merged(merged) => tracing::info!(
            segments = merged.plan.segments.len(),
            bytes_before = merged.plan.bytes,
            bytes_after = merged.bytes,
            units = merged.plan.units,
            ms = ms(merged.elapsed),
            rested_ms = ms(merged.rested),
            "merged in the background"
        ),
        BackgroundStep::GaveWay => {
            tracing::info!(
                "a merge in the background was given up: another process wants to write"
            );
        }
        BackgroundStep::Occupied | BackgroundStep::NothingDue => {
            tracing::debug!(?step, "not merged now");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_lasts_unless_it_is_told_to_end() {
        const PAUSE: Duration = Duration::from_millis(20);
        let stop = AtomicBool::new(false);
        let start = Instant::now();
        thread::current().unpark();
        wait(PAUSE, &stop);
        assert!(start.elapsed() >= PAUSE);
        stop.store(true, Ordering::Relaxed);
        // Were it not told, this test would not end.
        wait(Duration::from_secs(1 << 30), &stop);
    }

    #[test]
    fn merging_ends_for_ever_where_the_folder_is_only_read() {
        let index = Path::new("/var/lib/windlass/index");
        for (path, kind, is_for_ever) in [
            ("lock", io::ErrorKind::PermissionDenied, true),
            ("lock", io::ErrorKind::ReadOnlyFilesystem, true),
            ("lock", io::ErrorKind::StorageFull, false),
            ("segments/a", io::ErrorKind::PermissionDenied, false),
        ] {
            let error = IndexError::Io {
                doing: "opening",
                path: index.join(path),
                source: kind.into(),
            };
            assert_eq!(is_forbidden(&error, index), is_for_ever, "{path}: {kind}");
        }
    }
}
