//! The captures of a run, and the page table that they make.

use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;

use windlass_links::{Capture, CaptureTime, Outcome, Source};

use super::keys::{Keys, Sites};
use crate::document::Document;
use crate::fetch::Fetching;
use crate::instant::{self, Captured, Instant, Origin, Shown, State};
use crate::intern::{Interner, Ranks};
use crate::room::with_room;
use crate::segment::{SegmentWriter, Side, WriteError};

/// Bytes that a capture takes while a run is written, beside its note.
pub(super) const WRITING_BYTES: usize = 16 + 8 + 8 + size_of::<Captured>();

const NO_TITLE: u32 = u32::MAX;

/// The numbers that what captures refer to has in another run.
#[derive(Debug)]
pub(super) struct Numbers<'n> {
    pub(super) pages: &'n [u32],
    pub(super) files: &'n [u32],
    pub(super) titles: &'n [u32],
    /// How many links of each side come before theirs.
    pub(super) links_before: [u32; 2],
}

/// What is kept of a capture.
#[derive(Debug)]
pub(super) struct CaptureNote {
    offset: u64,
    page: u32,
    time: u32,
    file: u32,
    internal: u32,
    external: u32,
    /// The number of the title; [`NO_TITLE`] where there is none.
    title: u32,
    status: Option<u16>,
    /// What a revisit refers to.
    refers: Option<CaptureTime>,
    /// The number of the last of its links of each side, plus 1.
    links_ends: [u32; 2],
    outcome: Option<Shown>,
    is_wat: bool,
}

impl CaptureNote {
    /// Of a page whose number is [said later](Self::set_page).
    pub(super) fn of(
        capture: &Capture,
        title: Option<u32>,
        (file, offset): (u32, u64),
        links_ends: [usize; 2],
    ) -> Self {
        let (outcome, refers) = match capture.outcome {
            Outcome::Html => (Some(Shown::Html), None),
            Outcome::NotHtml => (Some(Shown::NotHtml), None),
            Outcome::Redirect => (Some(Shown::Redirect), None),
            Outcome::Gone => (Some(Shown::Gone), None),
            Outcome::Revisit(refers) => (None, refers),
        };
        Self {
            offset,
            page: u32::MAX,
            time: capture.time.unix(),
            file,
            internal: capture.counts.internal,
            external: capture.counts.external,
            title: title.unwrap_or(NO_TITLE),
            status: capture.status,
            refers,
            // A run is full long before.
            links_ends: links_ends.map(|end| end as u64 as u32),
            outcome,
            is_wat: capture.source == Source::Wat,
        }
    }

    /// Says which page it is of.
    pub(super) fn set_page(&mut self, page: u32) {
        self.page = page;
    }

    /// As it is in a run that has taken its own over. What has a number has another one there.
    pub(super) fn moved(self, numbers: &Numbers<'_>) -> Self {
        let of = |numbers: &[u32], number: u32| numbers.get(number as usize).copied();
        let [external, internal] = self.links_ends;
        let [external_before, internal_before] = numbers.links_before;
        Self {
            page: of(numbers.pages, self.page).unwrap_or(u32::MAX),
            file: of(numbers.files, self.file).unwrap_or(u32::MAX),
            // Beyond them all where there is none.
            title: of(numbers.titles, self.title).unwrap_or(NO_TITLE),
            links_ends: [external + external_before, internal + internal_before],
            ..self
        }
    }

    /// The number of the last of its links of a side, plus 1.
    pub(super) fn links_end(&self, side: Side) -> usize {
        side.pick(self.links_ends) as usize
    }

    fn instant(&self, file_ranks: &[u32], titles: &Interner) -> Instant {
        let source = if self.is_wat {
            Source::Wat
        } else {
            Source::Warc
        };
        let state = match self.outcome {
            Some(shown) => State::Real {
                shown,
                source,
                internal: self.internal,
                external: self.external,
                document: Document {
                    status: self.status,
                    title: self.title(titles),
                },
            },
            None => State::Revisit(vec![self.refers]),
        };
        let file = file_ranks.get(self.file as usize);
        Instant {
            time: CaptureTime::from_unix(self.time),
            state,
            origins: vec![Origin {
                file: file.copied().unwrap_or(u32::MAX),
                offset: self.offset,
            }],
        }
    }
}

