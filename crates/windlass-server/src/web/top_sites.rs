//! The sites with most referring domains: counted once for each state of the index, beside the requests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::spawn;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use windlass_index::{IndexError, Snapshot, TopSite};
use windlass_web::pages::start;

/// How long a page waits for them.
const WAIT_MAX: Duration = Duration::from_millis(60);
/// How long after a count has failed the next page that wants it has it tried again.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// What is known of them.
#[derive(Debug)]
pub(crate) struct TopSites {
    /// Of the newest state that was asked for.
    newest: Mutex<Option<OfState>>,
    retry_after: Duration,
}

#[derive(Debug)]
struct OfState {
    version: String,
    count: watch::Receiver<Count>,
    /// Ends the count.
    stop: Arc<AtomicBool>,
}

/// How far a count is.
#[derive(Debug)]
enum Count {
    Begun,
    Done(Arc<[TopSite]>),
    /// When that was.
    Failed(Instant),
}

impl Drop for OfState {
    /// A count that nobody wants would hold its state of the index, and with it the disk space of segments that were
    /// merged.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Default for TopSites {
    fn default() -> Self {
        Self {
            newest: Mutex::default(),
            retry_after: RETRY_AFTER,
        }
    }
}

impl TopSites {
    /// The sites of a state of the index; nothing, while they are still counted, or where that has failed. Counting
    /// one may take about so many bytes of memory.
    pub(crate) async fn of(
        &self,
        snapshot: Arc<Snapshot>,
        memory_max: usize,
    ) -> Option<Arc<[TopSite]>> {
        let version = snapshot.version().to_owned();
        let mut count = self.count(version, move |stop| {
            snapshot.top_sites(start::SITES, memory_max, stop)
        });
        let is_over = |count: &Count| !matches!(count, Count::Begun);
        let count = timeout(WAIT_MAX, count.wait_for(is_over)).await;
        match &*count.ok()?.ok()? {
            Count::Done(sites) => Some(Arc::clone(sites)),
            Count::Begun | Count::Failed(_) => None,
        }
    }

    /// The count of that state: the one that there is, or one that begins now, in the place of any other.
    fn count(
        &self,
        version: String,
        count: impl FnOnce(&AtomicBool) -> Result<Vec<TopSite>, IndexError> + Send + 'static,
    ) -> watch::Receiver<Count> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of) = newest.as_ref()
            && of.version == version
            && !matches!(&*of.count.borrow(), Count::Failed(at) if at.elapsed() >= self.retry_after)
        {
            return of.count.clone();
        }
        let (sender, receiver) = watch::channel(Count::Begun);
        let stop = Arc::new(AtomicBool::new(false));
        *newest = Some(OfState {
            version,
            count: receiver.clone(),
            stop: Arc::clone(&stop),
        });
        let counting = spawn_blocking(move || count(&stop));
        spawn(async move {
            let over = match counting.await {
                Ok(Ok(sites)) => Count::Done(sites.into()),
                Ok(Err(error)) => {
                    if !matches!(error, IndexError::Cancelled) {
                        tracing::error!(error = %error, "counting the sites of the index");
                    }
                    Count::Failed(Instant::now())
                }
                Err(panic) => {
                    tracing::error!(error = %panic, "counting the sites of the index");
                    Count::Failed(Instant::now())
                }
            };
            // Nobody may wait any more.
            let _ = sender.send(over);
        });
        receiver
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// For what comes at once where nothing is wrong.
    const SOON: Duration = Duration::from_secs(20);

    async fn over(mut count: watch::Receiver<Count>) -> bool {
        let over = timeout(SOON, count.wait_for(|count| !matches!(count, Count::Begun))).await;
        matches!(*over.unwrap().unwrap(), Count::Done(_))
    }

    /// Counts until it is told to stop; for ever is too long for a test.
    fn endless(stop: &AtomicBool) -> Result<Vec<TopSite>, IndexError> {
        let begun = Instant::now();
        while !stop.load(Ordering::Relaxed) && begun.elapsed() < 2 * SOON {
            thread::yield_now();
        }
        Err(IndexError::Cancelled)
    }

    #[tokio::test]
    async fn the_count_of_a_state_ends_when_another_takes_its_place() {
        let sites = TopSites::default();
        let first = sites.count("1".to_owned(), endless);
        let second = sites.count("2".to_owned(), endless);
        assert!(!over(first).await);
        assert!(matches!(*second.borrow(), Count::Begun));
        drop(sites);
        assert!(!over(second).await);
    }

    #[tokio::test]
    async fn a_state_is_counted_once_unless_that_has_failed_some_time_ago() {
        let fails = |_: &AtomicBool| Err(IndexError::Memory { max: 1 });
        let panics = |stop: &AtomicBool| {
            assert!(stop.load(Ordering::Relaxed), "nobody has stopped it");
            Ok(Vec::new())
        };
        let counts = |_: &AtomicBool| Ok(Vec::new());
        let count = |sites: &TopSites| over(sites.count("1".to_owned(), counts));
        // Not yet.
        let sites = TopSites::default();
        assert!(!over(sites.count("1".to_owned(), fails)).await);
        assert!(!count(&sites).await);
        // Now.
        let sites = TopSites {
            retry_after: Duration::ZERO,
            ..TopSites::default()
        };
        assert!(!over(sites.count("1".to_owned(), fails)).await);
        assert!(!over(sites.count("1".to_owned(), panics)).await);
        assert!(count(&sites).await);
        // Not again.
        assert!(over(sites.count("1".to_owned(), fails)).await);
    }
}
