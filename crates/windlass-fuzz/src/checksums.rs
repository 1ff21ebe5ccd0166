//! Makes the checksums of a damaged segment right again, so that what reads the bytes behind them is reached.

use crate::mutate::Mutator;

/// How many bytes each checksum of a section that is read in parts covers.
const CHECKED_BYTES: usize = 1 << 14;
/// Those of the latest captures: 1023 values and the checksum itself.
const LATEST_BYTES: usize = 1 << 12;
const TRAILER_BYTES: usize = 16;

/// Sections whose parts have checksums behind them.
const SEALED: [&str; 2] = ["pages", "linked"];
/// Sections with sections of checksums.
const CHECKED: [(&str, &str); 6] = [
    ("recaptured", "recaptured_checksums"),
    ("domains", "domain_checksums"),
    ("sites", "site_checksums"),
    ("directory", "directory_checksums"),
    ("internal", "internal_checksums"),
    ("ready", "ready_checksums"),
];
/// Sections whose checksums are in the footer.
const WHOLE: [&str; 14] = [
    "files",
    "page_index",
    "recaptured_checksums",
    "revisited",
    "domain_checksums",
    "domain_starts",
    "site_checksums",
    "directory_checksums",
    "site_starts",
    "linked_index",
    "internal_checksums",
    "internal_directory",
    "ready_checksums",
    "ready_directory",
];

/// All sections, each once.
pub fn sections() -> impl Iterator<Item = &'static str> {
    let checked = CHECKED.iter().map(|(section, _)| *section);
    let others = ["page_latest"].into_iter().chain(SEALED);
    WHOLE.into_iter().chain(checked).chain(others)
}

/// Where a section of a segment lies.
#[must_use]
pub fn place_in(segment: &[u8], section: &str) -> Option<(usize, usize)> {
    place(footer(segment)?.1, section)
}

/// Makes all checksums of a mutated segment right, those of the footer's with them; the footer itself is that of the seed.
/// Returns `None` where the lengths differ.
#[must_use]
pub fn with_checksums(seed: &[u8], mutated: &[u8]) -> Option<Vec<u8>> {
    if seed.len() != mutated.len() {
        return None;
    }
    let (footer_at, footer) = footer(seed)?;
    let mut body = mutated.get(..footer_at)?.to_vec();
    // Repaired where the seed's lengths still fit.
    for section in SEALED {
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
    for (section, sums) in CHECKED {
        let (start, end) = place(footer, section)?;
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
        let stop = (at + LATEST_BYTES).min(end);
        let crc = crc32fast::hash(body.get(at..stop - 4)?);
        body.get_mut(stop - 4..stop)?
            .copy_from_slice(&crc.to_le_bytes());
        at = stop;
    }
    let mut footer = footer.to_owned();
    for section in WHOLE {
        let (start, end) = place(&footer, section)?;
        let crc = crc32fast::hash(body.get(start..end)?);
        let (before, rest) = footer.split_once(&format!("\"{section}\":{{"))?;
        let (place, rest) = rest.split_once("\"crc32\":")?;
        let (_, rest) = rest.split_once('}')?;
        footer = format!("{before}\"{section}\":{{{place}\"crc32\":{crc}}}{rest}");
    }
    Some(sealed(body, &footer))
}

/// A segment whose footer has another number somewhere, and is right by its checksum.
#[must_use]
pub fn with_footer(seed: &[u8], mutator: &mut Mutator) -> Option<Vec<u8>> {
    let (footer_at, footer) = footer(seed)?;
    let starts: Vec<usize> = footer
        .match_indices(':')
        .map(|(at, _)| at + 1)
        .filter(|at| footer.as_bytes().get(*at).is_some_and(u8::is_ascii_digit))
        .collect();
    let start = *starts.get(mutator.below(starts.len()))?;
    let (before, rest) = footer.split_at_checked(start)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (old, rest) = rest.split_at_checked(digits)?;
    let old: u64 = old.parse().ok()?;
    let numbers = [
        0,
        1,
        old.wrapping_add(1),
        old.wrapping_sub(1),
        old ^ (1 << mutator.below(64)),
        old.wrapping_mul(64),
        u32::MAX.into(),
        1 << 32,
        1 << 48,
        i64::MAX as u64,
        u64::MAX,
    ];
    let new = numbers.get(mutator.below(numbers.len()))?;
    let body = seed.get(..footer_at)?.to_vec();
    Some(sealed(body, &format!("{before}{new}{rest}")))
}

/// The sections with a footer, and what stands behind it.
fn sealed(mut body: Vec<u8>, footer: &str) -> Vec<u8> {
    body.extend_from_slice(footer.as_bytes());
    body.extend_from_slice(&crc32fast::hash(footer.as_bytes()).to_le_bytes());
    let length = u32::try_from(footer.len()).unwrap_or(u32::MAX);
    body.extend_from_slice(&length.to_le_bytes());
    body.extend_from_slice(b"WNDLSEND");
    body
}

/// Where the footer of a whole segment begins, and its text.
fn footer(segment: &[u8]) -> Option<(usize, &str)> {
    let trailer = segment.len().checked_sub(TRAILER_BYTES)?;
    let length = segment.get(trailer + 4..trailer + 8)?.first_chunk()?;
    let start = trailer.checked_sub(u32::from_le_bytes(*length) as usize)?;
    let footer = std::str::from_utf8(segment.get(start..trailer)?).ok()?;
    Some((start, footer))
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
