//! Paths, and what all answers have in common.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::cors::{Any, CorsLayer};
use windlass_index::Reader;
use windlass_report::Output;

use crate::app::App;
use crate::billing::Billing;
use crate::options::{AccessOptions, CorsOrigin, Limits, MetricsAccess};
use crate::refusal::{self, Refusal};
use crate::{admin, answer, headers, health, metrics, openapi, request_log, web};

/// Fast enough to keep up with a local network, at most of the gain.
const COMPRESSION_LEVEL: CompressionLevel = CompressionLevel::Precise(4);

/// The service, without a socket and without accounts. Must run inside a Tokio runtime with time.
pub fn router(reader: Arc<Reader>, limits: Limits) -> Router {
    router_with(reader, limits, &AccessOptions::default())
}

/// [`router`], open to others than by default.
pub fn router_with(reader: Arc<Reader>, limits: Limits, access: &AccessOptions) -> Router {
    let app = App::new(reader, limits, access.metrics, Billing::default());
    router_of(&Arc::new(app), &access.cors_origins)
}

/// [`router`], of a server that charges the accounts in a file, as soon as there are any.
pub fn metered_router(reader: Arc<Reader>, limits: Limits, accounts: &Path) -> Router {
    let billing = Billing::new(Some(accounts.to_owned()));
    let app = App::new(reader, limits, MetricsAccess::default(), billing);
    router_of(&Arc::new(app), &[])
}

/// [`router`], of an app that others look at too.
pub(crate) fn router_of(app: &Arc<App>, cors_origins: &[CorsOrigin]) -> Router {
    let router = Router::new()
        .route("/", get(answer::report_or_welcome).post(answer::report))
        .route("/healthz", get(health::health))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(openapi::openapi))
        .route("/robots.txt", get(robots))
        .route("/admin/tokens", get(admin::tokens))
        .route("/admin/usage", get(admin::usage))
        .merge(web::routes())
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .with_state(Arc::clone(app))
        .layer(from_fn(refusal::in_requested_output))
        .layer(
            CompressionLayer::new()
                .quality(COMPRESSION_LEVEL)
                .compress_when(DefaultPredicate::new().and(NotForContentType::const_new(
                    // Compressed in itself.
                    Output::Parquet.content_type(),
                ))),
        );
    let router = match cors(cors_origins) {
        Some(layer) => router.layer(layer),
        None => router,
    };
    router.layer(from_fn_with_state(Arc::clone(app), request_log::log))
}

/// What lets web pages of some origins read answers; `None` where there are none.
fn cors(origins: &[CorsOrigin]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let readable = [
        headers::RESULTS_COUNT,
        headers::ROWS_COST,
        headers::ROWS_LEFT,
        headers::EMPTY,
        headers::INDEX,
        headers::NEWEST_CAPTURE,
        headers::REQUEST_ID,
        ETAG,
        RETRY_AFTER,
    ];
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, IF_NONE_MATCH])
        .expose_headers(readable);
    Some(if origins.iter().any(CorsOrigin::is_any) {
        layer.allow_origin(Any)
    } else {
        let origins: Vec<_> = origins.iter().map(|o| o.header().clone()).collect();
        layer.allow_origin(origins)
    })
}

/// Reports are not for search engines: each costs its asker, and there is no end of them. The body is
/// constant, so that what the server itself costs can be measured by it.
async fn robots() -> &'static str {
    "User-agent: *\nDisallow: /\n"
}

async fn unknown_path(request: Request) -> Response {
    let refusal = Refusal::nothing_at(request.uri().path());
    match web::nothing_here(&request, &refusal) {
        Some(page) => page,
        None => refusal.into_response(),
    }
}

async fn wrong_method(method: Method, uri: Uri) -> Refusal {
    let allowed = match uri.path() {
        "/" | "/sign-in" | "/sign-out" => "GET, HEAD, POST",
        _ => "GET, HEAD",
    };
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("method {method} is not supported; allowed: {allowed}"),
    )
}
