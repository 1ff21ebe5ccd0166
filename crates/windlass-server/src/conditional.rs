//! Conditional requests (RFC 9110, section 13): an answer that the client has already is not made again.

use axum::body::Body;
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use windlass_report::{Parameters, Query};

/// Parts answers of one version of the program from those of another, which may write other bytes.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");
/// Content codings that an entity tag may end in, after a hyphen.
const CODINGS: [&str; 3] = ["gzip", "br", "zstd"];

/// Stands for everything of a request that decides its answer, save the state of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Of all parameters that decide an answer: neither who asks does, nor what no answer knows.
    pub(crate) fn of(parameters: &Parameters) -> Self {
        let mut text = Vec::with_capacity(256);
        let mut add = |part: &str| {
            // Lengths keep neighbours apart.
            text.extend_from_slice(&(part.len() as u64).to_le_bytes());
            text.extend_from_slice(part.as_bytes());
        };
        add(PROGRAM);
        for name in Query::PARAMETERS {
            if let Some(value) = parameters.value(name) {
                add(name);
                add(value);
            }
        }
        let hash = blake3::hash(&text);
        Self(std::array::from_fn(|at| {
            hash.as_bytes().get(at).copied().unwrap_or_default()
        }))
    }

    /// The strong entity tag of the answer from a state of the index.
    pub(crate) fn tag(self, index_version: &str) -> Option<HeaderValue> {
        let hash = u128::from_be_bytes(self.0);
        HeaderValue::try_from(format!("\"{index_version}-{hash:032x}\"")).ok()
    }
}

/// What a client says that it has.
#[derive(Debug)]
pub(crate) struct Known(Vec<HeaderValue>);

impl Known {
    /// `None` where the request is not conditional, or not one that reads only.
    pub(crate) fn of(method: &Method, headers: &HeaderMap) -> Option<Self> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return None;
        }
        let values: Vec<_> = headers.get_all(IF_NONE_MATCH).iter().cloned().collect();
        (!values.is_empty()).then_some(Self(values))
    }

    /// Whether it is any answer at all: `*`.
    pub(crate) fn is_any(&self) -> bool {
        self.tags().any(|known| known == "*")
    }

    /// The tag under which the client has the answer with that one, in whatever coding.
    pub(crate) fn tag_found(&self, tag: &HeaderValue) -> Option<HeaderValue> {
        let wanted = tag.to_str().ok()?.trim_matches('"');
        let found = self.tags().find(|known| opaque(known) == Some(wanted))?;
        // The client's own: it knows in which coding it has the answer.
        HeaderValue::from_str(found.strip_prefix("W/").unwrap_or(found)).ok()
    }

    fn tags(&self) -> impl Iterator<Item = &str> {
        let texts = self.0.iter().filter_map(|value| value.to_str().ok());
        // The tags have no commas in them.
        texts.flat_map(|text| text.split(',')).map(str::trim)
    }
}

/// The answer that says that the client has the one with that tag.
pub(crate) fn not_modified(tag: HeaderValue) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().insert(ETAG, tag);
    response
}

/// What stands in an entity tag, without the coding at its end; weak tags are compared as strong ones
/// are, as RFC 9110 asks of `If-None-Match`.
fn opaque(tag: &str) -> Option<&str> {
    let quoted = tag.strip_prefix("W/").unwrap_or(tag);
    let text = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let of_coding = CODINGS
        .iter()
        .find_map(|coding| text.strip_suffix(coding)?.strip_suffix('-'));
    Some(of_coding.unwrap_or(text))
}

/// The tag of the same answer in a content coding, which has other bytes.
pub(crate) fn coded(tag: &HeaderValue, coding: &HeaderValue) -> Option<HeaderValue> {
    let text = tag.to_str().ok()?.strip_suffix('"')?;
    HeaderValue::try_from(format!("{text}-{}\"", coding.to_str().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(query: &str) -> Option<HeaderValue> {
        let parameters = form_urlencoded::parse(query.as_bytes());
        Fingerprint::of(&parameters.collect()).tag("7-0a")
    }

    #[test]
    fn what_decides_the_answer_decides_the_tag() {
        let one = tag("from=anchors&target=a.example&where=backlinks>1&token=x");
        assert!(one.is_some());
        for same in [
            "target=a.example&FROM=anchors&where=backlinks>1&token=y",
            "from=x&from=anchors&from=+&target=a.example&where=backlinks>1&limit=",
            "_=1795725000&from=anchors&target=a.example&where=backlinks>1",
        ] {
            assert_eq!(tag(same), one, "{same}");
        }
        for other in [
            "from=anchors&target=a.example",
            "from=anchors&target=a.example&where=backlinks>1&output=csv",
            "from=anchors&target=a.example&where=backlinks>1&dry_run=1",
            "from=anchors&target=a.exampl&ewhere=backlinks>1",
        ] {
            assert_ne!(tag(other), one, "{other}");
        }
    }

    #[test]
    fn lists_of_tags() {
        let Some(own) = tag("from=anchors") else {
            unreachable!("hexadecimal digits fit a header")
        };
        let text = own.to_str().unwrap_or_default();
        let gzip = coded(&own, &HeaderValue::from_static("gzip"));
        let gzip = gzip.as_ref().and_then(|tag| tag.to_str().ok());
        for (known, echoed) in [
            (text.to_owned(), Some(text)),
            (format!("W/{text}"), Some(text)),
            (format!("\"x\", {text}"), Some(text)),
            (gzip.unwrap_or_default().to_owned(), gzip),
            ("*".to_owned(), None),
            ("\"x\"".to_owned(), None),
            (text.trim_matches('"').to_owned(), None),
            (String::new(), None),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(HeaderValue::from_str(&known).map(|value| (IF_NONE_MATCH, value)));
            let of_get = Known::of(&Method::GET, &headers);
            let is_any = of_get.as_ref().is_some_and(Known::is_any);
            assert_eq!(is_any, known == "*", "{known}");
            let found = of_get.and_then(|known| known.tag_found(&own));
            let found = found.as_ref().and_then(|tag| tag.to_str().ok());
            assert_eq!(found, echoed, "{known}");
            assert!(Known::of(&Method::POST, &headers).is_none());
        }
    }
}
