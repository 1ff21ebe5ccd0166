//! Documents through the extractor, rule by rule.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use windlass_archive::{CaptureTime, Payload, Record, Response, WatLink, WatPage};
use windlass_links::{
    Capture, ExtractOptions, Extractor, LinkType, Outcome, PublicSuffixList, Rel, Skip,
};

fn record(payload: Payload) -> Record {
    Record {
        offset: 0,
        target_uri: "http://page.example/dir/page".to_owned(),
        time: CaptureTime::from_unix(1),
        payload,
    }
}

fn response(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Payload {
    Payload::Response(Response {
        status,
        headers: headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec()))
            .collect(),
        body: body.to_vec(),
        body_cut: false,
        body_missing: false,
    })
}

fn extract(payload: Payload) -> Result<Capture, Skip> {
    let list = Arc::new(PublicSuffixList::bundled());
    Extractor::new(
        list,
        ExtractOptions {
            keep_internal: true,
        },
    )
    .capture(&record(payload))
}

fn html(body: &[u8], content_type: &str) -> Capture {
    extract(response(200, &[("content-type", content_type)], body)).unwrap()
}

/// `target|anchor|alt` of the `href` links of a document.
fn links(body: &str) -> Vec<String> {
    let capture = html(body.as_bytes(), "text/html; charset=utf-8");
    let hrefs = capture
        .links
        .iter()
        .filter(|link| link.link_type == LinkType::Href);
    hrefs
        .map(|link| format!("{}|{}|{}", link.target, link.anchor, link.alt))
        .collect()
}

fn anchors(body: &str) -> Vec<String> {
    let capture = html(body.as_bytes(), "text/html; charset=utf-8");
    capture.links.into_iter().map(|link| link.anchor).collect()
}

#[test]
fn r2_outcomes() {
    let outcome = |status, content_type: &str, body: &[u8]| {
        extract(response(status, &[("Content-Type", content_type)], body))
            .map(|capture| capture.outcome)
    };
    assert_eq!(outcome(200, "text/html", b""), Ok(Outcome::Html));
    assert_eq!(
        outcome(200, "application/xhtml+xml; x=y", b""),
        Ok(Outcome::Html)
    );
    assert_eq!(outcome(200, "text/plain", b"<html>"), Ok(Outcome::NotHtml));
    assert_eq!(outcome(200, "", b"<html >"), Ok(Outcome::Html));
    assert_eq!(outcome(200, "", b"%PDF"), Ok(Outcome::NotHtml));
    // What names no media type is as if it were not there.
    for content_type in ["text/html charset=utf-8", "html", "*/*"] {
        assert_eq!(outcome(200, content_type, b"<html>"), Ok(Outcome::Html));
        assert_eq!(outcome(200, content_type, b"%PDF"), Ok(Outcome::NotHtml));
    }
    // As proxies merge fields.
    assert_eq!(
        outcome(200, "text/html, text/html; charset=utf-8", b""),
        Ok(Outcome::Html)
    );
    assert_eq!(
        outcome(200, "text/html, text/plain", b"<html>"),
        Ok(Outcome::NotHtml)
    );
    assert_eq!(outcome(301, "text/html", b""), Ok(Outcome::Redirect));
    assert_eq!(outcome(404, "text/html", b""), Ok(Outcome::Gone));
    assert_eq!(outcome(410, "", b""), Ok(Outcome::Gone));
    let announced = |status| {
        let Payload::Response(response) = response(status, &[("Content-Type", "text/html")], b"")
        else {
            unreachable!()
        };
        let body_missing = true;
        extract(Payload::Response(Response {
            body_missing,
            ..response
        }))
        .map(|found| found.outcome)
    };
    assert_eq!(announced(200), Err(Skip::NoDocument));
    assert_eq!(announced(404), Ok(Outcome::Gone));
    assert_eq!(announced(301), Ok(Outcome::Redirect));
    assert_eq!(outcome(503, "text/html", b""), Err(Skip::Status(503)));
    assert_eq!(outcome(403, "text/html", b""), Err(Skip::Status(403)));
}

