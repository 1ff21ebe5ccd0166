//! The start page.

use askama::Template;
use windlass_index::TopSite;

use crate::pages::anchors;
use crate::render;
use crate::shown;
use crate::state::ReportState;

/// How many sites it names.
pub const SITES: usize = 12;

/// What the page says of the sites with most referring domains.
#[derive(Debug, Clone, Copy)]
pub enum Sites<'a> {
    /// These are they.
    Known(&'a [TopSite]),
    /// They are not known yet.
    Counting,
    /// They are for those who have signed in.
    Closed,
}

#[derive(Template)]
#[template(path = "start.html")]
struct Start {
    sites: Option<Vec<Site>>,
    is_closed: bool,
}

struct Site {
    name: String,
    href: String,
    refdomains: u64,
    backlinks: u64,
}

/// Puts it together.
#[must_use]
pub fn page(sites: Sites<'_>) -> String {
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
        sites: match sites {
            Sites::Known(sites) => Some(sites.iter().map(site).collect()),
            Sites::Counting | Sites::Closed => None,
        },
        is_closed: matches!(sites, Sites::Closed),
    })
}
