//! Sockets: accepting connections, and letting go of them.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use windlass_index::Reader;

use crate::app::App;
use crate::billing::Billing;
use crate::connection::{Http, IsSecure};
use crate::cut::CutStream;
use crate::lately::Seldom;
use crate::merging::Merger;
use crate::options::ServeOptions;
use crate::places::{Places, Talk};
use crate::router::router_of;
use crate::tls::{Tls, TlsError};

/// How long accepting pauses where the system is short of sockets.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the server did not start, or could not end as it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Other machines would reach a server that asks for no token.
    #[error(
        "other machines could reach {0}, and the server asks for no token; make one with 'windlass token \
         create', listen on 127.0.0.1 or [::1], or allow it with --allow-remote"
    )]
    NotLoopback(SocketAddr),
    /// The accounts cannot be read.
    #[error("{0}")]
    Accounts(Box<dyn std::error::Error + Send + Sync>),
    /// The address cannot be listened on.
    #[error("listening on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// TLS is wanted, and cannot be spoken.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    /// The thread that merges cannot be started.
    #[error("starting the thread that merges: {0}")]
    Thread(io::Error),
    /// Answers were still in flight when the time for them was over.
    #[error("answers were still being sent {0:?} after the server was told to stop; they were cut")]
    Unfinished(Duration),
}

/// Serves an index until `shutdown` completes; then no connection is accepted any more, and answers
/// in flight are finished; a merge in the background is given up at once. `on_bound` gets the address
/// listened on.
///
/// # Errors
/// Where the address is not loopback, there is no token, and remote clients are not allowed; where the
/// accounts cannot be read, or the address cannot be listened
/// on; and where answers in flight took too long at the end.
pub async fn serve(
    options: ServeOptions,
    reader: Arc<Reader>,
    shutdown: impl Future<Output = ()>,
    on_bound: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    let ServeOptions {
        listen,
        allow_remote,
        limits,
        access,
        accounts,
        merging,
        tls,
        reload,
    } = options;
    let billing = Billing::new(accounts);
    let accounts = billing.accounts();
    let is_open = accounts
        .map_err(|error| ServeError::Accounts(Box::new(error)))?
        .is_none();
    if is_open && !allow_remote && !listen.ip().to_canonical().is_loopback() {
        return Err(ServeError::NotLoopback(listen));
    }
    tracing::info!(tokens = !is_open, "requests need a token: {}", !is_open);
    let listen_error = |source| ServeError::Listen {
        address: listen,
        source,
    };
    let tls = tls.map(|files| Tls::new(files, limits.request_time_max));
    let tls = tls.transpose()?.map(Arc::new);
    let listener = TcpListener::bind(listen).await.map_err(listen_error)?;
    on_bound(listener.local_addr().map_err(listen_error)?);

    let places = Places::new(limits.connections_max);
    let shutdown_time_max = limits.shutdown_time_max;
    let app = Arc::new(App::new(reader, limits, access.metrics, billing));
    let http = Http::new(&app.limits, router_of(&app, &access.cors_origins));
    let merger = merging.map(|options| Merger::start(Arc::clone(&app), options));
    let merger = merger.transpose().map_err(ServeError::Thread)?;
    // Ends with this function.
    let mut beside = JoinSet::new();
    if let Some(tls) = &tls {
        beside.spawn(Arc::clone(tls).follow(reload));
    }
    let graceful = GracefulShutdown::new();
    let (stop, stopping) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    let refused = Seldom::new();
    loop {
        let next = async {
            // Who comes when all are taken is seen first: for nobody nobody is let go.
            let accepted = listener.accept().await;
            (places.take().await, accepted)
        };
        let (place, accepted) = tokio::select! {
            () = &mut shutdown => break,
            next = next => next,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if refused.is_time() {
                    tracing::warn!(error = %error, "accepting a connection");
                }
                match Errno::from_io_error(&error) {
                    // No more files may be open, and each connection is one.
                    Some(Errno::MFILE | Errno::NFILE) => places.let_one_go().await,
                    _ => sleep(ACCEPT_PAUSE).await,
                }
                continue;
            }
        };
        let (http, tls, watcher) = (http.clone(), tls.clone(), graceful.watcher());
        let stopping = stopping.clone();
        let open = app.metrics.connection();
        tokio::spawn(async move {
            let _counted = open;
            let tls = (tls.as_deref(), stopping);
            tokio::select! {
                () = connection(&http, tls, (stream, peer), place.talk(), watcher) => {}
                () = place.talk().until_let_go() => {
                    tracing::debug!(%peer, "a connection without a request was let go for another one");
                }
            }
        });
    }
    drop((listener, stop));
    tracing::info!("stopping; answers in flight are finished first");
    let merger = merger.map(Merger::stop);
    let finished = timeout(shutdown_time_max, graceful.shutdown()).await;
    if finished.is_err() {
        app.billing.cut();
    }
    if let Some(ended) = merger {
        ended.await;
    }
    finished.map_err(|_| ServeError::Unfinished(shutdown_time_max))
}

/// Answers the requests of a connection.
///
/// Where they come through TLS, a client that says nothing is not waited for once the server is stopping.
async fn connection(
    http: &Http,
    (tls, mut stopping): (Option<&Tls>, watch::Receiver<()>),
    (stream, peer): (TcpStream, SocketAddr),
    talk: &Arc<Talk>,
    watcher: Watcher,
) {
    // Only a matter of latency.
    let _ = stream.set_nodelay(true);
    let stream = CutStream::new(stream, Arc::clone(talk));
    match tls {
        None => {
            let from = (peer, IsSecure(false));
            http.serve(stream, from, talk, watcher).await;
        }
        Some(tls) => {
            let accepted = tokio::select! {
                accepted = tls.accept(stream) => accepted,
                // Nothing is ever sent: it is dropped.
                _ = stopping.changed() => return,
            };
            match accepted {
                Ok(stream) => {
                    let from = (peer, IsSecure(true));
                    http.serve(stream, from, talk, watcher).await;
                }
                Err(error) => tracing::debug!(error = %error, "no TLS came about"),
            }
        }
    }
}
