//! One request for a report, from parameters to body.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use windlass_index::{IndexError, Snapshot};
use windlass_report::table::SUBSCRIPTION_INFO;
use windlass_report::{
    Answer, AnswerError, AnswerLimits, Emptiness, Output, Parameters, Query, QueryError,
    WriteError, answer, write as writing,
};

use crate::app::{App, QueryPermit};
use crate::at_once;
use crate::billing::{self, Bill, Client};
use crate::clients::{Asker, Peer};
use crate::conditional::{self, Fingerprint, Known};
use crate::effort::Effort;
use crate::headers::{EMPTY, INDEX, NEWEST_CAPTURE, RESULTS_COUNT, ROWS_COST, ROWS_LEFT};
use crate::kept_answers::KeptAnswer;
use crate::options::Limits;
use crate::parameters;
use crate::refusal::Refusal;
use crate::request_log::{Counted, RequestId, TableName};
use crate::stream::{Begun, BodyWriter, Bounds};
use crate::subscription;
use crate::web;

/// Headers of an answer, with those that all have, and a few to spare.
const HEADERS: usize = 20;

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
        bearer: billing::bearer(request.headers()).map(str::to_owned),
        is_head: request.method() == Method::HEAD,
        id,
    };
    let parameters = parameters::read(request, &app.limits).await?;
    let parameters = parameters.into_iter().collect();
    // A form in the body may name it too.
    let output = Output::requested(&parameters);
    respond(app, asked, &parameters)
        .await
        .map_err(|refusal| refusal.in_output(output))
}

/// What is known of a request beside its parameters.
struct Asked {
    id: RequestId,
    peer: Option<Peer>,
    known: Option<Known>,
    /// The token in its `Authorization`.
    bearer: Option<String>,
    is_head: bool,
}

impl Asked {
    /// Whether the client has some answer, whichever it is. That there is one only the query can tell: one that is refused
    /// is refused whatever the client has (RFC 9110, section 13.2.1).
    fn has_any(&self) -> bool {
        self.known.as_ref().is_some_and(Known::is_any)
    }
}

async fn respond(
    app: Arc<App>,
    asked: Asked,
    parameters: &Parameters,
) -> Result<Response, Refusal> {
    let token = billing::token_of(parameters, asked.bearer.as_deref());
    let client = app.billing.client(token, &asked.id).await?;
    respond_to(client, app, asked, parameters).await
}

/// What a page hands over to whoever looks at it: the answer that the API gives to these parameters.
pub(crate) async fn to_page(
    app: Arc<App>,
    page: PageRequest,
    parameters: &Parameters,
) -> Result<Response, Refusal> {
    let asked = Asked {
        id: page.id,
        peer: page.peer,
        known: None,
        bearer: None,
        is_head: page.is_head,
    };
    respond_to(page.client, app, asked, parameters).await
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
    parameters: &Parameters,
) -> Result<Response, Refusal> {
    if subscription::is_asked_for(parameters) {
        let snapshot = app.newest().await;
        let answered = subscription::answer(&client, &snapshot, parameters)?;
        return of_table(Ok(answered), SUBSCRIPTION_INFO.name);
    }
    let fingerprint = Fingerprint::of(parameters);
    let known = asked.known.as_ref();
    if let Some(kept) = app.kept_answers.get(fingerprint, || app.present()) {
        let answered = match not_modified(&app, &client, known, fingerprint).await {
            Some(response) => Ok(response),
            None => {
                app.metrics.was_kept();
                again(&asked, &client, &kept).await
            }
        };
        return of_table(answered, kept.table);
    }
    let query = Query::of(parameters)?;
    let table = query.table.name;
    let answered = match not_modified(&app, &client, known, fingerprint).await {
        Some(response) => Ok(response),
        // Its state is large, and would be moved with that of each request.
        None => Box::pin(newly(app, &asked, client, query, fingerprint)).await,
    };
    of_table(answered, table)
}

/// Says of which table an answer is.
fn of_table(answered: Result<Response, Refusal>, table: &'static str) -> Result<Response, Refusal> {
    let table = TableName(table);
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
    client: &Client,
    known: Option<&Known>,
    fingerprint: Fingerprint,
) -> Option<Response> {
    let known = known?;
    let snapshot = app.newest().await;
    let tag = known.tag_found(&fingerprint.tag(snapshot.version())?)?;
    Some(unchanged(tag, IndexState::of(&snapshot), client))
}

