//! The outgoing side: for each registrable domain that has pages, the sites that they link to.
//!
//! ```text
//! chunk := varint length | list × up to 64 | CRC-32 of the lists u32
//! list  := varint bytes | varint × …        one for each site
//! ```
//! A site is named by its number among the blocks: the first one itself, then what each is after the one
//! before. Lists are in the order of domains; numbers ascend. It follows from the blocks: a site is in the
//! list of each domain that has a page in the site's block. Where each 32nd block begins says a section of its own.

mod build;

use std::hint::black_box;

use super::directory::{SiteDirectory, SiteWalk};
use super::layout::Section;
use super::pages::{Chunks, unseal_verified};
use super::reader::Segment;
use crate::bytes::{Bytes, Corrupt, u64_at};
use crate::column::Column;
use crate::room::make_room;
pub(super) use build::LinkedBuilder;

/// Domains whose lists are verified together.
const CHUNK: usize = 64;
/// Of so many sites the first one has its offset written.
pub(super) const SITES_A_START: u32 = 32;

/// Where the registrable domains begin in the page table.
#[derive(Debug, Default)]
struct FirstPages {
    /// The first page of each.
    starts: Vec<u32>,
    /// How many start before each page whose number is a multiple of [`NEAR`]: looking for a page's domain
    /// begins there, with one access to memory.
    near: Vec<u32>,
}

const NEAR: u32 = 32;

impl FirstPages {
    /// The next domain begins with this page.
    fn push(&mut self, first_page: u32) {
        let before = self.starts.len() as u64 as u32;
        let buckets = (first_page / NEAR) as usize + 1;
        if self.near.len() < buckets {
            self.near.resize(buckets, before);
        }
        make_room(&mut self.starts, 1);
        self.starts.push(first_page);
    }

    fn len(&self) -> usize {
        self.starts.len()
    }

    /// Fetches what tells the domains of pages.
    fn fetch(&self, pages: &[u32]) {
        let near = |page: &u32| self.near.get((*page / NEAR) as usize).copied();
        black_box(pages.iter().flat_map(near).fold(0, |a, near| a ^ near));
        let starts = pages.iter().flat_map(near);
        let starts = starts.flat_map(|begun| self.starts.get(begun as usize));
        black_box(starts.fold(0, |a, start| a ^ start));
    }

    /// Calls `each` with the domain of each of these pages, which ascend; each domain once.
    fn domains_of<E: From<Corrupt>>(
        &self,
        pages: &mut Column<'_>,
        mut each: impl FnMut(u32) -> Result<(), E>,
    ) -> Result<(), E> {
        // Domains that start at or before the last page.
        let mut begun = 0;
        let mut next_start = 0;
        for i in 0..pages.len() {
            let page = pages.get(i)?;
            if page < next_start {
                continue;
            }
            let near = self.near.get((page / NEAR) as usize).or(self.near.last());
            begun = begun.max(near.copied().unwrap_or_default() as usize);
            next_start = loop {
                match self.starts.get(begun) {
                    Some(start) if *start <= page => begun += 1,
                    start => break start.copied().unwrap_or(u32::MAX),
                }
            };
            let domain = begun.checked_sub(1).ok_or(Corrupt("the domains"))?;
            each(domain as u64 as u32)?;
        }
        Ok(())
    }
}

/// Takes the sites of a list off, one after the other.
fn next_site(list: &mut Bytes<'_>, before: Option<u32>) -> Result<Option<u32>, Corrupt> {
    if list.is_empty() {
        return Ok(None);
    }
    let step = list.varint_u32()?;
    let site = match before {
        None => Some(step),
        Some(before) => before.checked_add(step).filter(|_| step > 0),
    };
    site.map(Some).ok_or(Corrupt("a list of linked sites"))
}

/// Calls `each` with the number of each site that a domain links to, ascending.
fn for_each_site_of<E: From<Corrupt>>(
    chunks: &Chunks<'_>,
    domain: u32,
    mut each: impl FnMut(u32) -> Result<(), E>,
) -> Result<(), E> {
    let mut chunk = chunks.open(domain as usize / CHUNK)?;
    for _ in 0..domain as usize % CHUNK {
        chunk.sized_stretch()?;
    }
    let mut list = Bytes::new(chunk.sized()?);
    let mut last = None;
    while let Some(site) = next_site(&mut list, last)? {
        each(site)?;
        last = Some(site);
    }
    Ok(())
}

/// Finds sites by the numbers of their blocks, which ascend.
struct Numbered<'d> {
    directory: &'d SiteDirectory<'d>,
    /// The offset of each 32nd block.
    starts: &'d [u8],
    /// A site that was found: its number, and the walk that is at it.
    at: Option<(u32, SiteWalk<'d>)>,
}

