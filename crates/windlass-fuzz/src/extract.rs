//! The link extractor.

use std::sync::{Arc, LazyLock};

use windlass_archive::{CaptureTime, Payload, Record, Response};
use windlass_links::anchor::ANCHOR_LENGTH_MAX;
use windlass_links::url::URL_LENGTH_MAX;
use windlass_links::{Capture, ExtractOptions, Extractor, PublicSuffixList, Surt, surt};

pub(crate) static LIST: LazyLock<Arc<PublicSuffixList>> =
    LazyLock::new(|| Arc::new(PublicSuffixList::bundled()));

/// Statuses that all say something of a page.
const STATUSES: [u16; 3] = [200, 301, 404];

/// Extracts links from an HTTP response: the first byte chooses its status, lines up to an empty one are its
/// header fields, the rest is its body.
pub fn target(data: &[u8]) {
    let Some((choice, message)) = data.split_first() else {
        return;
    };
    let status = STATUSES.get(usize::from(*choice) % STATUSES.len());
    let head_end = message.windows(2).position(|lines| lines == b"\n\n");
    let (head, body) = head_end.map_or((&[][..], message), |end| {
        (&message[..end], &message[end + 2..])
    });
    let record = Record {
        offset: 0,
        target_uri: "http://page.example/dir/".to_owned(),
        time: CaptureTime::MIN,
        payload: Payload::Response(Response {
            status: status.copied().unwrap_or(200),
            headers: fields(head),
            body: body.to_vec(),
            body_cut: false,
            body_missing: false,
        }),
    };
    let mut extractor = Extractor::new(
        Arc::clone(&LIST),
        ExtractOptions {
            keep_internal: true,
        },
    );
    let capture = extractor
        .capture(&record)
        .expect("the status says something");
    check(&capture);
    // What is only counted is counted alike.
    let mut counting = Extractor::new(
        Arc::clone(&LIST),
        ExtractOptions {
            keep_internal: false,
        },
    );
    assert_eq!(
        counting.capture(&record).map(|capture| capture.counts),
        Ok(capture.counts)
    );
}

/// The header fields on lines of `head`.
fn fields(head: &[u8]) -> Vec<(String, Vec<u8>)> {
    let field = |line: &[u8]| {
        let colon = line.iter().position(|b| *b == b':')?;
        let (name, value) = line.split_at(colon);
        let name = String::from_utf8_lossy(name).trim().to_owned();
        Some((name, value.get(1..)?.trim_ascii().to_vec()))
    };
    head.split(|b| *b == b'\n').filter_map(field).collect()
}

/// Every link keeps the bounds of R4 and R9, and its URL survives its key.
pub(crate) fn check(capture: &Capture) {
    for link in &capture.links {
        assert!(
            link.anchor.len() <= ANCHOR_LENGTH_MAX && link.target.as_str().len() <= URL_LENGTH_MAX
        );
        let key = Surt::of(&link.target);
        assert_eq!(
            surt::url_of_key(key.as_bytes()).as_deref(),
            Some(link.target.as_str())
        );
    }
}
