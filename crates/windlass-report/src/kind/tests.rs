//! The rules, one after the other, by examples.

use std::collections::BTreeSet;

use windlass_links::anchor::fold;
use windlass_links::{Mode, Target};

use super::{AnchorKind, Kinds, generic, without_ends};
use AnchorKind::{Brand, Empty, Generic, NakedUrl, Other};

fn kinds(target: &str) -> Kinds {
    Kinds::of_bundled(&Target::parse(target, Mode::Subdomains).unwrap())
}

fn check(target: &str, expected: &[(&str, AnchorKind)]) {
    let kinds = kinds(target);
    for (anchor, kind) in expected {
        assert_eq!(kinds.kind_of(&fold(anchor)), *kind, "{target}: '{anchor}'");
    }
}

#[test]
fn k1_empty() {
    check("example.org", &[("", Empty), ("\u{200B}", Generic)]);
}

#[test]
fn k2_naked_urls() {
    let url = [
        "https://example.com/a?b",
        "HTTP://Example.COM",
        "http://localhost:8080/",
        "http://[2001:db8::1]/",
        "https://example.com/very/long…",
        "ftp://files.example.com/x",
        "git+ssh://example.com/x",
        "https://user:secret@example.com/",
        "https://example.com/ä?q=日本",
        "example.com",
        "example.com.",
        "Example.com:8080",
        "example.com/",
        "example.com./x",
        "example.com?a",
        "example.com#a",
        "blog.example.co.uk/a/b.html",
        "alice.github.io",
        "github.io",
        "www.example.com/",
        "www.intranet.local",
        "my_host.example.com",
        "192.0.2.1",
        "192.0.2.1:80/a",
        "bücher.de",
        "президент.рф",
        "xn--d1abbgf6aiiy.xn--p1ai",
        "<https://example.com/>",
        "(example.com)",
        "»example.com«",
        "//example.com/a",
        "→ example.com",
        "example.com:",
        "://example.com",
        "asp.net",
    ];
    let other = [
        "node.js",
        "e.g.",
        "i.e",
        "a.m.",
        "u.s.a.",
        "$11.99/month",
        "1.2.3",
        "49.0.2623.112",
        "and/or",
        "com",
        "www",
        "http://",
        "https:///a",
        "https:example.com",
        "1://example.com",
        "https://example.com and more",
        "example.com – a site",
        "example .com",
        "example..com",
        ".com/a",
        "-example-.com",
        "example.com:http",
        "info@example.com",
        "@example.com",
        "mailto:info@example.com",
        "javascript:alert(1)",
        "example,com",
        "readme.md",
        "setup.py",
        "docs/readme.md",
    ];
    let kinds = kinds("target.org");
    for anchor in url {
        assert_eq!(kinds.kind_of(&fold(anchor)), NakedUrl, "'{anchor}'");
    }
    for anchor in other {
        assert_ne!(kinds.kind_of(&fold(anchor)), NakedUrl, "'{anchor}'");
    }
    // An ending that is mostly that of files is believed where it is the target's own.
    check(
        "readme.md",
        &[
            ("readme.md", NakedUrl),
            ("docs.readme.md", NakedUrl),
            ("other.md", Other),
        ],
    );
    check(
        "bücher.md",
        &[("bücher.md", NakedUrl), ("xn--bcher-kva.md", NakedUrl)],
    );
}

