//! Runs: captures collected in memory, sorted once, written as a segment.

mod absorb;
mod add;
mod captures;
mod forms;
mod hosts;
mod keys;
mod links;
mod places;
mod sites;

use std::io::Write;
use std::sync::Arc;
use std::thread;

use windlass_links::PublicSuffixList;

use crate::compact::Progress;
use crate::in_order::Bounds;
use crate::intern::{Interner, Ranks};
use crate::segment::{Digest, SegmentWriter, Side, WriteError, Written};
use crate::spool::Scratch;
use absorb::join;
use add::{UNKNOWN, Waiting};
use captures::{CaptureNote, write_pages};
use forms::FormRanks;
use keys::{Keys, Sites};
use links::{LinkNote, OTHER, SortedLinks};

/// Bytes that the writer of a segment knows of each registrable domain.
const DOMAIN_BYTES: usize = 5;

/// Collects captures until they are written.
#[derive(Debug)]
pub(crate) struct Run {
    list: Arc<PublicSuffixList>,
    sites: Sites,
    /// Whether internal links are kept.
    keep_internal: bool,
    /// SURTs of pages and of targets, apart; of targets those of each side.
    pages: Keys,
    urls: [Keys; 2],
    forms: Interner,
    attrs: Interner,
    titles: Interner,
    files: Vec<Digest>,
    captures: Vec<CaptureNote>,
    /// Of each side, those of one capture together, in the order of captures.
    links: [Vec<LinkNote>; 2],
    /// The attr that the last link had, and its number, if there is one: most have the same.
    attr: Vec<u8>,
    attr_number: u32,
    /// The number of the empty anchor, once it came.
    empty_form: Option<u32>,
    waiting: Waiting,
}

impl Run {
    /// An empty run, which keeps internal links or not.
    pub(crate) fn new(keep_internal: bool, list: &Arc<PublicSuffixList>) -> Self {
        Self {
            list: Arc::clone(list),
            sites: Sites::default(),
            keep_internal,
            pages: Keys::default(),
            urls: Default::default(),
            forms: Interner::default(),
            attrs: Interner::default(),
            titles: Interner::default(),
            files: Vec::new(),
            captures: Vec::new(),
            links: Default::default(),
            attr: Vec::new(),
            attr_number: UNKNOWN,
            empty_form: None,
            waiting: Waiting::default(),
        }
    }

    /// Links of both sides.
    fn link_count(&self) -> usize {
        self.links.iter().map(Vec::len).sum()
    }

    /// What writing it counts its progress in: captures and links.
    pub(crate) fn units(&self) -> u64 {
        (self.captures.len() + self.link_count()) as u64
    }

