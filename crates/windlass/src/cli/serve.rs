//! The flags of `serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use humantime::parse_duration;
use windlass_server::CorsOrigin;

use crate::config::Setting;
use crate::numbers::{parse_bytes, parse_positive, parse_size};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  windlass serve --index ./index
  windlass serve --index ./index --merge-rate 20M
  windlass serve --index ./index --merge off
  windlass serve --config windlass.toml --check
  curl 'http://127.0.0.1:8600/?from=anchors&target=w3.org&mode=subdomains&limit=5'

Each setting is a flag, a variable of the environment, or a line of the file that --config names,
'query_time_max = \"20s\"'. A flag counts before a variable, a variable before the file.

Segments of similar size are merged in the background, by a thread of low priority that works about
a fifth of the time while requests are answered, and gives up at once when another process wants to
write the index.")]
pub(crate) struct ServeOptions {
    /// A TOML file with settings, named as the flags are, with _ in place of -
    #[arg(long, value_name = "FILE", env = "WINDLASS_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Look at settings, index, accounts, certificate and address, say what is wrong with them, and end
    #[arg(long, conflicts_with = "print_config")]
    pub(crate) check: bool,
    /// Print all settings as they would count, as TOML, and end
    #[arg(long)]
    pub(crate) print_config: bool,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// Declares the settings once, as flags; merging them, and listing them by name, follows from that.
macro_rules! settings {
    ($($(#[$attribute:meta])* $name:ident: $kind:ident,)*) => {
        /// What can be set about `serve`, where it is set.
        #[derive(Debug, Clone, Default, Args)]
        pub(crate) struct Settings {
            $($(#[$attribute])* pub(crate) $name: Option<$kind>,)*
        }

        impl Settings {
            /// Takes from another what is not set here.
            pub(crate) fn or(self, other: Self) -> Self {
                Self { $($name: self.$name.or(other.$name),)* }
            }

            /// What is set, by name, in the order of the help.
            pub(crate) fn entries(&self) -> Vec<(&'static str, toml::Value)> {
                let mut entries = Vec::new();
                $(entries.extend(self.$name.as_ref().map(|value| {
                    (stringify!($name), Setting::to_toml(value))
                }));)*
                entries
            }
        }
    };
}

settings! {
    /// The index
    #[arg(long, value_name = "DIR", env = "WINDLASS_INDEX")]
    index: PathBuf,
    /// The accounts file [default: accounts.sqlite in the folder of the index]; as long as it has no
    /// token, everybody is answered
    #[arg(long, value_name = "FILE", env = "WINDLASS_ACCOUNTS")]
    accounts: PathBuf,
    /// Address and port; port 0 takes a free one [default: 127.0.0.1:8600]
    #[arg(long, value_name = "ADDRESS", env = "WINDLASS_LISTEN")]
    listen: SocketAddr,
    /// Listen on an address that other machines reach, although the server asks for no token
    #[arg(
        long, value_name = "BOOL", env = "WINDLASS_ALLOW_REMOTE",
        num_args = 0..=1, require_equals = true, default_missing_value = "true"
    )]
    allow_remote: bool,
    /// Speak TLS with this certificate and those that lead from it towards a root (PEM); read anew when
    /// it changes, and on SIGHUP
    #[arg(long, value_name = "FILE", env = "WINDLASS_TLS_CERT")]
    tls_cert: PathBuf,
    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", env = "WINDLASS_TLS_KEY")]
    tls_key: PathBuf,
    /// Origins whose web pages may read answers, comma-separated, such as `https://example.org`; * for
    /// all [default: none]
    #[arg(long, value_name = "ORIGINS", env = "WINDLASS_CORS_ORIGIN")]
    cors_origin: CorsOrigins,
    /// Who may read /metrics [default: loopback]
    #[arg(long, value_name = "WHO", env = "WINDLASS_METRICS")]
    metrics: MetricsReaders,
    /// How the log is written [default: text on a terminal, else json]
    #[arg(long, value_name = "FORMAT", env = "WINDLASS_LOG_FORMAT")]
    log_format: LogFormat,
    /// Whether segments are merged while requests are answered [default: background]
    #[arg(long, value_name = "WHEN", env = "WINDLASS_MERGE")]
    merge: ServeMerge,
    /// Bytes of segments that are merged in a second at most (suffixes k, M, G) [default: no bound]
    #[arg(long, value_name = "BYTES/S", value_parser = parse_bytes, env = "WINDLASS_MERGE_RATE")]
    merge_rate: u64,
    /// Bytes of segments that a merge may take at once (suffixes k, M, G), and so the disk that it needs
    /// beside the index [default: what the disk has free]
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes, env = "WINDLASS_MERGE_MAX")]
    merge_max: u64,
    /// Connections open at once; another one takes the place of the one that is idle longest, or waits
    #[arg(long, value_name = "N", value_parser = parse_positive, env = "WINDLASS_CONNECTIONS_MAX")]
    connections_max: usize,
    /// Queries that run or stream at once [default: two a core, at least 4]
    #[arg(long, value_name = "N", value_parser = parse_positive, env = "WINDLASS_QUERIES_MAX")]
    queries_max: usize,
    /// Those that one token, or without tokens one address, may have at once [default: all but one]
    #[arg(long, value_name = "N", value_parser = parse_positive, env = "WINDLASS_QUERIES_PER_CLIENT_MAX")]
    queries_per_client_max: usize,
    /// How long a query waits for others before it is refused with 429
    #[arg(long, value_name = "TIME", value_parser = parse_duration, env = "WINDLASS_QUEUE_TIME_MAX")]
    queue_time_max: Duration,
    /// How long a query may run before it is stopped with 503
    #[arg(long, value_name = "TIME", value_parser = parse_duration, env = "WINDLASS_QUERY_TIME_MAX")]
    query_time_max: Duration,
    /// Memory of a query for what grows with its target, about (suffixes k, M, G) [default: a sixteenth of RAM,
    /// at least 512 MiB]
    #[arg(long, value_name = "BYTES", value_parser = parse_size, env = "WINDLASS_QUERY_BYTES_MAX")]
    query_bytes_max: usize,
    /// Memory for what is kept of the index for the next questions: what was decoded, and what answers are made
    /// of (suffixes k, M, G); 0: nothing is [default: an eighth of RAM]
    #[arg(long, value_name = "BYTES", value_parser = parse_size, env = "WINDLASS_KEPT_INDEX_BYTES_MAX")]
    kept_index_bytes_max: usize,
    /// Memory for short answers that are kept for who asks the same again, about (suffixes k, M, G); 0: none are
    #[arg(long, value_name = "BYTES", value_parser = parse_size, env = "WINDLASS_KEPT_ANSWERS_BYTES_MAX")]
    kept_answers_bytes_max: usize,
    /// How long the head of a request may take to come, and then its body
    #[arg(long, value_name = "TIME", value_parser = parse_duration, env = "WINDLASS_REQUEST_TIME_MAX")]
    request_time_max: Duration,
    /// How long a client may take nothing of an answer before it is cut off
    #[arg(long, value_name = "TIME", value_parser = parse_duration, env = "WINDLASS_STALL_TIME_MAX")]
    stall_time_max: Duration,
    /// How long answers in flight may take after SIGTERM
    #[arg(long, value_name = "TIME", value_parser = parse_duration, env = "WINDLASS_SHUTDOWN_TIME_MAX")]
    shutdown_time_max: Duration,
    /// Longest path and query (414)
    #[arg(long, value_name = "BYTES", value_parser = parse_size, env = "WINDLASS_URI_BYTES_MAX")]
    uri_bytes_max: usize,
    /// Longest head of a request (431), at least 8k
    #[arg(long, value_name = "BYTES", value_parser = parse_size, env = "WINDLASS_HEAD_BYTES_MAX")]
    head_bytes_max: usize,
    /// Most headers of a request (431)
    #[arg(long, value_name = "N", value_parser = parse_positive, env = "WINDLASS_HEADERS_MAX")]
    headers_max: usize,
    /// Longest body of a request (413)
    #[arg(long, value_name = "BYTES", value_parser = parse_size, env = "WINDLASS_BODY_BYTES_MAX")]
    body_bytes_max: usize,
}

/// Whether `serve` merges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ServeMerge {
    /// When it is due, beside the answers
    Background,
    /// Never
    Off,
}

/// Who may read `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MetricsReaders {
    /// Programs of this machine
    Loopback,
    /// Whoever reaches the server
    Everyone,
    /// Nobody
    Nobody,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

/// Origins, and the text that lists them.
#[derive(Debug, Clone)]
pub(crate) struct CorsOrigins {
    pub(crate) text: String,
    pub(crate) origins: Vec<CorsOrigin>,
}

impl FromStr for CorsOrigins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let origins = text.split(',').map(|origin| origin.trim().parse());
        Ok(Self {
            origins: origins.collect::<Result<_, _>>()?,
            text: text.to_owned(),
        })
    }
}
