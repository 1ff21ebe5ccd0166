//! `GET /assets/…`: scripts, styles and pictures from inside the binary.

use axum::body::Body;
use axum::extract::Path;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use windlass_web::assets;

use crate::refusal::Refusal;

/// One file. Where its name has a digest of what it holds, it never changes.
pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    let Some(asset) = assets::asset(&name) else {
        return Refusal::nothing_at(&format!("{}{name}", assets::PATH)).into_response();
    };
    let caching = if asset.is_lasting {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=3600"
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
        (CACHE_CONTROL, HeaderValue::from_static(caching)),
    ];
    (headers, Body::from(asset.bytes.into_owned())).into_response()
}
