//! What the document says, before it is resolved: references as written.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::capture::{LinkType, Rel};

/// A reference as written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct RawLink {
    pub(super) link_type: LinkType,
    pub(super) href: String,
    pub(super) anchor: String,
    pub(super) alt: String,
    pub(super) rel: Rel,
}

/// References in document order, equal ones once with their number: a page with a million equal
/// links costs one.
#[derive(Debug, Default)]
pub(super) struct RawLinks {
    pub(super) links: Vec<(RawLink, u32)>,
    table: HashTable<usize>,
    hasher: DefaultHashBuilder,
}

impl RawLinks {
    /// Drops the links that are not kept.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&RawLink) -> bool) {
        self.links.retain(|(link, _)| is_kept(link));
        self.table.clear();
        for (at, (link, _)) in self.links.iter().enumerate() {
            let (links, hasher) = (&self.links, &self.hasher);
            self.table.insert_unique(hasher.hash_one(link), at, |&at| {
                links.get(at).map_or(0, |(link, _)| hasher.hash_one(link))
            });
        }
    }

    pub(super) fn push(&mut self, link: RawLink) {
        let hash = self.hasher.hash_one(&link);
        let (links, hasher) = (&mut self.links, &self.hasher);
        let found = self.table.find(hash, |&at| {
            links.get(at).is_some_and(|(known, _)| *known == link)
        });
        if let Some(&at) = found {
            if let Some((_, n)) = links.get_mut(at) {
                *n = n.saturating_add(1);
            }
            return;
        }
        let at = links.len();
        links.push((link, 1));
        self.table.insert_unique(hash, at, |&at| {
            links.get(at).map_or(0, |(link, _)| hasher.hash_one(link))
        });
    }
}

/// What a document says of itself and of others.
#[derive(Debug, Default)]
pub(super) struct RawPage {
    /// The first `base href`.
    pub(super) base: Option<String>,
    /// Text of the first `title`, white space collapsed.
    pub(super) title: Option<String>,
    /// `meta name=robots` says nofollow (R10).
    pub(super) nofollow: bool,
    pub(super) links: RawLinks,
    /// Anchors cut at their greatest length (R9).
    pub(super) anchors_cut: u32,
}
