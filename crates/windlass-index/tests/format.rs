//! The worked example of docs/format.md, byte by byte.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use windlass_index::{Collector, IndexError, Segment, Writer};
use windlass_links::{
    CanonicalUrl, Capture, CaptureTime, Link, LinkCounts, LinkType, Outcome, Rel, Source,
};

/// The bytes in the blocks marked `hex`: what is in front of two spaces, on each line.
fn documented() -> Vec<u8> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/format.md");
    let page = fs::read_to_string(page).unwrap();
    let mut bytes = Vec::new();
    let mut is_inside = false;
    for line in page.lines() {
        match line {
            "```hex" => is_inside = true,
            "```" => is_inside = false,
            line if is_inside => {
                let digits = line.split("  ").next().unwrap();
                for byte in digits.split_whitespace() {
                    bytes.push(u8::from_str_radix(byte, 16).unwrap());
                }
            }
            _ => {}
        }
    }
    bytes
}

/// The captures of the example.
fn captures() -> Vec<Capture> {
    let url = |text: &str| CanonicalUrl::parse(text).unwrap();
    let link = |target: &str, anchor: &str, rel| Link {
        link_type: LinkType::Href,
        target: url(target),
        anchor: anchor.to_owned(),
        alt: String::new(),
        rel,
        external: true,
    };
    let capture = |time, links: Vec<Link>| Capture {
        page: url("https://blog.example/a"),
        time: CaptureTime::from_unix(time),
        outcome: Outcome::Html,
        source: Source::Warc,
        status: Some(200),
        title: Some("Links".to_owned()),
        counts: LinkCounts {
            external: links.len() as u32,
            ..LinkCounts::default()
        },
        links,
    };
    let home = || link("https://www.w3.org/", "W3C", Rel::NONE);
    let html = || link("https://www.w3.org/html", "HTML", Rel::NOFOLLOW);
    vec![
        capture(1_700_000_000, vec![home(), html()]),
        capture(1_700_086_400, vec![home()]),
    ]
}

#[test]
fn the_example_in_the_documentation_is_what_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(directory.path(), None).unwrap();
    let mut collector = Collector::new(&writer, usize::MAX);
    for (capture, offset) in captures().iter().zip([0, 1000]) {
        collector.add(capture, [0xAB; 32], offset).unwrap();
    }
    let collected = collector.finish().unwrap();
    let never = AtomicBool::new(false);
    writer
        .commit_collected(collected, Vec::new(), &(), &never)
        .unwrap();
    let name = &writer.manifest().segments.first().unwrap().name;
    let written = fs::read(directory.path().join("segments").join(name)).unwrap();
    // The footer names the Public Suffix List, which changes from time to time, and so do checksums.
    let length = u32::from_le_bytes(written[written.len() - 12..][..4].try_into().unwrap());
    let footer = written.len() - 16 - length as usize;
    let documented = documented();
    let shown: Vec<String> = written[..footer]
        .chunks(16)
        .map(|line| line.iter().map(|b| format!("{b:02x} ")).collect())
        .collect();
    assert!(
        documented == written[..footer],
        "what is written:\n{}\n{}",
        shown.join("\n"),
        String::from_utf8_lossy(&written[footer..])
    );
    Segment::from_bytes(written)
        .unwrap()
        .verify(&never)
        .unwrap();
}

/// A segment of the captures of the example.
fn written() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(directory.path(), None).unwrap();
    let mut collector = Collector::new(&writer, usize::MAX);
    for (capture, offset) in captures().iter().zip([0, 1000]) {
        collector.add(capture, [0xAB; 32], offset).unwrap();
    }
    let (collected, never) = (collector.finish().unwrap(), AtomicBool::new(false));
    writer
        .commit_collected(collected, Vec::new(), &(), &never)
        .unwrap();
    let name = &writer.manifest().segments[0].name;
    fs::read(directory.path().join("segments").join(name)).unwrap()
}

#[test]
fn segments_of_other_versions_are_refused() {
    let bytes = written();
    Segment::from_bytes(bytes.clone()).unwrap();
    for (at, expected) in [(8, "format"), (12, "counting rules")] {
        for change in [1, 0x80] {
            let mut bytes = bytes.clone();
            bytes[at] ^= change;
            let read = Segment::from_bytes(bytes);
            assert!(matches!(read, Err(IndexError::Version { what, .. }) if what == expected));
        }
    }
}

/// The number of domains decides how much memory is asked for, and stands in the footer alone.
#[test]
fn numbers_that_the_pages_do_not_have_are_refused() {
    let bytes = written();
    let (body, trailer) = bytes.split_at(bytes.len() - 16);
    let length = u32::from_le_bytes(trailer[4..8].try_into().unwrap()) as usize;
    let (sections, footer) = body.split_at(body.len() - length);
    let footer = String::from_utf8(footer.to_vec()).unwrap();
    let with = |from: &str, to: &str| {
        assert_eq!(footer.matches(from).count(), 1, "{footer}");
        let footer = footer.replace(from, to);
        let mut bytes = [sections, footer.as_bytes()].concat();
        bytes.extend(crc32fast::hash(footer.as_bytes()).to_le_bytes());
        bytes.extend((footer.len() as u32).to_le_bytes());
        bytes.extend(&trailer[8..]);
        Segment::from_bytes(bytes)
    };
    let own = r#""refdomains":1,"#;
    with(own, own).unwrap();
    for number in ["2", "4294967295", "18446744073709551615"] {
        let read = with(own, &format!(r#""refdomains":{number},"#));
        assert!(matches!(read, Err(IndexError::Corrupt { .. })), "{number}");
    }
    let read = with(r#""pages":1,"#, r#""pages":65,"#);
    assert!(matches!(read, Err(IndexError::Corrupt { .. })));
}
