//! One request for a report, from parameters to body.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use windlass_index::{CaptureTime, IndexError, Snapshot};
use windlass_report::{
    Answer, AnswerError, AnswerLimits, Emptiness, Output, Query, QueryError, WriteError, answer,
    write as writing,
};

use crate::app::{App, QueryPermit};
use crate::at_once;
use crate::billing::{self, Client};
use crate::clients::{Asker, Peer};
use crate::conditional::{Fingerprint, Known};
use crate::headers::ROWS_COST;
use crate::options::Limits;
use crate::parameters;
use crate::refusal::Refusal;
use crate::request_log::{RequestId, Results, TableName};
use crate::stream::BodyWriter;
use crate::subscription;
use crate::web;

const RESULTS_COUNT: HeaderName = HeaderName::from_static("x-results-count");
const ROWS_LEFT: HeaderName = HeaderName::from_static("x-rows-left");
const EMPTY: HeaderName = HeaderName::from_static("x-windlass-empty");
const INDEX: HeaderName = HeaderName::from_static("x-windlass-index");
const NEWEST_CAPTURE: HeaderName = HeaderName::from_static("x-windlass-newest-capture");

/// `GET /`: reports, and for browsers that ask for nothing the way to the start page.
pub(crate) async fn report_or_welcome(
    app: State<Arc<App>>,
    id: Extension<RequestId>,
    request: Request,
) -> Result<Response, Refusal> {
    match web::welcome(&request) {
        Some(response) => Ok(response),
        None => report(app, id, request).await,
    }
}

/// `GET /` and `POST /`.
pub(crate) async fn report(
    State(app): State<Arc<App>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Result<Response, Refusal> {
    let asked = Asked {
        known: Known::of(request.method(), request.headers()),
        peer: request.extensions().get::<Peer>().copied(),
        headers: request.headers().clone(),
        is_head: request.method() == Method::HEAD,
        id,
    };
    let parameters = parameters::read(request, &app.limits).await?;
    // A form in the body may name it too.
    let output = Output::requested(parameters.iter().map(|(name, value)| (name, value)));
    respond(app, asked, parameters, output)
        .await
        .map_err(|refusal| refusal.in_output(output))
}

/// What is known of a request beside its parameters.
struct Asked {
    id: RequestId,
    peer: Option<Peer>,
    known: Option<Known>,
    headers: HeaderMap,
    is_head: bool,
}

async fn respond(
    app: Arc<App>,
    asked: Asked,
    parameters: Vec<(String, String)>,
    output: Output,
) -> Result<Response, Refusal> {
    let token = billing::token_of(&parameters, &asked.headers);
    let client = app.billing.client(token.as_deref(), &asked.id).await?;
    respond_to(client, app, asked, parameters, output).await
}

/// What a page hands over to whoever looks at it: the answer that the API gives to these parameters.
pub(crate) async fn to_page(
    app: Arc<App>,
    page: PageRequest,
    parameters: Vec<(String, String)>,
    output: Output,
) -> Result<Response, Refusal> {
    let asked = Asked {
        id: page.id,
        peer: page.peer,
        known: None,
        headers: HeaderMap::new(),
        is_head: page.is_head,
    };
    respond_to(page.client, app, asked, parameters, output).await
}

/// Who asks for a page, and how.
pub(crate) struct PageRequest {
    pub(crate) id: RequestId,
    pub(crate) peer: Option<Peer>,
    pub(crate) is_head: bool,
    pub(crate) client: Client,
}

async fn respond_to(
    client: Client,
    app: Arc<App>,
    asked: Asked,
    parameters: Vec<(String, String)>,
    output: Output,
) -> Result<Response, Refusal> {
    if subscription::is_asked_for(&parameters) {
        return Ok(subscription::answer(&client, output));
    }
    let fingerprint = Fingerprint::of(&parameters);
    let query = Query::from_params(parameters)?;
    let table = TableName(query.table.name);
    let answered = match not_modified(&app, asked.known.as_ref(), fingerprint).await {
        Some(response) => Ok(response),
        None => newly(app, &asked, client, query, fingerprint).await,
    };
    answered
        .map(|mut response| {
            response.extensions_mut().insert(table);
            response
        })
        .map_err(|refusal| refusal.of_table(table))
}

/// The answer to a client that has the present one already: no query runs, and nothing is charged.
async fn not_modified(
    app: &Arc<App>,
    known: Option<&Known>,
    fingerprint: Fingerprint,
) -> Option<Response> {
    let known = known?;
    let app = Arc::clone(app);
    // A look at the file system, which may block.
    let snapshot = spawn_blocking(move || app.snapshot()).await.ok()?;
    let mut response = known.not_modified(&fingerprint.tag(snapshot.version())?)?;
    let headers = response.headers_mut();
    headers.insert(ROWS_COST, 0u64.into());
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(INDEX, HeaderValue::try_from(snapshot.version()).ok()?);
    Some(response)
}

/// The answer of a query that runs.
async fn newly(
    app: Arc<App>,
    asked: &Asked,
    client: Client,
    query: Query,
    fingerprint: Fingerprint,
) -> Result<Response, Refusal> {
    let id = &asked.id;
    // Who gets no rows pays none.
    let is_free = query.dry_run || asked.is_head;
    if !is_free {
        client.check_rows(query.cost(0))?;
    }
    let table = query.table.name;
    let asker = Asker::of(client.account().map(|account| account.id), asked.peer);
    let permit = app.query_permit(asker).await?;
    match run(Arc::clone(&app), query, permit).await {
        Ok(head) => {
            let rows_left = if is_free {
                client.account().map(|account| account.balance.left())
            } else {
                billing::charge(&client, table, head.rows_cost, id).await?
            };
            let tag = fingerprint.tag(&head.index_version);
            let mut response = head.into_response();
            let headers = response.headers_mut();
            headers.extend(rows_left.map(|left| (ROWS_LEFT, left.into())));
            headers.extend(tag.map(|tag| (ETAG, tag)));
            Ok(response)
        }
        Err(failure) => Err(refusal_of(failure, app.limits.query_time_max, id)),
    }
}

/// What is said of a failure, and what only the log says.
pub(crate) fn refusal_of(failure: Failure, time_max: Duration, id: &RequestId) -> Refusal {
    match failure {
        Failure::Slow => Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!(
                "the request took longer than {time_max:?} and was stopped (request {id}); ask for a \
                 narrower target"
            ),
        )
        .retry_after(60),
        Failure::Query(error) => error.into(),
        Failure::Memory(text) => Refusal::new(StatusCode::BAD_REQUEST, text),
        Failure::Index(error) => {
            tracing::error!(request = %id, error = %error, "reading the index");
            internal(id)
        }
        Failure::Crashed => {
            tracing::error!(request = %id, "a query's thread panicked");
            internal(id)
        }
    }
}

