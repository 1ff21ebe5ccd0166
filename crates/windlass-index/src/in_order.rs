//! Work that several threads share, while one writes what comes of it in the order of the tasks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What is done with each task.
pub(crate) trait Work: Sync {
    type Task: Send;
    type Done: Send;
    type Error: Send;
    /// What each thread has for itself.
    type Worker;

    /// A new thread's own.
    fn worker(&self) -> Self::Worker;

    /// Does a task.
    fn work(&self, worker: &mut Self::Worker, task: Self::Task) -> Result<Self::Done, Self::Error>;

    /// Bytes of memory that what came of a task holds.
    fn memory(done: &Self::Done) -> usize;

    /// Nobody wants more: long tasks may stop.
    fn stop(&self) {}
}

/// What work may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) threads: usize,
    /// Bytes of what is done and waits for what comes before it.
    pub(crate) waiting_bytes_max: usize,
}

/// Does the tasks that `next` gives, and calls `write` with what comes of each, in their order.
pub(crate) fn run<W: Work>(
    work: &W,
    bounds: Bounds,
    mut next: impl FnMut() -> Result<Option<W::Task>, W::Error>,
    mut write: impl FnMut(W::Done) -> Result<(), W::Error>,
) -> Result<(), W::Error> {
    if bounds.threads < 2 {
        let mut worker = work.worker();
        while let Some(task) = next()? {
            write(work.work(&mut worker, task)?)?;
        }
        return Ok(());
    }
    let shared = Shared::<W>::default();
    thread::scope(|scope| {
        // Whatever comes of it, a panic too, nobody must wait for more.
        let end = EndOnDrop(&shared, work);
        let workers: Vec<_> = (0..bounds.threads)
            .map(|_| scope.spawn(|| shared.work(work)))
            .collect();
        let written = shared.write(bounds, next, write);
        drop(end);
        for worker in workers {
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
        written
    })
}

/// What the threads share.
struct Shared<W: Work> {
    state: Mutex<State<W>>,
    changed: Condvar,
}

struct State<W: Work> {
    /// What is to be done, with the tasks' numbers.
    tasks: VecDeque<(u64, W::Task)>,
    /// What is to be written.
    done: BTreeMap<u64, W::Done>,
    /// Bytes of memory that this holds.
    waiting_bytes: usize,
    failed: Option<W::Error>,
    is_over: bool,
}

impl<W: Work> Default for Shared<W> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                tasks: VecDeque::new(),
                done: BTreeMap::new(),
                waiting_bytes: 0,
                failed: None,
                is_over: false,
            }),
            changed: Condvar::new(),
        }
    }
}

impl<W: Work> Shared<W> {
    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State<W>>) -> MutexGuard<'s, State<W>> {
        let waited = self.changed.wait(state);
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody gets, or waits for, another task.
    fn end(&self) {
        self.lock().is_over = true;
        self.changed.notify_all();
    }

    /// Does tasks until there are no more.
    fn work(&self, work: &W) {
        let _guard = EndOnPanic(self);
        let mut worker = work.worker();
        loop {
            let mut state = self.lock();
            let (number, task) = loop {
                if state.is_over {
                    return;
                }
                if let Some(task) = state.tasks.pop_front() {
                    break task;
                }
                state = self.wait(state);
            };
            drop(state);
            let done = work.work(&mut worker, task);
            let mut state = self.lock();
            match done {
                Ok(done) => {
                    state.waiting_bytes += W::memory(&done);
                    state.done.insert(number, done);
                }
                Err(error) => {
                    state.failed.get_or_insert(error);
                }
            }
            self.changed.notify_all();
        }
    }

    /// Hands out tasks, and writes what came of them.
    fn write(
        &self,
        bounds: Bounds,
        mut next: impl FnMut() -> Result<Option<W::Task>, W::Error>,
        mut write: impl FnMut(W::Done) -> Result<(), W::Error>,
    ) -> Result<(), W::Error> {
        let (mut given, mut written) = (0, 0);
        let mut are_more = true;
        loop {
            let mut state = self.lock();
            if let Some(error) = state.failed.take() {
                return Err(error);
            }
            if state.is_over {
                // A worker has panicked.
                return Ok(());
            }
            let wants_more = state.tasks.len() < 2 * bounds.threads
                && state.waiting_bytes <= bounds.waiting_bytes_max;
            if are_more && wants_more {
                drop(state);
                match next()? {
                    Some(task) => {
                        self.lock().tasks.push_back((given, task));
                        given += 1;
                        self.changed.notify_all();
                    }
                    None => are_more = false,
                }
                continue;
            }
            if let Some(done) = state.done.remove(&written) {
                state.waiting_bytes = state.waiting_bytes.saturating_sub(W::memory(&done));
                drop(state);
                write(done)?;
                written += 1;
            } else if !are_more && written == given {
                return Ok(());
            } else {
                drop(self.wait(state));
            }
        }
    }
}

