//! From the text of a document to its references as written (R8–R10), in one pass.
//!
//! The tokeniser is that of a streaming HTML rewriter, which follows the standard down to raw text,
//! scripts and foreign content, but builds no tree: where anchors end is told by tags alone (R9).
//! `docs/links.md` lists what that makes different from a tree.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use lol_html::html_content::{Element, TextChunk, TextType};
use lol_html::{
    DocumentContentHandlers, ElementContentHandlers, HandlerResult, HtmlRewriter, Selector,
    Settings,
};

use super::raw::{RawLink, RawPage};
use super::robots;
use super::text::Collapsed;
use crate::capture::{LinkType, Rel};

const HTML: &str = "http://www.w3.org/1999/xhtml";

/// How many unclosed `a` elements are watched for their end tags. Behind so many, links end at the
/// next `a` alone.
const OPEN_ANCHORS_MAX: u32 = 4096;

/// Selectors, parsed once.
pub(super) struct Selectors {
    anchor: Selector,
    in_anchor: Selector,
    any: Selector,
    noscript: Selector,
    template: Selector,
    title: Selector,
    svg_title: Selector,
    single: Selector,
}

impl Selectors {
    #[expect(
        clippy::expect_used,
        reason = "constant selectors, parsed by every test of this module"
    )]
    pub(super) fn new() -> Self {
        let parse = |selector: &str| selector.parse().expect("a selector");
        Self {
            anchor: parse("a"),
            in_anchor: parse("a *"),
            any: parse("*"),
            noscript: parse("noscript"),
            template: parse("template"),
            title: parse("title"),
            svg_title: parse("svg title"),
            single: parse(
                "area[href], base[href], meta[content], link[href][rel], form[action], iframe[src], frame[src]",
            ),
        }
    }
}

/// A link whose end has not come yet.
struct OpenLink {
    number: u64,
    href: String,
    rel: Rel,
    anchor: Collapsed,
    alt: Collapsed,
}

/// What is known at a place in the document.
#[derive(Default)]
struct State {
    page: RawPage,
    open: Option<OpenLink>,
    anchors: u64,
    /// How many `a` elements the tokeniser holds open.
    open_anchors: u32,
    /// How many templates are open: their contents are no part of the document.
    templates: u32,
    title: Title,
    /// The title that opens is one of SVG, a tooltip: to the tokeniser it is HTML, for what is inside is.
    is_svg_title: bool,
    /// Text of the present text node, as written.
    text: String,
    /// Whether the element last opened inside the anchor is one whose raw text is not the anchor's:
    /// `style`, and `noscript`, which is read as markup.
    skips_raw: bool,
    /// How many `style` and `script` elements of SVG are open: to the tokeniser their text is text
    /// like any other.
    foreign_styles: u32,
    /// The contents of the `noscript` that is open: without scripts, they are markup.
    noscript: String,
}

/// How far the title of the document is known.
#[derive(Default)]
enum Title {
    /// None has begun.
    #[default]
    Before,
    /// The first one is open: its text so far, as written.
    Open(String),
    /// Whatever comes is no title.
    Known,
}

impl State {
    fn close_title(&mut self) {
        if let Title::Open(text) = &self.title {
            self.page.title = Collapsed::title(&htmlize::unescape(text));
            self.title = Title::Known;
        }
    }

    fn close(&mut self) {
        self.foreign_styles = 0;
        if let Some(open) = self.open.take() {
            self.page.anchors_cut += u32::from(open.anchor.is_cut());
            self.page.links.push(RawLink {
                link_type: LinkType::Href,
                href: open.href,
                anchor: open.anchor.into_text(),
                alt: open.alt.into_text(),
                rel: open.rel,
            });
        }
    }

    fn push(&mut self, link_type: LinkType, href: String, alt: &str, rel: Rel) {
        let alt = Collapsed::of(alt).into_text();
        self.page.links.push(RawLink {
            link_type,
            href,
            anchor: String::new(),
            alt,
            rel,
        });
    }

