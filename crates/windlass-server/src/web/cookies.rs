//! The cookie that keeps the token of who signed in. Pages read it; the API never does.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

/// Its name over TLS, where browsers let nobody but this host set it.
const SECURE: &str = "__Host-windlass-token";
/// Its name in the clear.
const PLAIN: &str = "windlass-token";

/// The token that the browser keeps.
pub(crate) fn token(headers: &HeaderMap, is_secure: bool) -> Option<String> {
    let wanted = if is_secure { SECURE } else { PLAIN };
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == wanted && !value.is_empty())
        .map(|(_, value)| value.to_owned())
}

/// What lets a browser keep a token until it is closed. No script sees it, no other site's request has it.
pub(crate) fn keep(token: &str, is_secure: bool) -> Option<HeaderValue> {
    cookie(token, is_secure, "")
}

/// What lets a browser forget it.
pub(crate) fn forget(is_secure: bool) -> Option<HeaderValue> {
    cookie("", is_secure, "; Max-Age=0")
}

fn cookie(token: &str, is_secure: bool, more: &str) -> Option<HeaderValue> {
    let (name, secure) = if is_secure {
        (SECURE, "; Secure")
    } else {
        (PLAIN, "")
    };
    let text = format!("{name}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{more}");
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
