//! References as written, to URLs (R4): the WHATWG parser of the `url` crate, and the standard where the
//! crate is behind it or departs from it.

use std::borrow::Cow;
use std::io::Write;

use encoding_rs::{EncoderResult, Encoding, UTF_8};
use memchr::{memchr2_iter, memchr3};
use url::{ParseError, Url};

/// Parses a reference against a base, where there is one. Its query is encoded in the document's encoding.
///
/// # Errors
/// Where the standard's parser returns failure.
pub fn parse(
    reference: &str,
    base: Option<&Url>,
    encoding: &'static Encoding,
) -> Result<Url, ParseError> {
    let reference = cleaned(reference);
    let reference = with_two_slashes(&reference, base);
    let encoding = encoding.output_encoding();
    let encode: &dyn Fn(&str) -> Cow<'_, [u8]> = &|text| query_bytes(text, encoding);
    let mut options = Url::options().base_url(base);
    if encoding != UTF_8 && !reference.is_ascii() {
        options = options.encoding_override(Some(encode));
    }
    let mut url = options.parse(&reference)?;
    if matches!(url.scheme(), "http" | "https")
        && let Some(path) = path_with_drive(&reference, base)
    {
        url.set_path(&path);
    }
    Ok(url)
}

/// Without what the parser ignores: control characters and spaces around, tabs and line ends anywhere.
pub(crate) fn cleaned(reference: &str) -> Cow<'_, str> {
    let trimmed = reference.trim_matches(|c: char| c <= ' ');
    if memchr3(b'\t', b'\n', b'\r', trimmed.as_bytes()).is_none() {
        return Cow::Borrowed(trimmed);
    }
    Cow::Owned(trimmed.replace(['\t', '\n', '\r'], ""))
}

/// Whether this can be a URL's scheme.
pub(crate) fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

const fn is_slash(c: char) -> bool {
    matches!(c, '/' | '\\')
}

/// In a URL of `http` or `https` any number of slashes, but one, leads to a host. The crate says so of
/// references with a scheme only.
fn with_two_slashes<'r>(reference: &'r str, base: Option<&Url>) -> Cow<'r, str> {
    let rest = reference.trim_start_matches(is_slash);
    match base {
        Some(base)
            if reference.len() - rest.len() > 2 && matches!(base.scheme(), "http" | "https") =>
        {
            Cow::Owned(format!("//{rest}"))
        }
        _ => Cow::Borrowed(reference),
    }
}

/// The bytes of a query in an encoding: a character that it lacks is its decimal reference, which is
/// percent-encoded already, for `&` and `#` would mean something else.
fn query_bytes<'t>(text: &'t str, encoding: &'static Encoding) -> Cow<'t, [u8]> {
    let (bytes, _, has_unmappable) = encoding.encode(text);
    if !has_unmappable {
        return bytes;
    }
    let mut encoder = encoding.new_encoder();
    let mut bytes = Vec::with_capacity(2 * text.len());
    let mut rest = text;
    loop {
        let (result, read) =
            encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut bytes, true);
        rest = rest.get(read..).unwrap_or_default();
        match result {
            EncoderResult::InputEmpty => return Cow::Owned(bytes),
            // More than an encoder writes at once, so that each round gets on.
            EncoderResult::OutputFull => bytes.reserve(rest.len() + 16),
            EncoderResult::Unmappable(c) => {
                // Writing to memory cannot fail.
                let _ = write!(bytes, "%26%23{}%3B", u32::from(c));
            }
        }
    }
}

