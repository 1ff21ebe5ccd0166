//! The way from the report to where one is.

use crate::pages::{anchors, refdomains};
use crate::shown;
use crate::state::ReportState;

/// A step: HTML that is safe, and where it leads; nowhere, where one is there.
#[derive(Debug)]
pub(crate) struct Crumb {
    pub(crate) html: String,
    pub(crate) href: Option<String>,
}

/// The steps to the page of an anchor, a refdomain of it, or a link from that.
pub(crate) fn crumbs(
    state: &ReportState,
    anchor: Option<&str>,
    refdomain: Option<(&str, Option<String>)>,
) -> Vec<Crumb> {
    let step = |html: String, href: Option<String>| Crumb { html, href };
    let mut crumbs = vec![step(
        shown::Foreign(&state.label()).to_string(),
        Some(state.href(anchors::PATH)),
    )];
    if let Some(anchor) = anchor {
        let href = refdomain.is_some().then(|| refdomains::href(state, anchor));
        crumbs.push(step(shown::Anchor(anchor).to_string(), href));
    }
    if let Some((refdomain, href)) = refdomain {
        crumbs.push(step(shown::Foreign(refdomain).to_string(), href));
    }
    crumbs
}
