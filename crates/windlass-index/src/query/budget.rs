//! How much memory a question may take for what grows with its target.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::IndexError;

/// Bytes that are left, about: counted where many of them are taken at once, by any thread of the question.
#[derive(Debug)]
pub(crate) struct Budget {
    left: AtomicUsize,
    max: usize,
}

impl Budget {
    pub(crate) const fn new(max: usize) -> Self {
        Self {
            left: AtomicUsize::new(max),
            max,
        }
    }

    /// Takes so many bytes of each of so many things, for as long as the question lasts.
    ///
    /// # Errors
    /// Where fewer are left; nothing is taken then.
    pub(crate) fn take(&self, things: usize, bytes_each: usize) -> Result<(), IndexError> {
        let refused = IndexError::Memory { max: self.max };
        let bytes = things.saturating_mul(bytes_each);
        let order = Ordering::Relaxed;
        let taken = self
            .left
            .fetch_update(order, order, |left| left.checked_sub(bytes));
        taken.map(drop).map_err(|_| refused)
    }

    /// The same, until what is given back is dropped.
    pub(crate) fn hold(&self, things: usize, bytes_each: usize) -> Result<Held<'_>, IndexError> {
        self.take(things, bytes_each)?;
        Ok(Held {
            budget: self,
            bytes: things.saturating_mul(bytes_each),
        })
    }

    /// Refuses what would not fit beside nothing else.
    pub(crate) const fn check(&self, bytes: usize) -> Result<(), IndexError> {
        if bytes > self.max {
            return Err(IndexError::Memory { max: self.max });
        }
        Ok(())
    }
}

/// Bytes that are taken for a while.
#[derive(Debug)]
#[must_use]
pub(crate) struct Held<'a> {
    budget: &'a Budget,
    bytes: usize,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_taken_once_and_come_back_where_they_were_held() {
        let budget = Budget::new(100);
        budget.take(3, 20).unwrap();
        let held = budget.hold(4, 10).unwrap();
        assert!(matches!(
            budget.take(1, 1),
            Err(IndexError::Memory { max: 100 })
        ));
        drop(held);
        budget.take(1, 40).unwrap();
        assert!(budget.take(usize::MAX, 2).is_err());
        budget.take(0, 9).unwrap();
        assert!(budget.check(100).is_ok() && budget.check(101).is_err());
    }
}
