//! `windlass serve`: answers over HTTP.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use windlass_index::Reader;
use windlass_server::MergingOptions;

use crate::cli::accounts::accounts_file;
use crate::cli::{ListeningOptions, ServeMerge, ServeOptions};

/// What is asked for in the ready-made request.
const EXAMPLE_TARGET: &str = "w3.org";

pub(crate) fn run(options: &ServeOptions) -> anyhow::Result<ExitCode> {
    let merging = (options.merge == ServeMerge::Background).then(|| MergingOptions {
        policy: options.policy.policy(),
        bytes_per_second_max: options.merge_rate,
    });
    let accounts = accounts_file(&options.index, options.accounts.as_deref());
    serve(&options.index, &options.listening, Some(accounts), merging)?;
    Ok(ExitCode::SUCCESS)
}

/// Serves an index until SIGINT or SIGTERM; answers in flight are finished.
pub(crate) fn serve(
    index: &Path,
    listening: &ListeningOptions,
    accounts: Option<PathBuf>,
    merging: Option<MergingOptions>,
) -> anyhow::Result<()> {
    let reader = Arc::new(Reader::open(index)?);
    let options = windlass_server::ServeOptions {
        listen: listening.listen,
        allow_remote: listening.allow_remote,
        accounts,
        merging,
        ..windlass_server::ServeOptions::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the server's threads")?;
    runtime.block_on(async {
        let shutdown = shutdown_signal()?;
        windlass_server::serve(options, reader, shutdown, announce).await?;
        Ok(())
    })
}

/// Says where the server listens, and what to try.
fn announce(address: SocketAddr) {
    let mut out = anstream::stdout().lock();
    // Nobody may be reading; the server serves all the same.
    let _ = writeln!(
        out,
        "Windlass listens on http://{address}\ntry: curl 'http://{address}/?from=anchors&target={EXAMPLE_TARGET}&mode=subdomains&limit=5&order_by=refdomains:desc'\nstop with Ctrl-C"
    );
    let _ = out.flush();
}

fn shutdown_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).context("waiting for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
