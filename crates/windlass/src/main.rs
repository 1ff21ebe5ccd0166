//! `windlass`: the command line.

mod cli;
mod commands;
mod config;
mod inputs;
mod memory;
mod numbers;
mod progress;
mod signals;
mod table;

use std::io;
use std::process::ExitCode;

use windlass_report::WriteError;

use cli::Command;

/// Gives back memory that is free again, where the C library's keeps enough of it that builds take more than their
/// `--memory`.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = cli::parse();
    // What `serve` logs like may stand in a file.
    if !matches!(cli.command, Command::Serve(_))
        && let Err(error) = progress::start_logging(None)
    {
        progress::complain(&error);
        return ExitCode::FAILURE;
    }
    let result = match &cli.command {
        Command::Links(options) => commands::links::run(options),
        Command::Ingest(options) => commands::ingest::run(options),
        Command::Stats(options) => commands::stats::run(options),
        Command::Merge(options) => commands::merge::run(options),
        Command::Verify(options) => commands::verify::run(options),
        Command::Export(options) => commands::export::run(options),
        Command::Anchors(options) => commands::anchors::run(options),
        Command::Report(options) => commands::report::run(options),
        Command::Trace(options) => commands::trace::run(options),
        Command::Serve(options) => commands::serve::run(options),
        Command::Token(options) => commands::token::run(options),
        Command::Usage(options) => commands::usage::run(options),
        Command::Demo(options) => commands::demo::run(options),
        Command::Bench(options) => commands::bench::run(options),
    };
    match result {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            progress::complain(&located(error));
            ExitCode::FAILURE
        }
    }
}

/// An error of the system's that comes without a word on what was being done is one of writing to stdout: whoever does
/// anything else says what.
fn located(error: anyhow::Error) -> anyhow::Error {
    // The error itself, not what is behind a word on it.
    let bare = error.chain().next();
    let is_output = bare.is_some_and(|bare| {
        let json = bare.downcast_ref::<serde_json::Error>();
        bare.is::<io::Error>()
            || json.is_some_and(serde_json::Error::is_io)
            || matches!(bare.downcast_ref(), Some(WriteError::Io(_)))
    });
    if is_output {
        error.context("writing to stdout")
    } else {
        error
    }
}

/// Whether whoever read our output has had enough, as in `windlass links … | head`.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = match cause.downcast_ref::<WriteError>() {
            Some(WriteError::Io(io)) => Some(io),
            _ => cause.downcast_ref::<io::Error>(),
        };
        io.is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
    })
}
