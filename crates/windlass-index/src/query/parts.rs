//! The parts of a question that threads share.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use crate::error::IndexError;
use crate::rows::{TargetRows, Texts};
use crate::sink::PageSet;

/// Threads that work on one question at most.
const THREADS_MAX: usize = 8;

/// How many threads work on a question that has enough for them.
pub(crate) fn threads() -> usize {
    // Asking the system takes longer than many an answer.
    static AVAILABLE: OnceLock<usize> = OnceLock::new();
    let available = AVAILABLE.get_or_init(|| thread::available_parallelism().map_or(1, Into::into));
    THREADS_MAX.min(*available)
}

/// Gives ranges, of folds as a rule, to threads: the visitors that come of it, in the order of the ranges,
/// and the pages that they kept, united.
pub(super) fn in_parts<T: Clone + Sync, V: Send>(
    rows: &TargetRows,
    ranges: &[Range<T>],
    part: impl Fn(Range<T>, &mut Texts<'_>) -> Result<(V, PageSet), IndexError> + Sync,
) -> Result<(Vec<V>, PageSet), IndexError> {
    let united = Mutex::new(None);
    let work = |texts: &mut Texts<'_>, range: &Range<T>| {
        let (visitor, pages) = part(range.clone(), texts)?;
        unite_into(&united, pages);
        Ok(visitor)
    };
    let visitors = each_of(threads(), ranges, || rows.texts(), work)?;
    let pages = united.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((visitors, pages.unwrap_or_default()))
}

/// Unites a part's pages with those of the parts before it, outside the lock: there are no more sets at once than threads,
/// and one, whatever the number of parts.
fn unite_into(united: &Mutex<Option<PageSet>>, mut pages: PageSet) {
    loop {
        let mut slot = united.lock().unwrap_or_else(PoisonError::into_inner);
        match slot.take() {
            None => {
                *slot = Some(pages);
                return;
            }
            Some(before) => {
                drop(slot);
                pages = before.union(pages);
            }
        }
    }
}

/// Gives things to so many threads, each with a state of its own: what comes of them, in their order.
pub(crate) fn each_of<T: Sync, S, R: Send>(
    threads: usize,
    things: &[T],
    state: impl Fn() -> Result<S, IndexError> + Sync,
    work: impl Fn(&mut S, &T) -> Result<R, IndexError> + Sync,
) -> Result<Vec<R>, IndexError> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(things.len()));
    let run = || -> Result<(), IndexError> {
        let mut state = state()?;
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(thing) = things.get(at) else {
                return Ok(());
            };
            let result = work(&mut state, thing)?;
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((at, result));
        }
    };
    let threads = threads.min(things.len());
    if threads < 2 {
        run()?;
    } else {
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
            workers.into_iter().try_for_each(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })?;
    }
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}
