//! The registrable domains of pages.

use std::hint::black_box;

use super::Segment;
use crate::bytes::{Bytes, Corrupt};
use crate::column::Column;
use crate::segment::layout::Section;
use crate::strings::StringList;

/// The first page of each registrable domain, decoded, and a way into the middle of them.
#[derive(Debug)]
pub(super) struct DomainStarts {
    starts: Vec<u32>,
    /// For each [`STEP`] pages, the number of domains that start at or before the first of them.
    steps: Vec<u32>,
}

/// Pages between two entries of [`DomainStarts::steps`].
const STEP: usize = 64;

impl DomainStarts {
    fn new(starts: Vec<u32>, pages: usize) -> Self {
        let mut steps = Vec::with_capacity(pages / STEP + 2);
        let mut domains = 0usize;
        for page in (0..=pages + STEP).step_by(STEP) {
            while starts.get(domains).is_some_and(|s| *s as usize <= page) {
                domains += 1;
            }
            steps.push(domains as u64 as u32);
        }
        Self { starts, steps }
    }
}

impl Segment {
    /// The registrable domains of pages.
    pub(crate) fn domains(&self) -> Result<Domains<'_>, Corrupt> {
        let keys = self.domain_keys()?;
        let DomainStarts { starts, steps } = self.domain_starts(keys.len())?;
        Ok(Domains {
            keys,
            starts,
            steps,
            pages: self.page_count() as u64 as u32,
        })
    }

    /// Their site keys alone, for which nothing is decoded.
    pub(crate) fn domain_keys(&self) -> Result<StringList<'_>, Corrupt> {
        let n = usize::try_from(self.sections.footer().counts.refdomains)
            .map_err(|_| Corrupt("the domains"))?;
        StringList::read(&mut Bytes::over(self.domain_keys.stretch()), n)
    }

    /// The first page of each registrable domain: decoded once, 4 bytes a domain and a sixteenth of a
    /// byte a page.
    fn domain_starts(&self, n: usize) -> Result<&DomainStarts, Corrupt> {
        if let Some(starts) = self.domain_starts.get() {
            return Ok(starts);
        }
        let column = Column::read(
            &mut Bytes::new(self.sections.verified(Section::DomainStarts)?),
            n,
        )?;
        let (starts, pages) = (column.into_vec()?, self.page_count());
        // Each has pages, and each page is of one.
        let is_right = starts.is_sorted_by(|a, b| a < b)
            && starts.first().is_none_or(|first| *first == 0)
            && starts.last().is_none_or(|last| (*last as usize) < pages);
        if !is_right {
            return Err(Corrupt("the domains"));
        }
        let starts = DomainStarts::new(starts, pages);
        Ok(self.domain_starts.get_or_init(|| starts))
    }
}

/// The registrable domains of a segment's pages, ordered by site key: each a range of pages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Domains<'a> {
    keys: StringList<'a>,
    starts: &'a [u32],
    steps: &'a [u32],
    pages: u32,
}

impl<'a> Domains<'a> {
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The site key of a domain.
    pub(crate) fn key(&self, domain: u32) -> Result<Vec<u8>, Corrupt> {
        let mut key = Vec::new();
        self.keys.get(domain as usize, &mut key)?;
        Ok(key)
    }

    /// First page, and the page behind the last.
    pub(crate) fn range(&self, domain: usize) -> Result<(u32, u32), Corrupt> {
        let start = *self
            .starts
            .get(domain)
            .ok_or(Corrupt("a domain's number"))?;
        Ok((
            start,
            self.starts.get(domain + 1).copied().unwrap_or(self.pages),
        ))
    }

    /// The number of a domain.
    pub(crate) fn number_of(&self, site_key: &[u8]) -> Result<Option<u32>, Corrupt> {
        let at = self.keys.lower_bound(site_key)?;
        let number = at as u64 as u32;
        let is_there = at < self.len() && self.key(number)? == site_key;
        Ok(is_there.then_some(number))
    }

    /// The pages of a domain.
    pub(crate) fn range_of(&self, site_key: &[u8]) -> Result<Option<(u32, u32)>, Corrupt> {
        match self.number_of(site_key)? {
            Some(number) => self.range(number as usize).map(Some),
            None => Ok(None),
        }
    }

    /// The first page of each domain.
    pub(in crate::segment) fn starts(&self) -> &'a [u32] {
        self.starts
    }

    /// The domain of a page.
    pub(crate) fn of_page(&self, page: u32) -> Result<u32, Corrupt> {
        let step = page as usize / STEP;
        let wrong = || Corrupt("a page number");
        let low = *self.steps.get(step).ok_or_else(wrong)? as usize;
        let high = *self.steps.get(step + 1).ok_or_else(wrong)? as usize;
        let between = self.starts.get(low..high).ok_or_else(wrong)?;
        let next = low + between.partition_point(|start| *start <= page);
        next.checked_sub(1)
            .map(|at| at as u64 as u32)
            .ok_or(Corrupt("the domains"))
    }

    /// Fetches what tells the domains of some pages.
    pub(crate) fn fetch(&self, pages: &[u32]) {
        let steps = pages
            .iter()
            .flat_map(|page| self.steps.get(*page as usize / STEP));
        let starts = steps.flat_map(|step| self.starts.get(*step as usize));
        black_box(starts.fold(0, |all, start| all ^ start));
    }

    /// The site keys of all domains.
    pub(crate) fn keys(&self) -> StringList<'a> {
        self.keys
    }

    /// The place of the first domain whose key is not below `key`.
    pub(crate) fn lower_bound(&self, key: &[u8]) -> Result<usize, Corrupt> {
        self.keys.lower_bound(key)
    }
}
