//! Fuzz targets: each takes any bytes and fails where a promise is broken. `fuzz/` runs them with
//! libFuzzer without end, `tests/bounded.rs` with a bounded number of mutations of real data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod archive;
pub mod checksums;
pub mod extract;
pub mod filter;
pub mod index;
pub mod mutate;
pub mod segment;
