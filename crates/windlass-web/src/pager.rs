//! The way through rows that are more than a page.

use crate::shown::Grouped;

/// Where a page is in its rows, and the addresses of those beside it.
#[derive(Debug)]
pub(crate) struct Pager {
    first: u64,
    last: u64,
    shown: u64,
    total: u64,
    pub(crate) start: Option<String>,
    pub(crate) back: Option<String>,
    pub(crate) next: Option<String>,
    pub(crate) end: Option<String>,
}

impl Pager {
    /// Of rows `offset` to `offset + shown`; `href` gives the address of the page that begins at a row.
    pub(crate) fn new(
        offset: u64,
        shown: u64,
        limit: u64,
        total: u64,
        href: impl Fn(u64) -> String,
    ) -> Self {
        let limit = limit.max(1);
        let last_start = total.saturating_sub(1) / limit * limit;
        let next = offset.saturating_add(limit);
        let has_more = offset.saturating_add(shown) < total && shown > 0;
        let has_before = offset > 0;
        Self {
            first: offset.saturating_add(1).min(offset.saturating_add(shown)),
            last: offset.saturating_add(shown),
            shown,
            total,
            start: has_before.then(|| href(0)),
            back: has_before.then(|| href(offset.saturating_sub(limit).min(last_start))),
            next: has_more.then(|| href(next)),
            end: has_more.then(|| href(last_start.max(next))),
        }
    }

    pub(crate) fn first(&self) -> Grouped {
        Grouped(self.first)
    }

    pub(crate) fn last(&self) -> Grouped {
        Grouped(self.last)
    }

    pub(crate) fn total(&self) -> Grouped {
        Grouped(self.total)
    }

    /// Whether the page would begin behind the last row.
    pub(crate) fn is_behind(&self) -> bool {
        self.shown == 0 && self.total > 0
    }

    /// What a page says that would begin behind the last row.
    pub(crate) fn only(&self) -> String {
        match self.total {
            1 => "There is only one row".to_owned(),
            total => format!("There are only {} rows", Grouped(total)),
        }
    }

    /// Whether there is more than this page.
    pub(crate) fn is_needed(&self) -> bool {
        self.back.is_some() || self.next.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pager(offset: u64, shown: u64, total: u64) -> Pager {
        Pager::new(offset, shown, 10, total, |at| at.to_string())
    }

    #[test]
    fn pages_lead_to_those_beside_them() {
        let middle = pager(10, 10, 35);
        assert_eq!(middle.start.as_deref(), Some("0"));
        assert_eq!(middle.back.as_deref(), Some("0"));
        assert_eq!(middle.next.as_deref(), Some("20"));
        assert_eq!(middle.end.as_deref(), Some("30"));
        let last = pager(30, 5, 35);
        assert_eq!((last.next, last.end), (None, None));
        assert!(!pager(0, 7, 7).is_needed());
        // Behind the end there is a way back to the last page.
        let behind = pager(1000, 0, 35);
        assert_eq!(behind.back.as_deref(), Some("30"));
        assert!(behind.is_behind() && behind.is_needed());
        assert_eq!(behind.only(), "There are only 35 rows");
        assert_eq!(pager(1, 0, 1).only(), "There is only one row");
        assert!(!pager(30, 5, 35).is_behind() && !pager(0, 0, 0).is_behind());
    }
}
