//! The elements that are open at a place, with as much of the standard's tree construction as tells
//! SVG and MathML from HTML.
//!
//! Elements of HTML end by their end tags alone (R9): nothing is implied, and an end tag ends the innermost
//! element of its name with all that is open inside. Only where SVG or MathML is open too, it reaches no
//! further than the standard says, for that decides what the following tags are.

use super::names::Name;
use super::tokeniser::Attributes;

/// Whose element it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Namespace {
    Html,
    Svg,
    MathMl,
}

/// What stands inside a foreign element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// What its own language has.
    Same,
    /// HTML: an HTML integration point of the standard.
    Html,
    /// HTML but for two elements: a MathML text integration point.
    MathText,
}

/// An open element.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    pub(super) name: Name,
    pub(super) namespace: Namespace,
    inside: Inside,
    /// How deep the next outer one of the same name is, HTML with HTML and foreign with foreign; 0 for none.
    same: u32,
    /// How deep the innermost HTML element is, this one or outside of it.
    html: u32,
    /// How deep the innermost one is that end tags inside it do not cross, and the innermost that those of
    /// elements which are not special do not.
    scope: u32,
    special: u32,
}

/// What an end tag does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    /// How many elements stay open.
    pub(super) depth: usize,
    /// Whether it stands for an element without contents, as `</br>` does, and `</p>` without a `p`.
    pub(super) is_element: bool,
}

/// The stack of open elements. Takes 24 bytes for each; each operation is O(1) but for what it closes.
#[derive(Debug, Default)]
pub(super) struct OpenElements {
    stack: Vec<Element>,
    /// How deep the innermost open element of each name is, HTML and foreign; 0 for none.
    innermost: Vec<[u32; 2]>,
    /// How many are of SVG or MathML.
    foreign: u32,
}

const fn side(namespace: Namespace) -> usize {
    match namespace {
        Namespace::Html => 0,
        Namespace::Svg | Namespace::MathMl => 1,
    }
}

impl OpenElements {
    pub(super) fn depth(&self) -> usize {
        self.stack.len()
    }

    /// Whether the innermost element is one of SVG or MathML.
    pub(super) fn is_foreign(&self) -> bool {
        self.top_foreign().is_some()
    }

    /// Whether text here belongs to SVG or MathML.
    pub(super) fn has_foreign_text(&self) -> bool {
        self.top_foreign()
            .is_some_and(|top| top.inside == Inside::Same)
    }

    fn top_foreign(&self) -> Option<&Element> {
        self.stack
            .last()
            .filter(|top| top.namespace != Namespace::Html)
    }

    /// Whose element a start tag opens here, and how many elements stay open around it: some tags of
    /// HTML end SVG and MathML.
    pub(super) fn start(&self, name: Name, attributes: &Attributes<'_>) -> (Namespace, usize) {
        let by_html_rules = match name {
            Name::SVG => Namespace::Svg,
            Name::MATH => Namespace::MathMl,
            _ => Namespace::Html,
        };
        let Some(top) = self.top_foreign() else {
            return (by_html_rules, self.depth());
        };
        let is_html = match top.inside {
            Inside::Html => true,
            Inside::MathText => !matches!(name, Name::MGLYPH | Name::MALIGNMARK),
            Inside::Same => {
                name == Name::SVG
                    && top.name == Name::ANNOTATION_XML
                    && top.namespace == Namespace::MathMl
            }
        };
        if is_html {
            (by_html_rules, self.depth())
        } else if breaks_out(name, attributes) {
            (by_html_rules, self.depth_without_foreign())
        } else {
            (top.namespace, self.depth())
        }
    }

    /// How many elements stay open where SVG and MathML end, up to HTML or an integration point.
    fn depth_without_foreign(&self) -> usize {
        let ends = |element: &Element| {
            element.namespace != Namespace::Html && element.inside == Inside::Same
        };
        self.stack
            .iter()
            .rposition(|element| !ends(element))
            .map_or(0, |at| at + 1)
    }

