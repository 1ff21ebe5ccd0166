//! What all handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use windlass_index::{Reader, Snapshot};

use crate::billing::Billing;
use crate::clients::{Asker, Clients, PlaceOfClient};
use crate::kept_answers::KeptAnswers;
use crate::lately::{Lately, Seldom};
use crate::metrics::Metrics;
use crate::options::{Limits, MetricsAccess};
use crate::recent::RecentTargets;
use crate::refusal::{Reason, Refusal};
use crate::web::TopSites;
use crate::web::merges::MergeHistory;

/// What all handlers share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) reader: Arc<Reader>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) metrics_access: MetricsAccess,
    pub(crate) billing: Arc<Billing>,
    pub(crate) merges: MergeHistory,
    pub(crate) top_sites: TopSites,
    pub(crate) recent: RecentTargets,
    pub(crate) kept_answers: KeptAnswers,
    /// The manifest, as it was last opened.
    manifest: Lately,
    /// That a state cannot be opened.
    unopened: Seldom,
    queries: Arc<Semaphore>,
    queries_max: usize,
    clients: Arc<Clients>,
    /// Queries that have ever begun.
    begun: AtomicU64,
}

/// The right of one query to run; given back when this is dropped.
#[derive(Debug)]
pub(crate) struct QueryPermit {
    _place: OwnedSemaphorePermit,
    _of_client: PlaceOfClient,
}

impl App {
    pub(crate) fn new(
        reader: Arc<Reader>,
        limits: Limits,
        metrics_access: MetricsAccess,
        billing: Billing,
    ) -> Self {
        // Beyond the semaphore's own maximum there is no limit worth the name.
        let queries_max = limits.queries_max.min(Semaphore::MAX_PERMITS);
        Self {
            reader,
            metrics: Metrics::new(),
            metrics_access,
            billing: Arc::new(billing),
            merges: MergeHistory::default(),
            top_sites: TopSites::default(),
            recent: RecentTargets::new(),
            kept_answers: KeptAnswers::new(limits.kept_answers_bytes_max),
            manifest: Lately::default(),
            unopened: Seldom::new(),
            queries: Arc::new(Semaphore::new(queries_max)),
            queries_max,
            clients: Arc::new(Clients::new(limits.queries_per_client_max)),
            limits,
            begun: AtomicU64::new(0),
        }
    }

    /// How many queries have ever begun, and whether any is running or streaming now.
    pub(crate) fn load(&self) -> (u64, bool) {
        (self.begun.load(Ordering::Relaxed), self.running() > 0)
    }

    /// How many queries are running or streaming now.
    pub(crate) fn running(&self) -> usize {
        self.queries_max - self.queries.available_permits()
    }

    /// Counts a query that begins.
    pub(crate) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits for a place among the running queries: first among those of the same client, so that no
    /// client keeps the others waiting, then among all.
    pub(crate) async fn query_permit(&self, asker: Asker) -> Result<QueryPermit, Refusal> {
        let mut of_client = self.clients.enter(asker);
        let mut is_placed = false;
        let place = async {
            of_client.place().await;
            is_placed = true;
            Arc::clone(&self.queries).acquire_owned().await
        };
        if let Ok(Ok(place)) = timeout(self.limits.queue_time_max, place).await {
            self.begin();
            return Ok(QueryPermit {
                _place: place,
                _of_client: of_client,
            });
        }
        let (max, whose, reason) = if is_placed {
            (self.limits.queries_max, "", Reason::Queries)
        } else {
            let max = self.limits.queries_per_client_max;
            (max, " of yours", Reason::ClientQueries)
        };
        let text = format!(
            "too many requests at once: {max}{whose} are being answered; try again in a second"
        );
        Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, text)
            .because(reason)
            .retry_after(1))
    }

    /// The present state of the index, where it is open; `None` where there is a new one, which takes time to
    /// open. A look at what the system has in memory of the manifest's metadata, if the last one was not a moment
    /// ago.
    pub(crate) fn present(&self) -> Option<Arc<Snapshot>> {
        let look = || self.reader.unchanged().is_some();
        self.manifest.is_so(look).then(|| self.reader.pinned())
    }

    /// The newest state of the index that can be opened: as [`snapshot`](Self::snapshot), which blocks only where there is
    /// a new one.
    pub(crate) async fn newest(self: &Arc<Self>) -> Arc<Snapshot> {
        self.newest_known().await.0
    }

    /// The same, and whether there is no newer one.
    pub(crate) async fn newest_known(self: &Arc<Self>) -> (Arc<Snapshot>, bool) {
        if let Some(snapshot) = self.present() {
            return (snapshot, true);
        }
        let app = Arc::clone(self);
        // Ends unsuccessfully only with the runtime, or where opening has a defect: the state before is as good then.
        let opened = spawn_blocking(move || app.open_newest()).await;
        opened.unwrap_or_else(|_| (self.reader.pinned(), false))
    }

    /// The newest state of the index that can be opened. Blocks on the file system.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.open_newest().0
    }

    fn open_newest(&self) -> (Arc<Snapshot>, bool) {
        let newest = self.reader.current().map(|snapshot| (snapshot, true));
        newest.unwrap_or_else(|error| {
            let snapshot = self.reader.pinned();
            if self.unopened.is_time() {
                tracing::error!(
                    error = %error,
                    index = snapshot.version(),
                    "the index has a new state that cannot be opened; going on with the one before"
                );
            }
            (snapshot, false)
        })
    }
}
