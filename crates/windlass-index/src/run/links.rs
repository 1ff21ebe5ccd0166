//! The links of a run, sorted.

use super::captures::CaptureOrder;
use crate::intern::{Interner, Ranks};
use crate::room::filled;
use crate::sighting::unite_attrs;

/// Set in the form of links other than `href`; the rest is then the link type.
pub(super) const OTHER: u32 = 1 << 31;

/// Bytes that a link takes while a run is written, beside its note.
pub(super) const WRITING_BYTES: usize = size_of::<Seen>();

/// What is kept of a link of a capture.
#[derive(Debug, Clone, Copy)]
pub(super) struct LinkNote {
    /// Number of its target.
    pub(super) url: u32,
    /// Number of the anchor as written, or [`OTHER`] and the link type.
    pub(super) form: u32,
    /// Number of (rel, alt).
    pub(super) attr: u32,
}

/// A link to some url in a capture.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// The rank of the anchor as written, or [`OTHER`] and the link type.
    pub(super) form: u32,
    /// Its place in the order of captures.
    pub(super) capture: u32,
    /// Number of (rel, alt).
    pub(super) attr: u32,
}

impl Seen {
    /// The order of a site block.
    fn key(&self) -> u64 {
        u64::from(self.form) << 32 | u64::from(self.capture)
    }
}

/// All links by (url, form, capture), those of one capture united (R12).
#[derive(Debug)]
pub(super) struct SortedLinks {
    seen: Vec<Seen>,
    /// Where those to the url of each rank end.
    ends: Vec<u32>,
}

impl SortedLinks {
    /// Distributes the links over the urls in the order of captures, then sorts each url's by form. `links_end`
    /// is the number of the last link of a capture, plus 1. The links are left with ranks in place of the numbers of
    /// urls and forms: each is needed twice, and then lies where the link is.
    pub(super) fn of(
        links: &mut [LinkNote],
        links_end: impl Fn(u32) -> usize,
        order: &CaptureOrder,
        url_ranks: &Ranks,
        form_ranks: &Ranks,
        attrs: &mut Interner,
    ) -> Self {
        for link in &mut *links {
            link.url = url_ranks.rank(link.url);
            if link.form & OTHER == 0 {
                link.form = form_ranks.rank(link.form);
            }
        }
        let links = &*links;
        let of_capture = |number: u32| {
            let start = number.checked_sub(1).map_or(0, &links_end);
            links.get(start..links_end(number)).unwrap_or_default()
        };
        let mut ends = filled(0u32, url_ranks.order.len() + 1);
        let mut n = 0;
        for (number, _) in &order.ordered {
            for link in of_capture(*number) {
                if let Some(count) = ends.get_mut(link.url as usize + 1) {
                    *count += 1;
                    n += 1;
                }
            }
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        // `ends[r]` is where rank r starts, and moves to where it ends.
        let mut seen = filled(Seen::default(), n);
        for (number, capture) in &order.ordered {
            for link in of_capture(*number) {
                if let Some(at) = ends.get_mut(link.url as usize) {
                    if let Some(slot) = seen.get_mut(*at as usize) {
                        *slot = Seen {
                            form: link.form,
                            capture: *capture,
                            attr: link.attr,
                        };
                    }
                    *at += 1;
                }
            }
        }
        ends.pop();
        let mut sorted = Self { seen, ends };
        sorted.sort_and_unite(attrs);
        sorted
    }

    fn sort_and_unite(&mut self, attrs: &mut Interner) {
        let (mut start, mut kept) = (0usize, 0usize);
        for end in &mut self.ends {
            let of_url = self.seen.get_mut(start..*end as usize).unwrap_or_default();
            if !of_url.is_sorted_by_key(Seen::key) {
                of_url.sort_unstable_by_key(Seen::key);
            }
            let kept_before = kept;
            for at in start..*end as usize {
                let Some(next) = self.seen.get(at).copied() else {
                    break;
                };
                let last = kept.checked_sub(1).filter(|last| *last >= kept_before);
                if let Some(last) = last.and_then(|last| self.seen.get_mut(last))
                    && last.key() == next.key()
                {
                    if last.attr != next.attr {
                        let united = unite_attrs(attrs.get(last.attr), attrs.get(next.attr));
                        last.attr = attrs.intern(&united).0;
                    }
                    continue;
                }
                if let Some(slot) = self.seen.get_mut(kept) {
                    *slot = next;
                }
                kept += 1;
            }
            start = *end as usize;
            *end = kept as u64 as u32;
        }
        self.seen.truncate(kept);
    }

    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    /// The links to the url of a rank, as a range for [`get`](Self::get).
    pub(super) fn of_url(&self, rank: usize) -> std::ops::Range<usize> {
        let end = |rank: usize| self.ends.get(rank).copied().unwrap_or_default() as usize;
        rank.checked_sub(1).map_or(0, end)..end(rank)
    }

    pub(super) fn get(&self, range: std::ops::Range<usize>) -> &[Seen] {
        self.seen.get(range).unwrap_or_default()
    }
}
