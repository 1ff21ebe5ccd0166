//! Links at a glance: their dates, kinds and rels, without their texts and pages, for whoever looks at
//! all of them and reads few. Over one segment, where a page's columns tell what is live.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::AtomicBool;

use windlass_links::surt::host_of_key;
use windlass_links::{CaptureTime, History, LinkType, Rel, Target};

use super::glanced_site::{self, Glanced, GlancedSite};
use super::links::LinkRow;
use super::read::Reading;
use super::{LinkFilter, LinkPart, SITE_BYTES};
use crate::bytes::Corrupt;
use crate::column::BLOCK;
use crate::error::{IndexError, check};
use crate::query::{Question, matching_urls};
use crate::segment::Segment;
use crate::site::{SiteBlock, link_type};
use crate::store::Snapshot;

/// How many blocks of the columns go by between looks at the stop flag.
const STRIDE: usize = 1 << 6;
/// Where the number of the site begins in a [`LinkId`], and the bit of other links than `href`.
const SITE_SHIFT: u32 = 33;
const OTHER_BIT: u64 = 1 << 32;

/// Names a link among those to a target in one state of the index; in the order in which they are listed.
/// Below 2^63.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(u64);

impl LinkId {
    /// The name as a number.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The name that a number was.
    #[must_use]
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }

    fn new(site: usize, is_other: bool, link: usize) -> Result<Self, IndexError> {
        let site = site as u64;
        if site >> (63 - SITE_SHIFT) != 0 {
            return Err(IndexError::TooLarge("sites"));
        }
        let other = if is_other { OTHER_BIT } else { 0 };
        // Links of a block are numbered in 32 bits.
        Ok(Self(site << SITE_SHIFT | other | link as u64))
    }

    fn site(self) -> usize {
        usize::try_from(self.0 >> SITE_SHIFT).unwrap_or(usize::MAX)
    }

    const fn is_other(self) -> bool {
        self.0 & OTHER_BIT != 0
    }

    const fn link(self) -> usize {
        (self.0 & (OTHER_BIT - 1)) as usize
    }
}

/// A link, as far as the columns of its site tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance {
    /// Names it.
    pub id: LinkId,
    /// What kind of reference it is (R8).
    pub link_type: LinkType,
    /// R13.
    pub first_seen: CaptureTime,
    /// R13.
    pub last_visited: CaptureTime,
    /// R13; `None` while it is live.
    pub lost: Option<CaptureTime>,
    /// Its rel, at `last_visited` (R10); none where it was not asked for.
    pub rel: Rel,
    /// The registrable domain of its page, by its number in the index; 0 where it was not asked for.
    pub refdomain: u32,
    /// The number of the part that was asked for, among those of its site; 0 where none was.
    pub part: u32,
}

/// What is wanted of each link besides its dates; each takes some time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Looks {
    /// Its rel.
    pub rel: bool,
    /// Its referring domain.
    pub refdomain: bool,
    /// What it has in common with others.
    pub part: Option<LinkPart>,
}

/// The links to a target, to be looked at.
#[derive(Debug)]
pub struct Glances<'a> {
    pub(super) segment: &'a Segment,
    target: &'a Target,
    memory_max: usize,
    /// The sites that may have some, by their keys, with the offsets of their blocks.
    pub(super) sites: Vec<(Vec<u8>, u64)>,
}

impl Snapshot {
    /// The links to a target from other registrable domains, to be looked at without reading them. `None`
    /// where the index has several segments: only when their links are united is it known which are live.
    /// Looking at those of one site may take about so many bytes of memory.
    ///
    /// # Errors
    /// Where the index is damaged; [`IndexError::Cancelled`] soon after `cancel` is set.
    pub fn glances<'a>(
        &'a self,
        target: &'a Target,
        memory_max: usize,
        cancel: &AtomicBool,
    ) -> Result<Option<Glances<'a>>, IndexError> {
        let [segment] = self.segments() else {
            return Ok(None);
        };
        let question = Question::in_memory(target, History::AllTime, memory_max, cancel);
        let mut sites = Vec::new();
        question.for_each_site(
            segment,
            |corrupt| segment.corrupt(corrupt),
            |key, offset| {
                question.check_cancelled()?;
                question.take(key.len() + SITE_BYTES)?;
                sites.push((key.to_owned(), offset));
                Ok(())
            },
        )?;
        Ok(Some(Glances {
            segment,
            target,
            memory_max,
            sites,
        }))
    }
}