#[test]
fn k3_brand() {
    check(
        "https://awesome-selfhosted.net/tags/x",
        &[
            ("awesome-selfhosted", Brand),
            ("Awesome Selfhosted", Brand),
            ("awesomeselfhosted", Brand),
            ("the Awesome-Selfhosted list", Brand),
            ("awesome_selfhosted", Brand),
            ("awesome – selfhosted!", Brand),
            ("Awesome", Other),
            ("selfhosted", Other),
            ("awesome-selfhosteds", Other),
            ("unawesome-selfhosted", Other),
            ("awesome self hosted", Brand),
            ("awesome-selfhosted.net", NakedUrl),
        ],
    );
    check(
        "docs.stackoverflow.co.uk",
        &[
            ("Stack Overflow", Brand),
            ("stack-overflow's page", Brand),
            ("stack overflows", Other),
            ("stackoverflow", Brand),
            ("docs", Other),
        ],
    );
    check(
        "nodejs.org",
        &[("Node.js", Brand), ("node", Other), ("NodeJS docs", Brand)],
    );
    check(
        "att.com",
        &[("AT&T", Brand), ("at t", Brand), ("at the", Other)],
    );
    check("alice.github.io", &[("Alice", Brand), ("GitHub", Other)]);
    check("wordpress.com", &[("WordPress", Brand)]);
    // A name of one character is not looked for in texts.
    check(
        "t.co",
        &[
            ("T", Brand),
            ("“t”", Brand),
            ("don't", Other),
            ("a t b", Other),
        ],
    );
    check(
        "www.bücher-laden.de",
        &[
            ("Bücher-Laden", Brand),
            ("Der BÜCHERLADEN", Brand),
            ("bucher laden", Other),
        ],
    );
    check(
        "bücher.example",
        &[("xn--bcher-kva", Brand), ("Bücher", Brand)],
    );
    check("192.0.2.1", &[("192", Other), ("192.0.2.1", NakedUrl)]);
    check("[2001:db8::1]", &[("2001", Other)]);
    check("co.uk", &[("co", Other)]);
    // The name comes before generic texts.
    check("here.com", &[("here", Brand), ("click here", Brand)]);
    check("example.com", &[("here", Generic), ("click here", Generic)]);
}

#[test]
fn k4_generic() {
    let kinds = kinds("target.org");
    for anchor in [
        "Click here",
        "here",
        "Read more…",
        "» read more «",
        "[link]",
        "website",
        "More",
        "→",
        "¶",
        "…",
        "#",
        "🔗",
        "HIER",
        "Mehr erfahren",
        "weiterlesen",
        "En savoir plus",
        "lire l’article",
        "lire l'article",
        "aquí",
        "Leer más",
        "clicca qui",
        "Saiba mais",
        "Lees verder",
        "czytaj więcej",
        "Здесь",
        "подробнее",
        "こちら",
        "続きを読む",
        "点击这里",
        "點擊這裡",
        "tıklayın",
        "devamı",
        "klikněte zde",
        "läs mer",
        "여기",
        "اضغط هنا",
        "tästä",
    ] {
        assert_eq!(kinds.kind_of(&fold(anchor)), Generic, "'{anchor}'");
    }
    for anchor in [
        "here it was",
        "link farms",
        "moreover",
        "a guide to anchors",
        "1",
        "2024",
        "ß",
    ] {
        assert_eq!(kinds.kind_of(&fold(anchor)), Other, "'{anchor}'");
    }
}

#[test]
fn the_list_of_generic_anchors_is_in_order() {
    let mut languages = BTreeSet::new();
    let mut last = "";
    for line in generic::LIST.lines() {
        let (phrase, meant_in) = line.split_once('\t').unwrap();
        assert!(last < phrase, "'{phrase}' comes before '{last}', or twice");
        assert_eq!(phrase, fold(phrase), "it could never be found");
        assert_eq!(phrase, without_ends(phrase), "it could never be found");
        assert_eq!(
            phrase,
            phrase.split_whitespace().collect::<Vec<_>>().join(" ")
        );
        assert!(
            !meant_in.is_empty() && meant_in.split(' ').all(|code| code.len() == 2),
            "{line}"
        );
        languages.extend(meant_in.split(' '));
        last = phrase;
    }
    for language in [
        "cs", "de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru", "sv", "tr", "zh",
    ] {
        assert!(languages.contains(language), "{language}");
    }
}

#[test]
fn kinds_are_named() {
    for kind in AnchorKind::ALL {
        assert_eq!(kind.name().parse(), Ok(kind));
        assert_eq!(kind.name().to_uppercase().parse(), Ok(kind));
        assert!(kind.meaning().ends_with('.'));
    }
    assert_eq!(
        "naked".parse::<AnchorKind>().unwrap_err().to_string(),
        "'naked' is no kind of anchor; allowed: empty, naked-url, brand, generic, other"
    );
}
