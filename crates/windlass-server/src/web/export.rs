//! `GET /export`, which says what an export is, and `GET /export/download`, which is one.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::Response;
use windlass_report::{Output, Parameters};
use windlass_web::pages::export;

use super::document::OfReport;
use super::page;
use crate::answer;
use crate::app::App;

/// What an export of a report has, and costs.
pub(crate) async fn export(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let of = OfReport::read(&app, request, "Export").await?;
    let query = of.checked(export::query(&of.state))?;
    let surroundings = of.asked.surroundings();
    let rows_left = of
        .asked
        .client
        .account()
        .map(|account| account.balance.left());
    Ok(page::page(app, of.asked, of.document, 0, move |view| {
        export::page(&of.state, &query, &surroundings, rows_left, view)
    })
    .await)
}

/// One file of it: the answer of the API to the request that it stands for.
pub(crate) async fn download(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let of = OfReport::read(&app, request, "Export").await?;
    let part = of.asked.value("part").and_then(|part| part.parse().ok());
    // As many parts as rows can be counted in.
    let part: u64 = part.unwrap_or(0).min(u64::from(u32::MAX));
    let output = of.asked.value("output").unwrap_or("csv").to_owned();
    let parameters = export::request(&of.state, part).into_iter();
    let parameters: Parameters = parameters.chain([("output", output)]).collect();
    let output = Output::requested(&parameters);
    let id = of.asked.id;
    match answer::to_page(app, of.asked.into(), &parameters).await {
        Ok(mut response) => {
            let name = export::file_name(&of.state, part, output);
            let attachment = format!("attachment; filename=\"{name}\"");
            if let Ok(attachment) = HeaderValue::try_from(attachment) {
                response
                    .headers_mut()
                    .insert(CONTENT_DISPOSITION, attachment);
            }
            Ok(response)
        }
        Err(refusal) => Ok(page::refused(&of.document, &refusal, &id)),
    }
}
