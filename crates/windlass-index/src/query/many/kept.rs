//! What questions over the same segments keep for each other.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use windlass_links::{History, Target};

use super::overlap::Overlap;
use crate::error::IndexError;
use crate::query::united::United;
use crate::segment::Segment;

/// What is known of some segments together.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    segments: Vec<Arc<Segment>>,
    /// Of each segment with those before it.
    pairs: Vec<Arc<Pair>>,
    answers: Mutex<Answers>,
}

/// What is known of two segments.
#[derive(Debug, Default)]
struct Pair {
    /// How many pages of one were looked up in the other.
    looked_up: AtomicUsize,
    overlap: OnceLock<Overlap>,
    making: Mutex<()>,
}

impl Kept {
    /// For these segments; what is known of two of them from before stays known.
    pub(crate) fn new(segments: &[Arc<Segment>], before: Option<&Self>) -> Self {
        let known = |a: &Arc<Segment>, b: &Arc<Segment>| {
            let before = before?;
            let place = |of| {
                let mut all = before.segments.iter();
                all.position(|segment| Arc::ptr_eq(segment, of))
            };
            let (a, b) = (place(a)?, place(b)?);
            // Sides would be swapped where the order is another one.
            (a < b).then(|| before.pair(a, b)).flatten().map(Arc::clone)
        };
        let mut pairs = Vec::new();
        for (at, second) in segments.iter().enumerate() {
            for first in segments.iter().take(at) {
                pairs.push(known(first, second).unwrap_or_default());
            }
        }
        Self {
            segments: segments.to_vec(),
            pairs,
            answers: Mutex::default(),
        }
    }

    fn pair(&self, first: usize, second: usize) -> Option<&Arc<Pair>> {
        self.pairs
            .get(second * second.saturating_sub(1) / 2 + first)
    }

    /// Which pages two of the segments both have, the first before the second: where that is known, or
    /// is worth knowing because pages are looked up again and again, so many this time. A look-up costs as
    /// much as going through so many pages; 0: it is free.
    pub(super) fn overlap_if_worth(
        &self,
        (first, second): (usize, usize),
        pages: usize,
        pages_per_look_up: usize,
        cancel: &AtomicBool,
    ) -> Result<Option<&Overlap>, IndexError> {
        if pages_per_look_up == 0 {
            return Ok(None);
        }
        let segments = (self.segments.get(first), self.segments.get(second));
        let (Some(pair), (Some(a), Some(b))) = (self.pair(first, second), segments) else {
            return Ok(None);
        };
        if let Some(known) = pair.overlap.get() {
            return Ok(Some(known));
        }
        let before = pair.looked_up.fetch_add(pages, Ordering::Relaxed);
        let spent = before
            .saturating_add(pages)
            .saturating_mul(pages_per_look_up);
        if spent < a.page_count().saturating_add(b.page_count()) {
            return Ok(None);
        }
        let _one_at_a_time = pair.making.lock().unwrap_or_else(PoisonError::into_inner);
        if pair.overlap.get().is_none() {
            let overlap = Overlap::of(a, b, cancel)?;
            // Nobody else sets it.
            let _ = pair.overlap.set(overlap);
        }
        Ok(pair.overlap.get())
    }

    /// The answer to a question that was asked before, if it is there.
    pub(super) fn answer(&self, target: &Target, history: History) -> Option<Arc<United>> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(target, history)
    }

    /// Keeps an answer within so many bytes for all of them.
    pub(super) fn keep(
        &self,
        target: &Target,
        history: History,
        answer: &Arc<United>,
        bytes_max: usize,
    ) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.put(target, history, answer, bytes_max);
    }
}

/// The answers asked for last, the last one at the end.
#[derive(Debug, Default)]
struct Answers {
    all: Vec<Answer>,
    bytes: usize,
}

#[derive(Debug)]
struct Answer {
    target: Target,
    history: History,
    bytes: usize,
    united: Arc<United>,
}

/// So many answers are kept at most, however small.
const ANSWERS_MAX: usize = 1 << 10;

impl Answers {
    fn take(&mut self, target: &Target, history: History) -> Option<Answer> {
        let is_it = |answer: &Answer| answer.history == history && answer.target == *target;
        let at = self.all.iter().position(is_it)?;
        let answer = self.all.remove(at);
        self.bytes -= answer.bytes;
        Some(answer)
    }

    fn push(&mut self, answer: Answer) {
        self.bytes += answer.bytes;
        self.all.push(answer);
    }

    fn get(&mut self, target: &Target, history: History) -> Option<Arc<United>> {
        let answer = self.take(target, history)?;
        let united = Arc::clone(&answer.united);
        self.push(answer);
        Some(united)
    }

    /// Keeps an answer, and lets those go that were asked for longest ago.
    fn put(&mut self, target: &Target, history: History, united: &Arc<United>, bytes_max: usize) {
        let bytes = united.memory();
        if bytes > bytes_max {
            return;
        }
        self.take(target, history);
        self.push(Answer {
            target: target.clone(),
            history,
            bytes,
            united: Arc::clone(united),
        });
        let mut gone = self.all.len().saturating_sub(ANSWERS_MAX);
        let mut left = self.bytes;
        for (at, answer) in self.all.iter().enumerate() {
            if at >= gone && left <= bytes_max {
                break;
            }
            left -= answer.bytes;
            gone = gone.max(at + 1);
        }
        self.all.drain(..gone);
        self.bytes = left;
    }
}

#[cfg(test)]
mod tests {
    use windlass_links::Mode;

    use super::*;

    fn answer(links: usize) -> Arc<United> {
        Arc::new(United {
            pages: vec![0; links],
            ..United::default()
        })
    }

    #[test]
    fn answers_stay_within_the_bound_and_the_one_asked_for_longest_ago_goes_first() {
        let targets: Vec<Target> = ["a.com", "b.com", "c.com", "d.com"]
            .map(|host| Target::parse(host, Mode::Domain).unwrap())
            .into();
        let [a, b, c, d] = targets.as_slice() else {
            unreachable!()
        };
        let bytes = answer(1000).memory();
        let kept = Kept::default();
        let keep = |target: &Target, links| {
            kept.keep(target, History::Live, &answer(links), 3 * bytes);
        };
        let links_of = |target: &Target| {
            let found = kept.answer(target, History::Live);
            found.map(|united| united.pages.len())
        };
        keep(a, 1000);
        keep(b, 1000);
        keep(c, 1000);
        assert_eq!(links_of(a), Some(1000));
        assert!(kept.answer(a, History::AllTime).is_none());
        keep(d, 1000);
        assert_eq!(
            [a, b, c, d].map(links_of),
            [Some(1000), None, Some(1000), Some(1000)]
        );
        // The same one again takes no more room.
        keep(d, 1000);
        assert_eq!(links_of(a), Some(1000));
        // One that does not fit goes by, one that fills all is alone.
        keep(b, 4000);
        assert_eq!(links_of(b), None);
        assert_eq!(links_of(c), Some(1000));
        keep(b, 2900);
        assert_eq!([a, b, c, d].map(links_of), [None, Some(2900), None, None]);
        assert!(kept.answers.lock().unwrap().bytes <= 3 * bytes);
    }
}
