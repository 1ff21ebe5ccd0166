//! What the captures of one second say of their page (R14).

use std::collections::BTreeMap;

use windlass_links::{CanonicalUrl, Capture, CaptureTime, Outcome, Source};

/// A page at one second.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlainCapture {
    /// The page.
    pub page: CanonicalUrl,
    /// When it was captured.
    pub time: CaptureTime,
    /// `html`, `not-html`, `redirect`, `gone` (R2) or `revisit` (R1).
    pub outcome: &'static str,
    /// What it was read from; nothing for revisits.
    pub source: Option<Source>,
    /// HTTP status, where there is one.
    pub status: Option<u16>,
    /// Title, where there is one.
    pub title: Option<String>,
    /// `href` links to its own registrable domain.
    pub internal: u32,
    /// `href` links to others.
    pub external: u32,
}

/// All captures, one for each page and second, ordered.
pub(crate) fn captures(all: &[Capture]) -> Vec<PlainCapture> {
    let mut seconds: BTreeMap<(&CanonicalUrl, CaptureTime), Vec<&Capture>> = BTreeMap::new();
    for capture in all {
        let second = seconds.entry((&capture.page, capture.time));
        second.or_default().push(capture);
    }
    let plain = seconds.into_iter();
    plain
        .map(|((page, time), of_second)| united(page, time, &of_second))
        .collect()
}

/// What several captures of one second say: those from a WARC where there are any, else those from a
/// WAT, else that they were revisits. Of what they disagree on, the least; of counts, the greatest.
fn united(page: &CanonicalUrl, time: CaptureTime, of_second: &[&Capture]) -> PlainCapture {
    let is_real = |capture: &&&Capture| !matches!(capture.outcome, Outcome::Revisit(_));
    let source = of_second.iter().filter(is_real).map(|c| c.source).max();
    let real = || {
        let real = of_second.iter().filter(is_real);
        real.filter(move |capture| Some(capture.source) == source)
    };
    PlainCapture {
        page: page.clone(),
        time,
        outcome: match real().map(|capture| capture.outcome).min() {
            Some(Outcome::Html) => "html",
            Some(Outcome::NotHtml) => "not-html",
            Some(Outcome::Redirect) => "redirect",
            Some(Outcome::Gone) => "gone",
            Some(Outcome::Revisit(_)) | None => "revisit",
        },
        source,
        status: real().filter_map(|capture| capture.status).min(),
        title: real().filter_map(|capture| capture.title.clone()).min(),
        internal: real().map(|c| c.counts.internal).max().unwrap_or(0),
        external: real().map(|c| c.counts.external).max().unwrap_or(0),
    }
}
