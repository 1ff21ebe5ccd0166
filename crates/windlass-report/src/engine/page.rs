//! The groups between `offset` and `offset + limit` of an order, in bounded memory (R19).

use std::cmp::Ordering;

use crate::columns::{Direction, OrderKey};
use crate::filter::Subject;
use crate::query::Query;
use crate::report::Group;
use crate::table::Field;

/// Collects the first groups, of all, that come behind one in the order of a query.
///
/// Without `order_by`, groups that come in the order of anchors are in order already, and the first are
/// kept. Otherwise at most twice as many groups are kept as are wanted: whenever there are so many, the
/// worse half goes. Each group costs constant time on average.
pub(super) struct Page<'a> {
    order: &'a [OrderKey],
    is_sorted: bool,
    after: Option<Group>,
    wanted: usize,
    kept: Vec<Group>,
    /// Whether they were taken in the order of the query.
    is_ordered: bool,
    /// Once enough are kept, the worst of them: what comes behind it is on no page.
    worst: Option<Group>,
    /// Where its first key lies in the order.
    worst_first: u64,
    groups_total: u64,
}

impl<'a> Page<'a> {
    /// For groups that come in the order of anchors.
    pub(super) fn new(query: &'a Query, after: Option<Group>, groups_max: u64) -> Self {
        let wanted = if query.limit == 0 { 0 } else { groups_max };
        Self {
            order: &query.order_by,
            is_sorted: query.order_by.is_empty(),
            after,
            wanted: usize::try_from(wanted).unwrap_or(usize::MAX),
            kept: Vec::new(),
            is_ordered: false,
            worst: None,
            worst_first: u64::MAX,
            groups_total: 0,
        }
    }

    /// The same for groups that come in any order.
    pub(super) fn unordered(self) -> Self {
        Self {
            is_sorted: false,
            ..self
        }
    }

    /// The page of all groups, from those of parts whose anchors come one after the other.
    pub(super) fn join(mut self, parts: Vec<Self>) -> Self {
        for part in parts {
            self.groups_total += part.groups_total;
            self.kept.extend(part.kept);
        }
        self
    }

    /// How many groups are wanted.
    pub(super) const fn wanted(&self) -> usize {
        self.wanted
    }

    /// Whether these are the first groups of all.
    pub(super) const fn is_first(&self) -> bool {
        self.after.is_none()
    }

    /// The page of groups that are its own, in the order of the query.
    pub(super) fn with_ordered(&mut self, groups: Vec<Group>) {
        self.groups_total += groups.len() as u64;
        self.kept = groups;
        self.is_ordered = true;
    }

    #[inline]
    pub(super) fn add(&mut self, group: &Group) {
        self.groups_total += 1;
        // So for most of them, by the first key alone.
        if !self.is_sorted && first_rank(self.order, group) > self.worst_first {
            return;
        }
        self.add_near(*group);
    }

    fn add_near(&mut self, group: Group) {
        let wanted = self.wanted;
        if self
            .after
            .is_some_and(|after| compare(self.order, &after, &group).is_ge())
        {
            return;
        }
        if self.is_sorted {
            if self.kept.len() < wanted {
                self.kept.push(group);
            }
            return;
        }
        let order = self.order;
        if wanted == 0
            || self
                .worst
                .is_some_and(|worst| compare(order, &worst, &group).is_lt())
        {
            return;
        }
        if self.kept.len() >= wanted.saturating_mul(2) {
            let (_, worst, _) = self
                .kept
                .select_nth_unstable_by(wanted - 1, |a, b| compare(order, a, b));
            self.worst = Some(*worst);
            self.worst_first = first_rank(order, worst);
            self.kept.truncate(wanted);
        }
        self.kept.push(group);
    }

    /// Counts groups that are on no page.
    pub(super) fn pass_over(&mut self, groups: u64) {
        self.groups_total += groups;
    }

    /// The first key and the anchor of the worst group kept, once enough are kept: groups with a worse
    /// key are on no page. With `limit=0` no group is.
    pub(super) fn worst(&self) -> Option<(u64, u64)> {
        let field = self
            .order
            .first()
            .map_or(Field::Anchor, |key| key.column.field);
        self.worst
            .map(|group| (rank(&group, field), group.anchor.into()))
    }

