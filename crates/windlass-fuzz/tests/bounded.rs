//! Every fuzz target for a bounded number of inputs: mutations of real data, the same in each run.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flate2::read::MultiGzDecoder;
use windlass_fuzz::index::Index;
use windlass_fuzz::mutate::Mutator;
use windlass_fuzz::{archive, checksums, extract, filter, segment};
use windlass_index::{Segment, trace_segments};

/// The small archives that the reader's own tests use, those in gzip unpacked too: nearly every change of
/// what is packed ends at its checksum.
fn archives() -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../windlass-archive/tests/data");
    let mut found = Vec::new();
    let mut rest = vec![directory];
    while let Some(directory) = rest.pop() {
        let mut entries: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                rest.push(path);
            } else if path.metadata().unwrap().len() < 200_000 {
                let file = fs::read(path).unwrap();
                let mut unpacked = Vec::new();
                if MultiGzDecoder::new(file.as_slice())
                    .read_to_end(&mut unpacked)
                    .is_ok()
                {
                    found.push(unpacked);
                }
                found.push(file);
            }
        }
    }
    assert!(found.len() > 3, "seeds");
    found
}

fn run(seeds: &[Vec<u8>], inputs: usize, target: impl Fn(&[u8])) {
    let mut mutator = Mutator::new(7);
    seeds.iter().for_each(|seed| target(seed));
    for i in 0..inputs {
        target(&mutator.any(&seeds[i % seeds.len()]));
    }
}

#[test]
fn archives_of_any_bytes() {
    run(&archives(), 1500, archive::target);
}

#[test]
fn documents_of_any_bytes() {
    let html = b"\0Content-Type: text/html\n\n".as_slice();
    let bodies = [
        b"<a href=x rel=nofollow>t<b>e</b>x&amp;t<noscript><img alt=a></noscript></a><base href=//b.example>".to_vec(),
        b"<svg><style>a</style><a href=x></svg><template><a href=y></template><table><a href=z><td>".to_vec(),
    ];
    let bodies = archives().into_iter().chain(bodies);
    let mut seeds: Vec<Vec<u8>> = bodies.map(|body| [html, &body].concat()).collect();
    seeds.push(b"\0Content-Type: text/html, text/html;x=\"a,b\"; charset=shift_jis\nX-Robots-Tag: noindex, nofollow, max-snippet:-1\n\n<base href=http://b.example/d?e><a href=x>t</a><a href=//h.example>".to_vec());
    seeds.push(b"\0content-type: application/xhtml+xml\nContent-Type: text/html; charset=utf-16\n\n<\0a\0 \0h\0r\0e\0f\0=\0x\0>\0".to_vec());
    seeds.push(b"\0\n\n<p>\x1b$BF|K\\\x1b(B<a href=?\x1b$BF|\x1b(B>".to_vec());
    seeds.push(b"\x01Location: //h.example:81/../x?y#z\nlocation: /\n\n".to_vec());
    run(&seeds, 1500, extract::target);
}

#[test]
fn filters_of_any_bytes() {
    let seeds = [
        r#"backlinks>=2,word(anchor,"it\'s \"q\" \\ x"),first_seen<="2018-12-31""#,
        r#"subdomain(refdomain,"w3.org") , anchor <> '' , refpages:3"#,
        "refdomains>1,substring(anchor,seo),last_visited>2018-01-01T00:00:00Z",
        "example.com:81/a?b",
    ];
    run(
        &seeds.map(|seed| seed.as_bytes().to_vec()),
        20_000,
        filter::target,
    );
}

#[test]
fn segments_of_any_bytes() {
    let seed = segment::seed();
    run(std::slice::from_ref(&seed), 1000, segment::target);
}

#[test]
fn the_seed_has_the_links_that_are_traced() {
    let seed = Arc::new(Segment::from_bytes(segment::seed()).unwrap());
    let never = AtomicBool::new(false);
    for (page, target, anchor) in segment::TRACED {
        let found = trace_segments(std::slice::from_ref(&seed), page, target, anchor, &never);
        let shown = found.unwrap().map_or(0, |trace| trace.captures.len());
        assert_eq!(shown, 2, "{page} {target} {anchor}");
    }
}

/// Of a number of inputs, as many as `WINDLASS_FUZZ` says times.
fn times(inputs: usize) -> usize {
    let times = std::env::var("WINDLASS_FUZZ").ok();
    inputs * times.map_or(1, |times| times.parse().unwrap())
}

/// Segments with damage under checksums that are right: anywhere, and in each section.
fn damaged(seed: &[u8], inputs: usize, mut target: impl FnMut(&[u8])) {
    let mut mutator = Mutator::new(11);
    let sections: Vec<(usize, usize)> = checksums::sections()
        .map(|section| checksums::place_in(seed, section).unwrap())
        .filter(|(start, end)| start < end)
        .collect();
    let mut reached = 0;
    for i in 0..inputs {
        let mutated = match sections.get(i % (2 * sections.len())) {
            Some((start, end)) => {
                let part = mutator.same_length(&seed[*start..*end]);
                [&seed[..*start], &part, &seed[*end..]].concat()
            }
            None => mutator.same_length(seed),
        };
        if let Some(data) = checksums::with_checksums(seed, &mutated) {
            reached += usize::from(data != seed);
            target(&data);
        }
    }
    assert!(reached * 2 > inputs, "{reached} of {inputs}");
}

#[test]
fn segments_whose_checksums_are_right() {
    let seed = segment::seed();
    assert!(
        checksums::with_checksums(&seed, &seed).as_ref() == Some(&seed),
        "repairing what is whole changes nothing"
    );
    damaged(&seed, times(2500), segment::target);
}

#[test]
fn segments_whose_footers_say_other_numbers() {
    let seed = segment::seed();
    let mut mutator = Mutator::new(13);
    for _ in 0..times(1000) {
        segment::target(&checksums::with_footer(&seed, &mut mutator).unwrap());
    }
}

#[test]
fn indexes_with_a_segment_whose_checksums_are_right() {
    for segments in [1, 2] {
        let index = Index::new(segments);
        let all = index.target(index.seed());
        let (mut most, mut few) = (0, usize::MAX);
        damaged(index.seed(), times(40), |data| {
            let answered = index.target(data);
            most = most.max(answered);
            few = few.min(answered);
        });
        // Some damage is not met by a question, some by most of them.
        assert!(few < all && most > all / 2, "{few} to {most} of {all}");
    }
}
