//! From single backlinks, in order, to rows (R15), and the pages behind the rows that are kept (R18).

use crate::error::IndexError;
use crate::radix;
use crate::rows::{Row, RowVisitor, Texts};
use windlass_links::CaptureTime;

/// One backlink of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Number of the folded anchor.
    pub(crate) fold: u32,
    /// Number of the page; pages of one registrable domain have neighbouring numbers.
    pub(crate) page: u32,
    /// Number of the page's registrable domain.
    pub(crate) domain: u32,
    pub(crate) first_seen: u32,
    pub(crate) last_visited: u32,
}

/// More backlinks are put in order where they are: there may be as many as the segment has links. So many take 28
/// bytes each beside, half a megabyte.
const SORTED_APART_MAX: usize = 1 << 14;

impl Hit {
    /// Puts backlinks in order of (fold, page).
    pub(crate) fn sort(hits: &mut Vec<Self>) {
        let folds = hits.iter().fold(0, |all, hit| all | hit.fold);
        let pages = hits.iter().fold(0, |all, hit| all | hit.page);
        let (fold_bits, page_bits) = (32 - folds.leading_zeros(), 32 - pages.leading_zeros());
        let place_bits = radix::bits_below(hits.len());
        let bits = fold_bits + page_bits + place_bits;
        if bits > u64::BITS || hits.len() > SORTED_APART_MAX {
            hits.sort_unstable_by_key(|hit| (hit.fold, hit.page));
            return;
        }
        // Integers that say all, with the place where each is.
        let mut order: Vec<u64> = (0u64..)
            .zip(hits.iter())
            .map(|(place, hit)| {
                let key = u64::from(hit.fold) << page_bits | u64::from(hit.page);
                key << place_bits | place
            })
            .collect();
        radix::sort(&mut order, bits);
        let place = |key: u64| (key & ((1 << place_bits) - 1)) as usize;
        let mut sorted = Vec::with_capacity(hits.len());
        sorted.extend(order.into_iter().filter_map(|key| hits.get(place(key))));
        *hits = sorted;
    }
}

/// Takes backlinks ordered by (fold, page), and gives their rows to a visitor.
pub(crate) struct Sink<'t, 'a, V> {
    pub(crate) visitor: V,
    texts: &'t mut Texts<'a>,
    open: Option<Row>,
    /// The anchor asked for last, and whether its rows are wanted.
    wanted: (u32, bool),
    page: u32,
    /// The pages of the open row.
    row_pages: Vec<u32>,
    kept: PageSet,
}

impl<'t, 'a, V: RowVisitor> Sink<'t, 'a, V> {
    /// Takes about `links` backlinks of pages whose numbers are below `page_count`.
    pub(crate) fn new(
        visitor: V,
        texts: &'t mut Texts<'a>,
        links: usize,
        page_count: usize,
    ) -> Self {
        Self {
            visitor,
            texts,
            open: None,
            wanted: (u32::MAX, true),
            page: 0,
            row_pages: Vec::new(),
            kept: PageSet::new(links, page_count),
        }
    }

    /// Whether backlinks of an anchor, whose number is below 2³² − 1, are wanted. Where not, they may be
    /// left out.
    #[inline]
    pub(crate) fn wants(&mut self, fold: u32) -> Result<bool, IndexError> {
        if self.wanted.0 != fold {
            self.close()?;
            self.wanted = (fold, self.visitor.wants(fold, self.texts)?);
        }
        Ok(self.wanted.1)
    }

    #[inline]
    pub(crate) fn link(&mut self, hit: Hit) -> Result<(), IndexError> {
        if !self.wants(hit.fold)? {
            return Ok(());
        }
        if let Some(row) = &mut self.open
            && row.anchor == hit.fold
            && row.refdomain == hit.domain
        {
            row.backlinks += 1;
            row.first_seen = row.first_seen.min(CaptureTime::from_unix(hit.first_seen));
            row.last_visited = row
                .last_visited
                .max(CaptureTime::from_unix(hit.last_visited));
            if self.page != hit.page {
                row.refpages += 1;
                self.page = hit.page;
                self.row_pages.push(hit.page);
            }
            return Ok(());
        }
        self.close()?;
        self.open = Some(Row {
            anchor: hit.fold,
            refdomain: hit.domain,
            backlinks: 1,
            refpages: 1,
            first_seen: CaptureTime::from_unix(hit.first_seen),
            last_visited: CaptureTime::from_unix(hit.last_visited),
        });
        self.page = hit.page;
        self.row_pages.push(hit.page);
        Ok(())
    }

