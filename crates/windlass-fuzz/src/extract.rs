//! The link extractor.

use std::sync::{Arc, LazyLock};

use windlass_archive::{CaptureTime, Payload, Record, Response};
use windlass_links::anchor::ANCHOR_LENGTH_MAX;
use windlass_links::url::URL_LENGTH_MAX;
use windlass_links::{ExtractOptions, Extractor, PublicSuffixList, Surt, surt};

static LIST: LazyLock<Arc<PublicSuffixList>> =
    LazyLock::new(|| Arc::new(PublicSuffixList::bundled()));

/// Extracts links from an HTTP body; the first byte chooses the headers. Every link keeps the
/// bounds of R4 and R9, and its URL survives its key.
pub fn target(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else {
        return;
    };
    let types = [
        "text/html",
        "text/html; charset=shift_jis",
        "text/html;charset=utf-16",
        "application/xhtml+xml",
        "",
    ];
    let content_type = types
        .get(usize::from(*choice) % types.len())
        .copied()
        .unwrap_or_default();
    let record = Record {
        offset: 0,
        target_uri: "http://page.example/dir/".to_owned(),
        time: CaptureTime::MIN,
        payload: Payload::Response(Response {
            status: 200,
            headers: vec![("content-type".to_owned(), content_type.as_bytes().to_vec())],
            body: body.to_vec(),
            body_cut: false,
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
        .expect("status 200 says something");
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
