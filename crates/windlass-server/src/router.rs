//! Paths, and what all answers have in common.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::from_fn;
use axum::routing::get;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use windlass_index::Reader;
use windlass_report::Output;

use crate::app::App;
use crate::billing::Billing;
use crate::options::Limits;
use crate::refusal::{self, Refusal};
use crate::{admin, answer, health, request_log};

/// Fast enough to keep up with a local network, at most of the gain.
const COMPRESSION_LEVEL: CompressionLevel = CompressionLevel::Precise(4);

/// The service, without a socket and without accounts. Must run inside a Tokio runtime with time.
pub fn router(reader: Arc<Reader>, limits: Limits) -> Router {
    router_of(Arc::new(App::new(reader, limits, Billing::default())))
}

/// [`router`], of a server that charges the accounts in a file, as soon as there are any.
pub fn metered_router(reader: Arc<Reader>, limits: Limits, accounts: &Path) -> Router {
    let billing = Billing::new(Some(accounts.to_owned()));
    router_of(Arc::new(App::new(reader, limits, billing)))
}

/// [`router`], of an app that others look at too.
pub(crate) fn router_of(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(answer::report).post(answer::report))
        .route("/healthz", get(health::health))
        .route("/admin/tokens", get(admin::tokens))
        .route("/admin/usage", get(admin::usage))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .with_state(app)
        .layer(from_fn(refusal::in_requested_output))
        .layer(
            CompressionLayer::new()
                .quality(COMPRESSION_LEVEL)
                .compress_when(DefaultPredicate::new().and(NotForContentType::const_new(
                    // Compressed in itself.
                    Output::Parquet.content_type(),
                ))),
        )
        .layer(from_fn(request_log::log))
}

async fn unknown_path(uri: Uri) -> Refusal {
    let path: String = uri.path().chars().take(64).collect();
    Refusal::new(
        StatusCode::NOT_FOUND,
        format!("there is nothing at '{path}'; reports are at '/'"),
    )
}

async fn wrong_method(method: Method, uri: Uri) -> Refusal {
    let allowed = if uri.path() == "/" {
        "GET, HEAD, POST"
    } else {
        "GET, HEAD"
    };
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("method {method} is not supported; allowed: {allowed}"),
    )
}