fn internal(id: &RequestId) -> Refusal {
    Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!("internal error; the server's log has more under request {id}"),
    )
}

/// What is known of an answer when its first bytes are ready.
pub(crate) struct Head {
    results: u64,
    rows_cost: u64,
    emptiness: Option<Emptiness>,
    index_version: String,
    newest_capture: Option<CaptureTime>,
    content_type: &'static str,
    body: Body,
}

impl Head {
    /// All but the body.
    pub(crate) fn of(answer: &Answer<'_>, query: &Query, snapshot: &Snapshot) -> Self {
        Self {
            results: answer.results(),
            rows_cost: answer.rows_cost(),
            emptiness: answer.emptiness(),
            index_version: snapshot.version().to_owned(),
            newest_capture: snapshot.newest_capture(),
            content_type: match query.dry_run {
                true => query.output.of_messages().content_type(),
                false => query.output.content_type(),
            },
            body: Body::empty(),
        }
    }

    pub(crate) fn with_body(self, body: Body) -> Self {
        Self { body, ..self }
    }

    fn into_response(self) -> Response {
        let mut response = Response::new(self.body);
        response.extensions_mut().insert(Results(self.results));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(RESULTS_COUNT, self.results.into());
        headers.insert(ROWS_COST, self.rows_cost.into());
        if let Some(emptiness) = self.emptiness {
            headers.insert(EMPTY, HeaderValue::from_static(emptiness.name()));
        }
        if let Ok(version) = HeaderValue::try_from(self.index_version) {
            headers.insert(INDEX, version);
        }
        if let Some(time) = self.newest_capture
            && let Ok(time) = HeaderValue::try_from(time.to_string())
        {
            headers.insert(NEWEST_CAPTURE, time);
        }
        response
    }
}

