//! The sites with most referring domains: counted once for each state of the index, beside the requests.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use windlass_index::{Snapshot, TopSite};
use windlass_web::pages::start;

/// How long a page waits for them.
const WAIT_MAX: Duration = Duration::from_millis(60);

/// What is known of them.
#[derive(Debug, Default)]
pub(crate) struct TopSites {
    /// Of the newest state that was asked for.
    newest: Mutex<Option<OfState>>,
}

#[derive(Debug)]
struct OfState {
    version: String,
    found: watch::Receiver<Option<Arc<[TopSite]>>>,
}

impl TopSites {
    /// The sites of a state of the index; nothing, while they are still counted. Counting one may take about
    /// so many bytes of memory.
    pub(crate) async fn of(
        &self,
        snapshot: Arc<Snapshot>,
        memory_max: usize,
    ) -> Option<Arc<[TopSite]>> {
        let mut found = self.counted(snapshot, memory_max);
        let counted = timeout(WAIT_MAX, found.wait_for(Option::is_some)).await;
        counted.ok()?.ok()?.clone()
    }

    fn counted(
        &self,
        snapshot: Arc<Snapshot>,
        memory_max: usize,
    ) -> watch::Receiver<Option<Arc<[TopSite]>>> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of) = newest.as_ref()
            && of.version == snapshot.version()
        {
            return of.found.clone();
        }
        let (sender, found) = watch::channel(None);
        *newest = Some(OfState {
            version: snapshot.version().to_owned(),
            found: found.clone(),
        });
        spawn_blocking(move || {
            match snapshot.top_sites(start::SITES, memory_max, &AtomicBool::new(false)) {
                Ok(sites) => {
                    // Nobody may wait any more.
                    let _ = sender.send(Some(sites.into()));
                }
                Err(error) => tracing::error!(error = %error, "counting the sites of the index"),
            }
        });
        found
    }
}
