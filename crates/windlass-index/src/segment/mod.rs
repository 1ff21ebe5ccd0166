//! Segments: immutable, sorted files of captures and links.
//!
//! ```text
//! segment := "WINDLASS" | format version u32 | rules version u32
//!          | section × 17 to 23 | footer (JSON) | CRC-32 of it u32 | its length u32 | "WNDLSEND"
//! ```
//! All integers are little-endian. The footer names each section with its offset, length and, for
//! those that are read whole, CRC-32. `docs/format.md` draws each of them.

mod data;
mod directory;
mod find;
mod internal;
mod layout;
mod linked;
mod pages;
mod reader;
mod sections;
mod writer;

pub(crate) use data::{FileStamp, map};
pub(crate) use directory::{SiteDirectory, SiteWalk};
pub(crate) use find::{PageFinder, PageKeys};
pub use layout::{Counts, FORMAT_VERSION, RULES_VERSION, Section};
pub(crate) use layout::{Digest, Side, check_versions};
pub(crate) use pages::PageIter;
pub use reader::Segment;
pub(crate) use reader::SitePlace;
pub(crate) use writer::{BlockShape, LargeSite, SegmentWriter, WriteError, Written};
