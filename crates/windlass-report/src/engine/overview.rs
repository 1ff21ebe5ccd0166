//! `metrics`: everything that is counted of a target.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::ControlFlow;

use windlass_index::{LinkFilter, LinkRow, Looks, Snapshot, TargetRows};
use windlass_links::{LinkType, Rel};

use super::AnswerError;
use super::record::OwnedCell;
use super::sources::Asked;
use crate::table::Field;

/// Domains that governments alone register: `gov`, or `gov` below a country (`gov.uk`); likewise `edu`.
fn is_below(refdomain: &str, word: &str) -> bool {
    // The dot at the end of a name written whole (`x.gov.`) parts nothing.
    let mut labels = refdomain.strip_suffix('.').unwrap_or(refdomain).rsplit('.');
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

#[derive(Default)]
struct LinkCounts {
    backlinks: u64,
    nofollow: u64,
    gov: u64,
    edu: u64,
    redirects: u64,
    canonicals: u64,
    alternates: u64,
}

/// Whether a domain is a government's, or an educational one.
type Sort = (bool, bool);

impl LinkCounts {
    fn add(&mut self, link_type: LinkType, rel: Rel, refdomain: impl FnOnce() -> Sort) {
        match link_type {
            LinkType::Href => {
                let (is_gov, is_edu) = refdomain();
                self.backlinks += 1;
                self.nofollow += u64::from(rel.is_nofollow());
                self.gov += u64::from(is_gov);
                self.edu += u64::from(is_edu);
            }
            LinkType::Redirect => self.redirects += 1,
            LinkType::Canonical => self.canonicals += 1,
            LinkType::Alternate => self.alternates += 1,
            LinkType::Refresh | LinkType::Form | LinkType::Frame => {}
        }
    }
}

fn sort_of(refdomain: &str) -> Sort {
    (is_below(refdomain, "gov"), is_below(refdomain, "edu"))
}

/// Counts links by a glance at each, where the index has them.
fn count_links(asked: &Asked<'_>, snapshot: &Snapshot) -> Result<LinkCounts, AnswerError> {
    let (target, cancel) = (&asked.query.target, asked.cancel);
    let filter = LinkFilter {
        history: asked.query.history,
        all_types: true,
    };
    let mut counts = LinkCounts::default();
    let Some(glances) = snapshot.glances(target, asked.limits.memory_max, cancel)? else {
        snapshot.for_each_link_to(target, filter, cancel, |row: &LinkRow<'_>| {
            counts.add(row.link_type, row.rel, || sort_of(&row.page.refdomain));
            Ok::<_, AnswerError>(ControlFlow::Continue(()))
        })?;
        return Ok(counts);
    };
    let looks = Looks {
        rel: true,
        refdomain: true,
        part: None,
    };
    // 8 bytes for each domain, of which there are fewer than pages.
    let mut sorts: HashMap<u32, Sort> = HashMap::new();
    glances.for_each(filter, looks, None, cancel, |glance| {
        let sort = match sorts.entry(glance.refdomain) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unknown) => {
                *unknown.insert(sort_of(&glances.refdomain(glance.refdomain)?))
            }
        };
        counts.add(glance.link_type, glance.rel, || sort);
        Ok::<_, AnswerError>(ControlFlow::Continue(()))
    })?;
    Ok(counts)
}

fn count(
    asked: &Asked<'_>,
    snapshot: &Snapshot,
    rows: &TargetRows,
) -> Result<(Vec<(Field, u64)>, bool), AnswerError> {
    let refdomains = super::grouped::refpages_by_refdomain(asked, rows)?;
    let LinkCounts {
        backlinks,
        nofollow,
        gov,
        edu,
        redirects,
        canonicals,
        alternates,
    } = count_links(asked, snapshot)?;
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
            ("x.gov.", true),
            ("x.gov.uk.", true),
            ("gov..", false),
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
