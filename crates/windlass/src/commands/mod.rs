//! One module a command.

pub(crate) mod anchors;
pub(crate) mod bench;
pub(crate) mod demo;
pub(crate) mod export;
pub(crate) mod ingest;
pub(crate) mod links;
pub(crate) mod merge;
pub(crate) mod report;
pub(crate) mod serve;
pub(crate) mod stats;
pub(crate) mod token;
pub(crate) mod trace;
pub(crate) mod usage;
pub(crate) mod verify;
mod writing;
