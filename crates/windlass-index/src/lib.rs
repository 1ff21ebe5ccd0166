//! The backlink index: immutable segments of captures and links, merged by union, under one manifest.

#![allow(dead_code)]
mod bytes;
mod column;
mod error;
pub mod rows;
mod strings;

pub use error::IndexError;
pub use rows::{Row, TargetRows, TargetRowsBuilder};
