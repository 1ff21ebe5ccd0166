//! An id for each request, and a line in the log for each answer.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names a request in answers and in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestId {
    /// Tells this run of the server from others.
    run: u32,
    number: u32,
}

impl RequestId {
    fn next() -> Self {
        static RUN: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let [a, b, c, d, ..] = RUN.to_le_bytes();
        Self {
            run: u32::from_le_bytes([a, b, c, d]),
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{:08x}", self.run, self.number)
    }
}

/// How many results an answer has: left in a response for the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Results(pub(crate) u64);

/// Gives the request its id, and logs the answer when its head is ready. Neither the query string
/// nor any header gets into the log: they may hold a token.
pub(crate) async fn log(mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let id = RequestId::next();
    request.extensions_mut().insert(id);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if response.status().is_server_error()
        && let Ok(value) = HeaderValue::try_from(id.to_string())
    {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        request = %id,
        method = %method,
        path,
        status = response.status().as_u16(),
        ms,
        results = response.extensions().get::<Results>().map(|results| results.0),
        "answered"
    );
    response
}
