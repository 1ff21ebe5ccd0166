//! Anchors as they are compared: white space collapsed (R9), letters folded (R9a).

/// Longest anchor kept whole, in bytes (R9).
pub const ANCHOR_LENGTH_MAX: usize = 65_536;
/// Longest title kept whole, in bytes.
pub const TITLE_LENGTH_MAX: usize = 1024;

/// Folds an anchor for grouping and comparison (R9a): each character mapped by simple Unicode lower
/// case, nothing else; `ß` and final `ς` stay.
#[must_use]
pub fn fold(anchor: &str) -> String {
    let mut folded = String::with_capacity(anchor.len());
    fold_into(anchor, &mut folded);
    folded
}

/// [`fold`], appended to a buffer.
pub fn fold_into(anchor: &str, folded: &mut String) {
    for c in anchor.chars() {
        folded.push(fold_char(c));
    }
}

/// The simple lower-case mapping of a character (`UnicodeData.txt`, field 13).
fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    // The full mapping equals the simple one for every character but U+0130, which it turns into
    // two; its simple mapping is `i`.
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(only), None) => only,
        (Some(first), Some(_)) => first,
        (None, _) => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r9a_folding() {
        assert_eq!(fold("ÄÖÜ ß ΣΑΣ Σς İI Ǆ"), "äöü ß σασ σς ii ǆ");
    }
}
