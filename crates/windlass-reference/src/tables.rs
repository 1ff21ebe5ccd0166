//! The tables, plainly: every row before `where`, and how rows become results.

use std::collections::{BTreeMap, BTreeSet};

use windlass_links::{CanonicalUrl, CaptureTime, History, Target};

use crate::backlink::Backlink;
use crate::capture::PlainCapture;
use crate::index::{ReferenceIndex, matches};
use crate::report::{PlainGroup, PlainRow, groups, rows};

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlainValue {
    /// What the index does not know.
    Missing,
    /// Yes or no.
    Boolean(bool),
    /// A number.
    Integer(u64),
    /// A moment.
    Date(CaptureTime),
    /// A text.
    Text(String),
}

/// A row or a result, by the names of its columns.
pub type PlainRecord = BTreeMap<&'static str, PlainValue>;

fn text(text: &(impl ToString + ?Sized)) -> PlainValue {
    PlainValue::Text(text.to_string())
}

/// What is known of a page.
struct Page {
    first_seen: CaptureTime,
    last_visited: CaptureTime,
    latest: Option<PlainCapture>,
}

/// The tables of an index.
pub struct PlainTables<'a> {
    index: &'a ReferenceIndex,
    pages: BTreeMap<CanonicalUrl, Page>,
}

impl<'a> PlainTables<'a> {
    /// Of this index.
    #[must_use]
    pub fn of(index: &'a ReferenceIndex) -> Self {
        let mut pages: BTreeMap<CanonicalUrl, Page> = BTreeMap::new();
        for (url, showings) in index.showings() {
            let mut times = showings.keys();
            if let Some(first) = times.next() {
                let page = Page {
                    first_seen: *first,
                    last_visited: *times.next_back().unwrap_or(first),
                    latest: None,
                };
                pages.insert(url.clone(), page);
            }
        }
        for capture in index.captures() {
            let Some(page) = pages.get_mut(&capture.page) else {
                continue;
            };
            let is_later = |latest: &PlainCapture| latest.time < capture.time;
            if capture.outcome != "revisit" && page.latest.as_ref().is_none_or(is_later) {
                page.latest = Some(capture);
            }
        }
        Self { index, pages }
    }

    /// The results of a table without `having`, `order_by`, `limit` and `offset`, of the rows that are kept,
    /// in the order of their bytes by all columns.
    ///
    /// Where there is no such table, there are none.
    #[must_use]
    pub fn results(
        &self,
        table: &str,
        target: &Target,
        history: History,
        keep: &dyn Fn(&PlainRecord) -> bool,
    ) -> Vec<PlainRecord> {
        let backlinks = || self.index.backlinks(target, history);
        let mut results = match table {
            "anchors" => {
                let mut rows = rows(&backlinks());
                rows.retain(|row| keep(&self.anchor_row(row, target)));
                groups(&rows).iter().map(anchor_group).collect()
            }
            "anchors_refdomains" => {
                let mut rows = rows(&backlinks());
                rows.retain(|row| keep(&self.anchor_row(row, target)));
                anchors_refdomains(&rows)
            }
            "refdomains" => refdomains(&backlinks(), keep),
            "backlinks" => {
                let rows = backlinks();
                let rows = rows.iter().map(|backlink| self.backlink(backlink));
                rows.filter(|row| keep(row)).map(shown).collect()
            }
            "backlinks_new_lost" => self.changes(target, history, keep),
            "linked_anchors" => self.linked_anchors(target, history, keep),
            "linked_domains" => self.linked_domains(target, history),
            "pages" => {
                let pages = self.pages.iter().filter(|(url, _)| matches(target, url));
                let rows = pages.map(|(url, page)| {
                    let mut row = document(page);
                    row.insert("url", text(url));
                    row.insert("first_seen", PlainValue::Date(page.first_seen));
                    row.insert("last_visited", PlainValue::Date(page.last_visited));
                    row
                });
                rows.filter(|row| keep(row)).collect()
            }
            "metrics" => vec![self.metrics(target, history)],
            _ => Vec::new(),
        };
        results.sort();
        results
    }

    /// A row of (folded anchor, refdomain).
    fn anchor_row(&self, row: &PlainRow, target: &Target) -> PlainRecord {
        PlainRecord::from([
            ("anchor", text(&row.anchor)),
            ("kind", text(self.index.kind(&row.anchor, target))),
            ("refdomain", text(&row.refdomain)),
            ("backlinks", PlainValue::Integer(row.backlinks)),
            ("refpages", PlainValue::Integer(row.refpages)),
            ("first_seen", PlainValue::Date(row.first_seen)),
            ("last_visited", PlainValue::Date(row.last_visited)),
        ])
    }

