//! `GET /index`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use windlass_web::Part;
use windlass_web::pages::index_page;

use super::asked::{Access, Asked};
use super::{document, page};
use crate::app::App;

/// What the index holds: for whoever may see reports, and for nothing.
pub(crate) async fn index(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let asked = Asked::read(&app, request, Access::Accounts).await?;
    let document = document::of(&asked, "What the index holds", Part::Index);
    Ok(page::page(app, asked, document, 0, index_page::page).await)
}
