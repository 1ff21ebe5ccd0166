//! Short answers, kept for who asks the same again.
//!
//! The same query of the same state of the index has the same answer, byte for byte: that is what its entity tag
//! says. An answer is found again by what decides that tag, and given as long as the state is still the present
//! one. It is charged for like any other.

use axum::body::Bytes;
use axum::http::HeaderValue;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::sync::Arc;
use windlass_index::Snapshot;

use crate::answer::Head;
use crate::conditional::Fingerprint;

/// What an answer takes beside its body, about.
const ENTRY_BYTES: u64 = 512;
/// What the room of the cache is divided by for a first guess of how many answers fit.
const ANSWER_BYTES: usize = 4096;

/// An answer whose whole body is in memory.
#[derive(Debug)]
pub(crate) struct KeptAnswer {
    pub(crate) table: &'static str,
    pub(crate) is_dry_run: bool,
    /// The state of the index that it is from.
    version: HeaderValue,
    head: Head,
    body: Bytes,
}

impl KeptAnswer {
    /// Of a head that names the state; `None` where it does not.
    pub(crate) fn of(
        table: &'static str,
        is_dry_run: bool,
        head: &Head,
        body: &[u8],
    ) -> Option<Self> {
        Some(Self {
            table,
            is_dry_run,
            version: head.state.index.clone()?,
            head: head.clone(),
            // No more room than it needs.
            body: Bytes::copy_from_slice(body),
        })
    }

    pub(crate) fn head(&self) -> Head {
        self.head.clone()
    }

    pub(crate) fn body(&self) -> Bytes {
        self.body.clone()
    }
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<Fingerprint, Arc<KeptAnswer>> for ByBytes {
    fn weight(&self, _: &Fingerprint, answer: &Arc<KeptAnswer>) -> u64 {
        answer.body.len() as u64 + ENTRY_BYTES
    }
}

/// The answers that are asked for again and again.
#[derive(Debug)]
pub(crate) struct KeptAnswers(Option<Cache<Fingerprint, Arc<KeptAnswer>, ByBytes>>);

impl KeptAnswers {
    /// In so many bytes; 0: none are kept.
    pub(crate) fn new(bytes_max: usize) -> Self {
        let answers = bytes_max / ANSWER_BYTES;
        Self((bytes_max > 0).then(|| Cache::with_weighter(answers, bytes_max as u64, ByBytes)))
    }

    /// The answer of the present state, if it is there. What the state is is only asked for where there is an
    /// answer of any.
    pub(crate) fn get(
        &self,
        fingerprint: Fingerprint,
        present: impl FnOnce() -> Option<Arc<Snapshot>>,
    ) -> Option<Arc<KeptAnswer>> {
        let kept = self.0.as_ref()?.get(&fingerprint)?;
        let present = present()?;
        (kept.version == present.version()).then_some(kept)
    }

    /// Keeps an answer, if there is room for it among those that are asked for more often.
    pub(crate) fn keep(
        &self,
        fingerprint: Fingerprint,
        answer: impl FnOnce() -> Option<KeptAnswer>,
    ) {
        if let Some(cache) = &self.0
            && let Some(answer) = answer()
        {
            cache.insert(fingerprint, Arc::new(answer));
        }
    }

    /// Bytes that are kept now, about.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.as_ref().map_or(0, Cache::weight)
    }
}