    fn space(&mut self) {
        if let Some(open) = &mut self.open {
            open.anchor.space();
        }
    }
}

type Shared = Rc<RefCell<State>>;

/// Reads a document.
pub(super) fn read(html: &str, selectors: &Selectors) -> RawPage {
    let state = Shared::default();
    run(html, selectors, &state, false);
    let mut state = state.take();
    state.close();
    state.close_title();
    state.page
}

/// Tokenises `html`. In a fragment — the contents of a `noscript` — text belongs to whatever link is
/// open around it.
fn run(html: &str, selectors: &Selectors, state: &Shared, is_fragment: bool) {
    let mut settings = Settings::new().with_strict(false);
    let mut on = |selector, handlers| settings_push(&mut settings, selector, handlers);
    let handlers = ElementContentHandlers::default();
    on(&selectors.anchor, {
        let handlers =
            handlers.element(|element: &mut Element<'_, '_>| start_anchor(state, element));
        if is_fragment {
            handlers
        } else {
            handlers.text(|chunk: &mut TextChunk<'_>| text(state, chunk))
        }
    });
    let inside = if is_fragment {
        &selectors.any
    } else {
        &selectors.in_anchor
    };
    on(
        inside,
        ElementContentHandlers::default()
            .element(|element: &mut Element<'_, '_>| inside_anchor(state, element)),
    );
    on(
        &selectors.template,
        ElementContentHandlers::default()
            .element(|element: &mut Element<'_, '_>| start_template(state, element)),
    );
    // Told before what follows is.
    on(
        &selectors.svg_title,
        ElementContentHandlers::default().element(|_: &mut Element<'_, '_>| {
            state.borrow_mut().is_svg_title = true;
            Ok(())
        }),
    );
    on(
        &selectors.title,
        ElementContentHandlers::default()
            .element(|element: &mut Element<'_, '_>| start_title(state, element))
            .text(|chunk: &mut TextChunk<'_>| title_text(state, chunk)),
    );
    on(
        &selectors.single,
        ElementContentHandlers::default()
            .element(|element: &mut Element<'_, '_>| single(state, element)),
    );
    on(
        &selectors.noscript,
        ElementContentHandlers::default()
            .text(|chunk: &mut TextChunk<'_>| noscript(state, chunk, selectors)),
    );
    if is_fragment {
        settings = settings.append_document_content_handler(
            DocumentContentHandlers::default().text(|chunk: &mut TextChunk<'_>| text(state, chunk)),
        );
    }
    let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
    // What was found before the tokeniser gives up stays.
    if rewriter.write(html.as_bytes()).is_ok() {
        let _ = rewriter.end();
    }
}

fn settings_push<'h, 's>(
    settings: &mut Settings<'h, 's>,
    selector: &'s Selector,
    handlers: ElementContentHandlers<'h>,
) {
    let before = std::mem::replace(settings, Settings::new());
    *settings = before.append_element_content_handler((Cow::Borrowed(selector), handlers));
}

/// An attribute's value, character references decoded.
fn attribute(element: &Element<'_, '_>, name: &str) -> Option<String> {
    let value = element.get_attribute(name)?;
    if !value.contains('&') {
        return Some(value);
    }
    Some(htmlize::unescape_attribute(value).into_owned())
}

fn rel(element: &Element<'_, '_>) -> Rel {
    element.get_attribute("rel").map_or(Rel::NONE, |value| {
        Rel::parse(&htmlize::unescape_attribute(value))
    })
}

fn start_anchor(state: &Shared, element: &mut Element<'_, '_>) -> HandlerResult {
    let mut now = state.borrow_mut();
    if now.templates > 0 || element.namespace_uri() != HTML {
        return Ok(());
    }
    // An `a` inside an `a` ends the outer one, with or without `href`.
    now.close();
    let Some(href) = attribute(element, "href") else {
        return Ok(());
    };
    now.anchors += 1;
    let number = now.anchors;
    now.open = Some(OpenLink {
        number,
        href,
        rel: rel(element),
        anchor: Collapsed::default(),
        alt: Collapsed::default(),
    });
    // A page of unclosed links would take hundreds of bytes for the end of each, which never comes.
    if now.open_anchors < OPEN_ANCHORS_MAX
        && let Some(handlers) = element.end_tag_handlers()
    {
        now.open_anchors += 1;
        let state = Rc::clone(state);
        handlers.push(Box::new(move |_| {
            let mut now = state.borrow_mut();
            now.open_anchors = now.open_anchors.saturating_sub(1);
            if now.open.as_ref().is_some_and(|open| open.number == number) {
                now.close();
            }
            Ok(())
        }));
    }
    Ok(())
}

fn inside_anchor(state: &Shared, element: &mut Element<'_, '_>) -> HandlerResult {
    let name = element.tag_name();
    let mut now = state.borrow_mut();
    now.skips_raw = matches!(name.as_str(), "style" | "noscript");
    if now.templates > 0 {
        return Ok(());
    }
    let Some(open) = &mut now.open else {
        return Ok(());
    };
    match name.as_str() {
        "br" => open.anchor.space(),
        "img" | "image" => {
            open.anchor.space();
            if let Some(alt) = attribute(element, "alt") {
                open.alt.space();
                open.alt.push(&alt);
            }
        }
        "style" | "script" if element.namespace_uri() != HTML => {
            if let Some(handlers) = element.end_tag_handlers() {
                now.foreign_styles += 1;
                let state = Rc::clone(state);
                handlers.push(Box::new(move |_| {
                    let mut now = state.borrow_mut();
                    now.foreign_styles = now.foreign_styles.saturating_sub(1);
                    Ok(())
                }));
            }
        }
        name if is_block(name) => {
            open.anchor.space();
            if let Some(handlers) = element.end_tag_handlers() {
                let state = Rc::clone(state);
                handlers.push(Box::new(move |_| {
                    state.borrow_mut().space();
                    Ok(())
                }));
            }
        }
        _ => {}
    }
    Ok(())
}

fn start_template(state: &Shared, element: &mut Element<'_, '_>) -> HandlerResult {
    if element.namespace_uri() != HTML {
        return Ok(());
    }
    state.borrow_mut().templates += 1;
    if let Some(handlers) = element.end_tag_handlers() {
        let state = Rc::clone(state);
        handlers.push(Box::new(move |_| {
            let mut now = state.borrow_mut();
            now.templates = now.templates.saturating_sub(1);
            Ok(())
        }));
    }
    Ok(())
}

fn start_title(state: &Shared, element: &mut Element<'_, '_>) -> HandlerResult {
    let mut now = state.borrow_mut();
    // Where the first one is still open it has no text; what comes is not its text.
    now.close_title();
    let is_of_svg = std::mem::take(&mut now.is_svg_title);
    if is_of_svg || now.templates > 0 || element.namespace_uri() != HTML {
        return Ok(());
    }
    if matches!(now.title, Title::Before) {
        now.title = Title::Open(String::new());
    }
    Ok(())
}

fn title_text(state: &Shared, chunk: &mut TextChunk<'_>) -> HandlerResult {
    let mut now = state.borrow_mut();
    if let Title::Open(text) = &mut now.title {
        text.push_str(chunk.as_str());
        if chunk.last_in_text_node() {
            now.close_title();
        }
    }
    Ok(())
}

/// Elements that are told by their attributes alone.
fn single(state: &Shared, element: &mut Element<'_, '_>) -> HandlerResult {
    let mut now = state.borrow_mut();
    if now.templates > 0 || element.namespace_uri() != HTML {
        return Ok(());
    }
    match element.tag_name().as_str() {
        "area" => {
            if let Some(href) = attribute(element, "href") {
                let alt = attribute(element, "alt").unwrap_or_default();
                now.push(LinkType::Href, href, &alt, rel(element));
            }
        }
        "base" => {
            if now.page.base.is_none() {
                now.page.base = attribute(element, "href");
            }
        }
        "meta" => {
            let content = attribute(element, "content").unwrap_or_default();
            if attribute(element, "name")
                .is_some_and(|name| name.trim().eq_ignore_ascii_case("robots"))
            {
                now.page.nofollow |= robots::says_nofollow(&content);
            }
            if attribute(element, "http-equiv")
                .is_some_and(|name| name.eq_ignore_ascii_case("refresh"))
                && let Some(url) = robots::refresh_url(&content)
            {
                now.push(LinkType::Refresh, url.to_owned(), "", Rel::NONE);
            }
        }
        "link" => {
            let tokens = attribute(element, "rel").unwrap_or_default();
            if let (Some(link_type), Some(href)) = (link_type(&tokens), attribute(element, "href"))
            {
                now.push(link_type, href, "", Rel::parse(&tokens));
            }
        }
        "form" => now.push(
            LinkType::Form,
            attribute(element, "action").unwrap_or_default(),
            "",
            Rel::NONE,
        ),
        _ => now.push(
            LinkType::Frame,
            attribute(element, "src").unwrap_or_default(),
            "",
            Rel::NONE,
        ),
    }
    Ok(())
}

/// What kind of reference a `link` element with these `rel` tokens is, where it is one that is
/// recorded (R8).
pub(super) fn link_type(rel: &str) -> Option<LinkType> {
    let has = |name: &str| {
        rel.split_ascii_whitespace()
            .any(|token| token.eq_ignore_ascii_case(name))
    };
    if has("canonical") {
        Some(LinkType::Canonical)
    } else if has("alternate") && !has("stylesheet") {
        Some(LinkType::Alternate)
    } else {
        None
    }
}

fn text(state: &Shared, chunk: &mut TextChunk<'_>) -> HandlerResult {
    let mut now = state.borrow_mut();
    let now = &mut *now;
    let Some(open) = &mut now.open else {
        return Ok(());
    };
    if now.templates > 0 || now.foreign_styles > 0 {
        return Ok(());
    }
    let is_markup = match chunk.text_type() {
        TextType::Data | TextType::RCData => true,
        TextType::PlainText | TextType::CDataSection => false,
        // `xmp`, `iframe`…
        TextType::RawText if !now.skips_raw => false,
        TextType::RawText | TextType::ScriptData => return Ok(()),
    };
    if !is_markup {
        open.anchor.push(chunk.as_str());
        return Ok(());
    }
    // A character reference may be cut by the end of a chunk.
    if chunk.last_in_text_node() && now.text.is_empty() {
        push_markup(open, chunk.as_str());
    } else {
        now.text.push_str(chunk.as_str());
        if chunk.last_in_text_node() {
            push_markup(open, &now.text);
            now.text.clear();
        }
    }
    Ok(())
}

fn push_markup(open: &mut OpenLink, text: &str) {
    if text.contains('&') {
        open.anchor.push(&htmlize::unescape(text));
    } else {
        open.anchor.push(text);
    }
}

fn noscript(state: &Shared, chunk: &mut TextChunk<'_>, selectors: &Selectors) -> HandlerResult {
    let markup = {
        let mut now = state.borrow_mut();
        now.noscript.push_str(chunk.as_str());
        if !chunk.last_in_text_node() {
            return Ok(());
        }
        std::mem::take(&mut now.noscript)
    };
    if markup.contains('<') {
        run(&markup, selectors, state, true);
    } else if let Some(open) = &mut state.borrow_mut().open {
        push_markup(open, &markup);
    }
    Ok(())
}

/// Elements that the HTML standard's rendering section displays as blocks, or parts of tables.
fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "col"
            | "colgroup"
            | "dd"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "frameset"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "html"
            | "legend"
            | "li"
            | "listing"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "optgroup"
            | "option"
            | "p"
            | "plaintext"
            | "pre"
            | "search"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "tfoot"
            | "th"
            | "thead"
            | "tr"
            | "ul"
            | "xmp"
    )
}
