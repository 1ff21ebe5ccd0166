//! The streaming extraction against the tree, over the whole corpus.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use windlass_archive::{Archive, CaptureTime, Limits, Payload, Record, Response, record};
use windlass_links::extract::charset::decode;
use windlass_links::{
    CanonicalUrl, ExtractOptions, Extractor, LinkType, Outcome, PublicSuffixList,
};
use windlass_reference::{corpus, html, prescan};

/// Share of distinct (page, target, anchor) triples on which both must agree.
const AGREEMENT_MIN: f64 = 0.999;

type Pairs = BTreeSet<(String, String)>;

#[derive(Default)]
struct Tally {
    both: usize,
    either: usize,
    pages: usize,
    /// Pages of which both say the same title, or none; and those that have one in the tree.
    titles: usize,
    titled: usize,
    /// Disagreements by class, with an example.
    classes: BTreeMap<&'static str, (usize, String)>,
}

impl Tally {
    fn title(&mut self, page: &CanonicalUrl, fast: Option<&str>, tree: Option<&str>) {
        self.titled += usize::from(tree.is_some());
        if fast == tree {
            self.titles += 1;
        } else {
            println!("{page}: title {fast:?}, in the tree {tree:?}");
        }
    }

    fn page(&mut self, page: &CanonicalUrl, fast: &Pairs, tree: &Pairs) {
        self.pages += 1;
        let both = fast.intersection(tree).count();
        self.both += both;
        self.either += fast.len() + tree.len() - both;
        for (pair, theirs, side) in fast
            .difference(tree)
            .map(|p| (p, tree, "fast"))
            .chain(tree.difference(fast).map(|p| (p, fast, "tree")))
        {
            let class = match (side, theirs.iter().any(|(target, _)| *target == pair.0)) {
                ("fast", true) => "only streamed: another anchor for a target that both have",
                ("fast", false) => "only streamed: a target that the tree has not",
                (_, true) if pair.1.is_empty() => {
                    "only in the tree: an empty anchor beside another"
                }
                (_, true) => "only in the tree: another anchor for a target that both have",
                (_, false) => "only in the tree: a target that the stream has not",
            };
            let (n, example) = self.classes.entry(class).or_default();
            *n += 1;
            if example.is_empty() || *n == 50 {
                *example = format!("{page} {pair:?}");
            }
        }
    }
}

fn compare(files: &[PathBuf]) -> Tally {
    let list = Arc::new(PublicSuffixList::bundled());
    let mut extractor = Extractor::new(
        list,
        ExtractOptions {
            keep_internal: true,
        },
    );
    let mut tally = Tally::default();
    for path in files {
        let Ok(archive) = Archive::open(path, Limits::default()) else {
            continue;
        };
        for record in archive.flatten() {
            let Payload::Response(response) = &record.payload else {
                continue;
            };
            let Ok(capture) = extractor.capture(&record) else {
                continue;
            };
            if capture.outcome != Outcome::Html {
                continue;
            }
            let content_type =
                record::header(&response.headers, "content-type").map(String::from_utf8_lossy);
            let charset = content_type.as_deref().and_then(|value| {
                value
                    .to_ascii_lowercase()
                    .split_once("charset=")
                    .map(|(_, v)| v.trim().trim_matches('"').to_owned())
            });
            let (text, encoding) = decode(&response.body, charset.as_deref());
            let hrefs = capture
                .links
                .iter()
                .filter(|link| link.link_type == LinkType::Href);
            let fast: Pairs = hrefs
                .map(|link| (link.target.to_string(), link.anchor.clone()))
                .collect();
            let tree: Pairs = html::links(&text, &capture.page, encoding)
                .into_iter()
                .map(|link| (link.target, link.anchor))
                .collect();
            tally.page(&capture.page, &fast, &tree);
            tally.title(
                &capture.page,
                capture.title.as_deref(),
                html::title(&text).as_deref(),
            );
        }
    }
    tally
}