#[test]
fn r1_revisits_of_the_same_page_only() {
    let revisit = |uri: Option<&str>| {
        let refers_to_time = Some(CaptureTime::from_unix(7));
        extract(Payload::Revisit {
            refers_to_uri: uri.map(str::to_owned),
            refers_to_time,
        })
        .map(|c| c.outcome)
    };
    assert_eq!(
        revisit(None),
        Ok(Outcome::Revisit(Some(CaptureTime::from_unix(7))))
    );
    assert!(revisit(Some("HTTP://page.example:80/dir/page#x")).is_ok());
    assert_eq!(
        revisit(Some("http://page.example/")),
        Err(Skip::RevisitElsewhere)
    );
    // What is no URL of a page is not this page's.
    for uri in ["", "urn:uuid:1", "http://", "/dir/page"] {
        assert_eq!(revisit(Some(uri)), Err(Skip::RevisitElsewhere), "{uri}");
    }
}

#[test]
fn r3_encodings() {
    for (label, anchor) in [
        ("windows-1251", "Привет"),
        ("shift_jis", "日本語"),
        ("euc-kr", "한국어"),
        ("gb18030", "简体中文"),
        ("iso-8859-2", "žluťoučký"),
    ] {
        let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap();
        let page =
            format!("<meta charset={label}><a href='http://t.example/?q={anchor}'>{anchor}</a>");
        let (body, ..) = encoding.encode(&page);
        // Declared inside; by HTTP; and wrongly inside but rightly by HTTP.
        let wrong = [&b"<meta charset=utf-8>"[..], &body].concat();
        for capture in [
            html(&body, "text/html"),
            html(&body, &format!("text/html;charset=\"{label}\"")),
            html(&wrong, &format!("text/html; charset={label}")),
        ] {
            let link = &capture.links[0];
            assert_eq!(link.anchor, anchor, "{label}");
            let (query, ..) = encoding.encode(anchor);
            let expected: String = query
                .iter()
                .map(|b| {
                    if b.is_ascii_alphanumeric() || b"@[\\]^_`{|}-~".contains(b) {
                        char::from(*b).to_string()
                    } else {
                        format!("%{b:02X}")
                    }
                })
                .collect();
            assert_eq!(
                link.target.path_and_query(),
                format!("/?q={expected}"),
                "R4 {label}"
            );
        }
    }
    let bad = html(
        b"<a href=//t.example/>\xff\xfeok</a>",
        "text/html; charset=utf-8",
    );
    assert_eq!(bad.links[0].anchor, "\u{fffd}\u{fffd}ok");
}

#[test]
fn r4_base_href() {
    assert_eq!(links("<a href=x>1</a>"), ["http://page.example/dir/x|1|"]);
    // The first one with an href counts, for links before it too.
    assert_eq!(
        links(
            "<a href=x>1</a><base target=_top><base href='//b.example/d/e'><base href=//c.example>"
        ),
        ["http://b.example/d/x|1|"]
    );
    assert_eq!(
        links("<base href='javascript:x'><a href=x>1</a>"),
        ["http://page.example/dir/x|1|"]
    );
}

/// If each reference copied the whole base, this page would take many minutes.
#[test]
fn r4_a_base_of_megabytes_costs_what_it_is_long() {
    let mut body = format!("<base href='http://b.example/{}/x'>", "l".repeat(8 << 20));
    for i in 0..100_000 {
        body += &format!("<a href=r{i}>");
    }
    body += "<a href=/up><a href=//h.example/x><a href=mailto:x>";
    let begun = std::time::Instant::now();
    let capture = html(body.as_bytes(), "text/html; charset=utf-8");
    let took = begun.elapsed();
    assert!(took.as_secs() < 60, "{took:?}");
    let targets: Vec<_> = capture.links.iter().map(|l| l.target.as_str()).collect();
    assert_eq!(targets, ["http://b.example/up", "http://h.example/x"]);
    assert_eq!(capture.counts.rejected, 100_000);
    assert_eq!(capture.counts.other_scheme, 1);
}

