//! Numbers as people read and write them.

use std::fmt::Write;

/// Reads a number of bytes with an optional suffix: `512M`, `2G`, `1000`.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, String> {
    let trimmed = text
        .trim()
        .trim_end_matches(['b', 'B'])
        .trim_end_matches('i');
    let (digits, factor) = match trimmed.char_indices().last() {
        Some((at, 'k' | 'K')) => (trimmed.get(..at), 1 << 10),
        Some((at, 'm' | 'M')) => (trimmed.get(..at), 1 << 20),
        Some((at, 'g' | 'G')) => (trimmed.get(..at), 1 << 30),
        Some((at, 't' | 'T')) => (trimmed.get(..at), 1 << 40),
        _ => (Some(trimmed), 1u64),
    };
    digits
        .and_then(|digits| digits.trim().parse::<u64>().ok())
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "a number of bytes is wanted, such as 512M or 2G".to_owned())
}

/// Reads a number of bytes, as [`parse_bytes`], that memory is asked for.
pub(crate) fn parse_size(text: &str) -> Result<usize, String> {
    let bytes = parse_bytes(text)?;
    usize::try_from(bytes).map_err(|_| "it is more than memory has addresses".to_owned())
}

/// Reads a number of something, at least 1.
pub(crate) fn parse_positive(text: &str) -> Result<usize, String> {
    let number = text.trim().parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "a whole number is wanted, at least 1".to_owned())
}

/// Reads a number with an optional suffix: `10M`, `500k`, `1000`.
pub(crate) fn parse_count(text: &str) -> Result<u64, String> {
    let trimmed = text.trim();
    let (digits, factor) = match trimmed.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1000),
        None => trimmed
            .strip_suffix('M')
            .map_or((trimmed, 1), |digits| (digits, 1_000_000)),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "a number is wanted, such as 500k or 10M".to_owned())
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes with a unit: `3.2 MiB`.
pub(crate) fn bytes(number: u64) -> String {
    let mut value = number as f64;
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    let mut out = String::new();
    let digits = if unit == "B" || value >= 100.0 { 0 } else { 1 };
    // Writing to a string cannot fail.
    let _ = write!(out, "{value:.digits$} {unit}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_shows_sizes() {
        assert_eq!(parse_bytes("512M"), Ok(512 << 20));
        assert_eq!(parse_bytes("2GiB"), Ok(2 << 30));
        assert_eq!(parse_bytes("10"), Ok(10));
        assert!(
            parse_bytes("M").is_err()
                && parse_bytes("x").is_err()
                && parse_bytes("9999999999999T").is_err()
        );
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(12), "12");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(3_355_443), "3.2 MiB");
    }
}
