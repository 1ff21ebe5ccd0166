//! The counting rules (R11–R20) as plainly as they can be programmed: vectors, maps and loops that
//! read everything for each question. The tests hold the index against it.

mod backlink;
mod capture;
pub mod corpus;
mod domain;
pub mod fixtures;
pub mod html;
mod index;
mod kinds;
mod page;
mod prescan;
mod report;
mod summary;
mod tables;
mod trace;

pub use backlink::Backlink;
pub use capture::PlainCapture;
pub use domain::PlainSuffixes;
pub use index::ReferenceIndex;
pub use kinds::kind;
pub use prescan::prescan;
pub use report::{PlainGroup, PlainRow, PlainStats, groups, rows, stats};
pub use summary::{PlainSummary, months, summary};
pub use tables::{PlainRecord, PlainTables, PlainValue};
pub use trace::{PlainPlace, PlainTrace, PlainTracedCapture};