#[test]
fn r4_hrefs_as_people_write_them() {
    assert_eq!(
        links("<a href=' \n http://t.example/a b\n c '>1</a>"),
        ["http://t.example/a%20b%20c|1|"]
    );
    assert_eq!(
        links("<a href='http://t.example/?a=1&copy=2&amp;b&lt'>1</a>"),
        ["http://t.example/?a=1&copy=2&b%3C|1|"]
    );
    assert_eq!(
        links("<a href='http://t.example/q\0z' alt=no>1</a><a href=///u.example/a^b>2</a>"),
        [
            "http://t.example/q%EF%BF%BDz|1|",
            "http://u.example/a%5Eb|2|"
        ]
    );
    let capture = html(
        b"<a href='http://t.example/?q=&#1078;'>1</a>",
        "text/html; charset=iso-8859-2",
    );
    assert_eq!(
        capture.links[0].target.as_str(),
        "http://t.example/?q=%26%231078%3B"
    );
    let capture = html(
        b"<a href=mailto:x@y>1</a><a href=javascript:x>2</a><a href='http://['>3</a>",
        "text/html",
    );
    assert_eq!(
        (capture.counts.other_scheme, capture.counts.rejected),
        (2, 1)
    );
    let long = format!("<a href=/{}>1</a>", "x".repeat(9000));
    assert_eq!(html(long.as_bytes(), "text/html").counts.rejected, 1);
}

#[test]
fn r8_only_a_and_area_are_href_links() {
    let body =
        "<script>var x = '<a href=//s.example>s</a>'</script><!-- <a href=//c.example>c</a> -->
        <style><a href=//y.example></style><textarea><a href=//x.example></textarea>
        <template><a href=//t.example>t</a></template>
        <svg><a href=//g.example>g</a></svg><a name=x>no</a><A HREF=//yes.example/>Yes</A>
        <map><area href=//area.example/ alt='The  area'></map>";
    assert_eq!(
        links(body),
        ["http://yes.example/|Yes|", "http://area.example/||The area"]
    );
    let capture = html(
        b"<link rel='x CANONICAL' href=/c><link rel=alternate href=/a><link rel='alternate stylesheet' href=/s>
          <meta http-equiv=Refresh content='0; url=/r'><form action=/f><form action=/no></form></form><iframe src=/i></iframe><frame src=/no>",
        "text/html",
    );
    let found: Vec<_> = capture
        .links
        .iter()
        .map(|l| (l.link_type.name(), l.target.path_and_query()))
        .collect();
    assert_eq!(
        found,
        [
            ("canonical", "/c"),
            ("alternate", "/a"),
            ("refresh", "/r"),
            ("form", "/f"),
            ("frame", "/i"),
        ]
    );
    let redirect = extract(response(302, &[("Location", "../x")], b"")).unwrap();
    assert_eq!(
        (
            redirect.links[0].link_type,
            redirect.links[0].target.as_str()
        ),
        (LinkType::Redirect, "http://page.example/x")
    );
}

