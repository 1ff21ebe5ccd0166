//! From the text of a document to its references as written (R8–R10), in one pass.
//!
//! Tokens and foreign content are those of the HTML standard, but no tree is built: where anchors end
//! is told by tags alone (R9). `docs/links.md` lists what that makes different from a tree.

use std::borrow::Cow;

use super::elements::{Element, Namespace, OpenElements};
use super::names::{KnownNames, Name, Names};
use super::raw::{RawLink, RawPage};
use super::robots;
use super::text::Collapsed;
use super::tokeniser::{Attributes, Token, Tokeniser};
use crate::capture::{LinkType, Rel};

/// A link whose end has not come yet.
struct OpenLink {
    /// How deep its element is.
    depth: usize,
    /// How many elements are open around it whose text is no anchor's.
    silent: u32,
    href: String,
    rel: Rel,
    anchor: Collapsed,
    alt: Collapsed,
}

/// What is known at a place in the document.
struct Reader<'d> {
    names: Names<'d>,
    open: OpenElements,
    page: RawPage,
    link: Option<OpenLink>,
    /// How many templates are open: their contents are no part of the document.
    templates: u32,
    /// How many `style`, `script` and `template` elements of SVG and MathML are open, where they hold
    /// markup.
    silent: u32,
    /// Whether the first title has come.
    has_title: bool,
    kind: Kind,
    /// Whether a `form` has begun whose end tag has not come: in it there is no other.
    in_form: bool,
}

/// What kind of document it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing but its head has come yet; whether there was a template, behind which a body stays one.
    Head(bool),
    /// Nothing has come yet that makes sure of its body: it may still turn out to have frames.
    Open,
    /// One with a body.
    Body,
    /// One with frames, of which so many sets are open. It has nothing but them.
    Frames(u32),
}

/// Reads a document. O(length); memory for each open element and each distinct name and link.
pub(super) fn read(html: &str, known: &KnownNames) -> RawPage {
    let mut reader = Reader {
        names: Names::new(known),
        open: OpenElements::default(),
        page: RawPage::default(),
        link: None,
        templates: 0,
        silent: 0,
        has_title: false,
        kind: Kind::Head(false),
        in_form: false,
    };
    let mut tokeniser = Tokeniser::new(html);
    while let Some(token) = tokeniser.next(reader.open.is_foreign()) {
        match token {
            Token::Text(text) => reader.text(text),
            Token::CData(text) => reader.characters(&visible(text)),
            Token::End(name) => reader.end(name),
            Token::Start { name, self_closing } => {
                let tag = reader.names.of(name);
                let namespace = reader.start(tag, self_closing, tokeniser.attributes());
                if namespace == Namespace::Html
                    && let Some(kind) = tag.raw_text()
                {
                    reader.raw_text(tag, tokeniser.raw_text(name, kind));
                }
            }
        }
    }
    reader.close_link();
    reader.page
}

/// What the tokeniser of the standard makes of U+0000 where it does not leave it to the tree.
fn visible(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Text with its character references decoded.
fn decoded(text: &str) -> Cow<'_, str> {
    if text.contains('&') {
        htmlize::unescape(text)
    } else {
        Cow::Borrowed(text)
    }
}

/// An attribute's value, character references decoded.
fn attribute(attributes: &Attributes<'_>, name: &str) -> Option<String> {
    let value = visible(attributes.get(name)?);
    if !value.contains('&') {
        return Some(value.into_owned());
    }
    Some(htmlize::unescape_attribute(value).into_owned())
}

fn rel(attributes: &Attributes<'_>) -> Rel {
    attribute(attributes, "rel").map_or(Rel::NONE, |value| Rel::parse(&value))
}

