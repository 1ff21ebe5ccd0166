//! The last step down: a link, its captures, and where in which archive file each is.

use askama::Template;
use windlass_index::{ArchivePlace, Trace};
use windlass_links::Rel;

use crate::error::PageError;
use crate::pages::backlinks;
use crate::pages::crumbs::{Crumb, crumbs};
use crate::render;
use crate::shown;
use crate::state::ReportState;
use crate::view::{Rendered, View};

/// Where it is on the server.
pub const PATH: &str = "/report/link";

/// The address of a link that a report counts.
#[must_use]
pub fn href(state: &ReportState, page: &str, target: &str, anchor: &str) -> String {
    state
        .changed(|state| state.limit.clear())
        .address(PATH)
        .with("page", page)
        .with("to", target)
        .with_blank("anchor", anchor)
        .to_string()
}

/// Which link.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// URL of the page.
    pub page: String,
    /// URL of the target.
    pub target: String,
    /// The anchor as written.
    pub anchor: String,
}

/// Puts the page together.
///
/// # Errors
/// See [`PageError`]; also where there is no such link.
pub fn page(state: &ReportState, wanted: &Wanted, view: View<'_>) -> Result<Rendered, PageError> {
    let trace = view
        .snapshot
        .trace(&wanted.page, &wanted.target, &wanted.anchor, view.cancel)?
        .ok_or_else(|| {
            PageError::NotFound(
                "the index has no such link: no capture of that page shows that anchor on a link to that \
                 target"
                    .to_owned(),
            )
        })?;
    let folded = windlass_links::anchor::fold(&trace.anchor);
    let refdomain = trace.page.refdomain.clone();
    let above = backlinks::href(state, &folded, &refdomain);
    let mut crumbs = crumbs(state, Some(&folded), Some((&refdomain, Some(above))));
    crumbs.push(Crumb {
        html: "link".to_owned(),
        href: None,
    });
    let template = Link {
        crumbs,
        trace: &trace,
    };
    Ok(Rendered {
        html: render(&template),
        charge: None,
    })
}

#[derive(Template)]
#[template(path = "link.html")]
struct Link<'a> {
    crumbs: Vec<Crumb>,
    trace: &'a Trace,
}

/// The tokens of a link's `rel`, and of its page's robots rules, that matter (R10).
fn tokens(rel: &Rel) -> Vec<&'static str> {
    rel.names().collect()
}

/// How the record is looked at, where each record is compressed on its own, as crawlers write them.
fn command(place: &ArchivePlace) -> Option<String> {
    let name = place.file_names.first()?;
    let name = match name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"./_-".contains(&b))
    {
        true => name.clone(),
        false => format!("'{}'", name.replace('\'', "'\\''")),
    };
    let is_gzip = name.trim_end_matches('\'').ends_with(".gz");
    let first = place.offset.checked_add(1)?;
    is_gzip.then(|| format!("tail -c +{first} {name} | zcat | less"))
}

/// How an outcome reads (R2).
fn outcome(name: &&'static str) -> &'static str {
    match *name {
        "html" => "HTML page",
        "not-html" => "no HTML",
        "redirect" => "redirect",
        "gone" => "gone",
        "revisit" => "unchanged since an earlier capture",
        other => other,
    }
}
