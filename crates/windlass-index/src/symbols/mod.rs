//! Short strings as codes for their frequent parts.
//!
//! Each code is a byte that stands for a symbol of one to eight bytes; 255 says that the byte behind it
//! stands for itself. A string can be read without those before it, which is why this is used and not
//! a compressor that reads further back. (Boncz, Neumann and Leis, "FSST: Fast Random Access String
//! Compression", VLDB 2020.) Two tables are part of the format, so that equal strings are equal bytes
//! in all segments and can be copied from one to another: one for SURTs, one for anchors, made from
//! those of real crawls.

mod tables;

use std::sync::LazyLock;

use fsst::{Compressor, Symbol};

use crate::bytes::Corrupt;

/// Says that the next byte stands for itself.
const ESCAPE: u8 = 255;
/// Bytes of the longest symbol.
const LONGEST: usize = 8;

/// A table of symbols.
pub(crate) struct SymbolTable {
    /// Each with zeros behind it, and its length.
    symbols: Vec<([u8; LONGEST], u8)>,
    compressor: Compressor,
}

impl std::fmt::Debug for SymbolTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SymbolTable").finish_non_exhaustive()
    }
}

/// The table for SURTs.
pub(crate) static SURT: LazyLock<SymbolTable> = LazyLock::new(|| SymbolTable::new(&tables::SURT));
/// The table for anchors, alts and other text.
pub(crate) static TEXT: LazyLock<SymbolTable> = LazyLock::new(|| SymbolTable::new(&tables::TEXT));

impl SymbolTable {
    fn new(symbols: &[&[u8]]) -> Self {
        let symbols: Vec<([u8; LONGEST], u8)> = symbols
            .iter()
            .map(|symbol| {
                let mut bytes = [0; LONGEST];
                for (to, from) in bytes.iter_mut().zip(*symbol) {
                    *to = *from;
                }
                (bytes, symbol.len().min(LONGEST) as u8)
            })
            .collect();
        let known: Vec<Symbol> = symbols.iter().map(|(s, _)| Symbol::from_slice(s)).collect();
        let lengths: Vec<u8> = symbols.iter().map(|(_, length)| *length).collect();
        Self {
            symbols,
            compressor: Compressor::rebuild_from(known, lengths),
        }
    }

    /// The codes of a text.
    pub(crate) fn encode(&self, text: &[u8]) -> Vec<u8> {
        self.compressor.compress(text)
    }

    /// Appends the text of the codes. At most eight times as long.
    #[inline]
    pub(crate) fn decode(&self, codes: &[u8], out: &mut Vec<u8>) -> Result<(), Corrupt> {
        out.reserve(codes.len() * 3);
        let mut codes = codes.iter();
        while let Some(code) = codes.next() {
            if *code == ESCAPE {
                out.push(*codes.next().ok_or(Corrupt("a string's codes"))?);
                continue;
            }
            let symbol = self.symbols.get(usize::from(*code));
            let (bytes, length) = symbol.ok_or(Corrupt("a string's codes"))?;
            // Always eight bytes, which is one move.
            let end = out.len() + usize::from(*length);
            out.extend_from_slice(bytes);
            out.truncate(end);
        }
        Ok(())
    }
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
            for table in [&*SURT, &*TEXT] {
                let mut found = b"before".to_vec();
                table.decode(&table.encode(&text), &mut found).unwrap();
                prop_assert_eq!(&found[6..], &text[..]);
            }
        }

        #[test]
        fn foreign_codes_never_panic(codes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = SURT.decode(&codes, &mut Vec::new());
            let _ = TEXT.decode(&codes, &mut Vec::new());
        }
    }

    #[test]
    fn what_is_frequent_is_short() {
        let surt = b"com\x02example\x02www\x01/index.html http";
        assert!(SURT.encode(surt).len() * 2 < surt.len());
        let text = b"read more about the internet";
        assert!(TEXT.encode(text).len() * 3 < text.len() * 2);
    }

    #[test]
    fn an_escape_without_its_byte_and_unknown_codes_are_damage() {
        assert!(SURT.decode(&[ESCAPE], &mut Vec::new()).is_err());
        assert!(tables::SURT.len() < 255);
        assert!(SURT.decode(&[254], &mut Vec::new()).is_err());
    }
}
