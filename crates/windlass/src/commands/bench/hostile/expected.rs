//! What reports must say of hostile shapes: written down from how the shapes are made.

use anyhow::{bail, ensure};
use serde_json::{Value, json};
use windlass_links::{CaptureTime, Mode};

use super::shape::{
    ANCHOR_SITES, ANCHOR_VARIANTS, DAYS, HUB, LINKS_A_HOST, LOST_EVERY, MANY_HOSTS, ONE_TARGET,
    PAGE_CAPTURES, Shape, WORDS, anchor, host, is_lost, long_anchor_end, long_anchor_start,
    second_of, subdomain,
};
use crate::cli::HostileShape;
use crate::commands::bench::asking::{Question, Totals};

/// Results that a report has at most.
const LIMIT: usize = 1000;
/// Filters leave the captures from this day on.
const FROM_DAY: u64 = DAYS / 2;

/// A question, and its answer.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) question: Question,
    backlinks: u64,
    refpages: u64,
    groups: u64,
    /// The first of them.
    rows: Vec<Group>,
}

/// A group of a report (R17).
#[derive(Debug, Clone)]
struct Group {
    anchor: String,
    backlinks: u64,
    refpages: u64,
    refdomains: u64,
    first_day: u64,
    last_day: u64,
}

impl Group {
    /// One link, on a page that is captured on that day.
    fn single(anchor: String, day: u64) -> Self {
        Self {
            anchor,
            backlinks: 1,
            refpages: 1,
            refdomains: 1,
            first_day: day,
            last_day: day,
        }
    }

    fn json(&self) -> Value {
        let time = |day| CaptureTime::from_unix(second_of(day)).to_string();
        json!({
            "anchor": self.anchor,
            "backlinks": self.backlinks,
            "refpages": self.refpages,
            "refdomains": self.refdomains,
            "first_seen": time(self.first_day),
            "last_visited": time(self.last_day),
        })
    }
}

impl Known {
    /// # Errors
    /// Where an answer is not the exact one; says what differs.
    pub(super) fn check(&self, totals: &Totals, rows: &[Value]) -> anyhow::Result<()> {
        let name = &self.question.name;
        for (what, found, exact) in [
            ("backlinks", totals.backlinks, self.backlinks),
            ("refpages", totals.refpages, self.refpages),
            ("groups", totals.groups_total, self.groups),
            ("results", rows.len() as u64, self.rows.len() as u64),
        ] {
            ensure!(found == exact, "'{name}': {found} {what}, not {exact}");
        }
        for (place, (found, exact)) in rows.iter().zip(&self.rows).enumerate() {
            let exact = exact.json();
            if *found != exact {
                bail!("'{name}': group {place} is {found:.300}, not {exact:.300}");
            }
        }
        Ok(())
    }
}

/// What there is to ask of a shape, with the answers.
pub(super) fn questions(shape: &Shape) -> Vec<Known> {
    match shape.kind {
        HostileShape::Farm => farm(shape),
        HostileShape::Hub => {
            let mut known = filtered_too(shape, HUB, Mode::Exact, &words(shape, "hub"));
            let domain = shape.domains() / 2;
            let question = Question::new(HUB.to_owned(), Mode::Exact)
                .filtered(&format!("refdomain=\"{}\"", host("ref", domain)))
                .named(format!("{HUB} {}, one refdomain", Mode::Exact));
            let group = Group::single(anchor("hub", domain % WORDS), shape.day_of(domain));
            known.push(single(question, group));
            known
        }
        HostileShape::Page => page(shape),
        HostileShape::Subdomains => {
            let groups = words(shape, "host");
            let mut known = filtered_too(shape, MANY_HOSTS, Mode::Subdomains, &groups);
            let link = shape.links / 2;
            let question = Question::new(subdomain(link), Mode::Domain);
            let group = Group::single(anchor("host", link % WORDS), shape.day_of(link));
            known.push(single(question, group));
            known
        }
        HostileShape::Anchor => {
            let site = ANCHOR_SITES / 2;
            let start = long_anchor_start().to_lowercase();
            let groups: Vec<_> = (0..ANCHOR_VARIANTS)
                .map(|variant| Progression {
                    anchor: start.clone() + &long_anchor_end(variant),
                    first: site + ANCHOR_SITES * variant,
                    step: ANCHOR_SITES * ANCHOR_VARIANTS,
                })
                .collect();
            let target = host("site", site);
            let question = Question::new(target, Mode::Domain);
            // Each of a site's links is on another page.
            vec![of_progressions(shape, question, &groups, 0, None)]
        }
        HostileShape::Anchors => anchors(shape),
    }
}

