//! Adding what is ready-made to a segment file that is whole without it.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::build::{build, times_through};
use super::links::{Share, Watch};
use crate::compact::Progress;
use crate::error::{IndexError, check};
use crate::segment::{LargeSite, Segment, WriteError};
use crate::spool::Scratch;

/// Bytes that are copied before somebody is asked whether to make way.
const COPIED_AT_ONCE: usize = 1 << 20;

/// What making ready may use.
#[derive(Debug, Clone)]
pub(crate) struct Means {
    /// How many live links a site or a range needs.
    pub(crate) links_min: usize,
    pub(crate) threads: usize,
    /// Bytes of memory.
    pub(crate) memory_max: usize,
    pub(crate) scratch: Arc<Scratch>,
}

/// Makes ready what is large enough, at the end of a segment file, of which the large sites are given, and the segments
/// that it was merged from. Durable when this returns. A segment without large sites stays as it is.
///
/// Of a site whose block is that of an input, with other numbers of the same pages, all is as it is there: pages are
/// named by their places in the block.
///
/// Memory: 16 bytes for each page that links to a site, one site at a time, and 1.5 for each of its anchors
/// where some fold to the same; the rest is bounded. The less there may be, the more often the links of the
/// largest sites are gone through.
pub(crate) fn append(
    path: &Path,
    (large, inputs): (&[LargeSite], &[&Segment]),
    means: &Means,
    progress: &dyn Progress,
    cancel: &AtomicBool,
) -> Result<(), IndexError> {
    if large.is_empty() {
        return Ok(());
    }
    let segment = Segment::open(path)?;
    progress.making_ready(large.iter().map(|site| site.links).sum());
    let file = File::options()
        .write(true)
        .open(path)
        .map_err(IndexError::io("opening", path))?;
    let io = || IndexError::io("writing", path);
    let mut out = BufWriter::with_capacity(1 << 20, file);
    // The footer is written anew, behind the new sections. Until then the old one is overwritten, and
    // the file is no segment: it has no name in any index yet.
    let mut writer = segment.ready_writer();
    out.seek(SeekFrom::Start(writer.offset())).map_err(io())?;
    let write_error = |error: WriteError| error.at(path);
    for site in large {
        let share = Share::new(progress, site.links, times_through(site.links, means));
        let watch = Watch {
            share: &share,
            cancel,
        };
        watch.look()?;
        let mut looked = Ok(());
        let written = if let Some(part) = copied(site, inputs) {
            writer.site(&site.key, part.len() as u64, &mut out, |out| {
                for piece in part.chunks(COPIED_AT_ONCE) {
                    if let Err(stop) = watch.look() {
                        looked = Err(stop);
                        return Err(io::ErrorKind::Interrupted.into());
                    }
                    out.write_all(piece)?;
                }
                Ok(())
            })
        } else if let Some(mut part) = build(&segment, &site.key, means, watch, &write_error)? {
            writer.site(&site.key, part.len(), &mut out, |out| part.write_to(out))
        } else {
            Ok(())
        };
        looked?;
        written.map_err(io())?;
        share.finish();
        check(cancel)?;
    }
    writer.finish(&mut out).map_err(|e| e.at(path))?;
    let file = out
        .into_inner()
        .map_err(|error| IndexError::io("writing", path)(error.into_error()))?;
    file.sync_all().map_err(IndexError::io("syncing", path))
}

/// What an input has ready-made of a site, where it has its block. What is damaged there is made anew.
fn copied<'a>(site: &LargeSite, inputs: &[&'a Segment]) -> Option<&'a [u8]> {
    let input = inputs.get(site.copied_from?)?;
    input.ready_part(&site.key).ok()??.all().ok()
}
