//! Registrable domains against the plain algorithm, for every rule of the bundled list.
#![allow(missing_docs)]

use windlass_links::PublicSuffixList;
use windlass_reference::PlainSuffixes;

#[test]
fn r7_every_rule_of_the_list_is_kept() {
    let list = PublicSuffixList::bundled();
    let plain = PlainSuffixes::parse(PublicSuffixList::BUNDLED);
    let names = plain.names();
    assert!(names.len() > 9_000, "only {} rules", names.len());
    let mut wrong = Vec::new();
    for name in names {
        // Between a rule and those below it lie hosts of their own: all that stand on the way.
        let on_the_way = name.match_indices('.').map(|(at, _)| &name[at + 1..]);
        for host in std::iter::once(name).chain(on_the_way) {
            for below in ["", "b.", "a.b.", "c.a.b."] {
                let host = format!("{below}{host}");
                let (found, expected) = (
                    list.registrable_domain(&host),
                    plain.registrable_domain(&host),
                );
                if found != expected {
                    wrong.push(format!("{host}: {found} for {expected}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them: {wrong:?}", wrong.len());
}

/// What is under no rule of a list has the default one.
#[test]
fn r7_the_plain_algorithm_is_that_of_the_list() {
    let plain = PlainSuffixes::parse("com\n*.foo.com\n*.jp\n// x\n!pref.jp y\n\n*.hokkaido.jp\n");
    for (host, domain) in [
        ("com", "com"),
        ("a.b.com", "b.com"),
        ("foo.com", "foo.com"),
        ("b.foo.com", "b.foo.com"),
        ("a.b.foo.com", "a.b.foo.com"),
        ("jp", "jp"),
        ("b.jp", "b.jp"),
        ("a.b.jp", "a.b.jp"),
        ("a.pref.jp", "pref.jp"),
        ("b.hokkaido.jp", "b.hokkaido.jp"),
        ("c.a.b.hokkaido.jp", "a.b.hokkaido.jp"),
        ("a.b.c", "b.c"),
    ] {
        assert_eq!(plain.registrable_domain(host), domain, "{host}");
    }
}
