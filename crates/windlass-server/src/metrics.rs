//! What the server counts of itself, and `GET /metrics`, which tells it to Prometheus.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use windlass_index::{SegmentEntry, Snapshot};

use crate::app::App;
use crate::clients::Peer;
use crate::effort;
use crate::options::MetricsAccess;
use crate::refusal::{Reason, Refusal};

/// The text format of OpenMetrics, which Prometheus reads.
const CONTENT_TYPE_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What requests are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    table: &'static str,
    status: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTable {
    table: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    reason: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
}

/// One answer, when its body is sent or given up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// The table asked, where it is known.
    pub(crate) table: Option<&'static str>,
    /// The HTTP status.
    pub(crate) status: u16,
    /// Why it was refused, where it was.
    pub(crate) reason: Option<Reason>,
    /// Rows returned.
    pub(crate) rows: u64,
    /// Bytes of the body, as sent.
    pub(crate) bytes: u64,
    /// From the request's head to the answer's.
    pub(crate) head: Duration,
    /// From the request's head to the end of the answer.
    pub(crate) whole: Duration,
}

type Latency = Family<OfTable, Histogram, fn() -> Histogram>;

/// All that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    refused: Family<Refused, Counter>,
    head: Latency,
    whole: Latency,
    rows: Family<OfTable, Counter>,
    body_bytes: Counter,
    connections: Gauge,
    queries: Gauge,
    at_once: Counter,
    kept: Counter,
    kept_bytes: Gauge<u64, AtomicU64>,
    kept_index_bytes: Gauge<u64, AtomicU64>,
    stale: Gauge,
    segments: Gauge,
    index_bytes: Gauge<u64, AtomicU64>,
    backlinks: Gauge<u64, AtomicU64>,
    pages: Gauge<u64, AtomicU64>,
    generation: Gauge<u64, AtomicU64>,
    merges: Family<Ended, Counter>,
    merged_bytes: Counter,
    /// As the system counts them: only set.
    disk_read: Counter<u64, AtomicU64>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// From a quarter of a millisecond to two minutes, each twice the one before.