#[test]
fn r8_links_behind_svg_and_mathml() {
    for (body, found) in [
        // Self-closing ends the element at once.
        (
            "<nav><a href=/1><svg class=i />one</a> <a href=/2>two</a></nav><main><a href=/3>three</a></main>",
            "one two three",
        ),
        ("<math/><a href=/1>one</a>", "one"),
        ("<svg><g/><path/></svg><a href=/1>one</a>", "one"),
        // The end tag of an HTML element around it does, and a start tag of HTML.
        ("<div><svg><path d=M0></div><a href=/1>one</a>", "one"),
        ("<a href=/1>one<svg><g></a><a href=/2>two</a>", "one two"),
        ("<svg><g><p><a href=/1>one</a>", "one"),
        (
            "<svg><font><a href=/s>s</a><font size=1><a href=/1>one</a>",
            "one",
        ),
        ("<svg></p><a href=/1>one</a>", "one"),
        ("<svg></br><a href=/1>one</a>", "one"),
        // Any other does not.
        (
            "<svg></div></b></x><a href=/s>s</a></svg><a href=/1>one</a>",
            "one",
        ),
        // HTML inside.
        (
            "<svg><foreignObject><a href=/1>one</a></foreignObject><a href=/s>s</a></svg><a href=/2>two</a>",
            "one two",
        ),
        (
            "<svg><desc><a href=/1>one</a></desc><title><b><a href=/2>two</a></b></title></svg>",
            "one two",
        ),
        (
            "<math><mi><a href=/1>one</a></mi><mglyph/><a href=/m>m</a></math>",
            "one",
        ),
        (
            "<math><annotation-xml encoding=text/HTML><a href=/1>one</a></annotation-xml></math>",
            "one",
        ),
        (
            "<math><annotation-xml><a href=/m>m</a><svg><desc><a href=/1>one</a>",
            "one",
        ),
        ("<svg><math></svg><a href=/1>one</a>", "one"),
        ("<a href=/1>one<p><svg></a><a href=/2>two</a>", "one two"),
        (
            "<a href=/1>one<div><math><mi/></a> <a href=/2>two</a></div>",
            "one two",
        ),
        // The end tags of what is around do not reach out of it, but those of tables do.
        ("<div><svg><desc><a href=/1>one</div>two</a>", "onetwo"),
        (
            "<table><td><svg><desc><a href=/1>one</td></table><a href=/2>two</a>",
            "one two",
        ),
        // What is raw in HTML is markup there, and the other way round.
        ("<svg><style><p><a href=/1>one</a>", "one"),
        (
            "<svg><style></svg><style><a href=/s>s</a></style><a href=/1>one</a>",
            "one",
        ),
        (
            "<svg/><script>'<a href=/s>s</a>'</script><a href=/1>one</a>",
            "one",
        ),
        (
            "<svg><![CDATA[<a href=/s>]]></svg><![CDATA[><a href=/1>one</a>",
            "one",
        ),
        (
            "<a href=/1><svg><text><![CDATA[o<n>e]]></text></svg></a>",
            "o<n>e",
        ),
    ] {
        assert_eq!(anchors(body).join(" "), found, "{body}");
    }
}

/// A document with frames has no body (R8).
#[test]
fn r8_frames_and_links() {
    let found = |body: &str| -> Vec<String> {
        let capture = html(body.as_bytes(), "text/html; charset=utf-8");
        let links = capture.links.iter();
        links
            .map(|l| format!("{} {}", l.link_type.name(), l.target.path_and_query()))
            .collect()
    };
    for (body, expected) in [
        (
            "<html><head><link rel=canonical href=/c></head> <frameset cols='1,2'><frame src=/1><frameset><frame src=/2>
             </frameset><a href=/no>no</a><noframes><a href=/no>no</a></noframes><frame src=/3></frameset>
             <frame src=/no><body><a href=/no>no</a><iframe src=/no></iframe></body></html>",
            &["canonical /c", "frame /1", "frame /2", "frame /3"][..],
        ),
        ("<div><a href=/no></a><form action=/no><frameset><frame src=/1>", &["frame /1"]),
        ("<frameset><script><frame src=/1></script><title><frame src=/2>", &["frame /1", "frame /2"]),
        ("<template></template><frameset><frame src=/1><a href=/no>x</a>", &["frame /1"]),
        ("<div><template></template><frameset><frame src=/no><a href=/1>x</a>", &["href /1"]),
        // Once there is a body, sets of frames are nothing.
        ("<body><frameset><frame src=/no></frameset><a href=/1>x</a>", &["href /1"]),
        ("t<frameset><frame src=/no></frameset><a href=/1>x</a>", &["href /1"]),
        ("<br><frameset><a href=/1>x</a>", &["href /1"]),
        ("<svg><frameset></svg><a href=/1>x</a>", &["href /1"]),
    ] {
        assert_eq!(found(body), expected, "{body}");
    }
    assert_eq!(
        title("<title>t</title><frameset><title>no</title>").as_deref(),
        Some("t")
    );
}

