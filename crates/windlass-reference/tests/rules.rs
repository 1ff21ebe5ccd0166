//! What the rules say, scenario by scenario, of the plain implementation.
#![allow(missing_docs, clippy::unwrap_used)]

use windlass_links::{Capture, History, LinkType, Mode, Outcome, Rel, Target};
use windlass_reference::fixtures::{capture, list, scenarios, time};
use windlass_reference::{Backlink, PlainStats, ReferenceIndex, groups, stats};

/// One test for each scenario, and one that none is forgotten.
macro_rules! scenarios {
    ($($name:ident,)*) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*

        #[test]
        fn every_scenario_is_a_test() {
            let tests = [$(stringify!($name)),*];
            for scenario in scenarios() {
                assert!(tests.contains(&scenario.name), "{} is no test", scenario.name);
            }
        }
    };
}

fn check(name: &str) {
    let scenario = scenarios().into_iter().find(|s| s.name == name).unwrap();
    let target = Target::parse(scenario.target, scenario.mode).unwrap();
    let mut captures = scenario.captures;
    for order in ["as given", "reversed"] {
        let index = ReferenceIndex::new(captures.clone(), list());
        assert_eq!(
            index.rows(&target, scenario.history),
            scenario.rows,
            "{order}"
        );
        captures.reverse();
    }
}

scenarios! {
    r1_a_revisit_renews_what_the_latest_capture_showed,
    r1_a_revisit_renews_what_the_capture_referred_to_showed,
    r1_a_revisit_of_a_revisit,
    r1_a_revisit_of_nothing_known_says_nothing,
    r1_a_revisit_of_an_empty_page_ends_links,
    r1_a_revisit_of_a_second_that_was_really_captured_says_nothing,
    r1_revisits_of_one_second_that_disagree_are_united,
    r2_a_redirect_ends_links,
    r2_a_page_that_is_gone_ends_links,
    r2_a_page_that_is_no_longer_html_ends_links,
    r2_a_location_is_no_backlink,
    r4_spellings_of_one_url_are_one_target,
    r4_unicode_and_punycode_are_one_host,
    r5_scheme_www_and_trailing_slash_are_identity,
    r6_neighbours_in_the_order_are_not_below_the_host,
    r7_sites_of_the_private_section_are_domains_of_their_own,
    r7_addresses_and_unlisted_hosts_are_domains_of_their_own,
    r8_only_href_links_count,
    r9_an_empty_anchor_is_an_anchor_and_alt_is_none,
    r9a_rows_have_the_folded_anchor,
    r10_nofollow_links_count,
    r11_internal_links_are_no_backlinks,
    r11_sites_below_a_private_suffix_are_external_to_each_other,
    r12_the_same_triple_twice_is_one_backlink,
    r12_two_anchors_or_two_targets_are_two_backlinks,
    r13_live_while_the_latest_capture_shows_it,
    r13_lost_ones_are_in_all_time,
    r13_lost_at_the_first_capture_that_does_not_show_it,
    r13_lost_before_since,
    r13_shown_again_it_is_live_again,
    r13_captures_of_other_pages_do_not_matter,
    r13_a_link_that_changes_its_rel_is_the_same_backlink,
    r14_order_and_repetition_do_not_matter,
    r14_captures_of_one_second_are_united,
    r14_the_warc_is_taken_and_not_the_wat,
    r14_wats_of_one_second_are_united,
    r14_a_warc_that_shows_none_outranks_the_wat,
    r14_the_wat_of_another_second_is_another_capture,
    r14_a_fetched_document_outranks_a_revisit,
    r14_html_and_gone_in_one_second_show_the_links,
    r15_one_row_for_each_anchor_and_refdomain,
    r16_exact_means_both_schemes_and_any_port,
    r16_a_port_that_is_named_is_meant,
    r16_port_80_is_that_of_http,
    r16_port_443_is_that_of_https,
    r16_an_empty_path_is_the_root,
    r16_prefix_is_bytewise,
    r16_domain_is_that_host_alone,
    r16_subdomains_are_that_host_and_those_below,
    r16_percent_encoded_or_not,
    r16_an_unknown_target_is_an_empty_report,
}

const P: &str = "http://p.example.com/";
const Q: &str = "http://q.example.net/";
const T: &str = "http://t.example.org/a";

fn target(text: &str, mode: Mode) -> Target {
    Target::parse(text, mode).unwrap()
}

fn backlinks(captures: Vec<Capture>) -> Vec<Backlink> {
    let all = target("t.example.org", Mode::Subdomains);
    ReferenceIndex::new(captures, list()).backlinks(&all, History::AllTime)
}

#[test]
fn r10_tokens_are_kept_apart_and_the_page_counts() {
    let links = backlinks(vec![
        capture(P, 10)
            .rel(T, "1", Rel::NOFOLLOW)
            .rel(T, "2", Rel::UGC.with(Rel::SPONSORED))
            .rel(T, "3", Rel::PAGE_NOFOLLOW)
            .link(T, "4")
            .build(),
    ]);
    let found: Vec<_> = links.iter().map(|link| (link.rel, link.nofollow)).collect();
    assert_eq!(
        found,
        [
            (Rel::NOFOLLOW, true),
            (Rel::UGC.with(Rel::SPONSORED), true),
            (Rel::PAGE_NOFOLLOW, true),
            (Rel::NONE, false)
        ]
    );
}

