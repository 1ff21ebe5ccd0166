//! Windlass over HTTP: the wire contract of `docs/`, with bodies streamed and limits on everything.
//!
//! A request's way: [`serve()`] accepts the connection; the router finds the handler and gives the
//! request its id; `parameters` reads them; `billing` says whose request it is; `answer` runs the query on a
//! blocking thread, which then writes the body in chunks through a bounded channel (`stream`). The first
//! byte is sent when the charge is on the disk. Beside that, one thread merges segments when it is time
//! (`merging`).

mod admin;
mod answer;
mod app;
mod billing;
mod health;
mod merging;
mod options;
mod parameters;
mod raw_query;
mod refusal;
mod request_log;
mod router;
mod serve;
mod stream;
mod subscription;

pub use options::{Limits, MergingOptions, ServeOptions};
pub use router::{metered_router, router};
pub use serve::{ServeError, serve};