/// Why there is no answer.
pub(crate) enum Failure {
    /// Its time was up.
    Slow,
    /// It asks for what there is not.
    Query(QueryError),
    /// The index cannot be read.
    Index(IndexError),
    /// It is too much, and says so.
    Memory(String),
    /// Its thread panicked.
    Crashed,
}

impl From<AnswerError> for Failure {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Query(error) => Self::Query(error),
            AnswerError::Index(IndexError::Cancelled) => Self::Slow,
            AnswerError::Index(error) => Self::Index(error),
            error => Self::Memory(error.to_string()),
        }
    }
}

/// Sets the flag where the request is over before its answer has begun: its time is up, or its client has
/// gone. Of an answer that has begun, more may have to be found while it is written; who takes nothing of
/// it any more is noticed there.
#[derive(Default)]
pub(crate) struct CancelOnDrop {
    flag: Arc<AtomicBool>,
    has_begun: bool,
}

impl CancelOnDrop {
    /// The flag.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.flag)
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if !self.has_begun {
            self.flag.store(true, Ordering::Relaxed);
        }
    }
}

/// Runs a query: at once, or else on a blocking thread until the first bytes of its body are ready; the
/// thread goes on writing the rest, and gives the permit back at the end.
async fn run(app: Arc<App>, query: Query, permit: QueryPermit) -> Result<Head, Failure> {
    if let Some(head) = at_once::run(&app, &query) {
        return Ok(head);
    }
    let (sender, receiver) = oneshot::channel();
    let mut cancel = CancelOnDrop::default();
    let cancelled = cancel.flag();
    let time_max = app.limits.query_time_max;
    let runtime = Handle::current();
    spawn_blocking(move || {
        let _permit = permit;
        work(&app, &query, &cancelled, runtime, sender);
    });
    match timeout(time_max, receiver).await {
        Ok(Ok(head)) => {
            cancel.has_begun = head.is_ok();
            head
        }
        // The sender is used unless the thread panics.
        Ok(Err(_)) => Err(Failure::Crashed),
        Err(_) => Err(Failure::Slow),
    }
}

fn work(
    app: &App,
    query: &Query,
    cancel: &AtomicBool,
    runtime: Handle,
    sender: oneshot::Sender<Result<Head, Failure>>,
) {
    let started = Instant::now();
    let snapshot = app.snapshot();
    let answer = match answer(query, &snapshot, answer_limits(&app.limits), cancel) {
        Ok(answer) => answer,
        Err(error) => {
            // Nobody listens where the client has gone.
            let _ = sender.send(Err(error.into()));
            return;
        }
    };
    let head = Head::of(&answer, query, &snapshot);
    let recent = at_once::is_meant(app, query).then(|| app.recent.target(&snapshot, query));
    let start = move |body, is_whole| {
        let is_fast = Some(started.elapsed()) <= app.limits.at_once_time_max;
        if let Some(target) = recent.filter(|_| is_whole && is_fast) {
            app.recent.add(target);
        }
        let _ = sender.send(Ok(head.with_body(body)));
    };
    let body = BodyWriter::new(start, runtime, app.limits.stall_time_max);
    if let Err(error) = write_body(&answer, query, body) {
        tracing::info!(error = %error, "an answer was cut off");
    }
}

fn write_body(
    answer: &Answer<'_>,
    query: &Query,
    mut body: BodyWriter<impl FnOnce(Body, bool) + Send>,
) -> Result<(), WriteError> {
    write(answer, query, &mut body)?;
    Ok(body.finish()?)
}

/// Writes the body of an answer, or its cost where that alone is wanted.
pub(crate) fn write(
    answer: &Answer<'_>,
    query: &Query,
    mut out: impl Write + Send,
) -> Result<(), WriteError> {
    if query.dry_run {
        let (cost, results) = (answer.rows_cost(), answer.results());
        Ok(writing::dry_run(cost, results, query.output, &mut out)?)
    } else {
        answer.write(query.output, out)
    }
}

/// What an answer may take.
pub(crate) fn answer_limits(limits: &Limits) -> AnswerLimits {
    AnswerLimits {
        memory_max: limits.query_bytes_max,
        kept_bytes_max: limits.kept_bytes_max,
        groups_at_once: limits.groups_at_once,
    }
}
