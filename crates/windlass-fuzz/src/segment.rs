//! The segment reader.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::index::Index;
use windlass_index::{Collector, IndexError, Segment, Writer, query_segments, trace_segments};
use windlass_links::{
    CanonicalUrl, Capture, CaptureTime, History, Link, LinkCounts, LinkType, Mode, Outcome, Rel,
    Source, Target,
};

/// Page, target and anchor of some links of [`seed`]: one that is lost, one on a page from a WAT, one with a list of its own, a canonical
/// one, and one to the page's own site.
pub const TRACED: [(&str, &str, &str); 5] = [
    ("http://p8.example/8", "http://t0.t.example/0", "Anchor 0"),
    ("http://p8.example/8", "http://t1.t.example/4", "Anchor 4"),
    ("http://p7.example/95", "http://t2.t.example/5", "Anchor 5"),
    ("http://p1.example/12", "http://t0.t.example/12", ""),
    ("http://p2.example/13", "http://p2.example/home", "Anchor 6"),
];

/// Opens the bytes as a segment, and reads all of it in every way: errors, never panics.
pub fn target(data: &[u8]) {
    let Ok(segment) = Segment::from_bytes(data.to_vec()) else {
        return;
    };
    let never = AtomicBool::new(false);
    let _ = segment.verify(&never);
    let _ = segment.for_each_capture(|_| Ok::<(), IndexError>(()));
    let _ = segment.for_each_link(|_| Ok::<(), IndexError>(()));
    let _ = segment.for_each_internal_link(|_| Ok::<(), IndexError>(()));
    let _ = segment.for_each_linked_domain(|_, _| Ok::<(), IndexError>(()));
    let segment = Arc::new(segment);
    for segments in [
        vec![Arc::clone(&segment)],
        vec![Arc::clone(&segment), segment],
    ] {
        for (text, mode) in [
            ("t.example", Mode::Subdomains),
            ("http://t.example/1", Mode::Exact),
        ] {
            let target = Target::parse(text, mode).expect("a target");
            for history in [History::AllTime, History::Live] {
                let _ = query_segments(&segments, &target, history, &never);
            }
        }
        for (page, target, anchor) in TRACED {
            let _ = trace_segments(&segments, page, target, anchor, &never);
        }
    }
}

/// A small segment with everything in it: several captures of one page, exceptions, revisits, links
/// of other types, alts; and with ready-made parts.
#[must_use]
pub fn seed() -> Vec<u8> {
    Index::new(1).seed().to_vec()
}

/// Makes an index of so many segments, of which the first is [`seed`]. Others have some of its pages too, and say other things
/// of them.
pub(crate) fn fill(directory: &Path, segments: u32) {
    let mut writer = Writer::open(directory, None).expect("a new index");
    writer.set_ready_links_min(1);
    writer.keep_internal(true).expect("a new index");
    for segment in 0..segments {
        let mut collector = Collector::new(&writer, usize::MAX);
        for page in (segment * 50..segment * 50 + 200).step_by(segment as usize + 1) {
            for time in [10, 20 + page].map(|time| time + segment * 100) {
                let capture = capture(page, time);
                collector
                    .add(&capture, [1 + segment as u8; 32], u64::from(page))
                    .expect("memory");
            }
        }
        let collected = collector.finish().expect("a run");
        writer
            .commit_collected(collected, Vec::new(), &(), &AtomicBool::new(false))
            .expect("a commit");
    }
}

fn capture(page: u32, time: u32) -> Capture {
    let url = |text: String| CanonicalUrl::parse(&text).expect("a URL");
    let link = |i: u32, link_type| Link {
        link_type,
        target: url(format!("http://t{}.t.example/{i}", i % 3)),
        anchor: if link_type == LinkType::Href {
            format!("Anchor {}", i % 7)
        } else {
            String::new()
        },
        alt: if i.is_multiple_of(5) {
            "alt".to_owned()
        } else {
            String::new()
        },
        rel: if i.is_multiple_of(2) {
            Rel::NONE
        } else {
            Rel::NOFOLLOW
        },
        external: true,
    };
    let shown = if time == 10 {
        0..page % 9
    } else {
        1..page % 9 + 1
    };
    let is_revisit = time == 20;
    let mut links: Vec<Link> = shown.map(|i| link(i, LinkType::Href)).collect();
    links.push(link(page, LinkType::Canonical));
    links.push(Link {
        target: url(format!("http://p{}.example/home", page % 11)),
        external: false,
        ..link(page, LinkType::Href)
    });
    Capture {
        page: url(format!("http://p{}.example/{page}", page % 11)),
        time: CaptureTime::from_unix(time),
        outcome: if is_revisit {
            Outcome::Revisit(None)
        } else {
            Outcome::Html
        },
        source: if page.is_multiple_of(4) {
            Source::Wat
        } else {
            Source::Warc
        },
        status: (!page.is_multiple_of(5)).then_some(200),
        title: (!page.is_multiple_of(3)).then(|| format!("Title {}", page % 2)),
        links: if is_revisit { Vec::new() } else { links },
        counts: LinkCounts::default(),
    }
}
