//! HTTP on one connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::Version;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use crate::clients::Peer;
use crate::delivery::{DeliveringStream, Delivery};
use crate::options::{HEADERS_MAX_DEFAULT, Limits};
use crate::places::Talk;
use crate::raw_query::RawQueryStream;

/// The least that the HTTP library buffers.
const HEAD_BYTES_MIN: usize = 8192;

/// Whether a request came through TLS: in the extensions of each that came over a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IsSecure(pub(crate) bool);

/// Speaks HTTP/1.0 and 1.1, within limits.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    builder: http1::Builder,
    stall_time_max: Duration,
    router: Router,
}

impl Http {
    pub(crate) fn new(limits: &Limits, router: Router) -> Self {
        let head_bytes_max = limits.head_bytes_max.max(HEAD_BYTES_MIN);
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(limits.request_time_max)
            .max_buf_size(head_bytes_max)
            // A client may close its side after the request, and still read the answer.
            .half_close(true);
        if limits.headers_max != HEADERS_MAX_DEFAULT {
            builder.max_headers(limits.headers_max);
        }
        Self {
            builder,
            stall_time_max: limits.stall_time_max,
            router,
        }
    }

    /// Answers the requests of a connection, until either side ends it, or `watcher` does between two
    /// of them. `talk` knows when there are some.
    pub(crate) async fn serve<S>(
        &self,
        stream: S,
        (peer, is_secure): (SocketAddr, IsSecure),
        talk: &Arc<Talk>,
        watcher: Watcher,
    ) where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let delivery = Delivery::default();
        let (bills, requests) = (delivery.clone(), Arc::clone(talk));
        let service = self.router.clone();
        let service = service.map_request(move |mut request: Request<Incoming>| {
            // Where the answer's length is not known, its end is the connection's.
            let ends_with_connection = request.version() < Version::HTTP_11;
            let extensions = request.extensions_mut();
            extensions.insert(Peer(peer));
            extensions.insert(is_secure);
            extensions.insert(bills.clone());
            extensions.insert(Arc::new(requests.answering(ends_with_connection)));
            request
        });
        // Whoever takes nothing of what is written is let go, whatever waits in buffers.
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.stall_time_max));
        let stream = RawQueryStream::new(Box::pin(stream));
        let stream = DeliveringStream::new(stream, delivery, Arc::clone(talk));
        let connection = self
            .builder
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(error = %error, "a connection broke");
        }
    }
}