fn latencies() -> Histogram {
    Histogram::new(exponential_buckets(0.000_25, 2.0, 20))
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            refused: Family::default(),
            head: Family::new_with_constructor(latencies),
            whole: Family::new_with_constructor(latencies),
            rows: Family::default(),
            body_bytes: Counter::default(),
            connections: Gauge::default(),
            queries: Gauge::default(),
            at_once: Counter::default(),
            kept: Counter::default(),
            kept_bytes: Gauge::default(),
            kept_index_bytes: Gauge::default(),
            stale: Gauge::default(),
            segments: Gauge::default(),
            index_bytes: Gauge::default(),
            backlinks: Gauge::default(),
            pages: Gauge::default(),
            generation: Gauge::default(),
            merges: Family::default(),
            merged_bytes: Counter::default(),
            disk_read: Counter::default(),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let registry = self.registry.sub_registry_with_prefix("windlass");
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register("refused", "Requests refused", self.refused.clone());
        registry.register_with_unit(
            "head_duration",
            "From a request's head to that of its answer",
            Unit::Seconds,
            self.head.clone(),
        );
        registry.register_with_unit(
            "answer_duration",
            "From a request's head to the end of its answer",
            Unit::Seconds,
            self.whole.clone(),
        );
        registry.register("rows", "Rows returned", self.rows.clone());
        registry.register_with_unit(
            "body",
            "Bytes of bodies sent, compressed where they are",
            Unit::Bytes,
            self.body_bytes.clone(),
        );
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register(
            "queries_running",
            "Queries that run or stream",
            self.queries.clone(),
        );
        registry.register(
            "queries_at_once",
            "Queries that were so small that they ran without a thread of their own",
            self.at_once.clone(),
        );
        registry.register(
            "answers_kept",
            "Answers that were kept from a request before",
            self.kept.clone(),
        );
        registry.register_with_unit(
            "answers_kept_size",
            "Bytes of answers that are kept, about",
            Unit::Bytes,
            self.kept_bytes.clone(),
        );
        registry.register_with_unit(
            "index_kept_size",
            "Bytes of what is kept of the index for the next questions, about",
            Unit::Bytes,
            self.kept_index_bytes.clone(),
        );
        registry.register(
            "index_stale",
            "1 where the index has a state that cannot be opened, and the one before answers; else 0",
            self.stale.clone(),
        );
        registry.register(
            "index_segments",
            "Segments of the index",
            self.segments.clone(),
        );
        registry.register_with_unit(
            "index_size",
            "Bytes of all segments",
            Unit::Bytes,
            self.index_bytes.clone(),
        );
        registry.register(
            "index_backlinks",
            "Backlinks of all segments, counted in each",
            self.backlinks.clone(),
        );
        registry.register(
            "index_pages",
            "Pages of all segments, counted in each",
            self.pages.clone(),
        );
        registry.register(
            "index_generation",
            "Number of the last commit",
            self.generation.clone(),
        );
        registry.register(
            "merges",
            "Merges in the background that ended",
            self.merges.clone(),
        );
        registry.register_with_unit(
            "merged",
            "Bytes of segments merged in the background",
            Unit::Bytes,
            self.merged_bytes.clone(),
        );
        registry.register_with_unit(
            "disk_read",
            "Bytes that were read from disks, by whatever this process does",
            Unit::Bytes,
            self.disk_read.clone(),
        );
        self
    }

    /// Counts an answer.
    pub(crate) fn count(&self, sent: &Sent) {
        let table = sent.table.unwrap_or("none");
        let status = sent.status;
        let of_table = OfTable { table };
        self.requests
            .get_or_create(&Answered { table, status })
            .inc();
        self.head
            .get_or_create(&of_table)
            .observe(sent.head.as_secs_f64());
        self.whole
            .get_or_create(&of_table)
            .observe(sent.whole.as_secs_f64());
        if sent.rows > 0 {
            self.rows.get_or_create(&of_table).inc_by(sent.rows);
        }
        self.body_bytes.inc_by(sent.bytes);
        if let Some(reason) = sent.reason {
            let reason = reason.name();
            self.refused.get_or_create(&Refused { reason }).inc();
        }
    }

    /// Counts a query that ran without a thread of its own.
    pub(crate) fn ran_at_once(&self) {
        self.at_once.inc();
    }

    /// Counts an answer that was kept from a request before.
    pub(crate) fn was_kept(&self) {
        self.kept.inc();
    }

    /// Counts a connection for as long as what it returns lives.
    pub(crate) fn connection(&self) -> impl Drop + Send + use<> {
        struct Open(Gauge);
        impl Drop for Open {
            fn drop(&mut self) {
                self.0.dec();
            }
        }
        self.connections.inc();
        Open(self.connections.clone())
    }

    /// Counts a merge in the background.
    pub(crate) fn merge_ended(&self, outcome: &'static str, bytes: u64) {
        self.merges.get_or_create(&Ended { outcome }).inc();
        self.merged_bytes.inc_by(bytes);
    }

    fn show(
        &self,
        app: &App,
        (snapshot, is_newest): (&Snapshot, bool),
    ) -> Result<String, fmt::Error> {
        let manifest = snapshot.manifest();
        let sum = |of: fn(&SegmentEntry) -> u64| manifest.segments.iter().map(of).sum::<u64>();
        self.queries.set(signed(app.running()));
        self.stale.set(i64::from(!is_newest));
        self.segments.set(signed(manifest.segments.len()));
        self.index_bytes.set(sum(|segment| segment.bytes));
        self.backlinks.set(sum(|segment| segment.counts.backlinks));
        self.pages.set(sum(|segment| segment.counts.pages));
        self.generation.set(manifest.generation);
        self.kept_bytes.set(app.kept_answers.bytes());
        self.kept_index_bytes
            .set(snapshot.kept_memory().bytes() as u64);
        if let Some(bytes) = effort::disk_read() {
            self.disk_read.inner().fetch_max(bytes, Ordering::Relaxed);
        }
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// `GET /metrics`.
pub(crate) async fn metrics(
    State(app): State<Arc<App>>,
    peer: Option<Extension<Peer>>,
) -> Result<Response, Refusal> {
    let is_local = peer.is_none_or(|Extension(Peer(address))| {
        // The router without a socket has no peer.
        address.ip().to_canonical().is_loopback()
    });
    let is_allowed = match app.metrics_access {
        MetricsAccess::Everyone => true,
        MetricsAccess::Loopback => is_local,
        MetricsAccess::Nobody => false,
    };
    if !is_allowed {
        return Err(Refusal::nothing_at("/metrics"));
    }
    let (snapshot, is_newest) = app.newest_known().await;
    let shown = app.metrics.show(&app, (&snapshot, is_newest));
    let body = shown.map_err(|error| {
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("writing the metrics: {error}"),
        )
    })?;
    Ok(([(CONTENT_TYPE, CONTENT_TYPE_METRICS)], body).into_response())
}
