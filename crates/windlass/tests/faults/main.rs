//! The program under faults: killed at any call that changes the index, on a full or failing disk,
//! after a loss of power, with damaged and missing files, with two writers, and with readers whose
//! files a merge removes.
//!
//! `WINDLASS_FAULTS=all` injects every fault into every call; without it, into a sample of them.
#![cfg(target_os = "linux")]
#![allow(missing_docs, unreachable_pub, dead_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod accounts;
mod archives;
mod background;
mod damage;
mod injection;
mod operation;
mod power;
mod readers;
mod reading;
mod refusals;
mod shim;
mod state;
#[path = "../support/mod.rs"]
mod support;
mod workspace;
mod writers;
