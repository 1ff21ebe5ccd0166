//! Kinds of anchors (K1–K5), plainly: everything is looked up anew for each anchor.

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
use windlass_links::{PublicSuffixList, Target};

/// The phrases of K4.
const GENERIC: &str = include_str!("../../../data/generic-anchors.tsv");

/// The name of the kind of a folded anchor.
#[must_use]
pub fn kind(anchor: &str, target: &Target, list: &PublicSuffixList) -> &'static str {
    // K1
    if anchor.is_empty() {
        return "empty";
    }
    // K2
    let bare = trimmed(anchor, |c| !is_of_word(c) && c != '@');
    if [anchor, &bare]
        .iter()
        .any(|text| is_url(text, target, list))
    {
        return "naked-url";
    }
    // K3
    if let Some(label) = list.name(target.host()) {
        let words = words(anchor);
        for name in spellings(label).map(|name| words_of_name(&name)) {
            let is_all = trimmed(anchor, |c| !is_of_word(c)) == name;
            if (name.chars().count() > 1 && joined(&words).contains(&name))
                || (name.chars().count() == 1 && is_all)
            {
                return "brand";
            }
        }
    }
    // K4
    let bare = trimmed(anchor, |c| !is_of_word(c));
    let mut phrases = GENERIC.lines().map(|line| line.split('\t').next());
    if bare.is_empty() || phrases.any(|phrase| phrase == Some(bare.as_str())) {
        return "generic";
    }
    // K5
    "other"
}

/// Whether a character is a letter, a digit or a mark.
fn is_of_word(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    GeneralCategoryGroup::Letter.contains(category)
        || GeneralCategoryGroup::Mark.contains(category)
        || category == GeneralCategory::DecimalNumber
}

fn trimmed(text: &str, is_end: impl Fn(char) -> bool) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    while characters.first().is_some_and(|c| is_end(*c)) {
        characters.remove(0);
    }
    while characters.last().is_some_and(|c| is_end(*c)) {
        characters.pop();
    }
    characters.into_iter().collect()
}

/// The words of a text.
fn words(text: &str) -> Vec<String> {
    text.split(|c| !is_of_word(c))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// All texts that one word or several one after the other make up.
fn joined(words: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    for from in 0..words.len() {
        let mut text = String::new();
        for word in words.iter().skip(from) {
            text.push_str(word);
            all.push(text.clone());
        }
    }
    all
}

fn words_of_name(label: &str) -> String {
    words(label).concat()
}

/// A label, or a whole host, in ASCII and in Unicode.
fn spellings(ascii: &str) -> impl Iterator<Item = String> {
    let labels = ascii.split('.').map(|label| {
        label
            .strip_prefix("xn--")
            .and_then(idna::punycode::decode_to_string)
            .unwrap_or_else(|| label.to_owned())
    });
    let unicode = labels.collect::<Vec<_>>().join(".");
    [ascii.to_owned(), unicode].into_iter()
}

fn is_url(text: &str, target: &Target, list: &PublicSuffixList) -> bool {
    if text.chars().any(char::is_whitespace) {
        return false;
    }
    // scheme://host…
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let mut of_scheme = scheme.chars();
    if of_scheme.next().is_some_and(|c| c.is_ascii_lowercase())
        && of_scheme.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c))
    {
        let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
        return rest.split_at(end).0.chars().any(is_of_word);
    }
    // host, host:port; path, query and fragment are cut off.
    let end = text.find(['/', '?', '#']).unwrap_or(text.len());
    let mut host = text.split_at(end).0.to_owned();
    if let Some(colon) = host.find(':') {
        let port = host.split_off(colon);
        if port.len() == 1 || !port.chars().skip(1).all(|c| c.is_ascii_digit()) {
            return false;
        }
    }
    if host.ends_with('.') {
        host.pop();
    }
    let labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| {
        label.chars().all(|c| is_of_word(c) || c == '-' || c == '_')
            && !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if labels.len() < 2 || !labels.iter().all(is_label) {
        return false;
    }
    let is_octet = |label: &&str| {
        label
            .parse::<u8>()
            .is_ok_and(|octet| octet.to_string() == **label)
    };
    let is_ipv4 = labels.len() == 4 && labels.iter().all(is_octet);
    let is_of_file = labels
        .last()
        .is_some_and(|ending| ["md", "mov", "py", "zip"].contains(ending));
    let own = list.registrable_domain(target.host());
    let is_own = spellings(own).any(|own| list.registrable_domain(&host) == own);
    labels.first() == Some(&"www")
        || is_ipv4
        || (list.lists_suffix_of(&host) && (!is_of_file || is_own))
}
