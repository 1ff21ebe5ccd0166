//! Two or three targets side by side.

use std::collections::BTreeMap;

use askama::Template;
use windlass_links::Mode;
use windlass_report::{ANCHORS, AnswerError, Cell, LIMIT_MAX, Query, QueryError, answer};

use crate::address::Address;
use crate::error::PageError;
use crate::pager::Pager;
use crate::pages::refdomains;
use crate::render;
use crate::shown::{self, Percent};
use crate::state::{ReportState, default_mode};
use crate::view::{Charge, Rendered, View, backlinks_of};

/// Where it is on the server.
pub const PATH: &str = "/compare";

/// How many targets there may be.
pub const TARGETS_MAX: usize = 3;
/// Rows of a page.
const ROWS: u64 = 50;
/// What an anchor takes beside its text while targets are compared, in bytes.
const ANCHOR_BYTES: usize = 160;

/// What is compared, as the address has it.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    /// The targets as written, at most [`TARGETS_MAX`].
    pub targets: Vec<String>,
    /// Their mode; blank for the default one of each.
    pub mode: String,
    /// As of reports.
    pub history: String,
    /// Which anchors are listed; blank for those that all have.
    pub show: String,
    /// Rows passed over.
    pub start: u64,
}

/// Which anchors are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Show {
    /// Those that all targets have.
    Common,
    /// Those that several have, but not all.
    Some,
    /// Those that one alone has.
    Only(usize),
}

impl Show {
    fn name(self) -> String {
        match self {
            Self::Common => String::new(),
            Self::Some => "some".to_owned(),
            Self::Only(target) => format!("only-{}", target + 1),
        }
    }

    fn lists(self, numbers: &[Option<Numbers>]) -> bool {
        let count = numbers.iter().flatten().count();
        match self {
            Self::Common => count == numbers.len(),
            Self::Some => count > 1 && count < numbers.len(),
            Self::Only(target) => count == 1 && numbers.get(target).is_some_and(Option::is_some),
        }
    }
}

impl Compared {
    /// Reads decoded parameters, whose names are in any case: `target` up to three times, but none twice; of others
    /// the last value. What is blank is left out.
    pub fn from_params<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut compared = Self::default();
        for (name, value) in parameters {
            let value = value.trim().to_owned();
            if value.is_empty() {
                continue;
            }
            match name.to_ascii_lowercase().as_str() {
                "target" if compared.targets.contains(&value) => {}
                "target" if compared.targets.len() < TARGETS_MAX => compared.targets.push(value),
                "mode" => compared.mode = value,
                "history" => compared.history = value,
                "show" => compared.show = value,
                "start" => compared.start = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        compared
    }

    fn href(&self, show: &str, start: u64) -> String {
        let mut address = Address::new(PATH);
        for target in &self.targets {
            address = address.with("target", target);
        }
        address = address
            .with("mode", &self.mode)
            .with("history", &self.history)
            .with("show", show);
        address.from_row(start).to_string()
    }

    fn state(&self, target: &str) -> ReportState {
        ReportState {
            target: target.to_owned(),
            mode: self.mode.clone(),
            history: self.history.clone(),
            ..ReportState::default()
        }
    }

    /// A query for all anchors of each target.
    ///
    /// # Errors
    /// As [`Query::from_params`].
    pub fn queries(&self) -> Result<Vec<Query>, QueryError> {
        let query = |target: &String| {
            let mode = match self.mode.as_str() {
                "" => default_mode(target).to_string(),
                mode => mode.to_owned(),
            };
            Query::from_params([
                ("from", ANCHORS.name.to_owned()),
                ("target", target.clone()),
                ("mode", mode),
                ("history", self.history.clone()),
                ("limit", LIMIT_MAX.to_string()),
            ])
        };
        self.targets.iter().map(query).collect()
    }

    fn shows(&self) -> Vec<Show> {
        let count = self.targets.len();
        let mut shows = vec![Show::Common];
        if count > 2 {
            shows.push(Show::Some);
        }
        shows.extend((0..count).map(Show::Only));
        shows
    }

    fn show(&self) -> Show {
        let mut shows = self.shows().into_iter();
        shows
            .find(|show| show.name() == self.show)
            .unwrap_or(Show::Common)
    }
}

/// What one target has of an anchor.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    backlinks: u64,
    refdomains: u64,
}

/// Puts the form together, where there are not two targets yet.
#[must_use]
pub fn form(compared: &Compared) -> String {
    form_of(compared, true)
}