    #[inline]
    fn close(&mut self) -> Result<(), IndexError> {
        if let Some(row) = self.open.take() {
            if self.visitor.row(&row, self.texts)? {
                self.kept.extend(&self.row_pages);
            }
            self.visitor.pages(&self.row_pages);
            self.row_pages.clear();
        }
        Ok(())
    }

    /// The visitor, and the pages of the rows that it kept.
    pub(crate) fn finish(mut self) -> Result<(V, PageSet), IndexError> {
        self.close()?;
        Ok((self.visitor, self.kept))
    }
}

/// A set of page numbers: few of them listed, many of them as bits.
#[derive(Debug)]
pub(crate) enum PageSet {
    Listed(Vec<u32>),
    Bits(Vec<u64>),
}

impl Default for PageSet {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

impl PageSet {
    pub(crate) fn new(links: usize, page_count: usize) -> Self {
        if links < page_count / 64 {
            Self::Listed(Vec::new())
        } else {
            Self::Bits(vec![0; page_count.div_ceil(64)])
        }
    }

    #[inline]
    pub(crate) fn extend(&mut self, pages: &[u32]) {
        match self {
            Self::Listed(all) => all.extend_from_slice(pages),
            Self::Bits(words) => {
                for page in pages {
                    if let Some(word) = words.get_mut(*page as usize / 64) {
                        *word |= 1 << (page % 64);
                    }
                }
            }
        }
    }

    /// The union of two sets.
    pub(crate) fn union(self, other: Self) -> Self {
        match (self, other) {
            (Self::Bits(mut a), Self::Bits(b)) => {
                for (a, b) in a.iter_mut().zip(b) {
                    *a |= b;
                }
                Self::Bits(a)
            }
            (Self::Listed(mut a), Self::Listed(b)) => {
                a.extend(b);
                Self::Listed(a)
            }
            (mut bits @ Self::Bits(_), Self::Listed(list))
            | (Self::Listed(list), mut bits @ Self::Bits(_)) => {
                bits.extend(&list);
                bits
            }
        }
    }

    /// Calls `each` with each page once, in order.
    pub(crate) fn for_each<E>(self, mut each: impl FnMut(u32) -> Result<(), E>) -> Result<(), E> {
        match self {
            Self::Listed(mut all) => {
                all.sort_unstable();
                all.dedup();
                all.into_iter().try_for_each(each)
            }
            Self::Bits(words) => {
                for (first, mut word) in (0u32..).step_by(64).zip(words) {
                    while word != 0 {
                        each(first + word.trailing_zeros())?;
                        word &= word - 1;
                    }
                }
                Ok(())
            }
        }
    }

    /// How many pages it has.
    pub(crate) fn count(self) -> u64 {
        match self {
            Self::Listed(mut all) => {
                all.sort_unstable();
                all.dedup();
                all.len() as u64
            }
            Self::Bits(words) => words.iter().map(|word| u64::from(word.count_ones())).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn hits_are_sorted(
            keys in prop_oneof![
                prop::collection::vec((0u32..50, 0u32..2000), 0..3000),
                prop::collection::vec((any::<u32>(), any::<u32>()), 0..100),
            ],
        ) {
            let hits = (0u32..).zip(keys).map(|(i, (fold, page))| Hit {
                fold,
                page,
                domain: i,
                first_seen: i,
                last_visited: i,
            });
            let mut hits: Vec<Hit> = hits.collect();
            let key = |hit: &Hit| (hit.fold, hit.page, hit.domain);
            let mut expected: Vec<_> = hits.iter().map(key).collect();
            expected.sort_unstable();
            Hit::sort(&mut hits);
            prop_assert!(hits.is_sorted_by_key(|hit| (hit.fold, hit.page)));
            let mut found: Vec<_> = hits.iter().map(key).collect();
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
