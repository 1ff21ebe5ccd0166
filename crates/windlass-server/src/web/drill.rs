//! From a row of the report down to its links.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use windlass_links::anchor::fold;
use windlass_web::pages::{backlinks, changes, link, refdomains};

use super::asked::Asked;
use super::document::OfReport;
use super::{page, see_other};
use crate::app::App;

/// `GET /report/refdomains`.
pub(crate) async fn refdomains(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let of = OfReport::read(&app, request, "Referring domains").await?;
    let query = of.checked(of.state.query())?;
    let (anchor, start) = (folded_anchor(&of.asked), of.asked.start());
    let rows_min = query.cost(0);
    Ok(
        page::page(app, of.asked, of.document, rows_min, move |view| {
            refdomains::page(&of.state, &query, &anchor, start, view)
        })
        .await,
    )
}

/// `GET /report/backlinks`.
pub(crate) async fn backlinks(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let of = OfReport::read(&app, request, "Backlinks").await?;
    let anchor = folded_anchor(&of.asked);
    let refdomain = of.asked.value("refdomain").unwrap_or_default().to_owned();
    if refdomain.is_empty() {
        // Which one is the question that the list answers.
        return Ok(see_other(&refdomains::href(&of.state, &anchor)));
    }
    let query = of.checked(backlinks::query(
        &of.state,
        &anchor,
        &refdomain,
        of.asked.start(),
    ))?;
    let rows_min = query.cost(0);
    Ok(
        page::page(app, of.asked, of.document, rows_min, move |view| {
            backlinks::page(&of.state, &query, &anchor, &refdomain, view)
        })
        .await,
    )
}

/// The anchor that is asked about, as written; an empty one is an anchor too.
fn anchor(asked: &Asked) -> &str {
    asked.value("anchor").unwrap_or_default()
}

/// The anchor of the group that is asked about: who types an address need not know that groups fold theirs (R9a).
fn folded_anchor(asked: &Asked) -> String {
    fold(anchor(asked))
}

/// `GET /report/changes`.
pub(crate) async fn changes(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let of = OfReport::read(&app, request, "New and lost backlinks").await?;
    let value = |name| of.asked.value(name).unwrap_or_default().trim().to_owned();
    let wanted = changes::Wanted {
        change: value("type"),
        from: value("from"),
        until: value("until"),
        start: of.asked.start(),
    };
    let query = of.checked(changes::query(&of.state, &wanted))?;
    let rows_min = query.cost(0);
    Ok(
        page::page(app, of.asked, of.document, rows_min, move |view| {
            changes::page(&of.state, &query, &wanted, view)
        })
        .await,
    )
}

/// `GET /report/link`. Free, as what the API tells of captures is in exports alone.
pub(crate) async fn link(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let of = OfReport::read(&app, request, "A backlink").await?;
    let value = |name| of.asked.value(name).unwrap_or_default().to_owned();
    let wanted = link::Wanted {
        page: value("page"),
        target: value("to"),
        anchor: anchor(&of.asked).to_owned(),
    };
    Ok(page::page(app, of.asked, of.document, 0, move |view| {
        link::page(&of.state, &wanted, view)
    })
    .await)
}