#[test]
fn r8_templates_hold_no_links() {
    for (body, expected) in [
        (
            "<div><template></div><a href=/no>x</a></template><a href=/1>y</a>",
            &["y"][..],
        ),
        (
            "<a href=/1>y<template><b>x</b></a><a href=/no>x</a></template>z</a>",
            &["yz"],
        ),
        (
            "<table><template></table></td></span></b><a href=/no>x</a></template></table><a href=/1>y</a>",
            &["y"],
        ),
        (
            "<template><template></template><a href=/no>x</a></template><a href=/1>y</a>",
            &["y"],
        ),
        ("<template><div></template><a href=/1>y</a>", &["y"]),
    ] {
        assert_eq!(anchors(body), expected, "{body}");
    }
}

#[test]
fn r8_noscript_is_markup() {
    assert_eq!(
        links(
            "<noscript><a href=//t.example/>n &amp; o</a></noscript><a href=//u.example/><noscript><img alt=pic></noscript>x</a>"
        ),
        ["http://t.example/|n & o|", "http://u.example/|x|pic"]
    );
}

#[test]
fn r9_anchor_text() {
    for (body, anchor) in [
        (
            "<a href=x> a\n<b>b</b>c &amp; &eacute;&nbsp;d </a>",
            "a bc & é d",
        ),
        ("<a href=x>one<br>two<img src=y>three</a>", "one two three"),
        ("<a href=x>a<div>b</div>c<p>d</a>", "a b c d"),
        ("<a href=x>a<script>b</script><style>c</style>d</a>", "ad"),
        ("<a href=x>a<template>b</template>c</a>", "ac"),
        ("<a href=x>&lt;b&gt; &#x41;&#65</a>", "<b> AA"),
        (
            "<a href=x><svg><style>.a{}</style><title>t</title></svg>u</a>",
            "tu",
        ),
        ("<a href=x></a>", ""),
        ("<a href=x>foo</br>bar</a>", "foo bar"),
        ("<a href=x>foo</p>bar</a>", "foo bar"),
        ("<a href=x>foo</b></wbr>bar</a>", "foobar"),
        ("<a href=x>foo<frameset>bar</frameset></a>", "foobar"),
        ("<a href=x>a\0b&am\0p;</a>", "ab&amp;"),
        (
            "<a href=x>a<xmp>b\0</xmp><svg>c\0<desc>d\0</desc></svg>",
            "a b\u{fffd} c\u{fffd}d",
        ),
        ("<a href=x>a<svg><image alt=b /></svg>c</a>", "a c"),
        (
            "<a href=x>a<svg><section>b</section></svg>c<body>d</a>",
            "abcd",
        ),
        ("<a href=x><xmp>&amp;</xmp></a>", "&amp;"),
        ("<a href=x>x<textarea>\ny</textarea></a>", "xy"),
        ("<a href=x>x<textarea>\r\ny\nz</textarea></a>", "xy z"),
        ("<a href=x>x<textarea>\n\ny</textarea></a>", "x y"),
    ] {
        assert_eq!(anchors(body), [anchor], "{body}");
    }
    assert_eq!(
        links("<a href=//t.example/><img alt='a  b'>t<img alt=c></a>"),
        ["http://t.example/|t|a b c"]
    );
}

#[test]
fn r9_unclosed_and_nested_anchors() {
    assert_eq!(anchors("<p><a href=x>one</p><p>two</p>"), ["one"]);
    assert_eq!(
        anchors("<a href=x>one<a href=y>two</a> three"),
        ["one", "two"]
    );
    assert_eq!(anchors("<a href=x>one<a name=y>two</a>"), ["one"]);
    assert_eq!(anchors("<a href=x>to the end"), ["to the end"]);
    assert_eq!(
        anchors("<li><a href=x>one</li><li><a href=y>two</li>"),
        ["one", "two"]
    );
}

