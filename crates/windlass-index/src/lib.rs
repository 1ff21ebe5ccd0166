//! The backlink index: immutable segments of captures and links, merged by union, under one manifest.

pub mod rows;

pub use rows::{Row, TargetRows, TargetRowsBuilder};