/// Ends everybody's work where a worker panics, so that nobody waits for it.
struct EndOnPanic<'s, W: Work>(&'s Shared<W>);

impl<W: Work> Drop for EndOnPanic<'_, W> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.end();
        }
    }
}

/// Ends the workers' work where the thread that writes has come to its end, in whatever way.
struct EndOnDrop<'s, W: Work>(&'s Shared<W>, &'s W);

impl<W: Work> Drop for EndOnDrop<'_, W> {
    fn drop(&mut self) {
        self.1.stop();
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{self, AssertUnwindSafe};
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// Doubles numbers, one of which it does not like.
    struct Doubling {
        disliked: u64,
        is_stopped: AtomicBool,
    }

    impl Work for Doubling {
        type Task = u64;
        type Done = Vec<u64>;
        type Error = u64;
        type Worker = u64;

        fn worker(&self) -> u64 {
            2
        }

        fn work(&self, worker: &mut u64, task: u64) -> Result<Vec<u64>, u64> {
            if task == self.disliked {
                return Err(task);
            }
            Ok(vec![task * *worker])
        }

        fn memory(done: &Vec<u64>) -> usize {
            8 * done.len()
        }

        fn stop(&self) {
            self.is_stopped.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_is_done_comes_in_order_until_something_fails() {
        for threads in [1, 2, 7] {
            for disliked in [0, 500, u64::MAX] {
                let work = Doubling {
                    disliked,
                    is_stopped: AtomicBool::new(false),
                };
                let bounds = Bounds {
                    threads,
                    waiting_bytes_max: 64,
                };
                let (mut tasks, mut found) = (0..1000u64, Vec::new());
                let ended = run(
                    &work,
                    bounds,
                    || Ok(tasks.next()),
                    |done| {
                        found.extend(done);
                        Ok(())
                    },
                );
                let expected: Vec<u64> = (0..1000).map(|n| 2 * n).collect();
                if disliked == u64::MAX {
                    assert_eq!(ended, Ok(()));
                    assert_eq!(found, expected);
                } else {
                    assert_eq!(ended, Err(disliked));
                    assert!(found.len() as u64 <= disliked);
                    assert!(expected.starts_with(&found));
                }
                assert_eq!(work.is_stopped.into_inner(), threads > 1);
            }
        }
    }

    /// Where workers were not told, this would never end.
    #[test]
    fn a_panic_anywhere_ends_all_and_is_passed_on() {
        /// Who panics.
        #[derive(Clone, Copy, PartialEq)]
        enum Who {
            Giver,
            Worker,
            Writer,
        }
        struct Panicking(Who, AtomicBool);
        impl Work for Panicking {
            type Task = u64;
            type Done = u64;
            type Error = ();
            type Worker = ();

            fn worker(&self) {}

            fn work(&self, (): &mut (), task: u64) -> Result<u64, ()> {
                assert!(self.0 != Who::Worker || task != 5, "a worker");
                Ok(task)
            }

            fn memory(_: &u64) -> usize {
                8
            }

            fn stop(&self) {
                self.1.store(true, Ordering::Relaxed);
            }
        }
        for (who, message) in [
            (Who::Giver, "a giver"),
            (Who::Worker, "a worker"),
            (Who::Writer, "a writer"),
        ] {
            for threads in [1, 2, 7] {
                let work = Panicking(who, AtomicBool::new(false));
                let bounds = Bounds {
                    threads,
                    waiting_bytes_max: 64,
                };
                let mut tasks = 0..100u64;
                let next = || {
                    let task = tasks.next();
                    assert!(who != Who::Giver || task != Some(50), "a giver");
                    Ok(task)
                };
                let write = |done: u64| {
                    assert!(who != Who::Writer || done != 5, "a writer");
                    Ok(())
                };
                let ended =
                    panic::catch_unwind(AssertUnwindSafe(|| run(&work, bounds, next, write)));
                let panic = ended.unwrap_err();
                assert_eq!(panic.downcast_ref::<&str>(), Some(&message));
                assert_eq!(work.1.into_inner(), threads > 1);
            }
        }
    }
}