/// End tags reach no further than the tree builder lets them.
#[test]
fn r9_end_tags_end_in_their_scope() {
    let cells = ["table><tr><td", "table><tr><th", "table><caption"];
    let scopes = [
        "applet",
        "marquee",
        "object",
        "select",
        "svg><desc",
        "math><mi",
        "svg><foreignObject",
    ];
    for scope in cells.into_iter().chain(scopes) {
        for around in [
            "b", "a name=y", "div", "section", "ul", "li", "h1", "form", "span", "x-y", "dialog",
            "button",
        ] {
            let name = around.split(' ').next().unwrap();
            if (scope, name) == ("select", "form") || name == "a" {
                continue;
            }
            let body = format!("<{around}><{scope}><a href=x>foo</{name}>bar</a>");
            // A form ends alone, wherever it is.
            assert_eq!(anchors(&body), ["foobar"], "{body}");
        }
        let body = format!("<p><{scope}><a href=x>foo</p>bar</a>");
        assert_eq!(anchors(&body), ["foo bar"], "{body}");
        let body = format!("<a href=x>foo<{scope}></a>bar");
        assert_eq!(anchors(&body).len(), 1);
        assert!(anchors(&body)[0].ends_with("bar"), "{body}");
    }
    for (body, found) in [
        ("<ul><li><a href=x>foo<ul></li>bar</a>", &["foo bar"][..]),
        ("<ul><li><a href=x>foo</li>bar</a>", &["foo"]),
        ("<p><button><a href=x>foo</p>bar</a>", &["foo bar"]),
        ("<span><div><a href=x>foo</span>bar</a>", &["foobar"]),
        ("<div><span><a href=x>foo</div>bar</a>", &["foo"]),
        ("<b><div><a href=x>foo</b>bar</a>", &["foo"]),
        (
            "<a href=x>foo<div>bar</a>no</div><a href=y>y</a>",
            &["foo bar", "y"],
        ),
        ("<h1><a href=x>foo</h2>bar</a>", &["foo"]),
        ("<form><div><a href=x>foo</form>bar</a>", &["foobar"]),
        (
            "<form><p><a href=x>foo</a></form><a href=y>y</a>",
            &["foo", "y"],
        ),
        (
            "<table><tr><td><a href=x>foo<table></td>bar</a></table>",
            &["foo bar"],
        ),
        ("<table><tr><td><a href=x>foo</td></table>bar</a>", &["foo"]),
        // The parts of a table end each other, and are nothing elsewhere.
        ("<table><tr><td><a href=x>foo<td>bar</a>", &["foo"]),
        ("<table><tr><td><a href=x>foo<tr><td>bar</a>", &["foo"]),
        (
            "<table><caption><a href=x>foo<tbody><tr><td>bar</a>",
            &["foo"],
        ),
        ("<table><tr><a href=x><td>foo</a></td></tr></table>", &[""]),
        ("<div><a href=x>foo<td>b</a>a</div>r", &["foob"]),
        ("<a href=x>f<tr>o<col>o</tbody></a>", &["foo"]),
    ] {
        assert_eq!(anchors(body), found, "{body}");
    }
}

#[test]
fn r9_long_anchors_are_cut_and_counted() {
    let capture = html(
        format!("<a href=x>{}</a>", "é".repeat(40_000)).as_bytes(),
        "text/html; charset=utf-8",
    );
    assert_eq!(capture.links[0].anchor.len(), 65_536);
    assert_eq!(capture.counts.anchors_cut, 1);
}

#[test]
fn r10_rel_and_page_nofollow() {
    let rel = |body: &str| html(body.as_bytes(), "text/html").links[0].rel;
    assert_eq!(rel("<a href=x rel='noopener NOFOLLOW'>"), Rel::NOFOLLOW);
    assert_eq!(
        rel("<a href=x rel=ugc&#32;sponsored>"),
        Rel::UGC.with(Rel::SPONSORED)
    );
    assert_eq!(
        rel("<a href=x>1</a><meta name=ROBOTS content='noindex, nofollow'>"),
        Rel::PAGE_NOFOLLOW
    );
    let headers = [
        ("content-type", "text/html"),
        ("X-Robots-Tag", "noarchive, nofollow"),
    ];
    let capture = extract(response(200, &headers, b"<a href=x>")).unwrap();
    assert!(capture.links[0].rel.is_nofollow());
}