    /// What an end tag closes.
    pub(super) fn end(&self, name: Name) -> End {
        let mut depth = self.depth();
        let of_name = self
            .innermost
            .get(name.index())
            .copied()
            .unwrap_or_default();
        if let Some(top) = self.top_foreign() {
            if matches!(name, Name::BR | Name::P) {
                depth = self.depth_without_foreign();
            } else if let [_, foreign] = of_name
                && foreign > top.html
            {
                return End {
                    depth: foreign as usize - 1,
                    is_element: false,
                };
            }
        }
        let [html, _] = of_name;
        // What is the bound itself ends by its own tag.
        if html > 0 && html >= self.bound(name, depth) {
            return End {
                depth: html as usize - 1,
                is_element: false,
            };
        }
        End {
            depth,
            is_element: matches!(name, Name::BR | Name::P),
        }
    }

    /// How deep the innermost element is, of so many, that an end tag does not cross.
    fn bound(&self, name: Name, depth: usize) -> u32 {
        if self.foreign == 0 || name.ends_far() {
            return 0;
        }
        let top = depth.checked_sub(1).and_then(|top| self.stack.get(top));
        top.map_or(0, |top| {
            if name.is_special() {
                top.scope
            } else {
                top.special
            }
        })
    }

    /// Opens an element.
    pub(super) fn push(&mut self, name: Name, namespace: Namespace, attributes: &Attributes<'_>) {
        let inside = inside(name, namespace, attributes);
        if self.innermost.len() <= name.index() {
            self.innermost.resize(name.index() + 1, [0, 0]);
        }
        let Some(innermost) = self.innermost.get_mut(name.index()) else {
            return;
        };
        let Some(innermost) = innermost.get_mut(side(namespace)) else {
            return;
        };
        // Each takes three bytes of a bounded body.
        let depth = u32::try_from(self.stack.len() + 1).unwrap_or(u32::MAX);
        let same = std::mem::replace(innermost, depth);
        let (html, scope, special) = self
            .stack
            .last()
            .map_or((0, 0, 0), |top| (top.html, top.scope, top.special));
        let is_html = namespace == Namespace::Html;
        let is_scope = match namespace {
            Namespace::Html => name.is_scope(),
            Namespace::Svg => inside != Inside::Same,
            Namespace::MathMl => inside != Inside::Same || name == Name::ANNOTATION_XML,
        };
        self.foreign += u32::from(!is_html);
        self.stack.push(Element {
            name,
            namespace,
            inside,
            same,
            html: if is_html { depth } else { html },
            scope: if is_scope { depth } else { scope },
            special: if is_scope || (is_html && name.is_special()) {
                depth
            } else {
                special
            },
        });
    }

    /// Closes the innermost element.
    pub(super) fn pop(&mut self) -> Option<Element> {
        let element = self.stack.pop()?;
        self.foreign -= u32::from(element.namespace != Namespace::Html);
        if let Some(innermost) = self
            .innermost
            .get_mut(element.name.index())
            .and_then(|sides| sides.get_mut(side(element.namespace)))
        {
            *innermost = element.same;
        }
        Some(element)
    }
}

fn breaks_out(name: Name, attributes: &Attributes<'_>) -> bool {
    let is_of_html = |attribute| attributes.get(attribute).is_some();
    name.breaks_out()
        || (name == Name::FONT && ["color", "face", "size"].into_iter().any(is_of_html))
}

fn inside(name: Name, namespace: Namespace, attributes: &Attributes<'_>) -> Inside {
    match namespace {
        Namespace::Svg if name.is_html_in_svg() => Inside::Html,
        Namespace::MathMl if name.is_math_text() => Inside::MathText,
        Namespace::MathMl if name == Name::ANNOTATION_XML => {
            let holds_html = attributes.get("encoding").is_some_and(|encoding| {
                let encoding = htmlize::unescape_attribute(encoding);
                ["text/html", "application/xhtml+xml"]
                    .into_iter()
                    .any(|html| encoding.eq_ignore_ascii_case(html))
            });
            if holds_html {
                Inside::Html
            } else {
                Inside::Same
            }
        }
        _ => Inside::Same,
    }
}
