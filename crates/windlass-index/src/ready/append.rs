//! Adding what is ready-made to a segment file that is whole without it.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::build::build;
use super::links::Watch;
use crate::compact::Progress;
use crate::error::IndexError;
use crate::segment::{Segment, WriteError};
use crate::spool::Scratch;

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

/// Makes ready what is large enough, at the end of a segment file. Durable when this returns. A
/// segment without large sites stays as it is.
///
/// Memory: 12 bytes for each page that links to a site, one site at a time, and 4 for each of its anchors
/// where some fold to the same; the rest is bounded. The less there may be, the more often the links of the
/// largest sites are gone through.
pub(crate) fn append(
    path: &Path,
    means: &Means,
    progress: &dyn Progress,
    cancel: &AtomicBool,
) -> Result<(), IndexError> {
    let segment = Segment::open(path)?;
    let watch = Watch { progress, cancel };
    let large = segment.large_sites(means.links_min, || watch.look())?;
    if large.is_empty() {
        return Ok(());
    }
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
    for site_key in large {
        watch.look()?;
        if let Some(mut part) = build(&segment, &site_key, means, watch, &write_error)? {
            let written = writer.site(&site_key, &mut part, &mut out);
            written.map_err(io())?;
        }
    }
    writer.finish(&mut out).map_err(|e| e.at(path))?;
    let file = out
        .into_inner()
        .map_err(|error| IndexError::io("writing", path)(error.into_error()))?;
    file.sync_all().map_err(IndexError::io("syncing", path))
}