/// Of several words one is enough, wherever it stands among them.
#[test]
fn r10_one_of_several_words_on_a_page_is_enough() {
    let (no, yes) = ("index, follow", "noindex, nofollow");
    for [first, second] in [[no, yes], [yes, no]] {
        let body = format!(
            "<meta name=robots content='{first}'><meta name=robots content='{second}'><a href=x>"
        );
        let capture = html(body.as_bytes(), "text/html");
        assert_eq!(capture.links[0].rel, Rel::PAGE_NOFOLLOW, "{body}");
        let headers = [
            ("content-type", "text/html"),
            ("X-Robots-Tag", first),
            ("x-robots-tag", second),
        ];
        let capture = extract(response(200, &headers, b"<a href=x>")).unwrap();
        assert_eq!(capture.links[0].rel, Rel::PAGE_NOFOLLOW, "{headers:?}");
        // A page's word is not taken back by its head, nor the other way round.
        let headers = [("content-type", "text/html"), ("X-Robots-Tag", first)];
        let body = format!("<meta name=robots content='{second}'><a href=x>");
        let capture = extract(response(200, &headers, body.as_bytes())).unwrap();
        assert_eq!(capture.links[0].rel, Rel::PAGE_NOFOLLOW, "{headers:?}");
        let capture = extract(Payload::Wat(WatPage {
            status: 200,
            is_html: true,
            metas: [first, second]
                .map(|content| ("robots".to_owned(), content.to_owned()))
                .to_vec(),
            links: vec![WatLink {
                path: "A@/href".to_owned(),
                url: "x".to_owned(),
                ..WatLink::default()
            }],
            ..WatPage::default()
        }))
        .unwrap();
        assert_eq!(capture.links[0].rel, Rel::PAGE_NOFOLLOW, "{first}");
    }
}

#[test]
fn r11_external_by_registrable_domain() {
    let capture = html(
        b"<a href=http://www.page.example/>i<a href=http://other.example/>e",
        "text/html",
    );
    let external: Vec<bool> = capture.links.iter().map(|link| link.external).collect();
    assert_eq!(external, [false, true]);
    assert_eq!((capture.counts.internal, capture.counts.external), (1, 1));
}

#[test]
fn ten_thousand_links_and_equal_ones_once() {
    let many: String = (0..10_000)
        .map(|i| format!("<a href=/{i}>{i}</a>"))
        .collect();
    assert_eq!(html(many.as_bytes(), "text/html").links.len(), 10_000);
    let capture = html(
        "<a href=//t.example>".repeat(100_000).as_bytes(),
        "text/html",
    );
    assert_eq!((capture.links.len(), capture.counts.external), (1, 100_000));
    // So it is with what is only counted.
    let capture = html(
        "<a href='http://a b/'>x</a><a href=mailto:a>y</a><a href='/y z'>z</a>"
            .repeat(1000)
            .as_bytes(),
        "text/html",
    );
    let counts = capture.counts;
    assert_eq!(
        (counts.rejected, counts.other_scheme, counts.internal),
        (1000, 1000, 1000)
    );
}

fn title(body: &str) -> Option<String> {
    html(body.as_bytes(), "text/html; charset=utf-8").title
}

#[test]
fn the_first_title_is_kept() {
    for (body, expected) in [
        (
            "<title> A &amp;\n\u{a0}B </title><title>C</title>",
            Some("A & B"),
        ),
        ("<TITLE>a <b>c</b></TITLE>", Some("a <b>c</b>")),
        ("<p>text<title>late</title>", Some("late")),
        ("<title>cut short", Some("cut short")),
        ("<title>&#x41;&eacute;&not it</title>", Some("Aé¬ it")),
        ("<title> </title><title>second</title>", None),
        ("<title></title><svg><title>tip</title></svg>", None),
        (
            "<svg><title>tip</title></svg><title>text</title>",
            Some("text"),
        ),
        (
            "<template><title>no</title></template><title>yes</title>",
            Some("yes"),
        ),
        (
            "<title></title><template><title>no</title></template>",
            None,
        ),
        ("<!-- <title>no</title> --><a href=x>no title</a>", None),
        ("<a href=x><title>in a link</title></a>", Some("in a link")),
    ] {
        assert_eq!(title(body).as_deref(), expected, "{body}");
    }
    let long = format!("<title>{}é</title>", "x".repeat(1023));
    assert_eq!(title(&long).map(|title| title.len()), Some(1023));
    let decoded = html(b"<title>caf\xe9</title>", "text/html; charset=iso-8859-1");
    assert_eq!(decoded.title.as_deref(), Some("café"));
}

