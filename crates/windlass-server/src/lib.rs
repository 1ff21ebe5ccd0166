//! Windlass over HTTP: the wire contract of `docs/`, with bodies streamed and limits on everything.
//!
//! A request's way: [`serve()`] accepts the connection, `connection` speaks HTTP on it, in the clear or
//! through TLS (`tls`); the router finds the handler, and `request_log` gives the request its id;
//! `parameters` reads them; `billing` says whose request it is; `answer` says that the client has the
//! answer already (`conditional`), or gives one that was kept (`kept_answers`), or runs the query: where it is,
//! if that is known to take next to no time (`at_once`), else it waits for a place (`app`, `clients`) and runs it
//! on a blocking thread, which then writes the body in chunks through a bounded channel (`stream`). The first
//! byte is sent when the charge is on the disk; when the last is, the answer is logged and counted
//! (`metrics`), and when the system has it, the charge is final (`delivery`). Beside that, one thread merges segments when it is time (`merging`).

mod admin;
mod answer;
mod app;
mod at_once;
mod billing;
mod clients;
mod conditional;
mod connection;
mod cut;
mod delivery;
mod effort;
mod encodings;
mod headers;
mod health;
mod kept_answers;
mod lately;
mod merging;
mod metrics;
mod openapi;
mod options;
mod parameters;
mod places;
mod raw_query;
mod recent;
mod refusal;
mod request_log;
mod router;
mod serve;
mod stream;
mod subscription;
mod tls;
mod web;

pub use options::{
    AccessOptions, CorsOrigin, Limits, MergingOptions, MetricsAccess, ServeOptions, TlsFiles,
};
pub use router::{metered_router, router, router_with};
pub use serve::{ServeError, serve};
pub use tls::{TlsError, check_tls};
