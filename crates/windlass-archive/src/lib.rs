//! Reads web archives — WARC, ARC, Common Crawl WAT — and never trusts them.
//!
//! [`Archive`] streams the captures of one file as [`Record`]s, and everything that is wrong with
//! the file as [`Problem`]s with offset and reason. What the file is, and how it is packed (plain,
//! gzip with a member for each record or as one stream, zstd with or without dictionary), is told by
//! its content and never by its name. Damage costs the record that it touches; memory is bounded by
//! [`Limits`], whatever the file claims.
//!
//! ```no_run
//! use windlass_archive::{Archive, Limits};
//!
//! let mut archive = Archive::open("crawl.warc.gz".as_ref(), Limits::default())?;
//! for item in &mut archive {
//!     match item {
//!         Ok(record) => println!("{} {}", record.time, record.target_uri),
//!         Err(problem) => eprintln!("{problem}"),
//!     }
//! }
//! println!("{} records that are no captures", archive.skipped());
//! # Ok::<(), windlass_archive::Problem>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod arc;
mod archive;
mod capture;
mod chunked;
mod codec;
mod date;
mod encoding;
mod framing;
mod gzip;
mod http;
mod limits;
mod loose;
mod media_type;
mod member;
pub mod record;
mod source;
mod start;
pub mod time;
mod warc;
mod wat;
mod window;
mod zst;

pub use archive::{Archive, read_all};
pub use limits::Limits;
pub use media_type::MediaType;
pub use record::{Payload, Problem, ProblemKind, Record, Response, WatLink, WatPage};
pub use time::CaptureTime;
