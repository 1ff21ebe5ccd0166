//! A page with all its captures, over all segments.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use windlass_links::surt::host_key;
use windlass_links::{CanonicalUrl, CaptureTime, Surt};

use super::ArchivePlace;
use crate::bytes::Corrupt;
use crate::collect::digest_text;
use crate::error::{IndexError, check};
use crate::instant::{Instant, is_outranked, times_of_wats, unite, was_captured};
use crate::listing::Page;
use crate::listing::pages::id;
use crate::query::suffixes;
use crate::segment::{Digest, Segment};

/// A page as all segments have it together.
pub(super) struct TracedPage<'a> {
    pub(super) page: Page,
    /// United, in order of time. The numbers of files are those of `files`.
    pub(super) instants: Vec<Instant>,
    files: Files,
    pub(super) holders: Vec<Holder<'a>>,
}

/// A segment that has the page.
pub(super) struct Holder<'a> {
    pub(super) segment: &'a Segment,
    /// The page's number there.
    pub(super) page: u32,
    /// Seconds at which it has a WAT's capture, and another segment a WARC's: what it saw then is void
    /// (R14). Ascending.
    pub(super) void: Vec<CaptureTime>,
}

impl<'a> TracedPage<'a> {
    /// Looks a page up in each segment; `None` where none has it.
    pub(super) fn find(
        segments: &[&'a Segment],
        url: &CanonicalUrl,
        cancel: &AtomicBool,
    ) -> Result<Option<Self>, IndexError> {
        let (host, surt) = (host_key(url.host()), Surt::of(url));
        let (mut all, mut files) = (Vec::new(), Files::default());
        let mut holders: Vec<Holder<'_>> = Vec::new();
        let mut first: Option<(u64, &Segment, Vec<u8>)> = None;
        for (at, segment) in segments.iter().copied().enumerate() {
            check(cancel)?;
            let wrong = |corrupt: Corrupt| segment.corrupt(corrupt);
            let found = find_in(segment, &host, surt.as_bytes()).map_err(wrong)?;
            let Some((domain_key, page, mut instants)) = found else {
                continue;
            };
            files.renumber(segment, &mut instants).map_err(wrong)?;
            first.get_or_insert((id(at, page), segment, domain_key));
            holders.push(Holder {
                segment,
                page,
                void: times_of_wats(&instants).collect(),
            });
            all.append(&mut instants);
        }
        let Some((id, segment, domain_key)) = first else {
            return Ok(None);
        };
        let instants = unite(all);
        if !was_captured(&instants) {
            return Ok(None);
        }
        for holder in &mut holders {
            holder.void.retain(|time| is_outranked(*time, &instants));
        }
        let page = Page::new(id, domain_key, surt.as_bytes().to_owned(), &instants)
            .map_err(|corrupt| segment.corrupt(corrupt))?;
        Ok(Some(Self {
            page,
            instants,
            files,
            holders,
        }))
    }

    /// Where a capture of the page was read.
    pub(super) fn places(
        &self,
        instant: &Instant,
        names: &dyn Fn(&str) -> Vec<String>,
    ) -> Vec<ArchivePlace> {
        let each = instant.origins.iter().filter_map(|origin| {
            let digest = digest_text(self.files.digests.get(origin.file as usize)?);
            Some(ArchivePlace {
                file_names: names(&digest),
                digest,
                offset: origin.offset,
            })
        });
        let mut places: Vec<ArchivePlace> = each.collect();
        places.sort_unstable();
        places
    }
}

type Found = (Vec<u8>, u32, Vec<Instant>);

/// The page with that SURT: the key of its registrable domain, which is its host's or one above, its number
/// and its instants.
fn find_in(segment: &Segment, host: &[u8], surt: &[u8]) -> Result<Option<Found>, Corrupt> {
    for domain_key in suffixes(host) {
        if let Some((number, key, instants)) = segment.page_from(domain_key, surt)?
            && key == surt
        {
            return Ok(Some((domain_key.to_owned(), number, instants)));
        }
    }
    Ok(None)
}

/// The archive files behind instants of several segments, numbered alike.
#[derive(Default)]
struct Files {
    digests: Vec<Digest>,
    numbers: HashMap<Digest, u32>,
}

impl Files {
    /// Gives the files behind a segment's instants the numbers that they have here.
    fn renumber(&mut self, segment: &Segment, instants: &mut [Instant]) -> Result<(), Corrupt> {
        for instant in instants {
            for origin in &mut instant.origins {
                let digest = segment.file(origin.file)?;
                let next = self.digests.len() as u64 as u32;
                let number = *self.numbers.entry(digest).or_insert(next);
                if number == next {
                    self.digests.push(digest);
                }
                origin.file = number;
            }
        }
        Ok(())
    }
}
