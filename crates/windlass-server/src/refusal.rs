//! Answers that are errors: `{"error":"…"}` with a status, in the format that was asked for.
//!
//! A refusal may come before the request's parameters are read. So it is answered in JSON first, and a
//! layer writes it anew where the query string asks for another format.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use windlass_report::{Output, QueryError, write};

use crate::request_log::TableName;

/// Why a request was refused, for the log and the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// What its status says.
    Status(StatusCode),
    /// All places for queries are taken.
    Queries,
    /// All places of the client are taken.
    ClientQueries,
    /// The accounts cannot be read or written.
    Accounts,
}

impl Reason {
    /// A word of a few that there are.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Queries => "queries",
            Self::ClientQueries => "client_queries",
            Self::Accounts => "accounts",
            Self::Status(status) => match status {
                StatusCode::BAD_REQUEST => "bad_request",
                StatusCode::UNAUTHORIZED => "token",
                StatusCode::PAYMENT_REQUIRED => "rows",
                StatusCode::FORBIDDEN => "forbidden",
                StatusCode::NOT_FOUND => "path",
                StatusCode::METHOD_NOT_ALLOWED => "method",
                StatusCode::REQUEST_TIMEOUT => "slow_request",
                StatusCode::PAYLOAD_TOO_LARGE => "body",
                StatusCode::URI_TOO_LONG => "uri",
                StatusCode::SERVICE_UNAVAILABLE => "slow_query",
                _ => "internal",
            },
        }
    }
}

/// An answer that is an error.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    text: String,
    reason: Reason,
    table: Option<TableName>,
    retry_after_s: Option<u64>,
    output: Option<Output>,
}

impl Refusal {
    pub(crate) const fn new(status: StatusCode, text: String) -> Self {
        Self {
            status,
            text,
            reason: Reason::Status(status),
            table: None,
            retry_after_s: None,
            output: None,
        }
    }

    /// The status of the answer.
    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// Why, in a word.
    pub(crate) const fn reason(&self) -> Reason {
        self.reason
    }

    /// What it says.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// When to try again, in seconds, where that is known.
    pub(crate) const fn retry_after_s(&self) -> Option<u64> {
        self.retry_after_s
    }

    /// Of a path that has nothing.
    pub(crate) fn nothing_at(path: &str) -> Self {
        let path: String = path.chars().take(64).collect();
        Self::new(
            StatusCode::NOT_FOUND,
            format!("there is nothing at '{path}'; reports are at '/'"),
        )
    }

    /// Says more exactly than the status why.
    pub(crate) const fn because(mut self, reason: Reason) -> Self {
        self.reason = reason;
        self
    }

    /// Says which table was asked.
    pub(crate) const fn of_table(mut self, table: TableName) -> Self {
        self.table = Some(table);
        self
    }

    /// Settles the format.
    pub(crate) const fn in_output(mut self, output: Output) -> Self {
        self.output = Some(output);
        self
    }

    /// Says when to try again, in seconds.
    pub(crate) const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}

/// What a refusal says, where its format is not settled.
#[derive(Debug, Clone)]
struct Unsettled(String);

/// Writes refusals in the format that the query string asks for.
pub(crate) async fn in_requested_output(request: Request, next: Next) -> Response {
    // Shared, not copied.
    let uri = request.uri().clone();
    let mut response = next.run(request).await;
    if let Some(Unsettled(text)) = response.extensions_mut().remove() {
        let query = uri.query().unwrap_or_default();
        let output = Output::requested(&form_urlencoded::parse(query.as_bytes()).collect());
        write_into(&mut response, &text, output);
    }
    response
}

fn write_into(response: &mut Response, text: &str, output: Output) {
    let mut body = Vec::new();
    // A vector takes all that is written.
    let _ = write::error(text, output, &mut body);
    *response.body_mut() = Body::from(body);
    let content_type = HeaderValue::from_static(output.of_messages().content_type());
    response.headers_mut().insert(CONTENT_TYPE, content_type);
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self.reason);
        if let Some(table) = self.table {
            response.extensions_mut().insert(table);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110 wants to hear how it is done right.
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
        }
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        write_into(&mut response, &self.text, self.output.unwrap_or_default());
        if self.output.is_none() {
            response.extensions_mut().insert(Unsettled(self.text));
        }
        response
    }
}
