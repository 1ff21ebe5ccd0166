//! Tokens: made once, shown once, kept as digests.

use std::fmt;

use blake3::Hash;

use crate::error::AccountsError;

/// The length of a token.
pub const TOKEN_CHARACTERS: usize = 40;

const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// Bytes from here on are thrown away: with them some characters would come more often.
const BYTE_LIMIT: u8 = 252;

/// A token that was just made: the only time that it can be seen. Its `Debug` form hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct NewToken(String);

impl NewToken {
    /// 40 characters of `[0-9a-z]`, so 206 bits, from the operating system's random numbers.
    pub(crate) fn generate() -> Result<Self, AccountsError> {
        let mut text = String::with_capacity(TOKEN_CHARACTERS);
        let mut bytes = [0; 64];
        while text.len() < TOKEN_CHARACTERS {
            getrandom::fill(&mut bytes).map_err(AccountsError::Random)?;
            let wanted = TOKEN_CHARACTERS - text.len();
            let fair = bytes.iter().filter(|byte| **byte < BYTE_LIMIT);
            let characters = fair.filter_map(|byte| ALPHABET.get(usize::from(*byte % 36)));
            text.extend(characters.take(wanted).map(|byte| char::from(*byte)));
        }
        Ok(Self(text))
    }

    /// The token itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewToken(…)")
    }
}

/// What is kept of a token: its BLAKE3 digest. A slow, salted hash, as for passwords, would gain
/// nothing: nobody guesses 206 random bits.
///
/// A token is looked up by the first 8 bytes of the digest, and then compared in constant time, which
/// `blake3::Hash` does. So no time tells how much of a digest was right.
#[derive(Clone, Copy)]
pub(crate) struct TokenDigest(Hash);

impl TokenDigest {
    pub(crate) fn of(token: &str) -> Self {
        Self(blake3::hash(token.as_bytes()))
    }

    /// What it is looked up by.
    pub(crate) fn key(&self) -> i64 {
        let [a, b, c, d, e, f, g, h, ..] = *self.0.as_bytes();
        i64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether these bytes are the digest, in constant time.
    pub(crate) fn is(&self, bytes: [u8; 32]) -> bool {
        self.0 == Hash::from_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn tokens_are_of_their_alphabet_all_different_and_hidden() {
        let tokens: BTreeSet<String> = (0..500)
            .map(|_| NewToken::generate().unwrap().reveal().to_owned())
            .collect();
        assert_eq!(tokens.len(), 500);
        let mut counts: BTreeMap<char, u32> = BTreeMap::new();
        for token in &tokens {
            assert_eq!(token.len(), TOKEN_CHARACTERS);
            for character in token.chars() {
                *counts.entry(character).or_default() += 1;
            }
        }
        assert!(
            counts
                .keys()
                .all(|c| c.is_ascii_digit() || c.is_ascii_lowercase())
        );
        // 20,000 characters, 556 of each: 300 is eleven standard deviations away.
        assert!(counts.len() == 36 && counts.values().all(|n| *n > 300));
        let token = NewToken::generate().unwrap();
        assert!(!format!("{token:?}").contains(token.reveal()));
    }

    #[test]
    fn a_digest_is_of_its_token_alone() {
        let digest = TokenDigest::of("a");
        assert!(digest.is(*blake3::hash(b"a").as_bytes()));
        let mut other = *blake3::hash(b"a").as_bytes();
        other[31] ^= 1;
        assert!(!digest.is(other));
    }
}