impl CaptureNote {
    fn title(&self, titles: &Interner) -> Option<Arc<str>> {
        (self.title != NO_TITLE).then(|| {
            let title = titles.get(self.title);
            Arc::from(String::from_utf8_lossy(title))
        })
    }
}

/// The captures whose links count, in order of (page, second): each known by its place among the
/// different ones, so that the order of places is that of page numbers, then times.
#[derive(Debug, Default)]
pub(super) struct CaptureOrder {
    /// (Number of the capture, its place).
    pub(super) ordered: Vec<(u32, u32)>,
    /// The page's number in the segment, and the second, of each place.
    pub(super) moments: Vec<(u32, u32)>,
    /// The real captures of each page, by its number in the segment.
    pub(super) captured: Vec<Captured>,
}

/// Touches what is needed of captures that come next, which lies anywhere in memory.
fn fetch(soon: &[(u64, u32)], captures: &[CaptureNote], pages: &Keys, ranks: &Ranks) {
    let notes = soon
        .iter()
        .filter_map(|(_, number)| captures.get(*number as usize));
    black_box(notes.fold(0, |a, note| a ^ note.offset as u32 ^ note.title));
    let ranked = soon.iter().map(|(key, _)| ranks.number((key >> 32) as u32));
    pages.fetch(&ranked.collect::<Vec<_>>());
}

/// Writes the page table. Where both a WAT and a WARC describe a second of a page, the WARC's links
/// are taken (R14): the others are not in the order.
pub(super) fn write_pages<W: Write>(
    captures: &[CaptureNote],
    pages: &Keys,
    sites: &Sites,
    ranks: &Ranks,
    (file_ranks, titles): (&[u32], &Interner),
    writer: &mut SegmentWriter<W>,
) -> Result<CaptureOrder, WriteError> {
    let mut order: Vec<(u64, u32)> = with_room(captures.len());
    order.extend(captures.iter().zip(0u32..).map(|(capture, number)| {
        let rank = u64::from(ranks.rank(capture.page));
        (rank << 32 | u64::from(capture.time), number)
    }));
    order.sort_unstable();
    let mut result = CaptureOrder {
        ordered: with_room(order.len()),
        moments: with_room(order.len()),
        captured: with_room(pages.texts.len()),
    };
    let mut instants = Vec::new();
    let (mut first, mut fetching) = (0, Fetching::default());
    for of_page in order.chunk_by(|a, b| a.0 >> 32 == b.0 >> 32) {
        let end = first + of_page.len();
        if let Some(soon) = fetching.before(first..end, order.len()) {
            let soon = order.get(soon).unwrap_or_default();
            fetch(soon, captures, pages, ranks);
        }
        first = end;
        instants.clear();
        let mut page = None;
        for same in of_page.chunk_by(|a, b| a.0 == b.0) {
            let notes = || {
                same.iter()
                    .filter_map(|(_, number)| Some((*number, captures.get(*number as usize)?)))
            };
            let all = notes()
                .map(|(_, note)| note.instant(file_ranks, titles))
                .collect();
            let Some(united) = instant::unite(all).pop() else {
                continue;
            };
            let is_outranked = |note: &CaptureNote| note.is_wat && !united.state.is_wat();
            // A revisit takes nothing from a WAT.
            let has_wat = notes().any(|(_, note)| note.is_wat && note.outcome.is_some());
            let place = result.moments.len() as u64 as u32;
            let kept = notes().filter(|(_, note)| !(has_wat && is_outranked(note)));
            result
                .ordered
                .extend(kept.map(|(number, _)| (number, place)));
            let rank = same.first().map_or(0, |(key, _)| (key >> 32) as u32);
            result.moments.push((rank, united.time.unix()));
            page = Some(ranks.number(rank));
            instants.push(united);
        }
        if let Some(page) = page {
            let site_key = sites.keys.get(pages.site(page));
            let (_, captured) = writer.page(site_key, pages.texts.get(page), &instants)?;
            result.captured.push(captured);
        }
    }
    Ok(result)
}
