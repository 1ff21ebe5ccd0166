//! `windlass serve`: answers over HTTP.

use std::future::pending;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use windlass_index::{KeptMemory, Reader};

use crate::cli::serve::ServeOptions;
use crate::signals::ignores_interrupt;
use crate::{config, progress};

/// What is asked for in the ready-made request.
const EXAMPLE_TARGET: &str = "w3.org";

pub(crate) fn run(options: &ServeOptions) -> anyhow::Result<ExitCode> {
    let effective = config::effective(options)?;
    let mut out = anstream::stdout().lock();
    if options.print_config {
        out.write_all(effective.to_toml().as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    if options.check {
        let is_fit = config::check(&effective, &mut out)?;
        return Ok(if is_fit {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    drop(out);
    effective.check_limits()?;
    let _log = progress::start_server_logging(effective.settings().log_format)?;
    let server = effective.server()?;
    open_files(server.limits.connections_max);
    serve(&effective.index()?, effective.kept_memory(), server)?;
    Ok(ExitCode::SUCCESS)
}

/// Files that are open beside connections: the index's, and those of accounts.
const OTHER_FILES: u64 = 64;

/// Lets the server open as many files as it may: each connection is one, and 1,024 is what many systems begin with.
fn open_files(connections_max: usize) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let _ = setrlimit(Resource::Nofile, raised);
    let files = getrlimit(Resource::Nofile).current;
    if files.is_some_and(|files| files < OTHER_FILES + connections_max as u64) {
        tracing::warn!(
            files,
            connections_max,
            "fewer files may be open than connections; raise the limit (ulimit -n, LimitNOFILE)"
        );
    }
}

/// Serves an index until SIGINT or SIGTERM; answers in flight are finished. SIGHUP has the certificate
/// read anew.
pub(crate) fn serve(
    index: &Path,
    kept: KeptMemory,
    options: windlass_server::ServeOptions,
) -> anyhow::Result<()> {
    let reader = Arc::new(Reader::open_keeping(index, kept)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the server's threads")?;
    runtime.block_on(async {
        let shutdown = shutdown_signal()?;
        let mut hangup = signal(SignalKind::hangup()).context("waiting for SIGHUP")?;
        let reload = Arc::clone(&options.reload);
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                reload.notify_one();
            }
        });
        let scheme = if options.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let announce = |address| announce(scheme, address);
        windlass_server::serve(options, reader, shutdown, announce).await?;
        Ok(())
    })
}

/// Says where the server listens, and what to try.
fn announce(scheme: &str, address: SocketAddr) {
    let mut out = anstream::stdout().lock();
    // Nobody may be reading; the server serves all the same.
    let _ = writeln!(
        out,
        "Windlass listens on {scheme}://{address}\ntry: curl '{scheme}://{address}/?from=anchors&target={EXAMPLE_TARGET}&mode=subdomains&limit=5&order_by=refdomains:desc'\nstop with Ctrl-C"
    );
    let _ = out.flush();
}

fn shutdown_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let interrupt = match ignores_interrupt() {
        true => None,
        false => Some(signal(SignalKind::interrupt()).context("waiting for SIGINT")?),
    };
    let mut terminate = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
    let interrupted = async move {
        match interrupt {
            Some(mut interrupt) => drop(interrupt.recv().await),
            None => pending().await,
        }
    };
    Ok(async move {
        tokio::select! {
            () = interrupted => {}
            _ = terminate.recv() => {}
        }
    })
}