    /// Ends it.
    pub(super) fn finish(mut self) -> Finished {
        let order = self.order;
        if self.kept.len() > self.wanted {
            if self.wanted > 0 && !self.is_sorted {
                self.kept
                    .select_nth_unstable_by(self.wanted - 1, |a, b| compare(order, a, b));
            }
            self.kept.truncate(self.wanted);
        }
        if self.is_ordered {
            let mut finished = Finished {
                groups: self.kept,
                anchors: Vec::new(),
                groups_total: self.groups_total,
            };
            finished.place();
            return finished;
        }
        let by_anchor = by_anchor(&self.kept);
        let anchors = by_anchor.iter().map(|key| (key >> 32) as u32).collect();
        let mut groups = Vec::with_capacity(by_anchor.len());
        for (place, key) in (0..).zip(&by_anchor) {
            groups.extend(
                self.kept
                    .get(*key as u32 as usize)
                    .map(|group| Group { place, ..*group }),
            );
        }
        order_groups(&mut groups, order);
        Finished {
            groups,
            anchors,
            groups_total: self.groups_total,
        }
    }
}

/// What a page holds.
pub(super) struct Finished {
    /// Its groups, in order. Each has the place of its anchor.
    pub(super) groups: Vec<Group>,
    /// The numbers of their anchors, ascending.
    pub(super) anchors: Vec<u32>,
    /// How many groups there are on all pages.
    pub(super) groups_total: u64,
}

impl Finished {
    /// Leaves the first groups alone.
    pub(super) fn truncate(&mut self, count: usize) {
        self.groups.truncate(count);
        self.place();
    }

    /// Finds the anchors of the groups, and the place of each.
    fn place(&mut self) {
        let by_anchor = by_anchor(&self.groups);
        self.anchors = by_anchor.iter().map(|key| (key >> 32) as u32).collect();
        for (place, key) in (0..).zip(&by_anchor) {
            if let Some(group) = self.groups.get_mut(*key as u32 as usize) {
                group.place = place;
            }
        }
    }
}

/// The anchors of groups, ascending, each in the upper bits, with the place of its group: whole groups are long to be
/// moved about.
fn by_anchor(groups: &[Group]) -> Vec<u64> {
    let key = |(at, group): (u64, &Group)| u64::from(group.anchor) << 32 | at;
    let mut keys: Vec<u64> = (0..).zip(groups).map(key).collect();
    keys.sort_unstable();
    keys
}

/// Orders groups that lie in the order of their anchors, and have their places in it.
fn order_groups(groups: &mut Vec<Group>, order: &[OrderKey]) {
    let key = match order {
        [] => return,
        [key] => key,
        _ => return groups.sort_unstable_by(|a, b| compare(order, a, b)),
    };
    let ranks = groups.iter().map(|group| rank(group, key.column.field));
    let ranks: Option<Vec<u32>> = ranks.map(|rank| u32::try_from(rank).ok()).collect();
    let Some(ranks) = ranks else {
        return groups.sort_unstable_by(|a, b| compare(order, a, b));
    };
    let flip = match key.direction {
        Direction::Ascending => 0,
        Direction::Descending => u32::MAX,
    };
    let ranked = |(at, rank): (u64, u32)| u64::from(rank ^ flip) << 32 | at;
    let mut ranked: Vec<u64> = (0..).zip(ranks).map(ranked).collect();
    ranked.sort_unstable();
    let at = |key: &u64| groups.get(*key as u32 as usize).copied();
    *groups = ranked.iter().filter_map(at).collect();
}

/// The named keys in turn, then the anchor: no two groups are equal (R19).
fn compare(order: &[OrderKey], a: &Group, b: &Group) -> Ordering {
    order
        .iter()
        .map(|key| {
            let ordering = rank(a, key.column.field).cmp(&rank(b, key.column.field));
            match key.direction {
                Direction::Ascending => ordering,
                Direction::Descending => ordering.reverse(),
            }
        })
        .find(|ordering| ordering.is_ne())
        .unwrap_or_else(|| a.anchor.cmp(&b.anchor))
}

/// A number that orders groups as the first key does, with its direction.
#[inline]
fn first_rank(order: &[OrderKey], group: &Group) -> u64 {
    match order.first() {
        None => group.anchor.into(),
        Some(OrderKey { column, direction }) => match direction {
            Direction::Ascending => rank(group, column.field),
            Direction::Descending => u64::MAX - rank(group, column.field),
        },
    }
}

/// A number that orders groups as the column does. Anchors are numbered in byte order.
fn rank(group: &Group, field: Field) -> u64 {
    match field {
        Field::Anchor => group.anchor.into(),
        field => group
            .integer(field)
            .or_else(|| Some(group.date(field)?.unix().into()))
            .unwrap_or_default(),
    }
}
