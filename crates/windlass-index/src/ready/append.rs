//! Adding what is ready-made to a segment file that is whole without it.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::build::build;
use crate::bytes::put_varint;
use crate::compact::Progress;
use crate::error::IndexError;
use crate::segment::Segment;

/// Makes ready what is large enough, at the end of a segment file. Durable when this returns. A
/// segment without large sites stays as it is.
///
/// Memory: 24 bytes for each page that links to a site, and 4 for each live link to it; one site at a
/// time.
pub(crate) fn append(
    path: &Path,
    min: usize,
    progress: &dyn Progress,
    cancel: &AtomicBool,
) -> Result<(), IndexError> {
    let segment = Arc::new(Segment::open(path)?);
    let threads = thread::available_parallelism().map_or(1, Into::into);
    let large = segment.large_sites(min)?;
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
    for site_key in large {
        // Nothing that counts is done: but a merge in the background may have to make way.
        progress.advance(0);
        if cancel.load(Ordering::Relaxed) {
            return Err(IndexError::Cancelled);
        }
        if let Some(part) = build(&segment, &site_key, threads, min)? {
            let mut sealed = Vec::with_capacity(part.len() + 10);
            put_varint(&mut sealed, part.len() as u64);
            sealed.extend_from_slice(&part);
            writer.site(&site_key, &sealed);
            out.write_all(&sealed).map_err(io())?;
        }
    }
    writer.finish(&mut out).map_err(|e| e.at(path))?;
    let file = out
        .into_inner()
        .map_err(|error| IndexError::io("writing", path)(error.into_error()))?;
    file.sync_all().map_err(IndexError::io("syncing", path))
}