#[test]
fn statuses_are_those_of_responses() {
    let title = b"<title>t</title>";
    for status in [200, 301, 308, 404, 410] {
        let capture = extract(response(status, &[("content-type", "text/html")], title)).unwrap();
        assert_eq!(capture.status, Some(status));
        // Of what carries links alone (R2).
        assert_eq!(capture.title.is_some(), status == 200);
    }
    let text = extract(response(200, &[("content-type", "text/plain")], title)).unwrap();
    assert_eq!((text.status, text.title), (Some(200), None));
    let resource = extract(Payload::Resource {
        content_type: Some("text/html".to_owned()),
        body: title.to_vec(),
        body_cut: false,
    })
    .unwrap();
    assert_eq!(
        (resource.status, resource.title.as_deref()),
        (None, Some("t"))
    );
}

/// Without a media type a WAT tells by what it has of HTML.
#[test]
fn r2_wat_without_a_media_type() {
    let outcome = |content_type: Option<&str>, is_html| {
        let headers = content_type.map(|t| ("Content-Type".to_owned(), t.as_bytes().to_vec()));
        let wat = WatPage {
            status: 200,
            headers: headers.into_iter().collect(),
            is_html,
            ..WatPage::default()
        };
        extract(Payload::Wat(wat)).unwrap().outcome
    };
    assert_eq!(outcome(None, true), Outcome::Html);
    assert_eq!(outcome(None, false), Outcome::NotHtml);
    assert_eq!(outcome(Some("text/html"), false), Outcome::Html);
    assert_eq!(outcome(Some("image/png"), true), Outcome::NotHtml);
}

#[test]
fn r9_wat() {
    let link = |path: &str, url: &str, text: Option<&str>| WatLink {
        path: path.to_owned(),
        url: url.to_owned(),
        text: text.map(str::to_owned),
        ..WatLink::default()
    };
    let long = "x".repeat(128);
    let capture = extract(Payload::Wat(WatPage {
        status: 200,
        headers: vec![("Content-Type".to_owned(), b"text/html".to_vec())],
        is_html: true,
        base: Some("http://b.example/".to_owned()),
        title: Some(" A \n title ".to_owned()),
        metas: vec![("robots".to_owned(), "nofollow".to_owned())],
        links: vec![
            link("A@/href", "x", Some(" a \n b ")),
            link("A@/href", "y", None),
            link("A@/href", "z", Some(&long)),
            WatLink {
                alt: Some(" map ".to_owned()),
                ..link("AREA@/href", "m", Some("text"))
            },
            link("IMG@/src", "i", None),
            link("FORM@/action", "f", None),
        ],
    }))
    .unwrap();
    let found: Vec<_> = capture
        .links
        .iter()
        .map(|l| (l.target.as_str(), l.anchor.as_str(), l.rel))
        .collect();
    let nofollow = Rel::PAGE_NOFOLLOW;
    assert_eq!(
        found,
        [
            ("http://b.example/x", "a b", nofollow),
            ("http://b.example/y", "", nofollow),
            ("http://b.example/z", long.as_str(), nofollow),
            ("http://b.example/m", "", nofollow),
            ("http://b.example/f", "", nofollow),
        ]
    );
    assert_eq!(capture.links[3].alt, "map");
    assert_eq!(capture.source, windlass_links::Source::Wat);
    assert_eq!(capture.status, Some(200));
    assert_eq!(capture.title.as_deref(), Some("A title"));
}
