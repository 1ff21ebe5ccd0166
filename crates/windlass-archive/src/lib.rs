//! Reads web archives — WARC, ARC, Common Crawl WAT — and never trusts them.

pub mod record;
pub mod time;

pub use record::{Payload, Problem, ProblemKind, Record, Response, WatLink, WatPage};
pub use time::CaptureTime;
