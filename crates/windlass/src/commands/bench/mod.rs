//! `windlass bench`: what this machine does, beside the limits of the same run.

mod indexing;
mod merging;
mod reading;
mod synthetic;

use std::process::ExitCode;

use anyhow::bail;

use crate::cli::BenchOptions;

pub(crate) fn run(options: &BenchOptions) -> anyhow::Result<ExitCode> {
    match (options.links, options.paths.is_empty()) {
        (Some(links), true) if options.merging => merging::run(options, links)?,
        (Some(links), true) => indexing::run(options, links)?,
        (None, false) => reading::run(options)?,
        _ => bail!("give either archive files to read, or --links for an index to build and ask"),
    }
    Ok(ExitCode::SUCCESS)
}
