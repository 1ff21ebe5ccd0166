//! The cookie that keeps the token of who signed in. Pages read it; the API never does.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

/// Its name over TLS, where browsers let nobody but this host set it, and in the clear.
pub(crate) const NAMES: [&str; 2] = ["__Host-windlass-token", "windlass-token"];

/// The token that the browser keeps.
pub(crate) fn token(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| NAMES.contains(name) && !value.is_empty())
        .map(|(_, value)| value.to_owned())
}
