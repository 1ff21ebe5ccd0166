//! Backlinks to several sites, with one numbering of anchors.

use std::sync::Arc;

use crate::intern::{Interner, Ranks};
use crate::rows::{Links, Names, TargetRows};
use crate::segment::Segment;
use crate::sink::Hit;

/// Collects backlinks. Memory: 20 bytes each, and their folded anchors.
#[derive(Debug, Default)]
pub(super) struct Gatherer {
    /// What folds are numbered by.
    pub(super) folds: Interner,
    pub(super) hits: Vec<Hit>,
}

impl Gatherer {
    /// The rows of what was gathered from one segment, by its numbers of pages, which are below the
    /// number given, and of domains. Memory: while anchors are put in order, 8 bytes for each more.
    pub(super) fn rows_in(mut self, segment: &Arc<Segment>, page_count: usize) -> TargetRows {
        self.folds.forget_hashes();
        let Ranks { order, rank } = self.folds.byte_ranks();
        for hit in &mut self.hits {
            hit.fold = rank.get(hit.fold as usize).copied().unwrap_or(u32::MAX);
        }
        drop(rank);
        Hit::sort(&mut self.hits);
        TargetRows {
            links: Links::Listed(Arc::new(self.hits), page_count),
            names: Names::Gathered {
                segment: Arc::clone(segment),
                folds: self.folds,
                order,
            },
            host_known: false,
            finished: None,
        }
    }
}
