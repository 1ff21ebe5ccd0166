//! An id for each request; a line in the log, and a count, for each answer.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Frame, SizeHint};

use crate::app::App;
use crate::billing::Bill;
use crate::clients::Peer;
use crate::delivery::Delivery;
use crate::encodings;
use crate::headers;
use crate::metrics::Sent;
use crate::places::Answering;
use crate::refusal::Reason;

/// Longest path that the log shows, in characters.
const PATH_CHARACTERS_MAX: usize = 128;

/// Names a request in answers and in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestId {
    /// Tells this run of the server from others.
    run: u32,
    number: u32,
}

impl RequestId {
    /// One that no request had.
    pub(crate) fn next() -> Self {
        static RUN: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let [a, b, c, d, ..] = RUN.to_le_bytes();
        Self {
            run: u32::from_le_bytes([a, b, c, d]),
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{:08x}", self.run, self.number)
    }
}

/// What was returned and charged: left in a response for log and metrics.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counted {
    /// Rows in the body.
    pub(crate) rows: u64,
    /// What they cost, or would cost where tokens are wanted.
    pub(crate) cost: Option<u64>,
}

/// The table that was asked: left in a response for log and metrics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TableName(pub(crate) &'static str);

/// What turned out of an answer after its head was sent: left in a response for log and metrics, which take it in
/// place of what the head says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome(Arc<OnceLock<TurnedOut>>);

/// What an [`Outcome`] is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TurnedOut {
    /// The status that the answer would have had.
    pub(crate) status: StatusCode,
    /// Why it was refused, where it was.
    pub(crate) reason: Option<Reason>,
    /// The table that was asked, where one was.
    pub(crate) table: Option<TableName>,
    pub(crate) counted: Counted,
}

impl Outcome {
    /// It is known now. Of what is said twice the first counts.
    pub(crate) fn is(&self, turned_out: TurnedOut) {
        let _ = self.0.set(turned_out);
    }
}

/// Gives the request its id and the answer the headers that all have; logs and counts the answer when
/// its body has been sent, and hands its bill on. Neither the query string nor any header gets into the log: they may hold a
/// token.
pub(crate) async fn log(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let id = RequestId::next();
    request.extensions_mut().insert(id);
    encodings::tolerate(request.headers_mut());
    let method = request.method().clone();
    let path = request.uri().path();
    let path = path.chars().take(PATH_CHARACTERS_MAX).collect();
    let peer = request.extensions().get::<Peer>().copied();
    let delivery = request.extensions().get::<Delivery>().cloned();
    let answering = request.extensions().get::<Arc<Answering>>().cloned();
    let response = next.run(request).await;

    let (mut head, body) = response.into_parts();
    headers::complete(&mut head.headers);
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        head.headers.insert(headers::REQUEST_ID, value);
    }
    let counted = head.extensions.get::<Counted>().copied();
    let counted = counted.unwrap_or_default();
    let sent = Sent {
        table: head.extensions.get::<TableName>().map(|table| table.0),
        status: head.status.as_u16(),
        reason: head.extensions.get::<Reason>().copied(),
        rows: counted.rows,
        bytes: 0,
        head: start.elapsed(),
        whole: start.elapsed(),
    };
    let record = Record {
        app,
        id,
        path,
        peer,
        cost: counted.cost,
        outcome: head.extensions.get::<Outcome>().cloned(),
        bill: head.extensions.remove::<Bill>(),
        delivery,
        _answering: answering,
        start,
        sent,
        is_whole: method == Method::HEAD || body.is_end_stream(),
        method,
    };
    Response::from_parts(head, Body::new(Recorded { body, record }))
}

/// What the log says of a request, when this is dropped; and who keeps its bill then.
struct Record {
    app: Arc<App>,
    id: RequestId,
    method: Method,
    path: String,
    peer: Option<Peer>,
    cost: Option<u64>,
    outcome: Option<Outcome>,
    bill: Option<Bill>,
    /// Of a request that came over a connection.
    delivery: Option<Delivery>,
    _answering: Option<Arc<Answering>>,
    start: Instant,
    sent: Sent,
    /// Whether all of the body has been taken.
    is_whole: bool,
}

impl Drop for Record {
    fn drop(&mut self) {
        if let (Some(bill), Some(delivery)) = (self.bill.take(), &self.delivery) {
            delivery.buffered(bill);
        }
        self.sent.whole = self.start.elapsed();
        if let Some(known) = self
            .outcome
            .take()
            .and_then(|outcome| outcome.0.get().copied())
        {
            self.sent.status = known.status.as_u16();
            self.sent.reason = known.reason;
            self.sent.table = known.table.map(|table| table.0);
            self.sent.rows = known.counted.rows;
            self.cost = known.counted.cost;
        }
        let sent = &self.sent;
        self.app.metrics.count(sent);
        tracing::info!(
            request = %self.id,
            method = %self.method,
            path = self.path,
            table = sent.table,
            status = sent.status,
            reason = sent.reason.map(Reason::name),
            rows = sent.rows,
            cost = self.cost,
            bytes = sent.bytes,
            ms = sent.whole.as_secs_f64() * 1000.0,
            peer = self.peer.map(|peer| tracing::field::display(peer.0)),
            cut = (!self.is_whole).then_some(true),
            "answered"
        );
    }
}

/// A body, and what is recorded of it.
struct Recorded {
    body: Body,
    record: Record,
}

impl HttpBody for Recorded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
                self.record.sent.bytes += bytes;
                self.record.is_whole |= self.body.is_end_stream();
            }
            Some(Err(error)) => {
                if let Some(bill) = &self.record.bill {
                    bill.failed(error);
                }
            }
            None => self.record.is_whole = true,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
