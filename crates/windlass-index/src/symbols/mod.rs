//! Short strings as codes for their frequent parts.
//!
//! Each code is a byte that stands for a symbol of one to eight bytes; 255 says that the byte behind it
//! stands for itself. A string can be read without those before it, which is why this is used and not
//! a compressor that reads further back. (Boncz, Neumann and Leis, "FSST: Fast Random Access String
//! Compression", VLDB 2020.) Two tables are part of the format, so that equal strings are equal bytes
//! in all segments and can be copied from one to another: one for SURTs, one for anchors, made from
//! those of real crawls. A long list of strings has a table of its own where that is better.
//!
//! ```text
//! table := (length u8 | symbol u8 × 8) × symbols            the symbol first, then zeros
//! ```

mod tables;

use std::sync::LazyLock;

use fsst::{Compressor, Symbol};

use crate::bytes::Corrupt;

/// Says that the next byte stands for itself.
const ESCAPE: u8 = 255;
/// Bytes of the longest symbol.
const LONGEST: usize = 8;
/// Bytes of a symbol in a table.
pub(crate) const ENTRY: usize = LONGEST + 1;

/// A table of symbols.
pub(crate) struct SymbolTable {
    entries: Vec<u8>,
    compressor: Compressor,
}

impl std::fmt::Debug for SymbolTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SymbolTable").finish_non_exhaustive()
    }
}

/// The table for SURTs.
pub(crate) static SURT: LazyLock<SymbolTable> = LazyLock::new(|| SymbolTable::known(&tables::SURT));
/// The table for anchors, alts and other text.
pub(crate) static TEXT: LazyLock<SymbolTable> = LazyLock::new(|| SymbolTable::known(&tables::TEXT));

impl SymbolTable {
    fn known(symbols: &[&[u8]]) -> Self {
        let mut known = Vec::new();
        for symbol in symbols {
            let mut bytes = [0; LONGEST];
            for (to, from) in bytes.iter_mut().zip(*symbol) {
                *to = *from;
            }
            known.push(Symbol::from_slice(&bytes));
        }
        let lengths: Vec<u8> = symbols.iter().map(|s| s.len().min(LONGEST) as u8).collect();
        Self::of(Compressor::rebuild_from(known, lengths))
    }

    /// The table that suits a sample of strings. The same for the same sample.
    pub(crate) fn trained(sample: &Vec<&[u8]>) -> Self {
        Self::of(Compressor::train(sample))
    }

    fn of(compressor: Compressor) -> Self {
        let mut entries = Vec::new();
        let lengths = compressor.symbol_lengths();
        for (symbol, length) in compressor.symbol_table().iter().zip(lengths) {
            entries.push(*length);
            entries.extend_from_slice(&symbol.to_u64().to_le_bytes());
        }
        Self {
            entries,
            compressor,
        }
    }

    /// The table as it is in the file.
    pub(crate) fn entries(&self) -> &[u8] {
        &self.entries
    }

    /// Appends the codes of a text. At most twice as long.
    pub(crate) fn encode(&self, text: &[u8], out: &mut Vec<u8>) {
        out.reserve(2 * text.len());
        let spare = out.spare_capacity_mut();
        #[expect(
            unsafe_code,
            reason = "without a buffer for each of very many short strings"
        )]
        // SAFETY: each byte gives at most two, an escape and itself, which is what `spare` has room
        // for; and so many bytes of it have been written as `compress_into` says.
        unsafe {
            let written = self.compressor.compress_into(text, spare);
            out.set_len(out.len() + written);
        }
    }

    /// The codes of a text.
    #[cfg(test)]
    fn encoded(&self, text: &[u8]) -> Vec<u8> {
        let mut codes = b"before".to_vec();
        self.encode(text, &mut codes);
        codes.split_off(6)
    }
}

/// Appends the text of the codes, by a table as it is in the file. At most eight times as long.
#[inline]
pub(crate) fn decode(table: &[u8], codes: &[u8], out: &mut Vec<u8>) -> Result<(), Corrupt> {
    const WRONG: Corrupt = Corrupt("a string's codes");
    out.reserve(codes.len() * 3);
    let mut codes = codes.iter();
    while let Some(code) = codes.next() {
        if *code == ESCAPE {
            out.push(*codes.next().ok_or(WRONG)?);
            continue;
        }
        let at = usize::from(*code) * ENTRY;
        let entry = table.get(at..at + ENTRY).ok_or(WRONG)?;
        let (length, symbol) = entry.split_first().ok_or(WRONG)?;
        // Always eight bytes, which is one move.
        let end = out.len() + usize::from(*length);
        out.extend_from_slice(symbol);
        if end > out.len() {
            return Err(WRONG);
        }
        out.truncate(end);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_come_back(text in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..100),
            "(com\u{2}|www|/index\\.html| http|é|read more|\\PC){0,20}".prop_map(String::into_bytes),
        ]) {
            for table in [&*SURT, &*TEXT, &SymbolTable::trained(&vec![&text])] {
                let mut found = b"before".to_vec();
                decode(table.entries(), &table.encoded(&text), &mut found).unwrap();
                prop_assert_eq!(&found[6..], &text[..]);
            }
        }

        #[test]
        fn foreign_codes_never_panic(codes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = decode(SURT.entries(), &codes, &mut Vec::new());
            let _ = decode(&codes, &codes, &mut Vec::new());
        }
    }

    #[test]
    fn what_is_frequent_is_short() {
        let surt = b"com\x02example\x02www\x01/index.html http";
        assert!(SURT.encoded(surt).len() * 2 < surt.len());
        let text = b"read more about the internet";
        assert!(TEXT.encoded(text).len() * 3 < text.len() * 2);
    }

    #[test]
    fn an_escape_without_its_byte_and_unknown_codes_are_damage() {
        assert!(decode(SURT.entries(), &[ESCAPE], &mut Vec::new()).is_err());
        assert!(tables::SURT.len() < 255);
        assert!(decode(SURT.entries(), &[254], &mut Vec::new()).is_err());
    }
}
