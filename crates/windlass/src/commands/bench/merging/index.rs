//! The index to be merged: several segments of one synthetic crawl.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread;

use anyhow::Context;
use windlass_index::{Collected, Collector, Writer};

use super::super::synthetic::Crawl;

/// As many of similar size as make a merge due.
pub(super) const SEGMENTS: usize = 4;

/// Builds the index; each segment has an equal share of the pages, those of one site among all.
pub(super) fn build(directory: &Path, crawl: Crawl, memory: u64) -> anyhow::Result<()> {
    let mut writer = Writer::open(directory, None)?;
    for segment in 0..SEGMENTS {
        let pages = (0..crawl.pages()).skip(segment).step_by(SEGMENTS);
        let collected = collect(&writer, crawl, &pages, memory)?;
        writer.commit_collected(collected, Vec::new(), &(), &AtomicBool::new(false))?;
    }
    Ok(())
}

fn collect(
    writer: &Writer,
    crawl: Crawl,
    pages: &(impl Iterator<Item = u64> + Clone + Sync),
    memory: u64,
) -> anyhow::Result<Collected> {
    let threads = thread::available_parallelism().map_or(1, Into::into);
    let memory_max = usize::try_from(memory)? / threads;
    let work = |thread: usize| -> anyhow::Result<Collected> {
        let mut collector = Collector::new(writer, memory_max);
        let (mut generator, mut captures) = (crawl.generator(), Vec::new());
        for page in pages.clone().skip(thread).step_by(threads) {
            captures.clear();
            generator.captures(page, &mut captures)?;
            for capture in &captures {
                collector.add(capture, [0; 32], page)?;
            }
        }
        Ok(collector.finish()?)
    };
    let parts: Vec<anyhow::Result<Collected>> = thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || work(thread)))
            .collect();
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    let mut collected = Collected::default();
    for part in parts {
        collected.append(part?);
    }
    Ok(collected)
}

/// A copy that shares the segments, which never change.
pub(super) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let work = || -> std::io::Result<()> {
        fs::create_dir_all(to.join("segments"))?;
        for entry in fs::read_dir(from.join("segments"))? {
            let entry = entry?;
            fs::hard_link(entry.path(), to.join("segments").join(entry.file_name()))?;
        }
        for file in ["manifest.json", "public_suffix_list.dat"] {
            fs::copy(from.join(file), to.join(file))?;
        }
        Ok(())
    };
    work().context("copying the index")
}