#[test]
fn r8_r9_stream_and_tree_agree_on_the_corpus() {
    let paths = corpus::files(&["warc", "genuine"]);
    if paths.is_empty() {
        return;
    }
    let halves: Vec<Vec<PathBuf>> = (0..2)
        .map(|half| paths.iter().skip(half).step_by(2).cloned().collect())
        .collect();
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let workers: Vec<_> = halves
            .iter()
            .map(|half| scope.spawn(|| compare(half)))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .collect()
    });
    let (mut both, mut either, mut pages) = (0, 0, 0);
    let (mut titles, mut titled) = (0, 0);
    for tally in &tallies {
        both += tally.both;
        either += tally.either;
        pages += tally.pages;
        titles += tally.titles;
        titled += tally.titled;
        for (class, (n, example)) in &tally.classes {
            println!("{n:7} {class}, such as {example}");
        }
    }
    let agreement = both as f64 / either as f64;
    println!(
        "{pages} pages, {either} distinct triples, {both} in both: {:.4} %",
        agreement * 100.0
    );
    println!("the same title, or none, on {titles} of {pages} pages, {titled} of them with one");
    assert!(pages > 1000, "only {pages} pages");
    assert!(titled > pages / 2, "only {titled} titles");
    assert!(
        titles as f64 >= pages as f64 * AGREEMENT_MIN,
        "{titles} of {pages} titles"
    );
    assert!(agreement >= AGREEMENT_MIN, "{agreement}");
}

fn pairs_of(body: &str) -> (Pairs, Pairs) {
    static LIST: LazyLock<Arc<PublicSuffixList>> =
        LazyLock::new(|| Arc::new(PublicSuffixList::bundled()));
    let capture = Extractor::new(
        Arc::clone(&LIST),
        ExtractOptions {
            keep_internal: true,
        },
    )
    .capture(&Record {
        offset: 0,
        target_uri: "http://page.example/".to_owned(),
        time: CaptureTime::MIN,
        payload: Payload::Response(Response {
            status: 200,
            headers: vec![(
                "content-type".to_owned(),
                b"text/html; charset=utf-8".to_vec(),
            )],
            body: body.as_bytes().to_vec(),
            body_cut: false,
            body_missing: false,
        }),
    })
    .unwrap();
    let hrefs = capture
        .links
        .iter()
        .filter(|link| link.link_type == LinkType::Href);
    let fast = hrefs
        .map(|link| (link.target.to_string(), link.anchor.clone()))
        .collect();
    let tree = html::links(body, &capture.page, encoding_rs::UTF_8);
    (
        fast,
        tree.into_iter()
            .map(|link| (link.target, link.anchor))
            .collect(),
    )
}

/// Well-formed pieces, in which stream and tree must be equal.
fn arb_piece() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[a-c ]{1,4}",
        Just("<br>".to_owned()),
        Just("<img src=i alt='x &amp; y'>".to_owned()),
        Just("&amp;&lt;&eacute;&#65;&nbsp;&notit;".to_owned()),
        Just("<script>'<a href=/s>s</a>'</script>".to_owned()),
        Just("<style><a href=/t>t</a></style>".to_owned()),
        Just("<!-- <a href=/c>c</a> -->".to_owned()),
        Just("<template><a href=/m>m</a></template>".to_owned()),
        Just("<area href='/area'>".to_owned()),
        Just("<textarea><a href=/ta>x</textarea>".to_owned()),
    ];
    let inline = leaf.prop_recursive(2, 8, 3, |inner| {
        (
            prop::sample::select(vec!["b", "span", "em"]),
            prop::collection::vec(inner, 0..3),
        )
            .prop_map(|(tag, inner)| format!("<{tag}>{}</{tag}>", inner.concat()))
    });
    let anchor = (
        prop::sample::select(vec!["/x", "//t.example/y?a=1&copy=2", " /z\n", "#f"]),
        prop::collection::vec(inline.clone(), 0..4),
    )
        .prop_map(|(href, inner)| format!("<a href=\"{href}\">{}</a>", inner.concat()));
    let mixed = prop_oneof![inline, anchor];
    (
        prop::sample::select(vec!["div", "section", "ul"]),
        prop::collection::vec(mixed, 0..6),
    )
        .prop_map(|(tag, inner)| format!("<{tag}>{}</{tag}>", inner.concat()))
}

/// Tags around some of the inner pieces.
fn around(
    tags: Vec<(&'static str, &'static str)>,
    inner: impl Strategy<Value = String>,
) -> impl Strategy<Value = String> {
    (
        prop::sample::select(tags),
        prop::collection::vec(inner, 0..4),
    )
        .prop_map(|((start, end), inner)| format!("<{start}>{}{end}", inner.concat()))
}

