//! `GET /report/pictures`: alone, or, with `part=1`, for the report that they belong to.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use windlass_web::pages::pictures;

use super::document::OfReport;
use super::page;
use crate::app::App;

/// The pictures of a report. They cost nothing: the report did.
pub(crate) async fn pictures(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let of = OfReport::read(&app, request, "Pictures").await?;
    let is_part = of.asked.value("part") == Some("1");
    let query = of.checked(pictures::query(&of.state))?;
    let work = move |view: windlass_web::View<'_>| pictures::page(&of.state, &query, is_part, view);
    Ok(if is_part {
        page::part(app, of.asked, work).await
    } else {
        page::page(app, of.asked, of.document, 0, work).await
    })
}
