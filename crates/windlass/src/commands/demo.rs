//! `windlass demo`: the crawl that travels with Windlass, indexed and served.

use std::process::ExitCode;

use anyhow::Context;
use windlass_index::KeptMemory;

use crate::cli::DemoOptions;
use crate::commands::{ingest, serve};
use crate::{inputs, memory};

pub(crate) fn run(options: &DemoOptions) -> anyhow::Result<ExitCode> {
    let crawl = options.crawl.display().to_string();
    let paths = inputs::expand(&[crawl]).all().context(
        "the demo crawl is in the folder demo/ of the source tree; --crawl names another",
    )?;
    let memory_max = usize::try_from(memory::quarter_of_ram()).unwrap_or(usize::MAX);
    let (summary, elapsed, writer) = ingest::ingest_tiered(&options.index, &paths, memory_max)?;
    ingest::show(&summary, elapsed, &writer)?;
    drop(writer);
    let server = windlass_server::ServeOptions {
        listen: options.listening.listen,
        allow_remote: options.listening.allow_remote,
        merging: Some(windlass_server::MergingOptions::default()),
        ..windlass_server::ServeOptions::default()
    };
    serve::serve(&options.index, KeptMemory::default(), server)?;
    Ok(ExitCode::SUCCESS)
}