#[test]
fn r12_followed_if_any_copy_is() {
    let links = backlinks(vec![
        capture(P, 10).rel(T, "x", Rel::UGC).link(T, "x").build(),
        capture(Q, 10)
            .rel(T, "x", Rel::UGC)
            .rel(T, "x", Rel::NOFOLLOW)
            .build(),
    ]);
    let found: Vec<_> = links.iter().map(|link| (link.rel, link.nofollow)).collect();
    assert_eq!(
        found,
        [
            (Rel::UGC.with(Rel::FOLLOWED_COPY), false),
            (Rel::UGC.with(Rel::NOFOLLOW), true)
        ]
    );
}

#[test]
fn r12_rel_and_alt_are_those_last_seen() {
    let shows = |seconds, alt, rel| {
        capture(P, seconds)
            .link_with(LinkType::Href, T, "x", alt, rel)
            .build()
    };
    let links = backlinks(vec![
        shows(10, "a", Rel::NOFOLLOW),
        shows(20, "c", Rel::NONE),
        shows(20, "b", Rel::NONE),
        shows(20, "", Rel::NONE),
    ]);
    let [link] = links.as_slice() else {
        unreachable!("{links:?}")
    };
    assert_eq!((link.alt.as_str(), link.rel), ("b", Rel::NONE));
    assert_eq!((link.first_seen, link.last_visited), (time(10), time(20)));
}

#[test]
fn r13_lost_is_the_first_capture_without_it() {
    let links = backlinks(vec![
        capture(P, 10).link(T, "x").link(T, "y").build(),
        capture(P, 20).outcome(Outcome::Gone).build(),
        capture(P, 30).link(T, "y").build(),
        capture(P, 40).build(),
        capture(P, 50).build(),
    ]);
    let found: Vec<_> = links
        .iter()
        .map(|l| (l.anchor.as_str(), l.last_visited, l.lost))
        .collect();
    assert_eq!(
        found,
        [
            ("x", time(10), Some(time(20))),
            ("y", time(30), Some(time(40)))
        ]
    );
}

#[test]
fn r17_groups_sum_rows() {
    let links = backlinks(vec![
        capture(P, 10)
            .link(T, "x")
            .link(T, "X")
            .link(T, "y")
            .build(),
        capture(Q, 20).link(T, "x").build(),
    ]);
    let found: Vec<_> = groups(&windlass_reference::rows(&links))
        .into_iter()
        .map(|g| {
            (
                g.anchor,
                g.backlinks,
                g.refpages,
                g.refdomains,
                g.first_seen,
                g.last_visited,
            )
        })
        .collect();
    // In the order of R19.
    assert_eq!(
        found,
        [
            ("x".to_owned(), 3, 2, 2, time(10), time(20)),
            ("y".to_owned(), 1, 1, 1, time(10), time(10))
        ]
    );
}

#[test]
fn r18_a_page_with_two_anchors_counts_once() {
    let links = backlinks(vec![
        capture(P, 10).link(T, "x").link(T, "y").build(),
        capture(Q, 20).link(T, "x").build(),
    ]);
    assert_eq!(
        stats(&links, |_| true),
        PlainStats {
            backlinks: 3,
            refpages: 2
        }
    );
    let kept = stats(&links, |row| row.refdomain == "example.com");
    assert_eq!(
        kept,
        PlainStats {
            backlinks: 2,
            refpages: 1
        }
    );
}

#[test]
fn r19_anchors_are_ordered_by_bytes() {
    let anchors = ["ä", "z", "", "a b", "a", "ab", "\u{10FFFF}", "\u{FFFD}"];
    let made = anchors
        .iter()
        .fold(capture(P, 10), |made, anchor| made.link(T, anchor));
    let found: Vec<_> = groups(&windlass_reference::rows(&backlinks(vec![made.build()])))
        .into_iter()
        .map(|group| group.anchor)
        .collect();
    assert_eq!(
        found,
        ["", "a", "a b", "ab", "z", "ä", "\u{FFFD}", "\u{10FFFF}"]
    );
}

#[test]
fn r20_a_host_is_known_as_a_page_and_as_a_target() {
    let index = ReferenceIndex::new(
        vec![
            capture(P, 10)
                .link(T, "external")
                .link("http://other.example.com/", "internal")
                .link_with(
                    LinkType::Canonical,
                    "http://canonical.example.org/",
                    "",
                    "",
                    Rel::NONE,
                )
                .build(),
            capture("http://gone.example.net/", 10)
                .outcome(Outcome::Gone)
                .build(),
        ],
        list(),
    );
    for (text, mode, expected) in [
        ("p.example.com", Mode::Domain, true),
        ("p.example.com/no/such/page", Mode::Exact, true),
        ("gone.example.net", Mode::Exact, true),
        ("t.example.org", Mode::Prefix, true),
        ("canonical.example.org", Mode::Domain, true),
        ("other.example.com", Mode::Domain, false),
        ("example.org", Mode::Domain, false),
        ("example.org", Mode::Subdomains, true),
        ("org", Mode::Subdomains, true),
        ("ample.org", Mode::Subdomains, false),
        ("unknown.example", Mode::Subdomains, false),
    ] {
        assert_eq!(
            index.host_known(&target(text, mode)),
            expected,
            "{text} {mode}"
        );
    }
}
