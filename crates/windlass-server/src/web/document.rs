//! What is around the pages of reports.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use windlass_report::QueryError;
use windlass_web::pages::anchors;
use windlass_web::{Document, Part, ReportState, TargetForm, Viewer};

use super::asked::{Access, Asked};
use super::page;
use crate::app::App;

/// A request for a page about a report's target, and what is around that.
pub(crate) struct OfReport {
    pub(crate) asked: Asked,
    pub(crate) state: ReportState,
    pub(crate) document: Document,
}

impl OfReport {
    /// Reads a request, as [`Asked::read`] does; `what` the page is about.
    pub(crate) async fn read(
        app: &Arc<App>,
        request: Request,
        what: &str,
    ) -> Result<Self, Response> {
        let asked = Asked::read(app, request, Access::Accounts).await?;
        let state = ReportState::of(&asked.parameters);
        Ok(Self {
            document: of_report(&asked, &state, what),
            asked,
            state,
        })
    }

    /// What was read of it, where it is right; the page that says why not.
    #[allow(clippy::result_large_err, reason = "handlers end with it")]
    pub(crate) fn checked<T>(&self, read: Result<T, QueryError>) -> Result<T, Response> {
        page::checked(read, &self.document, &self.asked.id)
    }
}

/// Around a page about a report's target.
pub(crate) fn of_report(asked: &Asked, state: &ReportState, what: &str) -> Document {
    Document {
        title: format!("{what}: {}", state.label()),
        part: Part::Report,
        viewer: asked.viewer(),
        lead: TargetForm::of(state).html(),
        recent: Some((state.label(), recent(state).href(anchors::PATH))),
    }
}

/// What a browser remembers of a report: its target and mode.
fn recent(state: &ReportState) -> ReportState {
    ReportState {
        target: state.target.clone(),
        mode: state.mode().to_string(),
        ..ReportState::default()
    }
}

/// Around any other page.
pub(crate) fn of(asked: &Asked, title: &str, part: Part) -> Document {
    Document {
        title: title.to_owned(),
        part,
        viewer: asked.viewer(),
        lead: String::new(),
        recent: None,
    }
}

/// Around a page about which nothing else is known.
pub(crate) fn plain(title: &str) -> Document {
    Document {
        title: title.to_owned(),
        part: Part::Other,
        viewer: Viewer::default(),
        lead: String::new(),
        recent: None,
    }
}