/// Puts the page together, from the [queries](Compared::queries).
///
/// # Errors
/// See [`PageError`]; also where the anchors of all targets do not fit into memory.
pub fn page(compared: &Compared, queries: &[Query], view: View<'_>) -> Result<Rendered, PageError> {
    let mut gathered = Gathered::new(queries.len(), view.limits.memory_max);
    let mut totals = Vec::new();
    for (i, query) in queries.iter().enumerate() {
        totals.push(gather(i, query, view, &mut gathered)?);
    }
    let anchors = gathered.anchors;
    let show = compared.show();
    let counts: Vec<(Show, u64)> = compared
        .shows()
        .into_iter()
        .map(|show| {
            let listed = anchors.values().filter(|numbers| show.lists(numbers));
            (show, listed.count() as u64)
        })
        .collect();
    let mut listed: Vec<(&String, &Vec<Option<Numbers>>)> = anchors
        .iter()
        .filter(|(_, numbers)| show.lists(numbers))
        .collect();
    let refdomains = |numbers: &[Option<Numbers>]| -> u64 {
        numbers.iter().flatten().map(|of| of.refdomains).sum()
    };
    // Anchors are in order already, and the sort is stable.
    listed.sort_by_key(|(_, numbers)| std::cmp::Reverse(refdomains(numbers)));
    let total = listed.len() as u64;
    let start = usize::try_from(compared.start).unwrap_or(usize::MAX);
    let rows: Vec<Line> = listed
        .into_iter()
        .skip(start)
        .take(ROWS as usize)
        .map(|(anchor, numbers)| Line::new(compared, anchor, numbers, &totals))
        .collect();
    let of_target = |i: usize| rows.iter().filter(|row| row.has(i)).count() as u64;
    let cost = |(i, query): (usize, &Query)| query.cost(of_target(i));
    let cost = queries.iter().enumerate().map(cost).sum();
    let pager = Pager::new(compared.start, rows.len() as u64, ROWS, total, |start| {
        compared.href(&show.name(), start)
    });
    let results = rows.len() as u64;
    let template = Comparison {
        form: form_of(compared, false),
        tabs: counts
            .iter()
            .map(|(of, count)| Tab {
                title: title(*of, compared),
                href: compared.href(&of.name(), 0),
                count: *count,
                is_chosen: *of == show,
            })
            .collect(),
        targets: targets(compared, queries, &totals, &counts),
        rows,
        pager,
    };
    Ok(Rendered {
        html: render(&template),
        charge: Some(Charge {
            table: ANCHORS.name,
            rows: cost,
            results,
        }),
    })
}

/// The anchors of all targets, in order.
struct Gathered {
    anchors: BTreeMap<String, Vec<Option<Numbers>>>,
    /// How many targets there are.
    targets: usize,
    /// What the anchors take, in bytes, and may take.
    bytes: usize,
    bytes_max: usize,
}

impl Gathered {
    fn new(targets: usize, bytes_max: usize) -> Self {
        Self {
            anchors: BTreeMap::new(),
            targets,
            bytes: 0,
            bytes_max,
        }
    }

    /// Adds what a target has of an anchor; an error, where that does not fit.
    fn add(&mut self, target: usize, anchor: &str, numbers: Numbers) -> Result<(), AnswerError> {
        if !self.anchors.contains_key(anchor) {
            self.bytes = self.bytes.saturating_add(anchor.len() + ANCHOR_BYTES);
            if self.bytes > self.bytes_max {
                return Err(AnswerError::Memory {
                    max: self.bytes_max,
                });
            }
            let of_all = vec![None; self.targets];
            self.anchors.insert(anchor.to_owned(), of_all);
        }
        let of_all = self.anchors.get_mut(anchor);
        if let Some(of_target) = of_all.and_then(|of_all| of_all.get_mut(target)) {
            *of_target = Some(numbers);
        }
        Ok(())
    }
}

/// Backlinks and anchors of a target, and what its anchors add to those of all. Nothing more is read once they do
/// not fit.
fn gather(
    target: usize,
    query: &Query,
    view: View<'_>,
    gathered: &mut Gathered,
) -> Result<(u64, u64), PageError> {
    let answer = answer(query, view.snapshot, view.limits, view.cancel)?;
    let total = answer.total().unwrap_or_default();
    if total > answer.results() {
        let max = view.limits.memory_max;
        return Err(AnswerError::Memory { max }.into());
    }
    let columns = answer.columns();
    answer.for_each_row(|cells| {
        let (mut anchor, mut numbers) = (
            "",
            Numbers {
                backlinks: 0,
                refdomains: 0,
            },
        );
        for (column, cell) in columns.iter().zip(cells) {
            match (column.name, *cell) {
                ("anchor", Cell::Text(text)) => anchor = text,
                ("backlinks", Cell::Integer(number)) => numbers.backlinks = number,
                ("refdomains", Cell::Integer(number)) => numbers.refdomains = number,
                _ => {}
            }
        }
        Ok(gathered.add(target, anchor, numbers)?)
    })?;
    Ok((backlinks_of(&answer), total))
}

