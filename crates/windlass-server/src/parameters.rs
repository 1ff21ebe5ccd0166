//! The parameters of a request: from its query string, and from a form in its body.

use std::error::Error;

use axum::body::{HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode};
use http_body_util::LengthLimitError;
use tokio::time::timeout;

use crate::options::Limits;
use crate::refusal::Refusal;

/// Reads the parameters, query string first. A body that is no form is read and forgotten, so that
/// the connection can be used again.
pub(crate) async fn read(
    request: Request,
    limits: &Limits,
) -> Result<Vec<(String, String)>, Refusal> {
    let (head, body) = request.into_parts();
    let uri_bytes = head.uri.path_and_query().map_or(0, |p| p.as_str().len());
    if uri_bytes > limits.uri_bytes_max {
        return Err(Refusal::new(
            StatusCode::URI_TOO_LONG,
            format!(
                "path and query have {uri_bytes} bytes; allowed: {}; a form in the body of a POST \
                 may be longer",
                limits.uri_bytes_max
            ),
        ));
    }
    let query = head.uri.query().unwrap_or_default();
    let mut parameters: Vec<_> = decode(query.as_bytes()).collect();
    if body.is_end_stream() {
        // Nothing has to be waited for.
        return Ok(parameters);
    }
    let body = match timeout(
        limits.request_time_max,
        to_bytes(body, limits.body_bytes_max),
    )
    .await
    {
        Ok(Ok(body)) => body,
        Ok(Err(error)) if is_too_long(&error) => {
            return Err(Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "the body is longer than {} bytes, which are allowed",
                    limits.body_bytes_max
                ),
            ));
        }
        Ok(Err(_)) => {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "the body of the request ends before its time".to_owned(),
            ));
        }
        Err(_) => {
            return Err(Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                format!(
                    "the body of the request took longer than {:?}",
                    limits.request_time_max
                ),
            ));
        }
    };
    if head.method == Method::POST && is_form(&head.headers) {
        parameters.extend(decode(&body));
    }
    Ok(parameters)
}

/// Decodes `+` and percent sequences. Bytes that are no UTF-8 become U+FFFD.
fn decode(text: &[u8]) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(text).map(|(name, value)| (name.into_owned(), value.into_owned()))
}

fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| {
            essence
                .trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
}

fn is_too_long(error: &axum::Error) -> bool {
    error
        .source()
        .is_some_and(<dyn Error + 'static>::is::<LengthLimitError>)
}