impl<'a> Glances<'a> {
    /// Calls `each` with the links that the history keeps, in the order of
    /// [`for_each_link_to`](Snapshot::for_each_link_to), until it breaks; where folded anchors are asked about,
    /// with those whose anchors are wanted. 20 to 50 ns a link, and 100 to 300 for each page that has one.
    /// Memory: 16 bytes for each page that links to the site at hand, 2 for each rel and alt there, and 1 for
    /// each anchor that may be asked about; of those that have none of the links, nothing.
    ///
    /// # Errors
    /// As [`for_each_link_to`](Snapshot::for_each_link_to); [`IndexError::Memory`] where that is more than it may
    /// be.
    pub fn for_each<E: From<IndexError>>(
        &self,
        filter: LinkFilter,
        looks: Looks,
        wants_anchor: Option<&dyn Fn(&str) -> bool>,
        cancel: &AtomicBool,
        mut each: impl FnMut(&Glance) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let wrong = |corrupt: Corrupt| E::from(self.segment.corrupt(corrupt));
        for (number, (site_key, offset)) in self.sites.iter().enumerate() {
            let (block, urls) = self.block(site_key, *offset)?;
            let bytes = glanced_site::bytes(&block, &urls, looks, wants_anchor.is_some());
            let bytes = bytes.map_err(wrong)?;
            if bytes > self.memory_max {
                let max = self.memory_max;
                return Err(IndexError::Memory { max }.into());
            }
            let mut site = GlancedSite::new(self.segment, block, looks, wants_anchor);
            for is_other in [false, true] {
                if is_other && !filter.all_types {
                    continue;
                }
                for links in site.links(&urls, is_other).map_err(wrong)? {
                    let each = |id, glanced: &Glanced, form| {
                        if !filter.history.keeps(glanced.lost) {
                            return Ok(ControlFlow::Continue(()));
                        }
                        let link_type = match is_other {
                            false => LinkType::Href,
                            true => link_type(form).map_err(wrong)?,
                        };
                        each(&Glance {
                            id,
                            link_type,
                            first_seen: CaptureTime::from_unix(glanced.first_seen),
                            last_visited: CaptureTime::from_unix(glanced.last_visited),
                            lost: glanced.lost,
                            rel: glanced.rel,
                            refdomain: glanced.refdomain,
                            part: glanced.part,
                        })
                    };
                    let of_site = (number, is_other, links);
                    let flow = self.range(&mut site, of_site, looks, cancel, each)?;
                    if flow.is_break() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Calls `each` with the links of a range whose anchors are wanted, and their forms or types.
    fn range<E: From<IndexError>>(
        &self,
        site: &mut GlancedSite<'a, '_>,
        (number, is_other, links): (usize, bool, Range<usize>),
        looks: Looks,
        cancel: &AtomicBool,
        mut each: impl FnMut(LinkId, &Glanced, u32) -> Result<ControlFlow<()>, E>,
    ) -> Result<ControlFlow<()>, E> {
        let wrong = |corrupt: Corrupt| E::from(self.segment.corrupt(corrupt));
        let (mut forms, mut places) = (Vec::with_capacity(BLOCK), Vec::with_capacity(BLOCK));
        let mut start = links.start;
        for n in 0usize.. {
            if start >= links.end {
                break;
            }
            if n.is_multiple_of(STRIDE) {
                check(cancel)?;
            }
            let end = links.end.min((start / BLOCK + 1) * BLOCK);
            let columns = site.columns(is_other, start..end).map_err(wrong)?;
            forms.clear();
            forms.extend_from_slice(columns.0);
            places.clear();
            places.extend_from_slice(columns.1);
            for (link, (&form, &place)) in (start..end).zip(forms.iter().zip(&places)) {
                if !site.wants(is_other, form).map_err(wrong)? {
                    continue;
                }
                let id = LinkId::new(number, is_other, link)?;
                let Some(mut glanced) = site.glance(is_other, link, place).map_err(wrong)? else {
                    continue;
                };
                if let Some(part) = looks.part {
                    glanced.part = match part {
                        LinkPart::Page => place,
                        LinkPart::Anchor => form,
                        LinkPart::Target => site.url_of(is_other, link).map_err(wrong)?,
                    };
                }
                if each(id, &glanced, form)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            start = end;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Reads links, which are given in order; calls `each` with the place of each among those given. Some
    /// microseconds each.
    ///
    /// # Errors
    /// As [`for_each`](Self::for_each), and where there is no such link.
    pub fn read<E: From<IndexError>>(
        &self,
        links: &[LinkId],
        cancel: &AtomicBool,
        mut each: impl FnMut(usize, &LinkRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut reading = Reading::new(self.segment);
        let mut at = 0;
        for of_site in links.chunk_by(|a, b| a.site() == b.site()) {
            let site = of_site.first().and_then(|id| self.sites.get(id.site()));
            let (key, offset) = site.ok_or(IndexError::TooLarge("the number of a site"))?;
            let (block, urls) = self.block(key, *offset)?;
            let name = host_of_key(key);
            let mut site = reading.site(block, urls);
            for id in of_site {
                check(cancel)?;
                site.read(&name, id.is_other(), id.link(), |row| each(at, row))?;
                at += 1;
            }
        }
        Ok(())
    }

    /// The name of a referring domain.
    ///
    /// # Errors
    /// Where the index is damaged, or has no such domain.
    pub fn refdomain(&self, number: u32) -> Result<String, IndexError> {
        let key = self.segment.domains().and_then(|all| all.key(number));
        let key = key.map_err(|corrupt| self.segment.corrupt(corrupt))?;
        Ok(host_of_key(&key))
    }

    /// The block of a site, and the places of its urls that are the target's.
    pub(super) fn block(
        &self,
        site_key: &[u8],
        offset: u64,
    ) -> Result<(SiteBlock<'a>, Vec<Range<usize>>), IndexError> {
        let wrong = |corrupt: Corrupt| self.segment.corrupt(corrupt);
        let block = self.segment.site_at(site_key, offset).map_err(wrong)?;
        let urls = matching_urls(&block, self.target).map_err(wrong)?;
        Ok((block, urls))
    }
}