/// The path of an `http(s)` URL in which a segment looks like a drive of Windows: the crate lets `..`
/// remove none such, which the standard says of `file` alone. `None` where there is nothing to mend.
fn path_with_drive(reference: &str, base: Option<&Url>) -> Option<String> {
    let base_path = base.map_or("", Url::path);
    if !has_drive(reference) && !has_drive(base_path)
        || !reference.split(ends_segment).any(is_parent)
    {
        return None;
    }
    let scheme = reference
        .split_once(':')
        .map(|(scheme, _)| scheme)
        .filter(|scheme| {
            ["http", "https"]
                .into_iter()
                .any(|s| scheme.eq_ignore_ascii_case(s))
        });
    let rest = scheme.map_or(reference, |scheme| {
        reference.get(scheme.len() + 1..).unwrap_or_default()
    });
    let behind_slashes = rest.trim_start_matches(is_slash);
    let has_own_scheme = scheme
        .is_some_and(|scheme| base.is_none_or(|base| !base.scheme().eq_ignore_ascii_case(scheme)));
    let is_absolute = has_own_scheme || rest.len() - behind_slashes.len() >= 2;
    let path = if is_absolute {
        let start = behind_slashes.find(ends_segment)?;
        behind_slashes.get(start..)?
    } else {
        rest
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if path.is_empty() {
        return None;
    }
    let (mut segments, path) = match path.strip_prefix(is_slash) {
        Some(path) => (Vec::new(), path),
        None => {
            let (parent, _) = base_path.rsplit_once('/')?;
            (parent.split('/').skip(1).collect(), path)
        }
    };
    let mut is_directory = false;
    for segment in path.split(is_slash) {
        is_directory = true;
        if is_parent(segment) {
            segments.pop();
        } else if !is_same(segment) {
            segments.push(segment);
            is_directory = false;
        }
    }
    let end = if is_directory && !segments.is_empty() {
        "/"
    } else {
        ""
    };
    Some(format!("/{}{end}", segments.join("/")))
}

/// How many directories of its base a relative path leaves, at the most: `../x` one, `x/../../../y` two.
pub(crate) fn directories_left(path: &str) -> usize {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let (mut left, mut inside) = (0, 0_usize);
    for segment in path.split(is_slash) {
        if !is_parent(segment) {
            inside += usize::from(!is_same(segment));
        } else if inside > 0 {
            inside -= 1;
        } else {
            left += 1;
        }
    }
    left
}

const fn ends_segment(c: char) -> bool {
    matches!(c, '/' | '\\' | '?' | '#')
}

/// Whether a segment leads to the directory above.
fn is_parent(segment: &str) -> bool {
    ["..", ".%2e", "%2e.", "%2e%2e"]
        .into_iter()
        .any(|parent| segment.eq_ignore_ascii_case(parent))
}

/// Whether a segment stays in its directory.
fn is_same(segment: &str) -> bool {
    segment == "." || segment.eq_ignore_ascii_case("%2e")
}

/// Whether a segment looks like `C:` or `C|`.
fn has_drive(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr2_iter(b':', b'|', bytes).any(|at| {
        let before = bytes.get(..at).unwrap_or_default();
        let is_segment = match before {
            // Behind a scheme too, for `http:C:/x` may be a path.
            [letter] | [.., b'/' | b'\\' | b':', letter] => letter.is_ascii_alphabetic(),
            _ => false,
        };
        let after = bytes.get(at + 1).copied().unwrap_or(b'/');
        is_segment && ends_segment(char::from(after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(reference: &str, base: &str, encoding: &'static Encoding) -> String {
        let base = Url::parse(base).unwrap();
        parse(reference, Some(&base), encoding)
            .map_or_else(|e| e.to_string(), |url| url.to_string())
    }

    #[test]
    fn r4_any_number_of_slashes_leads_to_a_host() {
        for (reference, expected) in [
            ("///host/x", "http://host/x"),
            ("//\\host/x", "http://host/x"),
            ("\\\\//host", "http://host/"),
            (" /\t//host/x?//y", "http://host/x?//y"),
            ("http:///host/x", "http://host/x"),
            ("https:host/x", "https://host/x"),
            ("http:x", "http://b.example/d/x"),
            ("//host///x", "http://host///x"),
            ("/x//y", "http://b.example/x//y"),
            ("///", "empty host"),
        ] {
            assert_eq!(
                resolved(reference, "http://b.example/d/e", UTF_8),
                expected,
                "{reference}"
            );
        }
        assert_eq!(resolved("///host/x", "file:///a", UTF_8), "file:///host/x");
    }

    #[test]
    fn relative_paths_leave_directories() {
        for (path, left) in [
            ("x", 0),
            ("", 0),
            ("../x", 1),
            ("..", 1),
            ("..\\.%2E/./..", 3),
            ("a/../../b/../../..", 3),
            ("x?/../..", 0),
            ("%2e/#/..", 0),
            ("...", 0),
            ("a//../..", 0),
            ("a//../../..", 1),
        ] {
            assert_eq!(directories_left(path), left, "{path}");
        }
    }

    #[test]
    fn r4_drives_are_segments_like_others() {
        for (reference, base, expected) in [
            (
                "http://h.example/C:/../y",
                "http://b.example/",
                "http://h.example/y",
            ),
            (
                "http://h.example/a/C|/%2E./y?C:/..",
                "http://b.example/",
                "http://h.example/a/y?C:/..",
            ),
            ("/C:/..", "http://b.example/d/e", "http://b.example/"),
            ("/a/C:/../.", "http://b.example/d/e", "http://b.example/a/"),
            (
                "/a/C:/x/../../..#f",
                "http://b.example/d/e",
                "http://b.example/#f",
            ),
            ("../y", "http://b.example/C:/x/z", "http://b.example/C:/y"),
            ("../../y", "http://b.example/C:/x/z", "http://b.example/y"),
            ("../y", "https://b.example/C:/x", "https://b.example/y"),
            (
                "C|/../é?q",
                "http://b.example/d/e",
                "http://b.example/d/%C3%A9?q",
            ),
            (
                "http:C:/../y",
                "http://b.example/d/e",
                "http://b.example/d/y",
            ),
            (
                "http:/C:/../y",
                "http://b.example/d/e",
                "http://b.example/y",
            ),
            (
                "https:/h.example/C:/../y",
                "http://b.example/d/e",
                "https://h.example/y",
            ),
            (
                "//u@h.example:81\\C:\\..\\y",
                "http://b.example/d/e",
                "http://u@h.example:81/y",
            ),
            (
                "?C:/../y",
                "http://b.example/C:/e",
                "http://b.example/C:/e?C:/../y",
            ),
            (
                "#/../",
                "http://b.example/C:/e",
                "http://b.example/C:/e#/../",
            ),
            ("/C:/y", "http://b.example/", "http://b.example/C:/y"),
            ("file:///C:/../y", "http://b.example/", "file:///C:/y"),
        ] {
            assert_eq!(resolved(reference, base, UTF_8), expected, "{reference}");
        }
    }

    #[test]
    fn r4_what_looks_like_a_drive_in_a_query_is_left() {
        let base = "http://b.example/C:/e";
        assert_eq!(
            resolved("//h.example?/C:/../y", base, UTF_8),
            "http://h.example/?/C:/../y"
        );
    }

    #[test]
    fn r4_queries_have_references_for_what_an_encoding_lacks() {
        let base = "http://b.example/d/e";
        for (encoding, expected) in [
            (
                encoding_rs::ISO_8859_2,
                "http://b.example/%C3%A9%D0%B6?%E9%26%231078%3B&a=b;",
            ),
            (
                encoding_rs::WINDOWS_1252,
                "http://b.example/%C3%A9%D0%B6?%E9%26%231078%3B&a=b;",
            ),
            (UTF_8, "http://b.example/%C3%A9%D0%B6?%C3%A9%D0%B6&a=b;"),
            (
                encoding_rs::UTF_16LE,
                "http://b.example/%C3%A9%D0%B6?%C3%A9%D0%B6&a=b;",
            ),
        ] {
            let found = resolved("/éж?éж&a=b;", base, encoding);
            assert_eq!(found, expected, "{}", encoding.name());
        }
        assert_eq!(
            resolved("?日😀本", base, encoding_rs::ISO_2022_JP),
            "http://b.example/d/e?%1B$BF|%1B(B%26%23128512%3B%1B$BK\\%1B(B"
        );
        let long = format!("?{}", "ж".repeat(1000));
        assert_eq!(
            resolved(&long, base, encoding_rs::WINDOWS_1252),
            format!("{base}?{}", "%26%231078%3B".repeat(1000))
        );
    }
}
