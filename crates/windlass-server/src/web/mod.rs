//! The pages that people look at. What they show is the matter of `windlass-web`; here requests become its
//! questions, and its pages answers: streamed where they take a while, charged as the requests are that give
//! the same rows.

mod address;
mod asked;
mod assets;
mod compare;
mod cookies;
mod document;
mod drill;
mod export;
mod index_page;
pub(crate) mod merges;
mod operations;
mod page;
mod pictures;
mod report;
mod sign_in;
mod start;
mod top_sites;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

pub(crate) use top_sites::TopSites;

use crate::app::App;
use crate::refusal::Refusal;
use crate::request_log::RequestId;

/// The paths of all pages.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/start", get(start::start))
        .route("/recognise", get(start::recognise))
        .route("/report", get(report::report))
        .route("/report/refdomains", get(drill::refdomains))
        .route("/report/backlinks", get(drill::backlinks))
        .route("/report/link", get(drill::link))
        .route("/report/changes", get(drill::changes))
        .route("/report/pictures", get(pictures::pictures))
        .route("/compare", get(compare::compare))
        .route("/export", get(export::export))
        .route("/export/download", get(export::download))
        .route("/index", get(index_page::index))
        .route("/operations", get(operations::operations))
        .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route(
            "/sign-out",
            get(sign_in::sign_out_page).post(sign_in::sign_out),
        )
        .route("/assets/{name}", get(assets::asset))
}

/// The way to the start page, for a browser that asks for the bare address: requests have parameters.
pub(crate) fn welcome(request: &Request) -> Option<Response> {
    let is_bare = request.uri().query().is_none_or(str::is_empty);
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    (is_bare && is_read && wants_html(request.headers()))
        .then(|| Redirect::to("/start").into_response())
}

/// The page for a browser that asks for a path that has nothing.
pub(crate) fn nothing_here(request: &Request, refusal: &Refusal) -> Option<Response> {
    let id = request.extensions().get::<RequestId>()?;
    wants_html(request.headers())
        .then(|| page::refused(&document::plain("Nothing here"), refusal, id))
}

/// Whether who asks is a browser that shows pages.
fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| {
            let essence = range.split(';').next().unwrap_or_default();
            essence.trim().eq_ignore_ascii_case("text/html")
        })
}

/// An answer that leads elsewhere: to an address of this server, which has only what a header may have.
fn see_other(address: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(address) = address.parse() {
        response
            .headers_mut()
            .insert(axum::http::header::LOCATION, address);
    }
    response
}
