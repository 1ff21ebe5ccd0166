//! Conditions on texts as written, URLs and booleans, which not every table has.

use windlass_links::CaptureTime;

use super::{Filter, Matcher, Subject};
use crate::table::{BACKLINKS, Clause, Field, LINKED_DOMAINS};

struct Link(bool);

impl Subject for Link {
    fn integer(&self, _field: Field) -> Option<u64> {
        None
    }

    fn date(&self, _field: Field) -> Option<CaptureTime> {
        None
    }

    fn boolean(&self, field: Field) -> Option<bool> {
        (field == Field::Nofollow).then_some(self.0)
    }
}

fn parse(text: &str) -> Filter {
    Filter::parse(text, Clause::Where, &BACKLINKS).unwrap()
}

fn passes(filter: &str, field: Field, text: &str) -> bool {
    let filter = parse(filter);
    // What is shown parses to the same.
    assert_eq!(parse(&filter.to_string()), filter);
    Matcher::new(&filter).passes_string(field, text)
}

#[test]
fn a_clause_has_a_thousand_conditions_at_most() {
    let of = |count: usize| {
        let text = vec!["title<>a"; count].join(" , ");
        Filter::parse(&text, Clause::Where, &BACKLINKS)
    };
    assert_eq!(of(1000).unwrap().conditions().len(), 1000);
    let refused = of(1001).unwrap_err().to_string();
    assert!(refused.contains("more than 1000 conditions"), "{refused}");
}

#[test]
fn texts_are_compared_as_written() {
    for (filter, text, expected) in [
        ("title=\"Größe\"", "Größe", true),
        ("title=\"Größe\"", "größe", false),
        ("title<>\"Größe\"", "größe", true),
        ("title<\"a\"", "Z", true),
        ("substring(title,\"SQL\")", "PostgreSQL", true),
        ("substring(title,\"sql\")", "PostgreSQL", false),
        ("word(title,\"SQL\")", "The SQL book", true),
        ("word(title,\"SQL\")", "PostgreSQL", false),
    ] {
        assert_eq!(passes(filter, Field::Title, text), expected, "{filter}");
    }
}

#[test]
fn urls_are_compared_as_written_and_have_a_host() {
    let url = "https://Blog.example.com:8080/A?b";
    let lower = "https://blog.example.com:8080/A?b";
    for (filter, url, expected) in [
        ("url_from=\"https://Blog.example.com:8080/A?b\"", url, true),
        ("url_from=\"https://blog.example.com:8080/A?b\"", url, false),
        ("substring(url_from,\"/A\")", lower, true),
        ("substring(url_from,\"/a\")", lower, false),
        ("word(url_from,\"example\")", lower, true),
        ("word(url_from,\"exam\")", lower, false),
        ("subdomain(url_from,\"EXAMPLE.com\")", lower, true),
        ("subdomain(url_from,\"blog.example.com\")", lower, true),
        ("subdomain(url_from,\"ple.com\")", lower, false),
        (
            "subdomain(url_from,\"example.com\")",
            "https://other.example/?u=//example.com",
            false,
        ),
    ] {
        assert_eq!(passes(filter, Field::UrlFrom, url), expected, "{filter}");
    }
}

#[test]
fn booleans_are_equal_or_not() {
    for (filter, shown, when_true) in [
        ("nofollow=true", "nofollow=true", true),
        ("nofollow:1", "nofollow=true", true),
        ("nofollow=\"True\"", "nofollow=true", true),
        ("nofollow<>'0'", "nofollow<>false", true),
        ("nofollow=FALSE", "nofollow=false", false),
        ("nofollow<>true", "nofollow<>true", false),
    ] {
        let parsed = parse(filter);
        assert_eq!(parsed.to_string(), shown);
        let matcher = Matcher::new(&parsed);
        assert_eq!(matcher.passes_numbers(&Link(true)), when_true, "{filter}");
        assert_eq!(matcher.passes_numbers(&Link(false)), !when_true, "{filter}");
    }
}

#[test]
fn what_booleans_and_texts_do_not_take() {
    for (filter, message) in [
        (
            "nofollow>=true",
            "'nofollow' is true or false, which '>=' does not compare; allowed: = and <> (at \
             character 9)",
        ),
        (
            "nofollow=yes",
            "'yes' is no truth value, which 'nofollow' is compared with; allowed: true, false, 1, 0 \
             (at character 10)",
        ),
        (
            "substring(nofollow,\"t\")",
            "substring() needs a column that holds a string, not 'nofollow'; allowed: url_from, url_to, \
             title, link_type, alt, anchor, refdomain (at character 11)",
        ),
        (
            "subdomain(title,\"a.example\")",
            "subdomain() needs a column that holds a host, not 'title'; allowed: url_from, url_to, \
             refdomain (at character 11)",
        ),
    ] {
        let error = Filter::parse(filter, Clause::Where, &BACKLINKS).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_clause_that_takes_no_column_says_so() {
    let error = Filter::parse("links>1", Clause::Where, &LINKED_DOMAINS).unwrap_err();
    assert_eq!(
        error.to_string(),
        "column 'links' cannot be used in 'where' of table 'linked_domains'; allowed: no column (at \
         character 1)"
    );
}
