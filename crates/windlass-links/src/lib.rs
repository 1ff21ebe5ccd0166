//! From the bytes of a capture to its links (R1–R12): pure functions, no files, no network.

pub mod anchor;
pub mod capture;
pub mod domain;
pub mod extract;
pub mod history;
pub mod reference;
pub mod surt;
pub mod target;
pub mod url;

pub use capture::{Capture, Link, LinkCounts, LinkType, Outcome, Rel, Source};
pub use domain::PublicSuffixList;
pub use extract::{ExtractOptions, Extractor, Skip};
pub use history::History;
pub use surt::Surt;
pub use target::{Mode, Target};
pub use url::CanonicalUrl;
pub use windlass_archive::CaptureTime;