    /// Whether it holds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.captures.is_empty()
    }

    /// Whether nothing more can be numbered.
    pub(crate) fn is_full(&self) -> bool {
        let numbered = [self.link_count(), self.forms.len(), self.captures.len()];
        numbered.into_iter().any(|n| n >= OTHER as usize)
    }

    /// Bytes of memory that it holds, and needs while it is written.
    pub(crate) fn memory(&self) -> usize {
        // Hash tables go when writing begins, and orders and ranks take their place.
        let dictionary = |texts: &Interner, writing: usize| {
            let hashes = texts.hashes_memory();
            texts.memory() - hashes + hashes.max(texts.len() * writing)
        };
        let urls = self.urls.iter();
        let keys: usize = urls.clone().map(|urls| urls.texts.len()).sum();
        let keys = keys + self.pages.texts.len();
        dictionary(&self.sites.keys, 24 + 20)
            + self.sites.hosts_memory()
            + dictionary(&self.pages.texts, 12)
            + urls.map(|urls| dictionary(&urls.texts, 16)).sum::<usize>()
            + dictionary(&self.forms, 32)
            + dictionary(&self.attrs, 24)
            + dictionary(&self.titles, 0)
            + 4 * keys
            + sites::WORKER_BYTES * self.numbered()
            + DOMAIN_BYTES * self.sites.keys.len()
            + (size_of::<CaptureNote>() + captures::WRITING_BYTES) * self.captures.len()
            + (size_of::<LinkNote>() + links::WRITING_BYTES) * self.link_count()
    }

    /// The number, in this run, of the archive file with that digest.
    pub(crate) fn file(&mut self, digest: Digest) -> u32 {
        let at = self
            .files
            .iter()
            // Most captures come from the file that the one before came from.
            .rposition(|known| *known == digest)
            .unwrap_or_else(|| {
                self.files.push(digest);
                self.files.len() - 1
            });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// How many things a thread that builds blocks has room for at once.
    fn numbered(&self) -> usize {
        self.forms.len() + self.captures.len() + self.attrs.len()
    }

    /// With how many of so many threads it is written: what each further one needs for itself is little beside the run.
    fn threads(&self, threads_max: usize) -> usize {
        let each = sites::WORKER_BYTES * self.numbered().max(1);
        threads_max.min(1 + self.memory() / 8 / each)
    }

    /// Sorts and writes the run, with at most so many threads, and leaves it empty. Its progress is told in
    /// [`units`](Self::units).
    pub(crate) fn write<W: Write>(
        &mut self,
        out: W,
        public_suffix_list: &str,
        (scratch, large_min): (&Arc<Scratch>, usize),
        threads_max: usize,
        progress: &dyn Progress,
    ) -> Result<(W, Written), WriteError> {
        let mut run = std::mem::replace(self, Self::new(self.keep_internal, &self.list));
        run.look_up();
        let bounds = Bounds {
            threads: run.threads(threads_max),
            waiting_bytes_max: usize::try_from(scratch.part_bytes()).unwrap_or(usize::MAX),
        };
        run.forget_hashes();
        let file_ranks = rank_files(&mut run.files);
        let mut writer = SegmentWriter::new(out, public_suffix_list, &run.files, scratch)?;
        writer.list_large(large_min);
        let site_ranks = run.sites.keys.byte_ranks();

        let (page_ranks, forms, url_ranks) = run.ranks(&site_ranks, bounds.threads > 1);
        let captures = std::mem::take(&mut run.captures);
        let pages = std::mem::take(&mut run.pages);
        let order = write_pages(
            &captures,
            &pages,
            &run.sites,
            &page_ranks,
            (&file_ranks, &run.titles),
            &mut writer,
        )?;
        drop((pages, page_ranks, std::mem::take(&mut run.titles)));
        progress.advance(captures.len() as u64);

        let urls = std::mem::take(&mut run.urls).into_iter().zip(url_ranks);
        let links = std::mem::take(&mut run.links);
        for ((side, (urls, url_ranks)), mut links) in Side::ALL.into_iter().zip(urls).zip(links) {
            if links.is_empty() {
                continue;
            }
            let sorted = SortedLinks::of(
                &mut links,
                |capture| {
                    let note = captures.get(capture as usize);
                    note.map_or(0, |note| note.links_end(side))
                },
                &order,
                &url_ranks,
                &forms.ranks,
                &mut run.attrs,
            );
            let united = links.len() - sorted.len();
            drop(links);
            progress.advance(united as u64);
            let of_side = sites::SideLinks {
                side,
                urls: &urls,
                url_ranks: &url_ranks,
                sorted: &sorted,
            };
            sites::write(
                &run,
                &of_side,
                &order,
                &forms,
                bounds,
                &mut writer,
                progress,
            )?;
        }
        writer.finish()
    }

    /// From now on nothing is added.
    fn forget_hashes(&mut self) {
        self.sites.forget_hashes();
        let [external_urls, internal_urls] = &mut self.urls;
        for texts in [
            &mut self.pages.texts,
            &mut external_urls.texts,
            &mut internal_urls.texts,
            &mut self.forms,
            &mut self.titles,
        ] {
            texts.forget_hashes();
        }
    }

    /// The orders of pages, anchors, and the urls of each side: side by side, where it may be.
    fn ranks(&self, site_ranks: &Ranks, in_parallel: bool) -> (Ranks, FormRanks, [Ranks; 2]) {
        let pages = || self.pages.ranks(&self.sites, site_ranks);
        let forms = || FormRanks::of(&self.forms);
        let urls = || {
            let urls = self.urls.each_ref();
            urls.map(|urls| urls.ranks(&self.sites, site_ranks))
        };
        if !in_parallel {
            return (pages(), forms(), urls());
        }
        thread::scope(|scope| {
            let (pages, forms) = (scope.spawn(pages), scope.spawn(forms));
            let urls = urls();
            (join(pages), join(forms), urls)
        })
    }
}

fn rank_files(files: &mut [Digest]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..files.len() as u64 as u32).collect();
    order.sort_unstable_by_key(|&i| files.get(i as usize).copied());
    files.sort_unstable();
    Ranks::of_order(order).rank
}