#[derive(Template)]
#[template(path = "compare_form.html")]
struct Form {
    fields: Vec<Field>,
    modes: Vec<(String, &'static str, bool)>,
    is_alone: bool,
}

fn form_of(compared: &Compared, is_alone: bool) -> String {
    render(&Form {
        fields: fields(compared),
        modes: modes(compared),
        is_alone,
    })
}

struct Field {
    number: usize,
    value: String,
}

fn fields(compared: &Compared) -> Vec<Field> {
    let field = |i: usize| Field {
        number: i + 1,
        value: compared.targets.get(i).cloned().unwrap_or_default(),
    };
    (0..TARGETS_MAX).map(field).collect()
}

fn modes(compared: &Compared) -> Vec<(String, &'static str, bool)> {
    let auto = (String::new(), "what fits best", compared.mode.is_empty());
    let modes = Mode::ALL.map(|mode| (mode.to_string(), mode.name(), compared.mode == mode.name()));
    std::iter::once(auto).chain(modes).collect()
}

fn title(show: Show, compared: &Compared) -> String {
    match show {
        Show::Common => "Common to all".to_owned(),
        Show::Some => "Common to two".to_owned(),
        Show::Only(target) => {
            let target = compared.targets.get(target);
            format!("Only {}", target.map_or("", String::as_str))
        }
    }
}

fn targets(
    compared: &Compared,
    queries: &[Query],
    totals: &[(u64, u64)],
    counts: &[(Show, u64)],
) -> Vec<Target> {
    let count = |show| {
        counts
            .iter()
            .find(|(of, _)| *of == show)
            .map_or(0, |(_, n)| *n)
    };
    let mut targets = Vec::new();
    for (i, (query, (backlinks, anchors))) in queries.iter().zip(totals).enumerate() {
        let name = compared.targets.get(i).cloned().unwrap_or_default();
        targets.push(Target {
            scope: query.target.to_string(),
            href: compared.state(&name).href(super::anchors::PATH),
            name,
            backlinks: *backlinks,
            anchors: *anchors,
            common: Percent {
                part: count(Show::Common),
                whole: *anchors,
            },
            only: Percent {
                part: count(Show::Only(i)),
                whole: *anchors,
            },
        });
    }
    targets
}

struct Target {
    name: String,
    scope: String,
    href: String,
    backlinks: u64,
    anchors: u64,
    common: Percent,
    only: Percent,
}

struct Tab {
    title: String,
    href: String,
    count: u64,
    is_chosen: bool,
}

/// An anchor.
struct Line {
    anchor: String,
    cells: Vec<Option<OfTarget>>,
}

struct OfTarget {
    numbers: Numbers,
    href: String,
    share: Percent,
}

impl Line {
    fn new(
        compared: &Compared,
        anchor: &str,
        numbers: &[Option<Numbers>],
        totals: &[(u64, u64)],
    ) -> Self {
        let mut cells = Vec::new();
        for ((numbers, target), (backlinks, _)) in numbers.iter().zip(&compared.targets).zip(totals)
        {
            cells.push(numbers.map(|numbers| OfTarget {
                href: refdomains::href(&compared.state(target), anchor),
                share: Percent {
                    part: numbers.backlinks,
                    whole: *backlinks,
                },
                numbers,
            }));
        }
        Self {
            anchor: anchor.to_owned(),
            cells,
        }
    }

    fn has(&self, target: usize) -> bool {
        self.cells.get(target).is_some_and(Option::is_some)
    }

    fn anchor(&self) -> shown::Anchor<'_> {
        shown::Anchor(&self.anchor)
    }
}

#[derive(Template)]
#[template(path = "compare.html")]
struct Comparison {
    form: String,
    tabs: Vec<Tab>,
    targets: Vec<Target>,
    rows: Vec<Line>,
    pager: Pager,
}

impl Comparison {
    fn name_of(&self, target: &usize) -> &str {
        self.targets
            .get(*target)
            .map_or("", |target| target.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_as_the_api_reads_them() {
        let compared = Compared::from_params([
            ("Target", "a.com"),
            ("target", " "),
            ("TARGET", "b.com"),
            ("target", "a.com "),
            ("mode", "domain"),
            ("Mode", "exact"),
            ("mode", ""),
            ("Start", "50"),
            ("start", ""),
        ]);
        assert_eq!(compared.targets, ["a.com", "b.com"]);
        assert_eq!((compared.mode.as_str(), compared.start), ("exact", 50));
    }

    #[test]
    fn what_does_not_fit_is_refused_at_once() {
        let numbers = Numbers {
            backlinks: 1,
            refdomains: 1,
        };
        let mut gathered = Gathered::new(2, 2 * (ANCHOR_BYTES + 1));
        for (target, anchor) in [(0, "a"), (1, "b"), (1, "a")] {
            gathered.add(target, anchor, numbers).unwrap();
        }
        let refused = gathered.add(0, "c", numbers);
        assert!(
            matches!(refused, Err(AnswerError::Memory { .. })),
            "{refused:?}"
        );
        assert!(gathered.anchors["a"].iter().all(Option::is_some));
        assert_eq!(gathered.anchors.len(), 2);
    }
}
