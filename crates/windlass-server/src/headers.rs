//! Headers that every answer has.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::conditional;

/// Names a request, in answers and in the log.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What an answer costs, in account rows.
pub(crate) const ROWS_COST: HeaderName = HeaderName::from_static("x-rows-cost");

/// How many rows an answer has.
pub(crate) const RESULTS_COUNT: HeaderName = HeaderName::from_static("x-results-count");

/// Account rows left, where they are counted.
pub(crate) const ROWS_LEFT: HeaderName = HeaderName::from_static("x-rows-left");

/// Why an answer has no row (R20).
pub(crate) const EMPTY: HeaderName = HeaderName::from_static("x-windlass-empty");

/// The state of the index that an answer is from.
pub(crate) const INDEX: HeaderName = HeaderName::from_static("x-windlass-index");

/// The time of the newest capture in that.
pub(crate) const NEWEST_CAPTURE: HeaderName = HeaderName::from_static("x-windlass-newest-capture");

/// Completes the headers of an answer whose body is final.
pub(crate) fn complete(headers: &mut HeaderMap) {
    let constant = HeaderValue::from_static;
    // Answers are data: no browser may make a page of them, or show them inside one.
    headers.insert(X_CONTENT_TYPE_OPTIONS, constant("nosniff"));
    headers
        .entry(REFERRER_POLICY)
        .or_insert(constant("no-referrer"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(constant("default-src 'none'; frame-ancestors 'none'"));
    // What has a tag may be kept by the client alone, and asked for anew: the next commit changes it.
    let caching = if headers.contains_key(ETAG) {
        "private, no-cache"
    } else {
        "no-store"
    };
    headers.entry(CACHE_CONTROL).or_insert(constant(caching));
    // A strong tag stands for bytes, and those of each coding are others (RFC 9110, section 8.8.3).
    if let (Some(tag), Some(coding)) = (headers.get(ETAG), headers.get(CONTENT_ENCODING))
        && let Some(tag) = conditional::coded(tag, coding)
    {
        headers.insert(ETAG, tag);
    }
}