/// Says that the client has the answer with that tag.
fn unchanged(tag: HeaderValue, state: IndexState, client: &Client) -> Response {
    let mut response = conditional::not_modified(tag);
    let headers = response.headers_mut();
    headers.insert(ROWS_COST, 0u64.into());
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    state.say(headers);
    say_rows_left(&mut response, client);
    response
}

/// The answer of a query that runs.
async fn newly(
    app: Arc<App>,
    asked: &Asked,
    client: Client,
    query: Query,
    fingerprint: Fingerprint,
) -> Result<Response, Refusal> {
    let table = query.table.name;
    let is_dry_run = query.dry_run;
    if !is_free(asked, is_dry_run) {
        client.check_rows(query.cost(0))?;
    }
    let asker = Asker::of(client.account().map(|account| account.id), asked.peer);
    let made = match at_once::run(&app, &query, fingerprint) {
        Some(made) => Ok(made),
        None => {
            let permit = app.query_permit(asker).await?;
            run(Arc::clone(&app), query, fingerprint, permit).await
        }
    };
    match made {
        Ok((head, body)) => paid(asked, &client, table, is_dry_run, head, body).await,
        Err(failure) => Err(refusal_of(failure, app.limits.query_time_max, &asked.id)),
    }
}

/// An answer that was made before.
async fn again(asked: &Asked, client: &Client, kept: &KeptAnswer) -> Result<Response, Refusal> {
    let body = Body::from(kept.body());
    let (table, is_dry_run) = (kept.table, kept.is_dry_run);
    paid(asked, client, table, is_dry_run, kept.head(), body).await
}

/// Who gets no rows pays none.
fn is_free(asked: &Asked, is_dry_run: bool) -> bool {
    is_dry_run || asked.is_head || asked.has_any()
}

/// The response of an answer, once it is charged for.
async fn paid(
    asked: &Asked,
    client: &Client,
    table: &'static str,
    is_dry_run: bool,
    head: Head,
    body: Body,
) -> Result<Response, Refusal> {
    if let Some(tag) = head.tag.clone().filter(|_| asked.has_any()) {
        return Ok(unchanged(tag, head.state, client));
    }
    if is_free(asked, is_dry_run) {
        let mut response = head.into_response(body);
        say_rows_left(&mut response, client);
        response.extensions_mut().insert(Counted::default());
        return Ok(response);
    }
    let counted = Counted {
        rows: head.results,
        cost: Some(head.rows_cost),
    };
    let charged = billing::charge(client, table, head.rows_cost, &asked.id).await?;
    let mut response = head.into_response(body);
    if let Some(charged) = charged {
        let headers = response.headers_mut();
        headers.insert(ROWS_LEFT, charged.rows_left().into());
        response.extensions_mut().insert(Bill::of(charged));
    }
    response.extensions_mut().insert(counted);
    Ok(response)
}

/// What an answer that costs nothing says of an account.
pub(crate) fn say_rows_left(response: &mut Response, client: &Client) {
    let left = client.account().map(|account| account.balance.left());
    let headers = response.headers_mut();
    headers.extend(left.map(|left| (ROWS_LEFT, left.into())));
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
        Failure::Format(error) => {
            tracing::error!(request = %id, error, "writing an answer");
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

/// The state of the index that an answer is from, as its headers name it.
#[derive(Debug, Clone)]
pub(crate) struct IndexState {
    pub(crate) index: Option<HeaderValue>,
    newest_capture: Option<HeaderValue>,
}

impl IndexState {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let newest_capture = snapshot.newest_capture();
        let newest_capture = newest_capture.map(|time| HeaderValue::try_from(time.to_string()));
        Self {
            index: HeaderValue::try_from(snapshot.version()).ok(),
            newest_capture: newest_capture.and_then(Result::ok),
        }
    }

    pub(crate) fn say(self, headers: &mut HeaderMap) {
        headers.extend(self.index.map(|index| (INDEX, index)));
        headers.extend(self.newest_capture.map(|time| (NEWEST_CAPTURE, time)));
    }
}

/// What is known of an answer when its first bytes are ready.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    results: u64,
    rows_cost: u64,
    emptiness: Option<Emptiness>,
    pub(crate) state: IndexState,
    tag: Option<HeaderValue>,
    content_type: &'static str,
}

