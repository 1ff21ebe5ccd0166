//! The index directory: one manifest that is replaced whole, segments that never change.
//!
//! ```text
//! DIR/manifest.json            what the index consists of; the only thing that changes
//! DIR/segments/N.segment       immutable; those that the manifest names
//! DIR/public_suffix_list.dat   the list that the index was built with (R7)
//! DIR/lock                     locked by the writing process, which writes into it who it is
//! DIR/wanted                   locked by a process that waits to write
//! DIR/tmp/                     the writer's unfinished work; emptied when the next one starts
//! ```

mod durable;
mod lock;
mod manifest;
mod reader;
mod unnamed;
mod verify;
mod writer;

pub(crate) use lock::Wanted;
pub use lock::{Waiting, Work};
pub use manifest::{FileEntry, Manifest, ProblemNote, SegmentEntry};
pub use reader::{Reader, Snapshot};
pub(crate) use unnamed::Unnamed;
pub use verify::{Verdict, verify};
pub(crate) use writer::DEFAULT_MEMORY;
pub use writer::Writer;

const MANIFEST: &str = "manifest.json";
const SEGMENTS: &str = "segments";
const PUBLIC_SUFFIX_LIST: &str = "public_suffix_list.dat";
const LOCK: &str = "lock";
const WANTED: &str = "wanted";
const TMP: &str = "tmp";
