//! Places for connections: where all are taken and another one comes, the one that has waited longest for a request is let go.
//!
//! So who opens connections and says nothing takes them from nobody who asks for something.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

/// How long a connection may wait for a request in any case: who has just come has yet to send one.
const WAITS_MIN: Duration = Duration::from_secs(1);
/// How often it is looked at whether one has waited so long.
const LOOKS_EVERY: Duration = Duration::from_millis(50);

/// The places of a server.
#[derive(Debug)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    taken: Mutex<Vec<Arc<Talk>>>,
}

impl Places {
    pub(crate) fn new(connections_max: usize) -> Arc<Self> {
        let free = Semaphore::new(connections_max.clamp(1, Semaphore::MAX_PERMITS));
        Arc::new(Self {
            free: Arc::new(free),
            taken: Mutex::default(),
        })
    }

    /// Waits for a place. Nobody is let go for it who has come, or asked for something, within the last second.
    pub(crate) async fn take(self: &Arc<Self>) -> Place {
        let free = Arc::clone(&self.free);
        let mut next = std::pin::pin!(free.acquire_owned());
        let permit = loop {
            tokio::select! {
                biased;
                permit = &mut next => break permit,
                () = self.let_one_go() => {}
            }
        };
        let talk = Arc::new(Talk::new());
        self.taken().push(Arc::clone(&talk));
        Place {
            places: Arc::clone(self),
            talk,
            // It is never closed.
            _permit: permit.ok(),
        }
    }

    /// Lets the connection go that has waited longest, or waits a moment where none has waited long.
    pub(crate) async fn let_one_go(&self) {
        let longest = {
            let taken = self.taken();
            let waiting = taken
                .iter()
                .filter_map(|talk| Some((talk.waits_since()?, talk)));
            let longest = waiting.min_by_key(|(since, _)| *since);
            longest
                .filter(|(since, _)| since.elapsed() >= WAITS_MIN)
                .map(|(_, talk)| Arc::clone(talk))
        };
        if let Some(talk) = longest {
            talk.let_go();
        }
        // It goes as soon as its task runs.
        sleep(LOOKS_EVERY).await;
    }

    fn taken(&self) -> MutexGuard<'_, Vec<Arc<Talk>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection, free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    talk: Arc<Talk>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Place {
    pub(crate) const fn talk(&self) -> &Arc<Talk> {
        &self.talk
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.retain(|talk| !Arc::ptr_eq(talk, &self.talk));
    }
}

/// What is going on on a connection.
#[derive(Debug)]
pub(crate) struct Talk {
    state: Mutex<State>,
    let_go: Notify,
}

#[derive(Debug)]
struct State {
    /// Requests that are being answered.
    answering: usize,
    /// Whether bytes of answers wait for the client to take those before.
    hands_over: bool,
    /// Whether the last of the answers may end where the connection does.
    ends_with_connection: bool,
    /// Since when there is neither.
    waits_since: Instant,
    is_let_go: bool,
}

impl Talk {
    fn new() -> Self {
        Self {
            state: Mutex::new(State {
                answering: 0,
                hands_over: false,
                ends_with_connection: false,
                waits_since: Instant::now(),
                is_let_go: false,
            }),
            let_go: Notify::new(),
        }
    }

    /// A request has come; all of the answer is made when what this gives is dropped, and sent when it is
    /// [handed over](Self::handed_over).
    pub(crate) fn answering(self: &Arc<Self>, ends_with_connection: bool) -> Answering {
        let mut state = self.state();
        state.answering += 1;
        state.ends_with_connection = ends_with_connection;
        drop(state);
        Answering(Arc::clone(self))
    }

    /// Whether a connection that ends now cuts an answer off whose end its own would seem to be.
    pub(crate) fn is_cut_unseen(&self) -> bool {
        let state = self.state();
        state.ends_with_connection && !state.waits()
    }

    /// The system has all that was made of answers.
    pub(crate) fn handed_over(&self) {
        let mut state = self.state();
        if state.hands_over && state.answering == 0 {
            state.hands_over = false;
            state.waits_since = Instant::now();
        }
    }

    /// Since when it waits for a request, if it does.
    fn waits_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.waits() && !state.is_let_go).then_some(state.waits_since)
    }

    fn let_go(&self) {
        self.state().is_let_go = true;
        self.let_go.notify_one();
    }

    /// Until the connection is let go, unless a request has come meanwhile.
    pub(crate) async fn until_let_go(&self) {
        loop {
            self.let_go.notified().await;
            let mut state = self.state();
            if state.waits() {
                return;
            }
            state.is_let_go = false;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn waits(&self) -> bool {
        self.answering == 0 && !self.hands_over
    }
}

/// A request that is being answered: in its extensions, and with the body of its answer, until all of that is made, or it
/// is dropped.
#[derive(Debug)]
pub(crate) struct Answering(Arc<Talk>);

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.answering -= 1;
        state.hands_over = true;
    }
}
