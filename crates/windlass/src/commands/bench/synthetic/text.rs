//! Texts for numbers: different numbers give different texts, small ones short texts.

/// All of one length, so that what is put together of them can be taken apart in one way only.
const SYLLABLES: [&str; 64] = [
    "nek", "bes", "den", "let", "lar", "ved", "mod", "sem", "pan", "dis", "ked", "wol", "dok",
    "not", "nas", "bor", "fos", "ram", "war", "kil", "lid", "gel", "tim", "yod", "kom", "gon",
    "zas", "mit", "sos", "sin", "wid", "bik", "fin", "wet", "vom", "mak", "pes", "rok", "ton",
    "fem", "mer", "tad", "vat", "zek", "vil", "tel", "gad", "gim", "por", "kat", "yak", "ban",
    "yer", "dam", "zir", "sal", "zot", "ris", "yit", "lol", "fal", "pik", "ren", "nir",
];
const WORDS: u64 = 64 * 64;

/// Appends words with `between` between them: one for the first 4,096 numbers, two for the next 16.8
/// million, and so on.
pub(in super::super) fn push_words(out: &mut String, number: u64, between: char) {
    let mut rest = number;
    loop {
        push_syllable(out, rest % 64);
        push_syllable(out, rest / 64 % 64);
        rest /= WORDS;
        if rest == 0 {
            return;
        }
        rest -= 1;
        out.push(between);
    }
}

fn push_syllable(out: &mut String, number: u64) {
    out.push_str(SYLLABLES.get(number as usize).copied().unwrap_or_default());
}

/// Appends a number in decimal.
pub(in super::super) fn push_number(out: &mut String, number: u64) {
    let mut digits = [0u8; 20];
    let mut rest = number;
    let mut count = 0;
    for digit in &mut digits {
        *digit = b'0' + (rest % 10) as u8;
        count += 1;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    for digit in digits.iter().take(count).rev() {
        out.push(char::from(*digit));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn different_numbers_different_texts() {
        let numbers = (0..10_000)
            .chain(16_700_000..16_790_000)
            .chain(u64::MAX - 10..u64::MAX);
        let mut seen = HashSet::new();
        for number in numbers {
            let mut text = String::new();
            push_words(&mut text, number, ' ');
            assert!(seen.insert(text), "{number}");
        }
    }

    #[test]
    fn decimals() {
        for number in [0, 7, 10, 4096, u64::MAX] {
            let mut text = String::new();
            push_number(&mut text, number);
            assert_eq!(text, number.to_string());
        }
    }
}
