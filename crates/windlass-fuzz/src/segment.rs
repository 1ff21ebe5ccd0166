//! The segment reader.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

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
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut writer = Writer::open(directory.path(), None).expect("a new index");
    writer.set_ready_links_min(1);
    writer.keep_internal(true).expect("a new index");
    let mut collector = Collector::new(&writer, usize::MAX);
    for page in 0..200u32 {
        for time in [10, 20 + page] {
            let capture = capture(page, time);
            collector
                .add(&capture, [1; 32], u64::from(page))
                .expect("memory");
        }
    }
    let collected = collector.finish().expect("a run");
    writer
        .commit_collected(collected, Vec::new(), &(), &AtomicBool::new(false))
        .expect("a commit");
    let name = &writer.manifest().segments.first().expect("a segment").name;
    std::fs::read(directory.path().join("segments").join(name)).expect("its bytes")
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

/// How many bytes of site blocks and ready-made parts each checksum covers.
const CHECKED_BYTES: usize = 1 << 14;

/// Makes the checksums of a mutated segment right again, so that the decoders behind them are
/// reached: those of the sections that are read whole are in the footer, that of the footer behind
/// it. Returns `None` where the trailer itself is damaged.
#[must_use]
pub fn with_checksums(seed: &[u8], mutated: &[u8]) -> Option<Vec<u8>> {
    if seed.len() != mutated.len() {
        return None;
    }
    let trailer = seed.len().checked_sub(16)?;
    let length = u32::from_le_bytes(seed.get(trailer + 4..trailer + 8)?.try_into().ok()?) as usize;
    let footer_at = trailer.checked_sub(length)?;
    let footer = std::str::from_utf8(seed.get(footer_at..trailer)?).ok()?;
    let mut body = mutated.get(..footer_at)?.to_vec();
    // Sealed payloads carry their checksum behind them: repaired where the seed's length still fits.
    for section in ["pages", "linked"] {
        let (start, end) = place(footer, section)?;
        let mut at = start;
        while at < end {
            let (n, width) = varint(seed.get(at..)?)?;
            let payload = at + width..at + width + n;
            let crc = crc32fast::hash(body.get(payload.clone())?);
            body.get_mut(payload.end..payload.end + 4)?
                .copy_from_slice(&crc.to_le_bytes());
            at = payload.end + 4;
        }
    }
    for (part, sums) in [
        ("sites", "site_checksums"),
        ("internal", "internal_checksums"),
        ("ready", "ready_checksums"),
    ] {
        let (start, end) = place(footer, part)?;
        let sums = place(footer, sums)?;
        let crcs: Vec<u8> = body
            .get(start..end)?
            .chunks(CHECKED_BYTES)
            .flat_map(|part| crc32fast::hash(part).to_le_bytes())
            .collect();
        body.get_mut(sums.0..sums.1)?.copy_from_slice(&crcs);
    }
    let (start, end) = place(footer, "page_latest")?;
    let mut at = start;
    while at < end {
        let stop = (at + 4096).min(end);
        let crc = crc32fast::hash(body.get(at..stop - 4)?);
        body.get_mut(stop - 4..stop)?
            .copy_from_slice(&crc.to_le_bytes());
        at = stop;
    }
    let mut footer = footer.to_owned();
    // Not the directories: the library that reads them trusts what has the right checksum.
    for part in [
        "files",
        "page_index",
        "revisited",
        "domains",
        "domain_starts",
        "site_checksums",
        "linked_index",
        "internal_checksums",
        "ready_checksums",
    ] {
        let (start, end) = place(&footer, part)?;
        let old = crc32fast::hash(seed.get(start..end)?);
        let new = crc32fast::hash(body.get(start..end)?);
        footer = footer.replace(&format!("\"crc32\":{old}}}"), &format!("\"crc32\":{new}}}"));
    }
    body.extend_from_slice(footer.as_bytes());
    body.extend_from_slice(&crc32fast::hash(footer.as_bytes()).to_le_bytes());
    body.extend_from_slice(&u32::try_from(footer.len()).ok()?.to_le_bytes());
    body.extend_from_slice(b"WNDLSEND");
    Some(body)
}

/// Where a section lies, by the footer's JSON.
fn place(footer: &str, section: &str) -> Option<(usize, usize)> {
    let rest = footer
        .split_once(&format!("\"{section}\":{{\"offset\":"))?
        .1;
    let (offset, rest) = rest.split_once(",\"length\":")?;
    let offset: usize = offset.parse().ok()?;
    let length: usize = rest.split_once(',')?.0.parse().ok()?;
    Some((offset, offset + length))
}

fn varint(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (i, byte) in bytes.iter().take(9).enumerate() {
        value |= usize::from(byte & 127) << (7 * i);
        if byte & 128 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}
