//! From a row of the report down to its links.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use windlass_web::pages::{backlinks, changes, link, refdomains};

use super::asked::Asked;
use super::document::OfReport;
use super::page;
use crate::app::App;

/// `GET /report/refdomains`.
pub(crate) async fn refdomains(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let OfReport {
        asked,
        state,
        document,
    } = OfReport::read(&app, request, "Referring domains").await?;
    let query = page::checked(state.query(), &document, &asked.id)?;
    let (anchor, start) = (anchor(&asked), asked.start());
    let rows_min = query.cost(0);
    Ok(page::page(app, asked, document, rows_min, move |view| {
        refdomains::page(&state, &query, &anchor, start, view)
    })
    .await)
}

/// `GET /report/backlinks`.
pub(crate) async fn backlinks(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let OfReport {
        asked,
        state,
        document,
    } = OfReport::read(&app, request, "Backlinks").await?;
    let anchor = anchor(&asked);
    let refdomain = asked.value("refdomain").unwrap_or_default().to_owned();
    let query = page::checked(
        backlinks::query(&state, &anchor, &refdomain, asked.start()),
        &document,
        &asked.id,
    )?;
    let rows_min = query.cost(0);
    Ok(page::page(app, asked, document, rows_min, move |view| {
        backlinks::page(&state, &query, &anchor, &refdomain, view)
    })
    .await)
}

/// The anchor that is asked about; an empty one is an anchor too.
fn anchor(asked: &Asked) -> String {
    asked.value("anchor").unwrap_or_default().to_owned()
}

/// `GET /report/changes`.
pub(crate) async fn changes(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let OfReport {
        asked,
        state,
        document,
    } = OfReport::read(&app, request, "New and lost backlinks").await?;
    let value = |name| asked.value(name).unwrap_or_default().trim().to_owned();
    let wanted = changes::Wanted {
        change: value("type"),
        from: value("from"),
        until: value("until"),
        start: asked.start(),
    };
    let query = page::checked(changes::query(&state, &wanted), &document, &asked.id)?;
    let rows_min = query.cost(0);
    Ok(page::page(app, asked, document, rows_min, move |view| {
        changes::page(&state, &query, &wanted, view)
    })
    .await)
}

/// `GET /report/link`. Free, as what the API tells of captures is in exports alone.
pub(crate) async fn link(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let OfReport {
        asked,
        state,
        document,
    } = OfReport::read(&app, request, "A backlink").await?;
    let value = |name| asked.value(name).unwrap_or_default().to_owned();
    let wanted = link::Wanted {
        page: value("page"),
        target: value("to"),
        anchor: anchor(&asked),
    };
    Ok(page::page(app, asked, document, 0, move |view| {
        link::page(&state, &wanted, view)
    })
    .await)
}
