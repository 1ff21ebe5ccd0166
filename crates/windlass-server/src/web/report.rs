//! `GET /report`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use windlass_web::ReportState;
use windlass_web::pages::anchors;

use super::asked::{Access, Asked};
use super::{document, page, see_other};
use crate::app::App;

/// The anchors of a target.
pub(crate) async fn report(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let asked = Asked::read(&app, request, Access::Accounts).await?;
    // A form that changes one thing of a report leads to the address of what it asks for.
    if let Some(state) = ReportState::asked(&asked.parameters) {
        return Ok(see_other(&state.href(anchors::PATH)));
    }
    let state = ReportState::of(&asked.parameters);
    if state.target.is_empty() {
        return Ok(see_other("/start"));
    }
    let document = document::of_report(&asked, &state, "Anchors");
    let query = page::checked(state.query(), &document, &asked.id)?;
    let surroundings = asked.surroundings();
    let rows_min = query.cost(0);
    Ok(page::page(app, asked, document, rows_min, move |view| {
        anchors::page(&state, &query, &surroundings, view)
    })
    .await)
}
