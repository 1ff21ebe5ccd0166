//! The address of the server, as the browser of who asks knows it.

use axum::http::header::HOST;
use axum::http::{HeaderMap, HeaderValue};

use crate::connection::IsSecure;

/// Longest name of a host, with its port.
const HOST_BYTES_MAX: usize = 261;

/// Scheme and authority: `https://windlass.example:8600`. For examples that people copy; nothing is decided
/// by it, for a client may claim to know the server by any name.
pub(crate) fn base(headers: &HeaderMap, is_secure: IsSecure) -> String {
    let is_forwarded_secure = headers
        .get("x-forwarded-proto")
        .is_some_and(|value| value == "https");
    let scheme = if is_secure.0 || is_forwarded_secure {
        "https"
    } else {
        "http"
    };
    let host = headers.get(HOST).and_then(authority).unwrap_or("localhost");
    format!("{scheme}://{host}")
}

fn authority(value: &HeaderValue) -> Option<&str> {
    let text = value.to_str().ok()?;
    let is_of_host = |b: u8| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b);
    let is_host = !text.is_empty() && text.len() <= HOST_BYTES_MAX && text.bytes().all(is_of_host);
    is_host.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_gets_into_examples() {
        let base = |host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static(host));
            base(&headers, IsSecure(false))
        };
        assert_eq!(base("127.0.0.1:8600"), "http://127.0.0.1:8600");
        assert_eq!(base("[::1]:80"), "http://[::1]:80");
        assert_eq!(base("a\"><script>"), "http://localhost");
        assert_eq!(base("$(rm -r /)"), "http://localhost");
    }
}
