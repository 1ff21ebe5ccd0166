//! Content codings that clients take, where none of them is one that there is.
//!
//! The compressing layer answers 406 where a client takes neither the body as it is nor any coding that it knows; by
//! then the answer is made and charged for. Such a client gets the body as it is: RFC 9110 (section 12.5.3) leaves that
//! to the server, and no client that has asked for a report wants nothing.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;

const KNOWN: [&str; 3] = ["gzip", "br", "zstd"];

/// Lets headers say nothing of codings where what they say cannot be met.
pub(crate) fn tolerate(headers: &mut HeaderMap) {
    let can_be_met = {
        let values = headers.get_all(ACCEPT_ENCODING).iter();
        let texts = values.filter_map(|value| value.to_str().ok());
        can_be_met(texts.flat_map(|text| text.split(',')))
    };
    if !can_be_met {
        headers.remove(ACCEPT_ENCODING);
    }
}

fn can_be_met<'a>(items: impl Iterator<Item = &'a str>) -> bool {
    let (mut identity, mut any) = (None, None);
    for item in items {
        let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
        let coding = coding.trim();
        let is_taken = !is_zero(parameters);
        if coding.eq_ignore_ascii_case("identity") {
            identity = Some(is_taken);
        } else if coding == "*" {
            any = Some(is_taken);
        } else if is_taken && KNOWN.iter().any(|known| known.eq_ignore_ascii_case(coding)) {
            return true;
        }
    }
    identity.or(any).unwrap_or(true)
}

/// Whether a weight says that something is not taken: `q=0`, `q=0.000`.
fn is_zero(parameters: &str) -> bool {
    let weight = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    weight
        .and_then(|weight| weight.parse::<f32>().ok())
        .is_some_and(|weight| weight <= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_met() {
        for (value, expected) in [
            ("", true),
            ("gzip", true),
            ("deflate", true),
            ("identity;q=0, gzip", true),
            ("*;q=0, br;q=0.5", true),
            ("*;q=0, identity", true),
            ("identity", true),
            ("identity;q=0", false),
            ("Identity; Q=0.000", false),
            ("*;q=0", false),
            ("gzip;q=0, identity;q=0", false),
            ("deflate, *;q=0", false),
        ] {
            assert_eq!(can_be_met(value.split(',')), expected, "{value}");
        }
    }
}
