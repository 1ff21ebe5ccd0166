//! Links by the tree (R3–R10): html5ever builds the document, and the rules are read off it.

use std::rc::Rc;

use encoding_rs::Encoding;
use html5ever::tendril::TendrilSink;
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use url::Url;
use windlass_links::{CanonicalUrl, reference};

/// An `href` link as the tree has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TreeLink {
    /// Where it leads, canonicalised (R4).
    pub target: String,
    /// Its anchor (R9).
    pub anchor: String,
    /// The `alt` texts inside it, or its own (R9).
    pub alt: String,
}

/// The text of the first `title` of a decoded document, collapsed as anchors are (R9) and cut at 1,024
/// bytes; `None` where it is empty.
#[must_use]
pub fn title(html: &str) -> Option<String> {
    let dom = parse(html);
    let nodes = in_document_order(&dom.document);
    let title = nodes.iter().find(|node| is_element(node, "title"))?;
    let mut text = String::new();
    for child in title.children.borrow().iter() {
        if let NodeData::Text { contents } = &child.data {
            text.push_str(&contents.borrow());
        }
    }
    Some(collapse_to(&text, 1024)).filter(|title| !title.is_empty())
}

/// Scripting is off, so that the contents of `noscript` are markup.
fn parse(html: &str) -> RcDom {
    let options = ParseOpts {
        tree_builder: TreeBuilderOpts {
            scripting_enabled: false,
            ..TreeBuilderOpts::default()
        },
        ..ParseOpts::default()
    };
    parse_document(RcDom::default(), options).one(html)
}

/// The `href` links of a decoded document, in tree order.
#[must_use]
pub fn links(html: &str, page: &CanonicalUrl, encoding: &'static Encoding) -> Vec<TreeLink> {
    let dom = parse(html);
    let nodes = in_document_order(&dom.document);
    let Ok(page) = Url::parse(page.as_str()) else {
        return Vec::new();
    };
    let base = nodes
        .iter()
        .filter(|node| is_element(node, "base"))
        .find_map(|node| attribute(node, "href"))
        .and_then(|href| reference::parse(&href, Some(&page), encoding).ok())
        .filter(|base| !matches!(base.scheme(), "data" | "javascript"))
        .unwrap_or(page);
    let mut links = Vec::new();
    for node in &nodes {
        let is_area = is_element(node, "area");
        if !is_area && !is_element(node, "a") {
            continue;
        }
        let Some(target) = attribute(node, "href").and_then(|href| resolve(&href, &base, encoding))
        else {
            continue;
        };
        let (anchor, alt) = if is_area {
            (String::new(), attribute(node, "alt").unwrap_or_default())
        } else {
            text_and_alt(node)
        };
        links.push(TreeLink {
            target,
            anchor: collapse(&anchor),
            alt: collapse(&alt),
        });
    }
    links
}

fn resolve(href: &str, base: &Url, encoding: &'static Encoding) -> Option<String> {
    let url = reference::parse(href, Some(base), encoding).ok()?;
    let url = CanonicalUrl::from_url(url).ok()?;
    Some(url.to_string())
}

/// All nodes below `root`, without the contents of templates.
fn in_document_order(root: &Handle) -> Vec<Handle> {
    let mut nodes = Vec::new();
    let mut rest = vec![Rc::clone(root)];
    while let Some(node) = rest.pop() {
        rest.extend(node.children.borrow().iter().rev().cloned());
        nodes.push(node);
    }
    nodes
}

fn is_element(node: &Handle, local_name: &str) -> bool {
    match &node.data {
        NodeData::Element { name, .. } => {
            name.ns == html5ever::ns!(html) && &*name.local == local_name
        }
        _ => false,
    }
}

fn attribute(node: &Handle, local_name: &str) -> Option<String> {
    let NodeData::Element { attrs, .. } = &node.data else {
        return None;
    };
    let attrs = attrs.borrow();
    attrs
        .iter()
        .find(|attr| &*attr.name.local == local_name)
        .map(|attr| attr.value.to_string())
}

/// What the walk through an `a` meets.
enum Step {
    Node(Handle),
    Space,
}

fn text_and_alt(anchor: &Handle) -> (String, String) {
    let (mut text, mut alt) = (String::new(), String::new());
    let mut rest: Vec<Step> = anchor
        .children
        .borrow()
        .iter()
        .rev()
        .cloned()
        .map(Step::Node)
        .collect();
    while let Some(step) = rest.pop() {
        let node = match step {
            Step::Node(node) => node,
            Step::Space => {
                text.push(' ');
                continue;
            }
        };
        match &node.data {
            NodeData::Text { contents } => text.push_str(&contents.borrow()),
            NodeData::Element { name, .. } => {
                let local = &*name.local;
                if matches!(local, "script" | "style" | "template") {
                    continue;
                }
                let is_html = name.ns == html5ever::ns!(html);
                if local == "img"
                    && let Some(value) = attribute(&node, "alt")
                {
                    alt.push(' ');
                    alt.push_str(&value);
                }
                // The tree has no `image` of HTML: this one is SVG's.
                let separates =
                    matches!(local, "br" | "img" | "image") || (is_html && BLOCKS.contains(&local));
                if separates {
                    text.push(' ');
                    rest.push(Step::Space);
                }
                rest.extend(node.children.borrow().iter().rev().cloned().map(Step::Node));
            }
            _ => {}
        }
    }
    (text, alt)
}

/// Elements whose edges separate words.
const BLOCKS: [&str; 56] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "center",
    "col",
    "colgroup",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "frameset",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "html",
    "legend",
    "li",
    "listing",
    "main",
    "menu",
    "nav",
    "ol",
    "optgroup",
    "option",
    "p",
    "plaintext",
    "pre",
    "search",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
    "xmp",
];

fn collapse(text: &str) -> String {
    collapse_to(text, 65_536)
}

fn collapse_to(text: &str, length_max: usize) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let mut collapsed = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut end = collapsed.len().min(length_max);
    while !collapsed.is_char_boundary(end) {
        end -= 1;
    }
    collapsed.truncate(end);
    collapsed
}
