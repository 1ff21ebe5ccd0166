//! The index to be merged: several segments of one synthetic crawl.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread;

use anyhow::Context;
use windlass_index::{Collector, Writer};

use super::super::collecting::collect;
use super::super::synthetic::Crawl;

/// As many of similar size as make a merge due.
pub(super) const SEGMENTS: usize = 4;

/// Builds the index; each segment has an equal share of the pages, those of one site among all.
pub(super) fn build(directory: &Path, crawl: Crawl, memory: u64) -> anyhow::Result<()> {
    let mut writer = Writer::open(directory, None)?;
    let threads = thread::available_parallelism().map_or(1, Into::into);
    let memory = usize::try_from(memory)?;
    for segment in 0..SEGMENTS {
        let pages = (0..crawl.pages()).skip(segment).step_by(SEGMENTS);
        let work = |thread: usize, collector: &mut Collector<'_>| {
            let (mut generator, mut captures) = (crawl.generator(), Vec::new());
            for page in pages.clone().skip(thread).step_by(threads) {
                captures.clear();
                generator.captures(page, &mut captures)?;
                for capture in &captures {
                    collector.add(capture, [0; 32], page)?;
                }
            }
            Ok(())
        };
        let (collected, _) = collect(&writer, threads, memory, work)?;
        writer.commit_collected(collected, Vec::new(), &(), &AtomicBool::new(false))?;
    }
    Ok(())
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