impl Head {
    pub(crate) fn of(
        answer: &Answer<'_>,
        query: &Query,
        snapshot: &Snapshot,
        fingerprint: Fingerprint,
    ) -> Self {
        Self {
            results: answer.results(),
            rows_cost: answer.rows_cost(),
            emptiness: answer.emptiness(),
            state: IndexState::of(snapshot),
            tag: fingerprint.tag(snapshot.version()),
            content_type: match query.dry_run {
                true => query.output.of_messages().content_type(),
                false => query.output.content_type(),
            },
        }
    }

    fn into_response(self, body: Body) -> Response {
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        // All that there will be, so that they are not moved as they grow more.
        headers.reserve(HEADERS);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(RESULTS_COUNT, self.results.into());
        headers.insert(ROWS_COST, self.rows_cost.into());
        let emptiness = self.emptiness.map(Emptiness::name);
        headers.extend(emptiness.map(|name| (EMPTY, HeaderValue::from_static(name))));
        self.state.say(headers);
        headers.extend(self.tag.map(|tag| (ETAG, tag)));
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
    /// Its rows do not go into the format.
    Format(String),
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

/// Sets the flag where the request is over before its answer has begun: its time is up, or whoever serves it gave it
/// up. Of an answer that has begun, more may have to be found while it is written; who takes nothing of
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

/// Runs a query on a blocking thread until the first bytes of its body are ready; the thread goes on writing
/// the rest, and gives the permit back at the end.
async fn run(
    app: Arc<App>,
    query: Query,
    fingerprint: Fingerprint,
    permit: QueryPermit,
) -> Result<(Head, Body), Failure> {
    let (sender, receiver) = oneshot::channel();
    let mut cancel = CancelOnDrop::default();
    let cancelled = cancel.flag();
    let time_max = app.limits.query_time_max;
    let runtime = Handle::current();
    spawn_blocking(move || {
        let _permit = permit;
        work(&app, &query, fingerprint, &cancelled, runtime, sender);
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
    fingerprint: Fingerprint,
    cancel: &Arc<AtomicBool>,
    runtime: Handle,
    sender: oneshot::Sender<Result<(Head, Body), Failure>>,
) {
    let effort = Effort::begin();
    let snapshot = app.snapshot();
    let answer = match answer(query, &snapshot, answer_limits(&app.limits), cancel) {
        Ok(answer) => answer,
        Err(error) => {
            // Nobody listens where the client has gone.
            let _ = sender.send(Err(error.into()));
            return;
        }
    };
    let head = Head::of(&answer, query, &snapshot, fingerprint);
    let recent = at_once::is_meant(app, query).then(|| app.recent.target(&snapshot, query));
    let start = move |begun: Result<Begun, Failure>| {
        let made = begun.map(|begun| match begun {
            Begun::Part(body) => (head, body),
            Begun::Whole(bytes) => {
                let is_light = |max| effort.is_at_most(max);
                let is_light = app.limits.at_once_time_max.is_some_and(is_light);
                if let Some(target) = recent.filter(|_| is_light) {
                    app.recent.add(target);
                }
                keep(app, query, fingerprint, &head, &bytes);
                (head, Body::from(bytes))
            }
        });
        let _ = sender.send(made);
    };
    let bounds = Bounds {
        stall_time_max: app.limits.stall_time_max,
        chunk_time_max: app.limits.query_time_max,
        cancel: Arc::clone(cancel),
    };
    let body = BodyWriter::new(start, runtime, bounds);
    write_body(&answer, query, body);
}

fn write_body(answer: &Answer<'_>, query: &Query, mut body: BodyWriter<'_, Failure>) {
    match write(answer, query, &mut body) {
        Ok(()) => match body.finish() {
            Ok(()) => {}
            Err(error) => tracing::info!(error = %error, "an answer was cut off"),
        },
        Err(error) if !body.is_wanted() => {
            tracing::info!(error = %error, "an answer was cut off");
        }
        Err(error) => {
            tracing::warn!(error = %error, "the rest of an answer could not be made");
            body.fail(match error {
                WriteError::Answer(error) => error.into(),
                error => Failure::Format(error.to_string()),
            });
        }
    }
}

/// Keeps an answer for who asks the same again.
pub(crate) fn keep(app: &App, query: &Query, fingerprint: Fingerprint, head: &Head, body: &[u8]) {
    let answer = || KeptAnswer::of(query.table.name, query.dry_run, head, body);
    app.kept_answers.keep(fingerprint, answer);
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
