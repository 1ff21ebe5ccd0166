//! Kinds of anchors against the plain implementation, for texts that come near the rules.
#![allow(missing_docs, clippy::unwrap_used)]

use proptest::prelude::*;
use windlass_links::anchor::fold;
use windlass_links::{Mode, Target};
use windlass_reference::fixtures::list;
use windlass_reference::kind;
use windlass_report::{AnchorKind, Kinds};

const TARGETS: [&str; 12] = [
    "example.com",
    "www.example.co.uk",
    "exam-ple.md",
    "bücher.example",
    "die-bücher.md",
    "alice.github.io",
    "github.io",
    "co.uk",
    "x.com",
    "localhost",
    "192.0.2.1",
    "[2001:db8::1]",
];

const PIECES: [&str; 52] = [
    "example",
    "Exam",
    "ple",
    "alice",
    "github",
    "bücher",
    "die",
    "xn--bcher-kva",
    "x",
    "localhost",
    ".",
    ".com",
    ".co.uk",
    ".md",
    ".io",
    ".zip",
    ".js",
    "www.",
    "www",
    "https://",
    "ftp://",
    "://",
    "1://",
    "/",
    "/a?b#c",
    "?",
    "#",
    ":",
    ":80",
    ":x",
    "@",
    " ",
    " ",
    "-",
    "_",
    "'",
    "→",
    "“",
    "…",
    "\u{301}",
    "\u{200B}",
    "½",
    "here",
    "Click",
    "weiterlesen",
    "こちら",
    "日本",
    "192.0.2.1",
    "256",
    "01",
    "[2001:db8::1]",
    "\\",
];

fn check(target: &str, anchor: &str) -> Result<AnchorKind, TestCaseError> {
    let target = Target::parse(target, Mode::Subdomains).unwrap();
    let folded = fold(anchor);
    let found = Kinds::of(&target, &list()).kind_of(&folded);
    prop_assert_eq!(
        found.name(),
        kind(&folded, &target, &list()),
        "{} {}",
        target,
        anchor
    );
    Ok(found)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn near_misses_are_of_the_kind_that_the_rules_say(
        target in prop::sample::select(&TARGETS[..]),
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..6),
    ) {
        check(target, &pieces.concat())?;
    }
}

proptest! {
    #[test]
    fn any_text_is_of_the_kind_that_the_rules_say(
        target in prop::sample::select(&TARGETS[..]),
        anchor in any::<String>(),
    ) {
        check(target, &anchor)?;
    }
}

/// The pieces make up texts of every kind, so that the comparison above means something.
#[test]
fn every_kind_comes_up() {
    for (anchor, expected) in [
        ("", AnchorKind::Empty),
        ("www.example.com:80/a?b#c", AnchorKind::NakedUrl),
        ("Exam-ple", AnchorKind::Brand),
        ("→ weiterlesen", AnchorKind::Generic),
        ("Click x", AnchorKind::Other),
    ] {
        assert_eq!(check("example.com", anchor).unwrap(), expected, "{anchor}");
    }
}
