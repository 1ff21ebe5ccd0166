//! The backlink index: immutable segments of captures and links, merged by union, under one manifest.

mod anchors;
mod arena;
mod bits;
mod bytes;
mod cache;
mod collect;
mod column;
mod compact;
mod document;
mod dump;
mod error;
mod facts;
mod fetch;
mod finished;
mod first_groups;
mod gallop;
mod in_order;
mod ingest;
mod instant;
mod intern;
mod listing;
mod merge;
mod numbers;
mod order;
mod paged;
mod places;
mod query;
mod radix;
mod range_anchors;
mod ready;
mod recaptured;
mod room;
mod row_table;
pub mod rows;
mod run;
mod segment;
mod showings;
mod sighting;
mod sink;
mod site;
mod spool;
mod store;
mod stretch;
mod strings;
mod symbols;
mod texts;
mod verify;

pub use anchors::AnchorStretch;
pub use bits::BitSet;
pub use cache::KeptMemory;
pub use collect::{Collected, Collector, digest_text};
pub use compact::{
    BackgroundMerge, BackgroundStep, MergePlan, MergePolicy, Merged, Progress,
    lower_thread_priority, merge_to_file,
};
pub use dump::CaptureRow;
pub use error::IndexError;
pub use ingest::{IngestOptions, IngestSummary, IngestWatcher, ingest};
pub use listing::{
    ArchivePlace, Glance, Glances, LinkFilter, LinkId, LinkPart, LinkRow, Looks, Page, ReadPart,
    TopSite, Trace, TracedCapture, trace_segments,
};
pub use query::Tuning;
pub use query::{ChosenGroups, ReadyColumn, ReadyGroup, ReadyGroups, WorkBound, query_segments};
pub use row_table::RowBounds;
pub use rows::{NamedRow, Row, RowChoice, RowVisitor, TargetRows, TargetRowsBuilder, Texts};
pub use segment::{Counts, FORMAT_VERSION, RULES_VERSION, Section, Segment};
pub use store::{
    FileEntry, Manifest, ProblemNote, Reader, SegmentEntry, Snapshot, Verdict, Waiting, Work,
    Writer, verify,
};
pub use windlass_links::CaptureTime;
