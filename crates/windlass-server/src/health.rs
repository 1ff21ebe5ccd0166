//! `GET /healthz`: for supervisors and load balancers.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use windlass_report::Output;

use crate::app::App;

/// Says that requests are answered, and from which state of the index: an old one, where there is a newer one that
/// cannot be opened.
pub(crate) async fn health(State(app): State<Arc<App>>) -> Response {
    let (snapshot, is_newest) = app.newest_known().await;
    let status = if is_newest { "ok" } else { "stale" };
    let body = json!({ "status": status, "index": snapshot.version() }).to_string();
    ([(CONTENT_TYPE, Output::Json.content_type())], body).into_response()
}
