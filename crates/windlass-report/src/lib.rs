//! Reports over the rows of a target: where → group → having → order → page (R15–R20), and the
//! parameters, errors and formats of the wire contract. No files, no HTTP.
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//! use windlass_index::TargetRowsBuilder;
//! use windlass_links::CaptureTime;
//! use windlass_report::{Query, run, write};
//!
//! let parameters = [("from", "anchors"), ("target", "example.com"), ("mode", "domain")];
//! let query = Query::from_params(parameters)?;
//! let time = CaptureTime::from_unix(0);
//! let mut rows = TargetRowsBuilder::default();
//! rows.add("here", "example.org", 0, time, time);
//! let rows = rows.build();
//! let report = run(&query, &rows)?;
//! let mut body = Vec::new();
//! write::report(&report, query.output, &mut body)?;
//! assert!(body.starts_with(br#"{"anchors":[{"anchor":"here","backlinks":1,"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod columns;
mod engine;
pub mod error;
pub mod filter;
mod kind;
mod output;
mod parameters;
mod query;
mod report;
pub mod summary;
pub mod table;
mod totals;
pub mod write;

pub use columns::{Direction, OrderKey};
pub use engine::{
    AnchorRow, Answer, AnswerError, AnswerLimits, WriteError, answer, answer_if_small,
    may_be_small, rows_of_anchor, run, run_cancellable, run_on,
};
pub use error::{Misreading, QueryError};
pub use filter::Filter;
pub use kind::{AnchorKind, AnchorKindError, Kinds};
pub use output::Output;
pub use parameters::Parameters;
pub use query::{LIMIT_DEFAULT, LIMIT_MAX, Query};
pub use report::{Cell, Emptiness, Group, Report};
pub use table::{ANCHORS, Clause, Column, ColumnType, Table};
#[doc(hidden)]
pub use totals::totals_tuned;
pub use totals::{Totals, answer_with_totals, totals};