    fn backlink(&self, backlink: &Backlink) -> PlainRecord {
        let mut row = self
            .pages
            .get(&backlink.page)
            .map(document)
            .unwrap_or_default();
        row.insert("url_from", text(&backlink.page));
        row.insert("url_to", text(&backlink.target));
        row.insert("first_seen", PlainValue::Date(backlink.first_seen));
        row.insert("last_visited", PlainValue::Date(backlink.last_visited));
        row.insert("link_type", text("href"));
        row.insert("nofollow", PlainValue::Boolean(backlink.nofollow));
        row.insert("alt", text(&backlink.alt));
        row.insert("anchor", text(&backlink.anchor));
        row.insert("refdomain", text(&backlink.refdomain));
        row
    }

    fn changes(
        &self,
        target: &Target,
        history: History,
        keep: &dyn Fn(&PlainRecord) -> bool,
    ) -> Vec<PlainRecord> {
        let mut rows = Vec::new();
        for backlink in self.index.backlinks(target, History::AllTime) {
            let found = (Some(backlink.first_seen), "new");
            for (date, kind) in [found, (backlink.lost, "lost")] {
                if let Some(date) = date
                    && !matches!(history, History::Since(since) if date < since)
                {
                    let mut row = self.backlink(&backlink);
                    row.insert("date", PlainValue::Date(date));
                    row.insert("type", text(kind));
                    rows.push(row);
                }
            }
        }
        rows.retain(|row| keep(row));
        rows.into_iter().map(shown).collect()
    }

    /// The links on the target's own pages; with each, whether it is internal.
    fn outgoing(&self, target: &Target, history: History) -> Vec<(Backlink, bool)> {
        let external = self.index.all().into_iter().map(|link| (link, false));
        let internal = self.index.internal().into_iter().map(|link| (link, true));
        external
            .chain(internal)
            .filter(|(link, _)| matches(target, &link.page) && history.keeps(link.lost))
            .collect()
    }

    fn linked_anchors(
        &self,
        target: &Target,
        history: History,
        keep: &dyn Fn(&PlainRecord) -> bool,
    ) -> Vec<PlainRecord> {
        let mut groups: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for (link, is_internal) in self.outgoing(target, history) {
            let row = PlainRecord::from([
                ("anchor", text(&link.folded)),
                ("links_internal", PlainValue::Integer(is_internal.into())),
                ("links_external", PlainValue::Integer((!is_internal).into())),
                ("url_from", text(&link.page)),
                ("url_to", text(&link.target)),
                ("first_seen", PlainValue::Date(link.first_seen)),
                ("last_visited", PlainValue::Date(link.last_visited)),
                ("nofollow", PlainValue::Boolean(link.nofollow)),
            ]);
            if keep(&row) {
                let group = groups.entry(link.folded).or_default();
                group.0 += u64::from(is_internal);
                group.1 += u64::from(!is_internal);
            }
        }
        let groups = groups.into_iter().map(|(anchor, (internal, external))| {
            PlainRecord::from([
                ("anchor", text(&anchor)),
                ("links_internal", PlainValue::Integer(internal)),
                ("links_external", PlainValue::Integer(external)),
            ])
        });
        groups.collect()
    }

    fn linked_domains(&self, target: &Target, history: History) -> Vec<PlainRecord> {
        let mut groups: BTreeMap<(String, String), (u64, BTreeSet<CanonicalUrl>)> = BTreeMap::new();
        for (link, is_internal) in self.outgoing(target, history) {
            if !is_internal {
                let to = self.index.registrable_domain(link.target.host());
                let group = groups.entry((link.refdomain, to)).or_default();
                group.0 += 1;
                group.1.insert(link.page);
            }
        }
        let groups = groups.into_iter().map(|((from, to), (links, pages))| {
            PlainRecord::from([
                ("domain_from", text(&from)),
                ("domain_to", text(&to)),
                ("links", PlainValue::Integer(links)),
                ("unique_pages", PlainValue::Integer(pages.len() as u64)),
            ])
        });
        groups.collect()
    }

