//! `windlass bench`: what this machine does, beside the limits of the same run.

mod asking;
mod collecting;
mod hostile;
mod indexing;
mod machine;
mod merging;
mod reading;
mod synthetic;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::cli::BenchOptions;
use crate::signals::{STOPPED, on_signal};

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

/// How often a folder is removed that threads still write to.
const REMOVALS_MAX: usize = 100;

/// A folder for an index that is measured, which goes when that ends, also where a signal ends it.
fn temporary_folder() -> anyhow::Result<TempDir> {
    let folder = tempfile::tempdir().context("making a temporary folder")?;
    let path = folder.path().to_owned();
    on_signal(move || {
        for _ in 0..REMOVALS_MAX {
            let _ = fs::remove_dir_all(&path);
            if !path.exists() {
                break;
            }
        }
        std::process::exit(STOPPED);
    })?;
    Ok(folder)
}
