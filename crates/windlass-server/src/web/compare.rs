//! `GET /compare`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use windlass_web::Part;
use windlass_web::pages::compare::{self, Compared};

use super::asked::{Access, Asked};
use super::{document, page};
use crate::app::App;

/// Targets side by side; the form for them, where there are not two yet.
pub(crate) async fn compare(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let asked = Asked::read(&app, request, Access::Accounts).await?;
    let compared = Compared::from_params(asked.pairs());
    let document = document::of(&asked, "Compare", Part::Compare);
    if compared.targets.len() < 2 {
        return Ok(page::ready(&document, compare::form(&compared)));
    }
    let queries = page::checked(compared.queries(), &document, &asked.id)?;
    let rows_min = queries.iter().map(|query| query.cost(0)).sum();
    Ok(page::page(app, asked, document, rows_min, move |view| {
        compare::page(&compared, &queries, view)
    })
    .await)
}
