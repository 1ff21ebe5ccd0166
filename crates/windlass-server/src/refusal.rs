//! Answers that are errors: `{"error":"…"}` with a status.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use windlass_report::{Output, QueryError, write};

/// Why a request was refused, for the log and the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// What its status says.
    Status(StatusCode),
    /// All places for queries are taken.
    Queries,
    /// All places of the client are taken.
    ClientQueries,
}

impl Reason {
    /// A word of a few that there are.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Queries => "queries",
            Self::ClientQueries => "client_queries",
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
    retry_after_s: Option<u64>,
}

impl Refusal {
    pub(crate) const fn new(status: StatusCode, text: String) -> Self {
        Self {
            status,
            text,
            reason: Reason::Status(status),
            retry_after_s: None,
        }
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

    /// Says when to try again, in seconds.
    pub(crate) const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = Vec::new();
        // A vector takes all that is written.
        let _ = write::error(&self.text, &mut body);
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self.reason);
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static(Output::Json.content_type()),
        );
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
