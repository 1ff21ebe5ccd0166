//! `GET /start`, and what the field for the target shows while one types.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use tokio::task::spawn_blocking;
use windlass_web::{Part, TargetForm, recognised};

use super::asked::{Access, Asked};
use super::{document, page};
use crate::app::App;

/// The start page.
pub(crate) async fn start(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let asked = Asked::read(&app, request, Access::Everyone).await?;
    let mut document = document::of(&asked, "Who links here, and how", Part::Report);
    document.lead = TargetForm::empty().html();
    let app_of_snapshot = Arc::clone(&app);
    // A look at the file system, which may block.
    let snapshot = spawn_blocking(move || app_of_snapshot.snapshot()).await;
    let sites = match snapshot {
        Ok(snapshot) => {
            let memory_max = app.limits.query_bytes_max;
            app.top_sites.of(snapshot, memory_max).await
        }
        Err(_) => None,
    };
    Ok(page::ready(
        &document,
        windlass_web::pages::start::page(sites.as_deref()),
    ))
}

/// What is recognised in a text.
pub(crate) async fn recognise(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let asked = Asked::read(&app, request, Access::Everyone).await?;
    let value = |name| asked.value(name).unwrap_or_default();
    Ok(page::fragment(recognised(value("target"), value("mode"))))
}
