//! What all handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use windlass_index::{Reader, Snapshot};

use crate::billing::Billing;
use crate::options::Limits;
use crate::refusal::Refusal;

/// What all handlers share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) reader: Arc<Reader>,
    pub(crate) limits: Limits,
    pub(crate) billing: Arc<Billing>,
    queries: Arc<Semaphore>,
    queries_max: usize,
    /// Queries that have ever begun.
    begun: AtomicU64,
}

impl App {
    pub(crate) fn new(reader: Arc<Reader>, limits: Limits, billing: Billing) -> Self {
        // Beyond the semaphore's own maximum there is no limit worth the name.
        let queries_max = limits.queries_max.min(Semaphore::MAX_PERMITS);
        Self {
            reader,
            limits,
            billing: Arc::new(billing),
            queries: Arc::new(Semaphore::new(queries_max)),
            queries_max,
            begun: AtomicU64::new(0),
        }
    }

    /// How many queries have ever begun, and whether any is running or streaming now.
    pub(crate) fn load(&self) -> (u64, bool) {
        let is_running = self.queries.available_permits() < self.queries_max;
        (self.begun.load(Ordering::Relaxed), is_running)
    }

    /// Waits for a place among the running queries.
    pub(crate) async fn query_permit(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let permit = Arc::clone(&self.queries).acquire_owned();
        match timeout(self.limits.queue_time_max, permit).await {
            Ok(Ok(permit)) => {
                self.begun.fetch_add(1, Ordering::Relaxed);
                Ok(permit)
            }
            _ => Err(Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!(
                    "too many requests at once: {} are being answered; try again in a second",
                    self.limits.queries_max
                ),
            )
            .retry_after(1)),
        }
    }

    /// The newest state of the index that can be opened. Blocks on the file system.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.reader.current().unwrap_or_else(|error| {
            let snapshot = self.reader.pinned();
            tracing::error!(
                error = %error,
                index = snapshot.version(),
                "the index has a new state that cannot be opened; going on with the one before"
            );
            snapshot
        })
    }
}
