//! `windlass bench`: what this machine does, beside the limits of the same run.

mod asking;
mod collecting;
mod hostile;
mod indexing;
mod machine;
mod merging;
mod reading;
mod synthetic;

use std::process::ExitCode;

use anyhow::bail;

use crate::cli::BenchOptions;

pub(crate) fn run(options: &BenchOptions) -> anyhow::Result<ExitCode> {
    if let (Some(index), Some(questions)) = (&options.asking.index, &options.asking.ask) {
        asking::run(options, index, questions)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(shape) = options.shape {
        hostile::run(options, shape)?;
        return Ok(ExitCode::SUCCESS);
    }
    match (options.links, options.paths.is_empty()) {
        (Some(links), true) if options.merging => merging::run(options, links)?,
        (Some(links), true) => indexing::run(options, links)?,
        (None, false) => reading::run(options)?,
        _ => bail!(
            "give archive files to read, or --links for an index to build, or --index and --ask for one to be asked"
        ),
    }
    Ok(ExitCode::SUCCESS)
}