/// SVG and MathML in HTML, whole and broken: not closed, closed by what is around them, broken out of by tags of
/// HTML, with HTML inside. HTML itself is well-formed, for its own faults are another matter (R9): so what has an end tag here that may
/// stand anywhere is opened in SVG or MathML alone.
fn arb_foreign() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "t",
        "<a href=/#>t</a>",
        "<svg/>",
        "<math/>",
        "<svg class=i />",
        "<path/>",
        "<svg><g>",
        "<path d='M0'>",
        "<image/>",
        "<math><mi/>",
        "<mglyph>",
        "<malignmark/>",
        "<font>t</font>",
        "<svg><x-y/>",
        // Ends of what may be open, or not.
        "</g>",
        "</x-y>",
        "</foreignObject>",
        "</desc>",
        "</title>",
        "</mi>",
        "</annotation-xml>",
        // HTML that ends them.
        "<br>",
        "</br>",
        "</p>",
        "<p>t</p>",
        "<div>t</div>",
        "<img src=i>",
        "<body>",
        "<hr/>",
        "<b>t</b>",
        "<font size=1>t</font>",
        // HTML inside them.
        "<svg><foreignobject/>",
        "<title>t</title>",
        "<annotation-xml encoding=text/html><p><a href=/#>t</a></p></annotation-xml>",
        "<annotation-xml encoding='application/xhtml+XML'><a href=/#>t</a></annotation-xml>",
        "<annotation-xml><a href=/#>t</a></annotation-xml>",
        "<annotation-xml><svg><desc><a href=/#>t</a></desc></svg></annotation-xml>",
        // What is raw in HTML only, and the other way round.
        "<![CDATA[<a href=/cdata>]]>",
        "<script>'<a href=/script>'</script>",
        "<style><a href=/style></style>",
        "<textarea><a href=/textarea></textarea>",
    ])
    .prop_map(str::to_owned);
    let piece = leaf.prop_recursive(5, 40, 4, |inner| {
        around(
            vec![
                ("svg", "</svg>"),
                ("svg", "</svg>"),
                ("math", "</math>"),
                ("svg", ""),
                ("math", ""),
                ("div", "</div>"),
                ("section", "</section>"),
                ("svg><g", "</g>"),
                ("svg><foreignObject", "</foreignobject>"),
                ("svg><desc", "</desc>"),
                ("math><mi", "</mi>"),
            ],
            inner,
        )
    });
    let whole = around(vec![("div", "</div>"), ("nav", "</nav>")], piece);
    (
        prop::collection::vec(whole, 0..4),
        Just("<a href=/#>last</a>"),
    )
        .prop_map(|(pieces, last)| numbered(&(pieces.concat() + last)))
}

/// Links in what end tags do not reach out of, and in what they do, with stray end tags inside them and around.
/// Nothing ends a `p` but its end tag, nothing stands in a table outside its cells, and nothing is `b` or the like: there
/// a tree opens elements again, or moves them (R9). HTML inside SVG and MathML is left out: this tree takes what holds it for no special element.
fn arb_scopes() -> impl Strategy<Value = String> {
    let stray = || {
        prop::sample::select(vec![
            "",
            "",
            "</span>",
            "</div>",
            "</p>",
            "</li>",
            "</ul>",
            "</table>",
            "</object>",
            "</marquee>",
            "</applet>",
            "</button>",
            "</select>",
            "</template>",
            "</h1>",
            "</h2>",
            "</form>",
            "</dialog>",
            "</noscript>",
            "</x-y>",
            "</section>",
            "</desc>",
            "</svg>",
            "</mi>",
            "</math>",
            "<td>",
            "<tr><td>",
            "<tbody><tr><th>",
        ])
    };
    let link =
        (stray(), stray()).prop_map(|(first, second)| format!("<a href=/#>1{first}2{second}3</a>"));
    let leaf = prop_oneof![link, stray().prop_map(str::to_owned)];
    let piece = leaf.prop_recursive(5, 40, 3, |inner| {
        around(
            vec![
                ("span", "</span>"),
                ("x-y", ""),
                ("div", "</div>"),
                ("section", ""),
                ("dialog", "</dialog>"),
                ("noscript", "</noscript>"),
                ("button", "</button>"),
                ("ul><li", "</ul>"),
                ("ol><li", "</li></ol>"),
                ("table><tbody><tr><td", "</table>"),
                ("table><tbody><tr><th", "</th></tr></table>"),
                ("table><caption", "</caption></table>"),
                ("object", "</object>"),
                ("marquee", "</marquee>"),
                ("applet", "</applet>"),
                ("template", "</template>"),
                ("svg><g", "</g></svg>"),
            ],
            inner,
        )
    });
    prop::collection::vec(piece, 0..4)
        .prop_map(|pieces| numbered(&format!("<body>{}", pieces.concat())))
}

/// Documents that may have frames.
fn arb_frames() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<frameset>",
        "<frameset cols=1>",
        "</frameset>",
        "<frame src=f>",
        "<noframes><a href=/#>n</a></noframes>",
        "<a href=/#>t</a>",
        "<a href=/#></a>",
        "<div>",
        "</div>",
        " ",
        "t",
        "<body>",
        "<p>",
        "</p>",
        "<br>",
        "</br>",
        "<input type=hidden>",
        "<input>",
        "<svg>",
        "</svg>",
        "<template>",
        "</template>",
        "<title>t</title>",
        "<script>'<a href=/s>'</script>",
        "<li>",
        "<head>",
        "</head>",
        "<table>",
        "<html>",
        "&#32;",
        "\u{0}",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| numbered(&pieces.concat()))
}

