//! The questions, and the times that their answers take.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::bail;
use windlass_index::{IndexError, KeptMemory, Reader, Snapshot};
use windlass_report::{Output, Query, run as evaluate, write};

use super::super::indexing::FILTER;
use super::super::synthetic;

/// What is asked as if for the first time has at most so many backlinks: answers of a moment feel what happens beside
/// them, and there are enough of them to tell.
const NEW_BACKLINKS_MAX: u64 = 10_000;

/// Two readers of an index.
#[derive(Debug)]
pub(super) struct Readers {
    /// As that of a server.
    keeps: Reader,
    /// For which each question is the first about its target.
    forgets: Reader,
}

impl Readers {
    pub(super) fn open(index: &Path) -> Result<Self, IndexError> {
        Ok(Self {
            keeps: Reader::open(index)?,
            forgets: Reader::open_keeping(index, KeptMemory::new(0))?,
        })
    }

    /// The present state.
    pub(super) fn pinned(&self) -> std::sync::Arc<Snapshot> {
        self.keeps.pinned()
    }
}

/// A question, with the answer that it must always get.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) name: String,
    pub(super) backlinks: u64,
    query: Query,
    /// Whether it is asked as if for the first time.
    is_new: bool,
    body: Vec<u8>,
}

/// The questions, with their answers in the present state of an index: with a filter and without, and small ones as if for
/// the first time.
pub(super) fn questions(readers: &Readers) -> anyhow::Result<Vec<Question>> {
    let mut questions = Vec::new();
    for asked in synthetic::questions() {
        let filtered = asked.filtered(FILTER);
        for (asked, is_new, more) in [
            (&asked, false, ""),
            (&filtered, false, ", filtered"),
            (&asked, true, ", first time"),
        ] {
            let mut question = Question {
                query: asked.query()?,
                name: format!("{}{more}", asked.name),
                backlinks: 0,
                is_new,
                body: Vec::new(),
            };
            let answer = question.answer(readers)?;
            (question.backlinks, question.body) = (answer.backlinks, answer.body);
            let is_asked = !is_new || question.backlinks <= NEW_BACKLINKS_MAX;
            if is_asked && question.backlinks > 0 {
                questions.push(question);
            }
        }
    }
    if questions.is_empty() {
        bail!("the crawl is too small: no question has backlinks");
    }
    Ok(questions)
}

impl Question {
    /// Asks the latest state of an index; the time that the answer took.
    ///
    /// # Errors
    /// Also where the answer is another than it was.
    pub(super) fn ask(&self, readers: &Readers) -> anyhow::Result<Duration> {
        let answer = self.answer(readers)?;
        if answer.body != self.body {
            bail!("the answer to '{}' has changed", self.name);
        }
        Ok(answer.time)
    }

    fn answer(&self, readers: &Readers) -> anyhow::Result<Answer> {
        let reader = if self.is_new {
            &readers.forgets
        } else {
            &readers.keeps
        };
        let start = Instant::now();
        let snapshot = reader.current()?;
        let (query, never) = (&self.query, AtomicBool::new(false));
        let rows = snapshot.rows(&query.target, query.history, &never)?;
        let report = evaluate(query, &rows)?;
        let mut body = Vec::new();
        write::report(&report, Output::Json, &mut body)?;
        Ok(Answer {
            time: start.elapsed(),
            backlinks: report.backlinks(),
            body,
        })
    }
}

struct Answer {
    time: Duration,
    backlinks: u64,
    body: Vec<u8>,
}

/// How long the answers to one question took.
#[derive(Debug, Default)]
pub(super) struct Times(Vec<Duration>);

impl Times {
    pub(super) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The time within which so many of a hundred answers were there; `None` where there are none.
    pub(super) fn percentile(&self, percent: usize) -> Option<Duration> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let mut times = Times::default();
        assert_eq!(times.percentile(50), None);
        for ms in (1..=200).rev() {
            times.add(Duration::from_millis(ms));
        }
        assert_eq!(times.percentile(50), Some(Duration::from_millis(100)));
        assert_eq!(times.percentile(99), Some(Duration::from_millis(198)));
        assert_eq!(times.percentile(100), Some(Duration::from_millis(200)));
    }
}