/// The links `first`, `first + step`, … of a shape: each on another page of another domain.
struct Progression {
    anchor: String,
    first: u64,
    step: u64,
}

impl Progression {
    /// Its group, of the links from that day on.
    fn group(&self, shape: &Shape, from_day: u64) -> Option<Group> {
        let links = count(shape.links, self.first, self.step);
        let mut group: Option<Group> = None;
        // Days repeat with the days' number of links, at the latest.
        for at in 0..links.min(DAYS) {
            let day = shape.day_of(self.first + at * self.step);
            if day < from_day {
                continue;
            }
            let same = count(links, at, DAYS);
            match &mut group {
                Some(group) => {
                    group.backlinks += same;
                    group.first_day = group.first_day.min(day);
                    group.last_day = group.last_day.max(day);
                }
                None => {
                    group = Some(Group {
                        backlinks: same,
                        ..Group::single(self.anchor.clone(), day)
                    });
                }
            }
        }
        group.map(|group| Group {
            refpages: group.backlinks,
            refdomains: group.backlinks,
            ..group
        })
    }
}

/// How many of the numbers below `n` are `first`, `first + step`, ….
fn count(n: u64, first: u64, step: u64) -> u64 {
    n.saturating_sub(first).div_ceil(step)
}

/// How many pages were captured from that day on.
fn pages_from(shape: &Shape, from_day: u64) -> u64 {
    (from_day..DAYS)
        .map(|day| count(shape.pages(), day, DAYS))
        .sum()
}

/// How many links were captured from that day on.
fn links_from(shape: &Shape, from_day: u64) -> u64 {
    let missing = shape.pages() * shape.links_a_page() - shape.links;
    let last_is_in = shape.day_of(shape.links - 1) >= from_day;
    pages_from(shape, from_day) * shape.links_a_page() - if last_is_in { missing } else { 0 }
}

/// Each of the anchors that repeat, with its links.
fn words(shape: &Shape, what: &str) -> Vec<Progression> {
    (0..WORDS.min(shape.links))
        .map(|word| Progression {
            anchor: anchor(what, word),
            first: word,
            step: WORDS,
        })
        .collect()
}

/// A question about some progressions, which have `refpages` pages together; or each link its own.
fn of_progressions(
    shape: &Shape,
    question: Question,
    progressions: &[Progression],
    from_day: u64,
    refpages: Option<u64>,
) -> Known {
    let groups = progressions
        .iter()
        .filter_map(|progression| progression.group(shape, from_day));
    let groups: Vec<Group> = groups.collect();
    let backlinks = groups.iter().map(|group| group.backlinks).sum();
    known(question, backlinks, refpages.unwrap_or(backlinks), groups)
}

/// A question about few groups, in any order.
fn known(question: Question, backlinks: u64, refpages: u64, mut rows: Vec<Group>) -> Known {
    rows.sort_by(|a, b| (b.backlinks, &a.anchor).cmp(&(a.backlinks, &b.anchor)));
    let groups = rows.len() as u64;
    rows.truncate(LIMIT);
    Known {
        question,
        backlinks,
        refpages,
        groups,
        rows,
    }
}

fn single(question: Question, group: Group) -> Known {
    known(question, 1, 1, vec![group])
}

fn from_day(question: &Question) -> Question {
    let time = CaptureTime::from_unix(second_of(FROM_DAY)).to_string();
    let name = format!("{}, from a day on", question.name);
    question
        .filtered(&format!("first_seen>=\"{time}\""))
        .named(name)
}

/// All links of a shape, and those from a day on.
fn filtered_too(
    shape: &Shape,
    target: &str,
    mode: Mode,
    progressions: &[Progression],
) -> Vec<Known> {
    let all = Question::new(target.to_owned(), mode);
    // The filter looks at rows (R15), and a row here is one link.
    let some = from_day(&all);
    let of = |question, day| {
        let refpages = Some(pages_from(shape, day));
        of_progressions(shape, question, progressions, day, refpages)
    };
    vec![of(all, 0), of(some, FROM_DAY)]
}

/// Reports of groups with one link each: the first of them have the smallest numbers.
fn singles(
    shape: &Shape,
    question: Question,
    what: &str,
    from_day: u64,
    first: impl Iterator<Item = u64>,
) -> Known {
    let links = links_from(shape, from_day);
    let rows = first.take(LIMIT);
    Known {
        question,
        backlinks: links,
        refpages: pages_from(shape, from_day),
        groups: links,
        rows: rows
            .map(|link| Group::single(anchor(what, link), shape.day_of(link)))
            .collect(),
    }
}

