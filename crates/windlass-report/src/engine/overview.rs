//! `metrics`: everything that is counted of a target.

use std::ops::ControlFlow;

use windlass_index::{LinkFilter, LinkRow, Snapshot, TargetRows};
use windlass_links::LinkType;

use super::AnswerError;
use super::record::OwnedCell;
use super::sources::Asked;
use crate::table::Field;

/// Domains that governments alone register: `gov`, or `gov` below a country (`gov.uk`); likewise `edu`.
fn is_below(refdomain: &str, word: &str) -> bool {
    let mut labels = refdomain.rsplit('.');
    let (top, second) = (labels.next(), labels.next());
    top == Some(word) || (top.is_some_and(|top| top.len() == 2) && second == Some(word))
}

/// The value of each field that is asked for; and whether anything is known of the target.
pub(super) fn overview(
    asked: &Asked<'_>,
    snapshot: &Snapshot,
    rows: &TargetRows,
) -> Result<(Vec<OwnedCell>, bool), AnswerError> {
    let (counts, any) = count(asked, snapshot, rows)?;
    let cells = asked.query.select.iter().map(|column| {
        counts
            .iter()
            .find(|(field, _)| *field == column.field)
            .map_or(OwnedCell::Missing, |(_, count)| OwnedCell::Integer(*count))
    });
    Ok((cells.collect(), any))
}

fn count(
    asked: &Asked<'_>,
    snapshot: &Snapshot,
    rows: &TargetRows,
) -> Result<(Vec<(Field, u64)>, bool), AnswerError> {
    let refdomains = super::grouped::refpages_by_refdomain(asked, rows)?;
    let (mut backlinks, mut nofollow, mut gov, mut edu) = (0u64, 0u64, 0u64, 0u64);
    let (mut redirects, mut canonicals, mut alternates) = (0u64, 0u64, 0u64);
    let filter = LinkFilter {
        history: asked.query.history,
        all_types: true,
    };
    snapshot.for_each_link_to(
        &asked.query.target,
        filter,
        asked.cancel,
        |row: &LinkRow<'_>| {
            match row.link_type {
                LinkType::Href => {
                    backlinks += 1;
                    nofollow += u64::from(row.rel.is_nofollow());
                    gov += u64::from(is_below(&row.page.refdomain, "gov"));
                    edu += u64::from(is_below(&row.page.refdomain, "edu"));
                }
                LinkType::Redirect => redirects += 1,
                LinkType::Canonical => canonicals += 1,
                LinkType::Alternate => alternates += 1,
                LinkType::Refresh | LinkType::Form | LinkType::Frame => {}
            }
            Ok::<_, AnswerError>(ControlFlow::Continue(()))
        },
    )?;
    let (mut pages, mut html_pages, mut internal, mut external) = (0u64, 0u64, 0u64, 0u64);
    snapshot.for_each_page(&asked.query.target, asked.cancel, |page| {
        pages += 1;
        html_pages += u64::from(page.is_html);
        internal += u64::from(page.internal_links);
        external += u64::from(page.external_links);
        Ok::<_, AnswerError>(ControlFlow::Continue(()))
    })?;
    let others = redirects + canonicals + alternates;
    let counts = vec![
        (Field::Backlinks, backlinks),
        (Field::Refpages, refdomains.values().sum()),
        (Field::Refdomains, refdomains.len() as u64),
        (Field::Pages, pages),
        (Field::HtmlPages, html_pages),
        (Field::Nofollow, nofollow),
        (Field::Dofollow, backlinks - nofollow),
        (Field::Redirects, redirects),
        (Field::Canonicals, canonicals),
        (Field::Alternates, alternates),
        (Field::Governmental, gov),
        (Field::Educational, edu),
        (Field::LinksInternal, internal),
        (Field::LinksExternal, external),
    ];
    Ok((counts, backlinks + others + pages > 0))
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn domains_of_governments_are_told_by_their_ends() {
        for (refdomain, expected) in [
            ("nasa.gov", true),
            ("gov", true),
            ("service.gov.uk", true),
            ("gov.example", false),
            ("gov.com", false),
            ("mygov.uk", false),
            ("nasa.gov.evil", false),
        ] {
            assert_eq!(is_below(refdomain, "gov"), expected, "{refdomain}");
        }
    }
}
