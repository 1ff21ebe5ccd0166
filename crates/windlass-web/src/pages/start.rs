//! The start page.

use askama::Template;
use windlass_index::TopSite;

use crate::pages::anchors;
use crate::render;
use crate::shown;
use crate::state::ReportState;

/// How many sites it names.
pub const SITES: usize = 12;

#[derive(Template)]
#[template(path = "start.html")]
struct Start {
    sites: Option<Vec<Site>>,
}

struct Site {
    name: String,
    href: String,
    refdomains: u64,
    backlinks: u64,
}

/// Puts it together; `sites` are those with most referring domains, once they are known.
#[must_use]
pub fn page(sites: Option<&[TopSite]>) -> String {
    let site = |site: &TopSite| {
        let state = ReportState {
            target: site.site.clone(),
            mode: "subdomains".to_owned(),
            ..ReportState::default()
        };
        Site {
            name: site.site.clone(),
            href: state.href(anchors::PATH),
            refdomains: site.refdomains,
            backlinks: site.backlinks,
        }
    };
    render(&Start {
        sites: sites.map(|sites| sites.iter().map(site).collect()),
    })
}
