//! What can be set about the server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use axum::http::{HeaderValue, Uri};
use tokio::sync::Notify;
use windlass_index::MergePolicy;
use windlass_report::AnswerLimits;

/// Where to listen, and the limits.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether other machines may reach the server, although it asks for no token.
    pub allow_remote: bool,
    /// The limits.
    pub limits: Limits,
    /// Who may read what beside reports.
    pub access: AccessOptions,
    /// The accounts: a file that need not be there before the first token is made. Without it, the
    /// server asks nobody for a token.
    pub accounts: Option<PathBuf>,
    /// How segments are merged in the background; without it, they are not.
    pub merging: Option<MergingOptions>,
    /// What TLS is spoken with; without it, HTTP is spoken in the clear.
    pub tls: Option<TlsFiles>,
    /// Notified where the files of `tls` shall be read anew; without it, only their change says so.
    pub reload: Arc<Notify>,
}

/// Who may read what beside reports.
#[derive(Debug, Clone, Default)]
pub struct AccessOptions {
    /// Web pages of these origins may read answers (CORS); no others may.
    pub cors_origins: Vec<CorsOrigin>,
    /// Who may read `/metrics`.
    pub metrics: MetricsAccess,
}

/// Who may read `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MetricsAccess {
    /// Whoever reaches the server.
    Everyone,
    /// Programs of this machine, to which a reverse proxy on it belongs.
    #[default]
    Loopback,
    /// Nobody.
    Nobody,
}

/// An origin of web pages (RFC 6454), `https://example.org`; or `*`, which is all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsOrigin(HeaderValue);

impl CorsOrigin {
    /// As browsers send it.
    pub(crate) fn header(&self) -> &HeaderValue {
        &self.0
    }

    /// Whether it is all of them.
    pub(crate) fn is_any(&self) -> bool {
        self.0 == "*"
    }
}

impl FromStr for CorsOrigin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_origin = || {
            let uri: Uri = text.parse().ok()?;
            let scheme = uri.scheme_str()?;
            let authority = uri.authority()?.as_str();
            // No user, path or trailing slash: browsers send none.
            Some(format!("{scheme}://{authority}") == text && !authority.contains('@'))
        };
        if text != "*" && is_origin() != Some(true) {
            return Err(format!(
                "'{text}' is no origin; wanted is scheme, host and port alone, such as \
                 https://example.org, or *"
            ));
        }
        HeaderValue::from_str(text)
            .map(Self)
            .map_err(|error| error.to_string())
    }
}

/// The files that TLS is spoken with. They may be replaced while the server runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that lead from it towards a root, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// How segments are merged in the background.
#[derive(Debug, Clone, Default)]
pub struct MergingOptions {
    /// When.
    pub policy: MergePolicy,
    /// How many bytes of segments in a second at most.
    pub bytes_per_second_max: Option<u64>,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 8600).into(),
            allow_remote: false,
            limits: Limits::default(),
            access: AccessOptions::default(),
            accounts: None,
            merging: None,
            tls: None,
            reload: Arc::default(),
        }
    }
}

/// What the HTTP library keeps on the stack; other numbers cost an allocation for each request.
pub(crate) const HEADERS_MAX_DEFAULT: usize = 100;

/// What one client cannot take from the others.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections open at once. Another one takes the place of the one that has waited longest for a request, or waits to
    /// be accepted.
    pub connections_max: usize,
    /// Queries that run or stream at once.
    pub queries_max: usize,
    /// Those of them that one client may have at once: one address, or one network of 64 bits.
    pub queries_per_client_max: usize,
    /// How long a query waits for others to end before it is refused (429).
    pub queue_time_max: Duration,
    /// How long a query may run before it is stopped (503).
    pub query_time_max: Duration,
    /// How long the head of a request may take to come, and then its body (408); a TLS handshake takes
    /// no longer either.
    pub request_time_max: Duration,
    /// How long a client may take to accept a part of an answer before it is cut off.
    pub stall_time_max: Duration,
    /// How long answers in flight may take after the server was told to stop.
    pub shutdown_time_max: Duration,
    /// Bytes of memory, about, that a query may take for what grows with its target rather than with
    /// its answer (400).
    pub query_bytes_max: usize,
    /// Bytes of single rows, about, that are kept between finding and writing them; more are found again.
    pub kept_bytes_max: usize,
    /// Groups of anchors that are in memory at once; more are found again.
    pub groups_at_once: u64,
    /// How long the last answer about a target may have taken for the next one to be made without a thread
    /// of its own, where it is also known from the index to be small. Nothing: each has a thread.
    pub at_once_time_max: Option<Duration>,
    /// Bytes, about, of short answers that are kept for who asks the same again; 0: none are.
    pub kept_answers_bytes_max: usize,
    /// Longest path and query (414). Beyond 65,534 bytes the HTTP library itself says 414.
    pub uri_bytes_max: usize,
    /// Longest head of a request, in bytes: its first line and its headers (431); at least 8,192.
    pub head_bytes_max: usize,
    /// Most headers of a request (431).
    pub headers_max: usize,
    /// Longest request body (413).
    pub body_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        let queries_max = (2 * cores).max(4);
        let answer = AnswerLimits::default();
        Self {
            connections_max: 1024,
            queries_max,
            // One place is always left for others.
            queries_per_client_max: queries_max - 1,
            queue_time_max: Duration::from_secs(5),
            query_time_max: Duration::from_secs(60),
            request_time_max: Duration::from_secs(30),
            stall_time_max: Duration::from_secs(60),
            shutdown_time_max: Duration::from_secs(30),
            query_bytes_max: answer.memory_max,
            kept_bytes_max: answer.kept_bytes_max,
            groups_at_once: answer.groups_at_once,
            at_once_time_max: Some(Duration::from_millis(1)),
            kept_answers_bytes_max: 32 << 20,
            uri_bytes_max: 32_768,
            head_bytes_max: 131_072,
            headers_max: HEADERS_MAX_DEFAULT,
            body_bytes_max: 1_048_576,
        }
    }
}
