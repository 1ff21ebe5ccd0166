//! `GET /start`, and what the field for the target shows while one types.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use tokio::task::spawn_blocking;
use windlass_index::TopSite;
use windlass_web::pages::start::{self, Sites};
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
    // What the index holds is for those who may ask it, as on its own page; nor is anything counted for others.
    if asked.is_metered && asked.client.account().is_none() {
        return Ok(page::ready(&document, start::page(Sites::Closed)));
    }
    let sites = top_sites(&app).await;
    let sites = sites.as_deref().map_or(Sites::Counting, Sites::Known);
    Ok(page::ready(&document, start::page(sites)))
}

/// The sites with most referring domains, where they are known by now.
async fn top_sites(app: &Arc<App>) -> Option<Arc<[TopSite]>> {
    let app_of_snapshot = Arc::clone(app);
    // A look at the file system, which may block.
    let snapshot = spawn_blocking(move || app_of_snapshot.snapshot()).await;
    let memory_max = app.limits.query_bytes_max;
    app.top_sites.of(snapshot.ok()?, memory_max).await
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