    fn metrics(&self, target: &Target, history: History) -> PlainRecord {
        let backlinks = self.index.backlinks(target, history);
        let pages: Vec<&Page> = self
            .pages
            .iter()
            .filter(|(url, _)| matches(target, url))
            .map(|(_, page)| page)
            .collect();
        let latest = || pages.iter().filter_map(|page| page.latest.as_ref());
        let refpages: BTreeSet<&CanonicalUrl> = backlinks.iter().map(|link| &link.page).collect();
        let refdomains: BTreeSet<&str> = backlinks.iter().map(|l| l.refdomain.as_str()).collect();
        let nofollow = backlinks.iter().filter(|link| link.nofollow).count();
        let counts = [
            ("backlinks", backlinks.len()),
            ("refpages", refpages.len()),
            ("refdomains", refdomains.len()),
            ("pages", pages.len()),
            (
                "html_pages",
                latest().filter(|c| c.outcome == "html").count(),
            ),
            ("nofollow", nofollow),
            ("dofollow", backlinks.len() - nofollow),
            (
                "links_internal",
                latest().map(|c| c.internal as usize).sum(),
            ),
            (
                "links_external",
                latest().map(|c| c.external as usize).sum(),
            ),
        ];
        let values = counts.map(|(name, count)| (name, PlainValue::Integer(count as u64)));
        PlainRecord::from(values)
    }
}

/// What the latest real capture of a page says of it.
fn document(page: &Page) -> PlainRecord {
    let latest = page.latest.as_ref();
    let status = latest.and_then(|capture| capture.status);
    let title = latest.and_then(|capture| capture.title.clone());
    let count = |count: Option<u32>| PlainValue::Integer(count.unwrap_or(0).into());
    PlainRecord::from([
        (
            "links_internal",
            count(latest.map(|capture| capture.internal)),
        ),
        (
            "links_external",
            count(latest.map(|capture| capture.external)),
        ),
        (
            "http_code",
            status.map_or(PlainValue::Missing, |code| PlainValue::Integer(code.into())),
        ),
        ("title", title.map_or(PlainValue::Missing, PlainValue::Text)),
    ])
}

fn anchor_group(group: &PlainGroup) -> PlainRecord {
    PlainRecord::from([
        ("anchor", text(&group.anchor)),
        ("backlinks", PlainValue::Integer(group.backlinks)),
        ("refpages", PlainValue::Integer(group.refpages)),
        ("refdomains", PlainValue::Integer(group.refdomains)),
        ("first_seen", PlainValue::Date(group.first_seen)),
        ("last_visited", PlainValue::Date(group.last_visited)),
    ])
}

/// A row of a link without what is there for conditions alone.
fn shown(mut row: PlainRecord) -> PlainRecord {
    row.remove("refdomain");
    row
}

fn anchors_refdomains(rows: &[PlainRow]) -> Vec<PlainRecord> {
    let mut groups: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for row in rows {
        let group = groups.entry(&row.refdomain).or_default();
        group.0 += 1;
        group.1 += row.backlinks;
    }
    let groups = groups.into_iter().map(|(refdomain, (anchors, backlinks))| {
        PlainRecord::from([
            ("refdomain", text(refdomain)),
            ("anchors", PlainValue::Integer(anchors)),
            ("backlinks", PlainValue::Integer(backlinks)),
        ])
    });
    groups.collect()
}

fn refdomains(backlinks: &[Backlink], keep: &dyn Fn(&PlainRecord) -> bool) -> Vec<PlainRecord> {
    let mut pages: BTreeMap<&CanonicalUrl, Vec<&Backlink>> = BTreeMap::new();
    for link in backlinks {
        pages.entry(&link.page).or_default().push(link);
    }
    let row = |refdomain: &str, links: &[&Backlink], refpages: u64| {
        let first = links.iter().map(|link| link.first_seen).min();
        let last = links.iter().map(|link| link.last_visited).max();
        PlainRecord::from([
            ("refdomain", text(refdomain)),
            ("backlinks", PlainValue::Integer(links.len() as u64)),
            ("refpages", PlainValue::Integer(refpages)),
            (
                "first_seen",
                first.map_or(PlainValue::Missing, PlainValue::Date),
            ),
            (
                "last_visited",
                last.map_or(PlainValue::Missing, PlainValue::Date),
            ),
        ])
    };
    let mut groups: BTreeMap<&str, (Vec<&Backlink>, u64)> = BTreeMap::new();
    for (url, links) in pages {
        let Some(refdomain) = links.first().map(|link| link.refdomain.as_str()) else {
            continue;
        };
        let mut page = row(refdomain, &links, 1);
        page.insert("url", text(url));
        if keep(&page) {
            let group = groups.entry(refdomain).or_default();
            group.0.extend(links);
            group.1 += 1;
        }
    }
    let groups = groups.into_iter();
    groups
        .map(|(refdomain, (links, refpages))| row(refdomain, &links, refpages))
        .collect()
}
