//! Sockets: accepting connections, and letting go of them.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use windlass_index::Reader;

use crate::app::App;
use crate::billing::Billing;
use crate::merging::Merger;
use crate::options::ServeOptions;
use crate::raw_query::RawQueryStream;
use crate::router::router_of;

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
        accounts,
        merging,
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
    let listener = TcpListener::bind(listen).await.map_err(listen_error)?;
    on_bound(listener.local_addr().map_err(listen_error)?);

    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.request_time_max)
        // A client may close its side after the request, and still read the answer.
        .half_close(true);
    let places = Arc::new(Semaphore::new(
        limits.connections_max.clamp(1, Semaphore::MAX_PERMITS),
    ));
    let shutdown_time_max = limits.shutdown_time_max;
    let app = Arc::new(App::new(reader, limits, billing));
    let merger = merging.map(|options| Merger::start(Arc::clone(&app), options));
    let merger = merger.transpose().map_err(ServeError::Thread)?;
    let service = TowerToHyperService::new(router_of(app));
    let graceful = GracefulShutdown::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = &mut shutdown => break,
            next = next => next,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(error = %error, "accepting a connection");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Only a matter of latency.
        let _ = stream.set_nodelay(true);
        let connection =
            http.serve_connection(TokioIo::new(RawQueryStream::new(stream)), service.clone());
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = connection.await {
                tracing::debug!(error = %error, "a connection broke");
            }
        });
    }
    drop(listener);
    tracing::info!("stopping; answers in flight are finished first");
    let merger = merger.map(Merger::stop);
    let finished = timeout(shutdown_time_max, graceful.shutdown()).await;
    if let Some(ended) = merger {
        ended.await;
    }
    finished.map_err(|_| ServeError::Unfinished(shutdown_time_max))
}
