//! Small queries, run where their requests are read: a thread of its own would cost such a query more than
//! its answer.
//!
//! That thread answers other requests too, so it must not be kept: neither by work, which is bounded by what
//! the index says before any is done, nor by a body, which must fit in one chunk, nor by the disk. The last
//! cannot be known: any byte of a mapped file may have to be read first. So only targets are answered here that
//! were answered on a thread of its own shortly before, in little time and without waiting for the disk: then they
//! were in memory. Where they no longer are, the disk is waited for, some reads at most; that is accepted. The
//! time also tells of what the bound does not, such as anchors of 64 KiB.
//!
//! Such a query takes no place among those that run: no more of them run at once than there are threads that read
//! requests, and none waits for anything.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::body::Body;
use windlass_index::Snapshot;
use windlass_report::{Output, Query, answer_if_small, may_be_small};

use crate::answer::{Head, answer_limits, keep, write};
use crate::app::App;
use crate::conditional::Fingerprint;
use crate::stream::OneChunk;

/// The answer, if it can be had at once. `None` says nothing of the query: it needs a thread of its own, which
/// also finds what is wrong.
pub(crate) fn run(app: &App, query: &Query, fingerprint: Fingerprint) -> Option<(Head, Body)> {
    if !is_meant(app, query) {
        return None;
    }
    // A new state must be opened.
    let snapshot = app.present()?;
    let target = app.recent.target(&snapshot, query);
    if !app.recent.has(target) {
        return None;
    }
    // A thread of its own may panic, and the request still have an answer.
    let made = catch_unwind(AssertUnwindSafe(|| {
        make(app, query, fingerprint, &snapshot)
    }));
    match made {
        Ok(Made::Whole(head, body)) => {
            app.begin();
            app.metrics.ran_at_once();
            Some((*head, body))
        }
        Ok(Made::TooLarge) => None,
        Ok(Made::Cut) | Err(_) => {
            app.recent.remove(target);
            None
        }
    }
}

/// Whether a query is of the kind that may be answered at once.
pub(crate) fn is_meant(app: &App, query: &Query) -> bool {
    app.limits.at_once_time_max.is_some()
        && may_be_small(query)
        // These are compressed as they are written.
        && !matches!(query.output, Output::Arrow | Output::Parquet)
}

enum Made {
    Whole(Box<Head>, Body),
    /// It may be too much work.
    TooLarge,
    /// It failed, or does not fit in one chunk.
    Cut,
}

fn make(app: &App, query: &Query, fingerprint: Fingerprint, snapshot: &Arc<Snapshot>) -> Made {
    let never = AtomicBool::new(false);
    let limits = answer_limits(&app.limits);
    let answer = match answer_if_small(query, snapshot, limits, &never) {
        Ok(Some(answer)) => answer,
        Ok(None) => return Made::TooLarge,
        Err(_) => return Made::Cut,
    };
    let mut body = OneChunk::new();
    if write(&answer, query, &mut body).is_err() {
        return Made::Cut;
    }
    let body = body.into_bytes();
    let head = Head::of(&answer, query, snapshot, fingerprint);
    keep(app, query, fingerprint, &head, &body);
    Made::Whole(Box::new(head), Body::from(body))
}
