//! What a crawl looks like, counted while it is made.

use std::collections::HashSet;

use serde::Serialize;

use super::place::Place;
use super::random::mixed;

/// Distinct things are counted one by one up to about so many, by samples above.
const COUNTED_MAX: u64 = 1 << 20;

/// Counts of what was made. Several add up.
#[derive(Debug)]
pub(in super::super) struct Shape {
    links: u64,
    lost: u64,
    to_giant: u64,
    to_biggest_host: u64,
    to_biggest_url: u64,
    targets: Distinct,
    anchors: Distinct,
}

/// The same as numbers to be shown.
#[derive(Debug, Clone, Copy, Serialize)]
pub(in super::super) struct Counts {
    /// Links, and how many of them a second capture of their page does not show.
    pub(in super::super) links: u64,
    pub(in super::super) lost: u64,
    pub(in super::super) targets: u64,
    pub(in super::super) anchors: u64,
    /// Links to the giant site, to its biggest host, and to the biggest URL of all.
    pub(in super::super) to_giant: u64,
    pub(in super::super) to_biggest_host: u64,
    pub(in super::super) to_biggest_url: u64,
}

impl Shape {
    /// Of a crawl of about so many links.
    pub(in super::super) fn new(links: u64) -> Self {
        Self {
            links: 0,
            lost: 0,
            to_giant: 0,
            to_biggest_host: 0,
            to_biggest_url: 0,
            targets: Distinct::new(links),
            anchors: Distinct::new(links),
        }
    }

    pub(super) fn add(&mut self, place: Place, anchor: u64) {
        self.links += 1;
        self.to_giant += u64::from(place.is_on_giant());
        self.to_biggest_host += u64::from(place.is_on_biggest_host());
        self.to_biggest_url += u64::from(place.is_biggest());
        self.targets.add(place.number());
        self.anchors.add(mixed(anchor));
    }

    pub(super) fn add_lost(&mut self, links: usize) {
        self.lost += links as u64;
    }

    pub(in super::super) fn append(&mut self, other: &Self) {
        self.links += other.links;
        self.lost += other.lost;
        self.to_giant += other.to_giant;
        self.to_biggest_host += other.to_biggest_host;
        self.to_biggest_url += other.to_biggest_url;
        self.targets.seen.extend(&other.targets.seen);
        self.anchors.seen.extend(&other.anchors.seen);
    }

    pub(in super::super) fn counts(&self) -> Counts {
        Counts {
            links: self.links,
            lost: self.lost,
            targets: self.targets.count(),
            anchors: self.anchors.count(),
            to_giant: self.to_giant,
            to_biggest_host: self.to_biggest_host,
            to_biggest_url: self.to_biggest_url,
        }
    }
}

/// Counts distinct numbers whose bits are evenly distributed: those that are multiples of `step`
/// stand for all. The standard error is √(step ÷ count), a quarter of a per cent at 10 M links.
#[derive(Debug)]
struct Distinct {
    step: u64,
    seen: HashSet<u64>,
}

impl Distinct {
    fn new(of: u64) -> Self {
        Self {
            step: (of / COUNTED_MAX).next_power_of_two(),
            seen: HashSet::new(),
        }
    }

    fn add(&mut self, number: u64) {
        if number.is_multiple_of(self.step) {
            self.seen.insert(number);
        }
    }

    fn count(&self) -> u64 {
        self.seen.len() as u64 * self.step
    }
}