/// Each link with its own number, so that none stands for another.
fn numbered(body: &str) -> String {
    let mut numbered = String::new();
    for (number, piece) in body.split("/#").enumerate() {
        if number > 0 {
            numbered += &format!("/{number}");
        }
        numbered += piece;
    }
    numbered
}

fn targets(pairs: &Pairs) -> BTreeSet<&str> {
    pairs.iter().map(|(target, _)| target.as_str()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    /// Which elements are HTML's, and what is markup, is told without a tree.
    #[test]
    fn r8_stream_and_tree_have_the_same_links_around_svg_and_mathml(body in arb_foreign()) {
        let (fast, tree) = pairs_of(&body);
        prop_assert_eq!(targets(&fast), targets(&tree), "{}", body);
    }

    /// End tags reach as far as the standard says. A tree may have a link once more, opened again.
    #[test]
    fn r9_links_end_in_the_stream_where_the_tree_ends_them(body in arb_scopes()) {
        let (fast, tree) = pairs_of(&body);
        prop_assert_eq!(targets(&fast), targets(&tree), "{}", body);
        prop_assert!(fast.is_subset(&tree), "{} {:?} {:?}", body, fast, tree);
    }

    #[test]
    fn r8_documents_with_frames_have_no_other_links(body in arb_frames()) {
        let (fast, tree) = pairs_of(&body);
        prop_assert_eq!(targets(&fast), targets(&tree), "{}", body);
    }
}

/// Beginnings of documents in ASCII that declare their encoding, or nearly, before or across the prescan's end.
fn arb_declaration() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<meta ",
        "<META/",
        "<meta",
        "charset",
        "charset=",
        "=",
        "koi8-r",
        "big5",
        "bogus",
        "utf-16",
        "x-user-defined",
        "'",
        "\"",
        "'euc-kr'",
        "\" koi8-u \"",
        "http-equiv=",
        "content-type",
        "http-equiv='Content-Type' ",
        "content=",
        "content='text/html; charset=shift_jis' ",
        "content=\"charset charset = 'gb18030';\" ",
        " ",
        "\n",
        "\u{1}",
        ";",
        ">",
        "/",
        "/>",
        "<!--",
        "-->",
        "<!-->",
        "<!",
        "</",
        "<?",
        "</a ",
        "<a ",
        "<a",
        "b=c",
        "<?xml ",
        "encoding",
        "encoding='euc-jp'",
        "encoding=",
        "version='1.0' ",
        "?>",
        "<",
        "-",
    ]);
    (
        prop::sample::select(vec![
            "",
            "",
            "<?xml",
            "<?xml encoding='euc-jp'?>",
            "<?xml encoding = \"utf-16\"?>",
        ]),
        prop_oneof![3 => Just(0), 1 => 940..1024_usize],
        prop::collection::vec(piece, 0..14),
    )
        .prop_map(|(start, spaces, pieces)| {
            format!("{start}{}{}", " ".repeat(spaces), pieces.concat())
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn r3_declarations_are_read_as_the_standard_reads_them(body in arb_declaration()) {
        let expected = prescan(body.as_bytes()).unwrap_or(encoding_rs::WINDOWS_1252);
        prop_assert_eq!(decode(body.as_bytes(), None).1, expected, "{:?}", body);
    }
}

proptest! {
    #[test]
    fn r9_stream_and_tree_are_equal_on_well_formed_documents(pieces in prop::collection::vec(arb_piece(), 0..5)) {
        let body = pieces.concat();
        let (fast, tree) = pairs_of(&body);
        prop_assert_eq!(fast, tree, "{}", body);
    }

    #[test]
    fn foreign_text_never_panics(body in prop_oneof![
        ".{0,200}",
        prop::collection::vec(prop::sample::select(vec![
            "<a href=x>", "</a>", "<a", " href='", "<table>", "<td>", "</td>", "<p>", "<noscript>", "</noscript>",
            "<template>", "</template>", "<svg>", "</svg>", "<select>", "<option>", "<math>", "&#x", "&amp", "\u{0}", "<!--", "-->",
            "<![CDATA[", "]]>", "<plaintext>", "<style>", "t", "é",
        ]), 0..60).prop_map(|parts| parts.concat()),
    ]) {
        let _ = pairs_of(&body);
    }
}
