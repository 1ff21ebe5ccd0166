//! From a question to a page that is sent.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use windlass_report::QueryError;
use windlass_web::pages::message::{Message, Tone, Way};
use windlass_web::{Charge, Document, LOADING, PageError, Paid, Rendered, View};

use super::asked::Asked;
use crate::answer::{CancelOnDrop, Failure, answer_limits, refusal_of};
use crate::app::App;
use crate::billing::{self, Bill};
use crate::headers::ROWS_COST;
use crate::refusal::{Reason, Refusal};
use crate::request_log::{Counted, Outcome, RequestId, TableName, TurnedOut};

/// How long a page is waited for before what is around it is sent: less than people notice.
const QUICK: Duration = Duration::from_millis(80);

/// All that a page may do: its own scripts, styles and pictures, and forms to this server.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// Of a page that was paid for: whoever steps back to it sees it again, and pays nothing; whoever asks for it has it made anew.
const KEPT: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Answers with a page that `work` puts together, on a thread that may block. `rows_min` is the least that
/// it costs.
///
/// A page that is there at once is sent whole, with the status that it deserves. Of another, what is around
/// it is sent first; then the status has been given, and the page alone can say what went wrong.
pub(crate) async fn page(
    app: Arc<App>,
    asked: Asked,
    document: Document,
    rows_min: u64,
    work: impl FnOnce(View<'_>) -> Result<Rendered, PageError> + Send + 'static,
) -> Response {
    let is_metered = asked.is_metered;
    let bill = Bill::default();
    let mut done = Box::pin(finish(app, asked, rows_min, bill.clone(), work));
    let mut response = match timeout(QUICK, &mut done).await {
        Ok(done) => whole(&document, &done),
        Err(_) => {
            let outcome = Outcome::default();
            let told = outcome.clone();
            let head = format!("{}{LOADING}", document.head());
            let rest = async move {
                let done = done.await;
                told.is(done.turned_out());
                format!("{}{}", done.html, Document::tail(done.paid))
            };
            let chunks = stream::once(async { head })
                .chain(stream::once(rest))
                .map(|chunk| Ok::<_, Infallible>(Bytes::from(chunk)));
            let mut response = html(StatusCode::OK, Body::from_stream(chunks));
            if is_metered {
                response.headers_mut().insert(CACHE_CONTROL, KEPT);
            }
            response.extensions_mut().insert(outcome);
            response
        }
    };
    response.extensions_mut().insert(bill);
    response
}

/// A part of a page, without anything around it; free, for the page was charged for.
pub(crate) async fn part(
    app: Arc<App>,
    asked: Asked,
    work: impl FnOnce(View<'_>) -> Result<Rendered, PageError> + Send + 'static,
) -> Response {
    let bill = Bill::default();
    let done = finish(app, asked, 0, bill.clone(), work).await;
    let mut response = html(done.status, Body::empty());
    tell(&mut response, &done);
    response.extensions_mut().insert(bill);
    *response.body_mut() = Body::from(done.html);
    response
}

/// A page that asks nothing of the index.
pub(crate) fn ready(document: &Document, html: String) -> Response {
    whole(document, &Done::ready(html))
}

/// A page that says why there is no other.
pub(crate) fn refused(document: &Document, refusal: &Refusal, id: &RequestId) -> Response {
    whole(document, &Done::refused(refusal, id))
}

/// A query that is there to be answered, or the page that says what is wrong with it.
#[allow(clippy::result_large_err, reason = "handlers end with it")]
pub(crate) fn checked<T>(
    query: Result<T, QueryError>,
    document: &Document,
    id: &RequestId,
) -> Result<T, Response> {
    query.map_err(|error| refused(document, &Refusal::from(error), id))
}

/// HTML without anything around it.
pub(crate) fn fragment(text: String) -> Response {
    html(StatusCode::OK, Body::from(text))
}

/// A page, and what is to be said of it in headers.
struct Done {
    status: StatusCode,
    html: String,
    charge: Option<Charge>,
    paid: Option<Paid>,
    /// Why there is no other page.
    reason: Option<Reason>,
    retry_after_s: Option<u64>,
}

impl Done {
    fn ready(html: String) -> Self {
        Self {
            status: StatusCode::OK,
            html,
            charge: None,
            paid: None,
            reason: None,
            retry_after_s: None,
        }
    }

    fn refused(refusal: &Refusal, id: &RequestId) -> Self {
        Self {
            status: refusal.status(),
            html: message(refusal, id).html(),
            charge: None,
            paid: None,
            reason: Some(refusal.reason()),
            retry_after_s: refusal.retry_after_s(),
        }
    }

    /// What log and metrics say of it.
    fn turned_out(&self) -> TurnedOut {
        let counted = self.charge.map(|charge| Counted {
            rows: charge.results,
            cost: Some(charge.rows),
        });
        TurnedOut {
            status: self.status,
            reason: self.reason,
            table: self.charge.map(|charge| TableName(charge.table)),
            counted: counted.unwrap_or_default(),
        }
    }
}

fn whole(document: &Document, done: &Done) -> Response {
    let text = format!(
        "{}{}{}",
        document.head(),
        done.html,
        Document::tail(done.paid)
    );
    let mut response = html(done.status, Body::from(text));
    tell(&mut response, done);
    if let Some(charge) = done.charge {
        response.headers_mut().insert(ROWS_COST, charge.rows.into());
    }
    if done.paid.is_some() {
        response.headers_mut().insert(CACHE_CONTROL, KEPT);
    }
    if let Some(seconds) = done.retry_after_s {
        let headers = response.headers_mut();
        headers.insert(axum::http::header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Tells log and metrics.
fn tell(response: &mut Response, done: &Done) {
    let TurnedOut {
        reason,
        table,
        counted,
        ..
    } = done.turned_out();
    let extensions = response.extensions_mut();
    extensions.insert(counted);
    table.map(|table| extensions.insert(table));
    reason.map(|reason| extensions.insert(reason));
}

fn html(status: StatusCode, body: Body) -> Response {
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (CONTENT_SECURITY_POLICY, POLICY),
        // Without it a browser would not say that forms come from here.
        (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (VARY, HeaderValue::from_static("cookie, accept-encoding")),
    ];
    (status, headers, body).into_response()
}

async fn finish(
    app: Arc<App>,
    asked: Asked,
    rows_min: u64,
    bill: Bill,
    work: impl FnOnce(View<'_>) -> Result<Rendered, PageError> + Send + 'static,
) -> Done {
    let id = asked.id;
    let found = async {
        if !asked.is_head {
            asked.client.check_rows(rows_min)?;
        }
        let rendered = run(app, &asked, work).await?;
        let paid = match rendered.charge.filter(|_| !asked.is_head) {
            None => None,
            Some(Charge { table, rows, .. }) => {
                let charged = billing::charge(&asked.client, table, rows, &id).await?;
                charged.map(|charged| {
                    let left = charged.rows_left();
                    bill.is(charged);
                    Paid { rows, left }
                })
            }
        };
        Ok((rendered, paid))
    };
    match found.await {
        Ok((rendered, paid)) => Done {
            charge: rendered.charge,
            paid,
            ..Done::ready(rendered.html)
        },
        Err(refusal) => Done::refused(&refusal, &id),
    }
}

/// Runs the work on a blocking thread, within the limits of a query.
fn run(
    app: Arc<App>,
    asked: &Asked,
    work: impl FnOnce(View<'_>) -> Result<Rendered, PageError> + Send + 'static,
) -> impl Future<Output = Result<Rendered, Refusal>> + Send {
    let (id, asker) = (asked.id, asked.asker());
    async move {
        let permit = app.query_permit(asker).await?;
        let time_max = app.limits.query_time_max;
        let cancel = CancelOnDrop::default();
        let cancelled: Arc<AtomicBool> = cancel.flag();
        let task = spawn_blocking(move || {
            let _permit = permit;
            let snapshot = app.snapshot();
            work(View {
                snapshot: &snapshot,
                limits: answer_limits(&app.limits),
                cancel: &cancelled,
            })
        });
        let failure = match timeout(time_max, task).await {
            Ok(Ok(Ok(rendered))) => return Ok(rendered),
            Ok(Ok(Err(PageError::Answer(error)))) => Failure::from(error),
            Ok(Ok(Err(error @ PageError::NotFound(_)))) => {
                return Err(Refusal::new(StatusCode::NOT_FOUND, error.to_string()));
            }
            Ok(Ok(Err(error))) => Failure::Format(error.to_string()),
            Ok(Err(_)) => Failure::Crashed,
            Err(_) => Failure::Slow,
        };
        Err(refusal_of(failure, time_max, &id))
    }
}

/// A refusal in plain words, with ways on.
fn message(refusal: &Refusal, id: &RequestId) -> Message {
    let (tone, heading) = match refusal.status() {
        StatusCode::PAYMENT_REQUIRED => (Tone::Rows, "No rows are left for this"),
        StatusCode::UNAUTHORIZED => (Tone::Error, "This needs a token"),
        StatusCode::FORBIDDEN => (Tone::Error, "This is not for this token"),
        StatusCode::NOT_FOUND => (Tone::Error, "There is nothing here"),
        StatusCode::TOO_MANY_REQUESTS => (Tone::Error, "Too many questions at once"),
        StatusCode::SERVICE_UNAVAILABLE => {
            (Tone::Error, "That took too long, or cannot be done now")
        }
        status if status.is_client_error() => (Tone::Error, "The request cannot be understood"),
        _ => (Tone::Error, "Something went wrong here"),
    };
    Message {
        tone,
        heading: heading.to_owned(),
        text: match tone {
            Tone::Rows => format!(
                "{} Rows come back with the month, and whoever runs this server can add some.",
                sentence(refusal.text())
            ),
            _ => sentence(refusal.text()),
        },
        ways: vec![Way {
            text: "To the start page".to_owned(),
            href: "/start".to_owned(),
        }],
        request: Some(id.to_string()),
    }
}

/// A text that begins with a capital and ends with a stop.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let mut sentence: String = characters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    sentence.push_str(characters.as_str());
    if !sentence.ends_with(['.', '?', '!']) {
        sentence.push('.');
    }
    sentence
}
