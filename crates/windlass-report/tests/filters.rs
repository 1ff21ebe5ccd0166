//! The grammar of filters: what is read, how it is shown, what is refused and where.
#![allow(missing_docs, clippy::unwrap_used)]

use proptest::prelude::*;
use windlass_report::{ANCHORS, AnchorKind, Clause, Filter, Query};

fn shown(text: &str) -> String {
    Filter::parse(text, Clause::Where, &ANCHORS)
        .unwrap()
        .to_string()
}

#[test]
fn spellings() {
    for (text, canonical) in [
        ("backlinks<10", "backlinks<10"),
        (" BackLinks  <> '-7' ", "backlinks<>-7"),
        ("backlinks:5,refpages:\"6\"", "backlinks=5,refpages=6"),
        ("anchor=seo", r#"anchor="seo""#),
        (
            "anchor : SEO , backlinks >= 1",
            r#"anchor="seo",backlinks>=1"#,
        ),
        ("anchor='it\\'s, \"so\"'", r#"anchor="it's, \"so\"""#),
        (
            r#"anchor="\\ \" \' \0 \n \ü""#,
            r#"anchor="\\ \" ' \0 n ü""#,
        ),
        ("anchor=C:\\x", r#"anchor="c:\\x""#),
        ("anchor<>\"\"", r#"anchor<>"""#),
        ("anchor=\"ΣΑΣ İ ẞ\"", r#"anchor="σασ i ß""#),
        ("refdomain=Example.COM", r#"refdomain="example.com""#),
        ("refdomain=\"BÜCHER\"", r#"refdomain="bÜcher""#),
        ("WORD( anchor , seo tools )", ""),
        (
            "WORD( anchor , 'SEO tools' )",
            r#"word(anchor,"seo tools")"#,
        ),
        (
            "substring(refdomain,BLOG)",
            r#"substring(refdomain,"blog")"#,
        ),
        (
            "subdomain(refdomain,\"a.b\")",
            r#"subdomain(refdomain,"a.b")"#,
        ),
        ("kind:Naked-URL", r#"kind="naked-url""#),
        ("kind <> 'generic'", r#"kind<>"generic""#),
        ("first_seen<=\"2018-12-31\"", r#"first_seen<="2018-12-31""#),
        (
            "first_seen>2018-12-31T00:00:00Z",
            r#"first_seen>"2018-12-31T00:00:00Z""#,
        ),
    ] {
        if canonical.is_empty() {
            assert!(
                Filter::parse(text, Clause::Where, &ANCHORS).is_err(),
                "{text}"
            );
        } else {
            assert_eq!(shown(text), canonical, "{text}");
        }
    }
}

/// A filter with every kind of condition, in random spelling.
fn any_filter() -> impl Strategy<Value = String> {
    let text = any::<String>().prop_map(|text| {
        let escaped = text
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\0', "\\0");
        format!("\"{escaped}\"")
    });
    let operator = prop::sample::select(vec!["=", "<>", "<", "<=", ">", ">=", ":"]);
    let date = (1970u32..2106, 1u32..13, 1u32..29, any::<Option<u16>>()).prop_map(
        |(year, month, day, second)| match second {
            None => format!("\"{year}-{month:02}-{day:02}\""),
            Some(s) => format!(
                "\"{year}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z\"",
                s / 3600,
                s / 60 % 60,
                s % 60
            ),
        },
    );
    let condition = prop_oneof![
        (
            prop::sample::select(vec!["anchor", "refdomain"]),
            operator.clone(),
            text.clone()
        )
            .prop_map(|(c, o, v)| format!("{c}{o}{v}")),
        (
            prop::sample::select(vec!["backlinks", "refpages"]),
            operator.clone(),
            any::<i64>()
        )
            .prop_map(|(c, o, v)| format!("{c} {o} {v}")),
        (
            prop::sample::select(vec!["first_seen", "last_visited"]),
            operator,
            date
        )
            .prop_map(|(c, o, v)| format!("{c} {o}{v}")),
        (
            prop::sample::select(vec!["word", "substring"]),
            text.clone()
        )
            .prop_map(|(f, v)| format!("{f}(anchor,{v})")),
        text.prop_map(|v| format!("subdomain( refdomain , {v} )")),
        prop::sample::select(&AnchorKind::ALL[..]).prop_map(|kind| format!("kind<>{kind}")),
    ];
    prop::collection::vec(condition, 1..5).prop_map(|conditions| conditions.join(" , "))
}

proptest! {
    #[test]
    fn shown_filters_parse_to_themselves(text in any_filter()) {
        let filter = Filter::parse(&text, Clause::Where, &ANCHORS).unwrap();
        let again = Filter::parse(&filter.to_string(), Clause::Where, &ANCHORS).unwrap();
        prop_assert_eq!(filter, again);
    }

    /// Any text is either read or refused at a character that it has, or at its end.
    #[test]
    fn no_text_panics(text in any::<String>()) {
        check_any(&text)?;
    }

    /// The same for texts made of the grammar's own pieces.
    #[test]
    fn no_near_miss_panics(pieces in prop::collection::vec(prop::sample::select(vec![
        "anchor", "backlinks", "refdomain", "first_seen", "kind", "brand", "word", "subdomain", "(", ")", ",", ":",
        "=", "<", ">", "\"", "'", "\\", " ", "2018-01-01", "7", "ü", "\0", "*", "desc",
    ]), 0..12)) {
        check_any(&pieces.concat())?;
    }
}

fn check_any(text: &str) -> Result<(), TestCaseError> {
    for clause in [Clause::Where, Clause::Having] {
        match Filter::parse(text, clause, &ANCHORS) {
            Ok(filter) => {
                let again = Filter::parse(&filter.to_string(), clause, &ANCHORS);
                prop_assert_eq!(again, Ok(filter));
            }
            Err(error) => {
                let character = error.character.unwrap();
                prop_assert!((1..=text.chars().count() + 1).contains(&character));
            }
        }
    }
    for parameter in [
        "select", "order_by", "limit", "offset", "target", "mode", "history",
    ] {
        // Read or refused: it must come back, and blame the right parameter.
        let mut parameters = vec![("from", "anchors"), ("target", "a.example")];
        parameters.push((parameter, text));
        if let Err(error) = Query::from_params(parameters) {
            prop_assert_eq!(error.parameter(), parameter);
        }
    }
    Ok(())
}