impl<'d> Numbered<'d> {
    /// Goes to a site. Looks it up in the directory, or one that is up to 31 before it, and goes on from there.
    fn go_to(&mut self, site: u32) -> Result<&SiteWalk<'d>, Corrupt> {
        let is_near = |at: u32| at <= site && site - at < SITES_A_START;
        let (mut at, mut walk) = match self.at.take() {
            Some((at, walk)) if is_near(at) => (at, walk),
            _ => {
                let some = site / SITES_A_START;
                let start = u64_at(self.starts, some as usize)?;
                let walk = self.directory.walk_from(start)?.ok_or(WRONG)?;
                (some * SITES_A_START, walk)
            }
        };
        while at < site {
            walk.advance()?.ok_or(WRONG)?;
            at += 1;
        }
        Ok(&self.at.insert((at, walk)).1)
    }
}

/// Holds the lists against the site blocks, which come in their order.
pub(super) struct LinkedCheck<'a> {
    starts: FirstPages,
    /// What is left of each list, and the last site taken off.
    lists: Vec<(&'a [u8], Option<u32>)>,
    sites: u32,
    site_starts: &'a [u8],
}

const WRONG: Corrupt = Corrupt("the sites that a domain links to");

impl<'a> LinkedCheck<'a> {
    /// Reads and verifies all chunks. There are so many pages, and domains that begin with these.
    pub(super) fn new(
        section: &'a [u8],
        index: &[u8],
        site_starts: &'a [u8],
        (first_pages, pages): (&[u32], usize),
    ) -> Result<Self, Corrupt> {
        let mut starts = FirstPages::default();
        for first in first_pages {
            if *first as usize >= pages {
                return Err(Corrupt("the domains"));
            }
            starts.push(*first);
        }
        let mut lists = Vec::with_capacity(starts.len());
        let mut rest = Bytes::new(section);
        let mut chunks = 0;
        while !rest.is_empty() {
            let offset = section.len() - rest.rest().len();
            if u64_at(index, chunks)? != offset as u64 {
                return Err(WRONG);
            }
            let mut chunk = Bytes::new(unseal_verified(&mut rest)?);
            for _ in 0..CHUNK.min(starts.len() - lists.len()) {
                lists.push((chunk.sized()?, None));
            }
            if !chunk.is_empty() {
                return Err(WRONG);
            }
            chunks += 1;
        }
        if lists.len() == starts.len() && index.len() == chunks * 8 {
            Ok(Self {
                starts,
                lists,
                sites: 0,
                site_starts,
            })
        } else {
            Err(WRONG)
        }
    }

    /// The next site's block, and its offset.
    pub(super) fn site(&mut self, offset: u64, block: &[u8]) -> Result<(), Corrupt> {
        let mut pages = crate::site::pages_of(block)?;
        let site = self.sites;
        self.sites = site.checked_add(1).ok_or(Corrupt("the number of sites"))?;
        if site.is_multiple_of(SITES_A_START) {
            let start = u64_at(self.site_starts, (site / SITES_A_START) as usize)?;
            if start != offset {
                return Err(Corrupt("the offsets of site blocks"));
            }
        }
        self.starts.domains_of(&mut pages, |domain| {
            let (rest, last) = self.lists.get_mut(domain as usize).ok_or(WRONG)?;
            let mut list = Bytes::new(rest);
            *last = next_site(&mut list, *last)?;
            *rest = list.rest().all()?;
            if *last == Some(site) {
                Ok(())
            } else {
                Err(WRONG)
            }
        })
    }

    /// Nothing is left once all sites came.
    pub(super) fn finish(self) -> Result<(), Corrupt> {
        let starts = self.sites.div_ceil(SITES_A_START) as usize;
        if self.site_starts.len() != starts * 8 {
            return Err(Corrupt("the offsets of site blocks"));
        }
        if self.lists.iter().all(|(rest, _)| rest.is_empty()) {
            Ok(())
        } else {
            Err(WRONG)
        }
    }
}

impl Segment {
    /// Calls `each` with the key of each site that the pages of a registrable domain (by its number, see
    /// [`Domains`](super::Domains)) link to or once linked to, and the offset of its block (see
    /// [`site_at`](Self::site_at)); in order of keys. Reads and verifies the lists of 64 domains, and walks
    /// the directory for each site, over up to 31 before it.
    pub(crate) fn for_each_site_linked_from<E: From<Corrupt>>(
        &self,
        domain: u32,
        mut each: impl FnMut(&[u8], u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let directory = self.directory()?;
        let mut sites = Numbered {
            directory: &directory,
            starts: self.sections.verified(Section::SiteStarts)?,
            at: None,
        };
        for_each_site_of(&self.linked_chunks()?, domain, |site| {
            let found = sites.go_to(site)?;
            each(found.key(), found.offset().ok_or(WRONG)?)
        })
    }

    /// Holds the section against the site blocks.
    pub(super) fn linked_check(&self) -> Result<LinkedCheck<'_>, Corrupt> {
        LinkedCheck::new(
            self.sections.unverified(Section::Linked),
            self.sections.verified(Section::LinkedIndex)?,
            self.sections.verified(Section::SiteStarts)?,
            (self.domains()?.starts(), self.page_count()),
        )
    }

    fn linked_chunks(&self) -> Result<Chunks<'_>, Corrupt> {
        Ok(Chunks::new(
            self.sections.unverified(Section::Linked),
            self.sections.verified(Section::LinkedIndex)?,
            &self.linked_verified,
        ))
    }
}
