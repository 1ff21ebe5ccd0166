//! What can be set about the server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use windlass_index::MergePolicy;

/// Where to listen, and the limits.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether other machines may reach the server, although it asks for no token.
    pub allow_remote: bool,
    /// The limits.
    pub limits: Limits,
    /// The accounts: a file that need not be there before the first token is made. Without it, the
    /// server asks nobody for a token.
    pub accounts: Option<PathBuf>,
    /// How segments are merged in the background; without it, they are not.
    pub merging: Option<MergingOptions>,
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
            accounts: None,
            merging: None,
        }
    }
}

/// What one client cannot take from the others.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections open at once; more wait to be accepted.
    pub connections_max: usize,
    /// Queries that run or stream at once.
    pub queries_max: usize,
    /// How long a query waits for others to end before it is refused (429).
    pub queue_time_max: Duration,
    /// How long a query may run before it is stopped (503).
    pub query_time_max: Duration,
    /// How long the head of a request may take to come, and then its body (408).
    pub request_time_max: Duration,
    /// How long a client may take to accept a part of an answer before it is cut off.
    pub stall_time_max: Duration,
    /// How long answers in flight may take after the server was told to stop.
    pub shutdown_time_max: Duration,
    /// Bytes of memory, about, that a query may take for what grows with its target rather than with
    /// its answer (400).
    pub query_bytes_max: usize,
    /// Longest path and query (414). Beyond 65,534 bytes the HTTP library itself says 414.
    pub uri_bytes_max: usize,
    /// Longest request body (413).
    pub body_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            connections_max: 1024,
            queries_max: (2 * cores).max(4),
            queue_time_max: Duration::from_secs(5),
            query_time_max: Duration::from_secs(60),
            request_time_max: Duration::from_secs(30),
            stall_time_max: Duration::from_secs(60),
            shutdown_time_max: Duration::from_secs(30),
            query_bytes_max: 512 << 20,
            uri_bytes_max: 32_768,
            body_bytes_max: 1_048_576,
        }
    }
}
