//! All settings together: flags, environment, file, defaults, in that order of precedence.

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, bail};
use windlass_index::{KeptMemory, MergePolicy};
use windlass_server::{AccessOptions, Limits, MergingOptions, MetricsAccess, TlsFiles};

use super::file;
use crate::cli::accounts::accounts_file;
use crate::cli::serve::{MetricsReaders, ServeMerge, ServeOptions, Settings};
use crate::memory;

/// The port where nothing else is said.
const PORT_DEFAULT: u16 = 8600;

/// The least that a request for a report says.
const SHORTEST_REQUEST: &str = "/?from=pages&target=a.io&mode=exact";

/// The settings that count.
pub(crate) struct Effective(Settings);

/// Reads the file, where there is one, and puts all together.
pub(crate) fn effective(options: &ServeOptions) -> anyhow::Result<Effective> {
    let file = options.config.as_deref().map(file::read).transpose()?;
    let given = options.settings.clone().or(file.unwrap_or_default());
    let mut settings = given.or(defaults());
    if settings.queries_per_client_max.is_none() {
        // One place is left for others.
        settings.queries_per_client_max = settings.queries_max.map(|max| (max - 1).max(1));
    }
    if settings.accounts.is_none() {
        settings.accounts = settings
            .index
            .as_deref()
            .map(|index| accounts_file(index, None));
    }
    Ok(Effective(settings))
}

fn defaults() -> Settings {
    let limits = Limits::default();
    Settings {
        listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT_DEFAULT))),
        allow_remote: Some(false),
        metrics: Some(MetricsReaders::Loopback),
        merge: Some(ServeMerge::Background),
        connections_max: Some(limits.connections_max),
        queries_max: Some(limits.queries_max),
        queue_time_max: Some(limits.queue_time_max),
        query_time_max: Some(limits.query_time_max),
        query_bytes_max: Some(memory::query_bytes(limits.query_bytes_max)),
        kept_index_bytes_max: Some(memory::kept_bytes()),
        kept_answers_bytes_max: Some(limits.kept_answers_bytes_max),
        request_time_max: Some(limits.request_time_max),
        stall_time_max: Some(limits.stall_time_max),
        shutdown_time_max: Some(limits.shutdown_time_max),
        uri_bytes_max: Some(limits.uri_bytes_max),
        head_bytes_max: Some(limits.head_bytes_max),
        headers_max: Some(limits.headers_max),
        body_bytes_max: Some(limits.body_bytes_max),
        ..Settings::default()
    }
}

impl Effective {
    /// The settings.
    pub(crate) fn settings(&self) -> &Settings {
        &self.0
    }

    /// The index, which must be named.
    pub(crate) fn index(&self) -> anyhow::Result<PathBuf> {
        self.0.index.clone().context(
            "no index is named: use --index DIR, WINDLASS_INDEX, or 'index' in the file of --config",
        )
    }

    /// Memory for what is kept of the index for the next questions.
    pub(crate) fn kept_memory(&self) -> KeptMemory {
        let bytes_max = self.0.kept_index_bytes_max;
        KeptMemory::new(bytes_max.unwrap_or_else(memory::kept_bytes))
    }

    /// All of them as TOML. What has no value and no default is not there.
    pub(crate) fn to_toml(&self) -> String {
        let mut text = String::new();
        for (name, value) in self.0.entries() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name} = {value}");
        }
        text
    }

    /// What the server is started with.
    pub(crate) fn server(&self) -> anyhow::Result<windlass_server::ServeOptions> {
        let usual = windlass_server::ServeOptions::default();
        let settings = &self.0;
        Ok(windlass_server::ServeOptions {
            listen: settings.listen.unwrap_or(usual.listen),
            allow_remote: settings.allow_remote.unwrap_or(usual.allow_remote),
            limits: self.limits(),
            access: AccessOptions {
                cors_origins: settings
                    .cors_origin
                    .as_ref()
                    .map_or_else(Vec::new, |listed| listed.origins.clone()),
                metrics: match settings.metrics {
                    Some(MetricsReaders::Everyone) => MetricsAccess::Everyone,
                    Some(MetricsReaders::Nobody) => MetricsAccess::Nobody,
                    Some(MetricsReaders::Loopback) | None => MetricsAccess::Loopback,
                },
            },
            accounts: settings.accounts.clone(),
            merging: self.merging(),
            tls: self.tls()?,
            reload: usual.reload,
        })
    }

    /// Whether anything can be answered within the limits.
    pub(crate) fn check_limits(&self) -> anyhow::Result<()> {
        let limits = self.limits();
        let shortest = SHORTEST_REQUEST.len();
        if limits.uri_bytes_max < shortest {
            bail!("uri_bytes_max: no request is so short; at least {shortest} are wanted");
        }
        if limits.query_bytes_max == 0 {
            bail!("query_bytes_max: no query does without memory");
        }
        for (name, time) in [
            ("query_time_max", limits.query_time_max),
            ("request_time_max", limits.request_time_max),
            ("stall_time_max", limits.stall_time_max),
        ] {
            if time.is_zero() {
                bail!("{name}: nothing is done in no time");
            }
        }
        Ok(())
    }

    fn limits(&self) -> Limits {
        let (settings, usual) = (&self.0, Limits::default());
        Limits {
            connections_max: settings.connections_max.unwrap_or(usual.connections_max),
            queries_max: settings.queries_max.unwrap_or(usual.queries_max),
            queries_per_client_max: settings
                .queries_per_client_max
                .unwrap_or(usual.queries_per_client_max),
            queue_time_max: settings.queue_time_max.unwrap_or(usual.queue_time_max),
            query_time_max: settings.query_time_max.unwrap_or(usual.query_time_max),
            request_time_max: settings.request_time_max.unwrap_or(usual.request_time_max),
            stall_time_max: settings.stall_time_max.unwrap_or(usual.stall_time_max),
            shutdown_time_max: settings
                .shutdown_time_max
                .unwrap_or(usual.shutdown_time_max),
            query_bytes_max: settings.query_bytes_max.unwrap_or(usual.query_bytes_max),
            kept_answers_bytes_max: settings
                .kept_answers_bytes_max
                .unwrap_or(usual.kept_answers_bytes_max),
            uri_bytes_max: settings.uri_bytes_max.unwrap_or(usual.uri_bytes_max),
            head_bytes_max: settings.head_bytes_max.unwrap_or(usual.head_bytes_max),
            headers_max: settings.headers_max.unwrap_or(usual.headers_max),
            body_bytes_max: settings.body_bytes_max.unwrap_or(usual.body_bytes_max),
            // These change no answer, and need no setting.
            kept_bytes_max: usual.kept_bytes_max,
            groups_at_once: usual.groups_at_once,
            at_once_time_max: usual.at_once_time_max,
        }
    }

    fn merging(&self) -> Option<MergingOptions> {
        let usual = MergePolicy::default();
        (self.0.merge != Some(ServeMerge::Off)).then(|| MergingOptions {
            policy: MergePolicy {
                bytes_max: self.0.merge_max.unwrap_or(usual.bytes_max),
                ..usual
            },
            bytes_per_second_max: self.0.merge_rate,
        })
    }

    /// The files of TLS.
    pub(crate) fn tls(&self) -> anyhow::Result<Option<TlsFiles>> {
        match (self.0.tls_cert.clone(), self.0.tls_key.clone()) {
            (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
            (None, None) => Ok(None),
            _ => bail!("TLS takes both a certificate and its key: tls_cert and tls_key"),
        }
    }
}