fn farm(shape: &Shape) -> Vec<Known> {
    // All sites of the farm lie below one public suffix.
    let all = Question::new("com".to_owned(), Mode::Subdomains);
    let some = from_day(&all);
    let host_number = shape.links / 2;
    let one = Question::new(host("farm", host_number), Mode::Exact);
    let before = host_number - 1;
    let late = (0..shape.links).filter(|link| shape.day_of(*link) >= FROM_DAY);
    vec![
        single(
            one,
            Group::single(anchor("farm", before), shape.day_of(before)),
        ),
        singles(shape, all, "farm", 0, 0..shape.links),
        singles(shape, some, "farm", FROM_DAY, late),
    ]
}

fn anchors(shape: &Shape) -> Vec<Known> {
    let all = Question::new(ONE_TARGET.to_owned(), Mode::Exact);
    let some = from_day(&all);
    let named = |what: &str| format!("{}, {what}", all.name);
    let latest = all
        .clone()
        .ordered_by("last_visited:desc")
        .named(named("latest first"));
    // Numbers that start alike are neighbours.
    let like = shape.links / 2 / 100;
    let text = anchor("no.", like * 100);
    let start = text.get(..text.len() - 2).unwrap_or_default();
    let alike = all
        .filtered(&format!("substring(anchor,\"{start}\")"))
        .named(named("alike"));
    let late = (0..shape.links).filter(|link| shape.day_of(*link) >= FROM_DAY);
    let alike_links = like * 100..shape.links.min(like * 100 + 100);
    let alike_pages: std::collections::BTreeSet<u64> = alike_links
        .clone()
        .map(|link| link / shape.links_a_page())
        .collect();
    let alike_groups = alike_links.map(|i| Group::single(anchor("no.", i), shape.day_of(i)));
    let alike_groups: Vec<Group> = alike_groups.collect();
    let days = (0..DAYS).rev();
    let latest_first = days.flat_map(|day| {
        let pages = (day..shape.pages()).step_by(DAYS as usize);
        let size = shape.links_a_page();
        pages.flat_map(move |page| page * size..shape.links.min((page + 1) * size))
    });
    vec![
        singles(shape, all, "no.", 0, 0..shape.links),
        singles(shape, some, "no.", FROM_DAY, late),
        singles(shape, latest, "no.", 0, latest_first),
        known(
            alike,
            alike_groups.len() as u64,
            alike_pages.len() as u64,
            alike_groups,
        ),
    ]
}

fn page(shape: &Shape) -> Vec<Known> {
    // Of one page: the groups of links that stay, and of those that the last capture is without.
    let group = |word: u64, backlinks: u64| Group {
        backlinks,
        last_day: PAGE_CAPTURES - if is_lost(word) { 2 } else { 1 },
        ..Group::single(anchor("page", word), 0)
    };
    // A link is lost with all of its anchor, for their numbers end alike.
    const { assert!(WORDS.is_multiple_of(LOST_EVERY)) };
    let words = 0..WORDS.min(shape.links);
    let groups = words.map(|word| (word, group(word, count(shape.links, word, WORDS))));
    let groups: Vec<(u64, Group)> = groups.collect();
    let sum = |groups: &[Group]| groups.iter().map(|group| group.backlinks).sum();
    let ever: Vec<Group> = groups.iter().map(|(_, group)| group.clone()).collect();
    let live = groups.iter().filter(|(word, _)| !is_lost(*word));
    let live: Vec<Group> = live.map(|(_, group)| group.clone()).collect();
    let all = Question::new("com".to_owned(), Mode::Subdomains);
    let lost_too = all
        .clone()
        .of_history("all_time")
        .named(format!("{}, lost ones too", all.name));
    let host_number = shape.links / 2 / LINKS_A_HOST;
    let first = host_number * LINKS_A_HOST;
    let of_host = (first..shape.links.min(first + LINKS_A_HOST)).filter(|link| !is_lost(*link));
    let of_host: Vec<Group> = of_host.map(|link| group(link % WORDS, 1)).collect();
    let one = Question::new(host("host", host_number), Mode::Domain);
    vec![
        known(one, of_host.len() as u64, 1, of_host),
        known(all, sum(&live), 1, live),
        known(lost_too, sum(&ever), 1, ever),
    ]
}
