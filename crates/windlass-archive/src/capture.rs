//! From a record's content to what is handed on.

use crate::encoding;
use crate::http;
use crate::limits::Limits;
use crate::media_type::MediaType;
use crate::record::{Payload, ProblemKind, Response, header};

/// A payload, and the problems that did not cost it.
pub(crate) type Read = Result<(Payload, Vec<Trouble>), Trouble>;

/// A problem without its place.
pub(crate) type Trouble = (ProblemKind, String);

/// Reads an HTTP response; `cut` says that `content` is only its beginning.
pub(crate) fn response(content: &[u8], cut: bool, limits: &Limits) -> Read {
    let head = http::head(content, limits).map_err(|why| (ProblemKind::BadHttp, why))?;
    let mut troubles = Vec::new();
    let media_type = MediaType::of(&head.headers);
    let body_missing = !cut
        && head.body_at >= content.len()
        && content_length(&head.headers).is_some_and(|length| length > 0);
    let body = if media_type.is_some_and(|t| t.is_no_text()) {
        encoding::Body::default()
    } else {
        let raw = content.get(head.body_at..).unwrap_or_default();
        encoding::undo(&head.headers, raw, cut, limits.body_bytes_max)
    };
    if body.cut {
        troubles.push(cut_at(limits));
    }
    if let Some(why) = body.problem {
        troubles.push((ProblemKind::BadEncoding, why));
    }
    let response = Response {
        status: head.status,
        headers: head.headers,
        body: body.bytes,
        body_cut: body.cut,
        body_missing,
    };
    Ok((Payload::Response(response), troubles))
}

/// Takes a document without HTTP.
pub(crate) fn resource(
    content_type: Option<String>,
    content: &[u8],
    cut: bool,
    limits: &Limits,
) -> (Payload, Vec<Trouble>) {
    let no_text = content_type
        .as_ref()
        .and_then(|value| MediaType::last(value.as_bytes()))
        .is_some_and(|t| t.is_no_text());
    let kept = if no_text {
        0
    } else {
        content.len().min(limits.body_bytes_max)
    };
    let body_cut = !no_text && (cut || content.len() > kept);
    let payload = Payload::Resource {
        content_type,
        body: content.get(..kept).unwrap_or_default().to_vec(),
        body_cut,
    };
    (payload, Vec::from_iter(body_cut.then(|| cut_at(limits))))
}

/// Whether a response is all there by its own account: its `Content-Length` or its last chunk is, or
/// its status alone says what there is to know (R2). Used where the archive's length cannot be
/// trusted.
pub(crate) fn is_complete(content: &[u8], limits: &Limits) -> bool {
    let Ok(head) = http::head(content, limits) else {
        return false;
    };
    if !head.is_ended {
        return false;
    }
    if head.status != 200 {
        return true;
    }
    let body = content.get(head.body_at..).unwrap_or_default();
    let is_chunked = header(&head.headers, "Transfer-Encoding")
        .is_some_and(|v| v.to_ascii_lowercase().ends_with(b"chunked"));
    if is_chunked {
        return matches!(
            crate::chunked::undo(body),
            crate::chunked::Unchunked::Whole(_)
        );
    }
    content_length(&head.headers).is_some_and(|length| length <= body.len())
}

fn content_length(headers: &[(String, Vec<u8>)]) -> Option<usize> {
    let value = header(headers, "Content-Length")?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn cut_at(limits: &Limits) -> Trouble {
    let limit = limits.body_bytes_max;
    let message = format!("the body is longer than {limit} bytes; the rest is left out");
    (ProblemKind::BodyCut, message)
}