impl Reader<'_> {
    /// A start tag; whose element it opens.
    fn start(&mut self, name: Name, self_closing: bool, attributes: &Attributes<'_>) -> Namespace {
        if self.kind != Kind::Body && self.templates == 0 && self.start_frames(name, attributes) {
            // What would hold raw text is nothing in a set of frames.
            return if name == Name::NOFRAMES {
                Namespace::Html
            } else {
                Namespace::Svg
            };
        }
        let Some((namespace, depth)) = self.open.start(name, attributes) else {
            return Namespace::Html;
        };
        // Inside a list of choices its own start tag is an end tag.
        let is_end = name == Name::SELECT && depth < self.open.depth();
        self.close_to(depth);
        let has_contents = match namespace {
            // There they are the parts of every document, which tags only confirm; or are not, where it has
            // a body.
            Namespace::Html
                if matches!(name, Name::HTML | Name::HEAD | Name::BODY | Name::FRAMESET) =>
            {
                false
            }
            Namespace::Html if is_end => false,
            Namespace::Html if name == Name::FORM && self.templates == 0 && self.in_form => false,
            Namespace::Html => {
                self.start_html(name, attributes);
                !name.is_void()
            }
            Namespace::Svg | Namespace::MathMl => {
                if name == Name::IMAGE {
                    self.space();
                }
                !self_closing
            }
        };
        if has_contents {
            self.open.push(name, namespace, attributes);
            if is_silent(name, namespace) {
                self.silent += 1;
            } else if (name, namespace) == (Name::TEMPLATE, Namespace::Html) {
                self.templates += 1;
            }
        }
        namespace
    }

    /// A start tag where the document may have frames; whether it has, and nothing else is to be done.
    fn start_frames(&mut self, name: Name, attributes: &Attributes<'_>) -> bool {
        match (&mut self.kind, name) {
            (Kind::Open, Name::FRAMESET) if self.open.has_foreign_text() => return false,
            (Kind::Head(_) | Kind::Open, Name::FRAMESET) => {
                // Only the head stays of what came before.
                self.link = None;
                self.close_to(0);
                self.page.links.retain(is_of_head);
                self.kind = Kind::Frames(1);
            }
            (Kind::Head(has_template), name) if name.is_of_head() => {
                *has_template |= name == Name::TEMPLATE;
                return false;
            }
            (Kind::Head(true), _) => {
                self.kind = Kind::Body;
                return false;
            }
            (Kind::Head(false) | Kind::Open, name) => {
                let is_html = !self.open.has_foreign_text() || name.breaks_out();
                let is_of_body = is_html && name.is_of_body() && !is_hidden(name, attributes);
                self.kind = if is_of_body { Kind::Body } else { Kind::Open };
                return false;
            }
            // Behind the outermost set there are no more.
            (Kind::Frames(sets), Name::FRAMESET) if *sets > 0 => *sets = sets.saturating_add(1),
            (Kind::Frames(1..), Name::FRAME) => self.single(name, attributes),
            (Kind::Frames(_), _) => {}
            (Kind::Body, _) => return false,
        }
        true
    }

    fn start_html(&mut self, name: Name, attributes: &Attributes<'_>) {
        if self.templates > 0 {
            return;
        }
        match name {
            Name::A => self.start_anchor(attributes),
            Name::BR => self.space(),
            Name::IMG | Name::IMAGE => self.image(attributes),
            Name::AREA | Name::BASE | Name::META | Name::LINK | Name::FORM | Name::IFRAME => {
                if name == Name::FORM {
                    self.in_form = true;
                    self.space();
                }
                self.single(name, attributes);
            }
            name if name.is_block() => self.space(),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        let Some(name) = self.names.find(name) else {
            return;
        };
        match &mut self.kind {
            Kind::Frames(sets) => {
                if name == Name::FRAMESET {
                    *sets = sets.saturating_sub(1);
                }
                return;
            }
            // It makes the body that its element stands in.
            Kind::Head(_) | Kind::Open if name == Name::BR && self.templates == 0 => {
                self.kind = Kind::Body;
            }
            Kind::Head(_) | Kind::Open | Kind::Body => {}
        }
        let end = self.open.end(name);
        if name == Name::FORM && self.templates == 0 && !std::mem::take(&mut self.in_form) {
            return;
        }
        self.close_to(end.depth);
        if let Some(element) = self.open.take(end.alone)
            && (element.name, element.namespace) == (Name::A, Namespace::Html)
        {
            self.close_link_at(end.alone as usize - 1);
        }
        if end.is_element && self.templates == 0 {
            self.space();
        }
    }

    /// Closes elements until so many are open.
    fn close_to(&mut self, depth: usize) {
        while self.open.depth() > depth {
            let Some(element) = self.open.pop() else {
                return;
            };
            self.closed(element);
        }
    }

    fn closed(&mut self, element: Element) {
        if is_silent(element.name, element.namespace) {
            self.silent = self.silent.saturating_sub(1);
        }
        if element.namespace != Namespace::Html {
            return;
        }
        match element.name {
            Name::TEMPLATE => self.templates = self.templates.saturating_sub(1),
            Name::A => self.close_link_at(self.open.depth()),
            name if name.is_block() && self.templates == 0 => self.space(),
            _ => {}
        }
    }

    fn start_anchor(&mut self, attributes: &Attributes<'_>) {
        // An `a` inside an `a` ends the outer one, with or without `href`.
        self.close_link();
        self.link = attribute(attributes, "href").map(|href| OpenLink {
            depth: self.open.depth(),
            silent: self.silent,
            href,
            rel: rel(attributes),
            anchor: Collapsed::default(),
            alt: Collapsed::default(),
        });
    }

    /// The `a` inside so many elements has ended, which may be that of the link.
    fn close_link_at(&mut self, depth: usize) {
        if self.link.as_ref().is_some_and(|link| link.depth == depth) {
            self.close_link();
        }
    }

    fn close_link(&mut self) {
        if let Some(link) = self.link.take() {
            self.page.anchors_cut += u32::from(link.anchor.is_cut());
            self.page.links.push(RawLink {
                link_type: LinkType::Href,
                href: link.href,
                anchor: link.anchor.into_text(),
                alt: link.alt.into_text(),
                rel: link.rel,
            });
        }
    }

    /// The link that what stands here is part of.
    fn link_here(&mut self) -> Option<&mut OpenLink> {
        let (templates, silent) = (self.templates, self.silent);
        self.link
            .as_mut()
            .filter(|link| templates == 0 && link.silent == silent)
    }

    fn space(&mut self) {
        if let Some(link) = self.link_here() {
            link.anchor.space();
        }
    }

    fn image(&mut self, attributes: &Attributes<'_>) {
        if let Some(link) = self.link_here() {
            link.anchor.space();
            if let Some(alt) = attribute(attributes, "alt") {
                link.alt.space();
                link.alt.push(&alt);
            }
        }
    }

    /// Text in which nothing is to be decoded.
    fn characters(&mut self, text: &str) {
        if let Some(link) = self.link_here() {
            link.anchor.push(text);
        }
    }

    fn text(&mut self, text: &str) {
        if matches!(self.kind, Kind::Head(_) | Kind::Open)
            && self.templates == 0
            && !decoded(text).bytes().all(is_nothing)
        {
            self.kind = Kind::Body;
        }
        if self.link.is_none() {
            return;
        }
        if !text.contains('\0') {
            self.characters(&decoded(text));
        } else if self.open.has_foreign_text() {
            self.characters(&decoded(&visible(text)));
        } else {
            // HTML has no such character, as if nothing stood there; a reference ends before it.
            for text in text.split('\0') {
                self.characters(&decoded(text));
            }
        }
    }

    /// The contents of an HTML element that holds no markup.
    fn raw_text(&mut self, name: Name, text: &str) {
        let is_title = name == Name::TITLE && self.templates == 0 && !self.has_title;
        let is_part_of_link = self.link.is_some() && !matches!(name, Name::STYLE | Name::SCRIPT);
        if !is_title && !is_part_of_link {
            return;
        }
        let text = visible(text);
        let text = if name == Name::TEXTAREA {
            decoded(without_first_line_end(&text))
        } else if name.has_references() {
            decoded(&text)
        } else {
            Cow::Borrowed(&*text)
        };
        if is_title {
            self.has_title = true;
            self.page.title = Collapsed::title(&text);
        }
        self.characters(&text);
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

    /// Elements that are told by their attributes alone.
    fn single(&mut self, name: Name, attributes: &Attributes<'_>) {
        let value = |name| attribute(attributes, name);
        match name {
            Name::AREA => {
                if let Some(href) = value("href") {
                    let alt = value("alt").unwrap_or_default();
                    self.push(LinkType::Href, href, &alt, rel(attributes));
                }
            }
            Name::BASE => {
                if self.page.base.is_none() {
                    self.page.base = value("href");
                }
            }
            Name::META => {
                let Some(content) = value("content") else {
                    return;
                };
                if value("name").is_some_and(|name| name.trim().eq_ignore_ascii_case("robots")) {
                    self.page.nofollow |= robots::says_nofollow(&content);
                }
                if value("http-equiv").is_some_and(|name| name.eq_ignore_ascii_case("refresh"))
                    && let Some(url) = robots::refresh_url(&content)
                {
                    self.push(LinkType::Refresh, url.to_owned(), "", Rel::NONE);
                }
            }
            Name::LINK => {
                let tokens = value("rel").unwrap_or_default();
                if let (Some(link_type), Some(href)) = (link_type(&tokens), value("href")) {
                    self.push(link_type, href, "", Rel::parse(&tokens));
                }
            }
            Name::FORM => {
                if let Some(action) = value("action") {
                    self.push(LinkType::Form, action, "", Rel::NONE);
                }
            }
            _ => {
                if let Some(src) = value("src") {
                    self.push(LinkType::Frame, src, "", Rel::NONE);
                }
            }
        }
    }
}

/// The text of a `textarea` without the line end that it may begin with.
fn without_first_line_end(text: &str) -> &str {
    ["\r\n", "\n", "\r"]
        .into_iter()
        .find_map(|end| text.strip_prefix(end))
        .unwrap_or(text)
}

/// Whether a byte of text may stand before a set of frames.
fn is_nothing(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0
}

/// Whether a link is one that heads of documents have.
fn is_of_head(link: &RawLink) -> bool {
    !matches!(
        link.link_type,
        LinkType::Href | LinkType::Form | LinkType::Frame
    )
}

/// Whether it is an `input` that nobody sees.
fn is_hidden(name: Name, attributes: &Attributes<'_>) -> bool {
    name == Name::INPUT
        && attribute(attributes, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("hidden"))
}

/// Whether an element holds markup whose text is no anchor's (R9). In HTML such elements hold raw text.
fn is_silent(name: Name, namespace: Namespace) -> bool {
    namespace != Namespace::Html && matches!(name, Name::STYLE | Name::SCRIPT | Name::TEMPLATE)
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
