//! The elements that are open at a place, with as much of the standard's tree construction as tells
//! SVG and MathML from HTML.
//!
//! Elements of HTML end by their end tags alone (R9): nothing is implied but between the parts of a table. An
//! end tag ends the innermost element of its name with all that is open inside, but reaches no further than the
//! standard says: out of a cell, a template or what else is a scope there, none does but those of tables.

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
    /// How deep the one is that it ends alone, while some that are inside of it stay open; 0 for none.
    pub(super) alone: u32,
    /// Whether it stands for an element without contents, as `</br>` does, and `</p>` without a `p`.
    pub(super) is_element: bool,
}

/// The stack of open elements. Takes 24 bytes for each; each operation is O(1) but for what it closes.
#[derive(Debug, Default)]
pub(super) struct OpenElements {
    stack: Vec<Element>,
    /// How deep the innermost open element of each name is, HTML and foreign; 0 for none.
    innermost: Vec<[u32; 2]>,
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
    /// HTML end SVG and MathML, and those of a table's parts the part before. `None` where the tag is
    /// nothing: part of a table that is not there.
    pub(super) fn start(
        &self,
        name: Name,
        attributes: &Attributes<'_>,
    ) -> Option<(Namespace, usize)> {
        let (namespace, depth) = self.namespace(name, attributes);
        if namespace != Namespace::Html || !name.is_ending() {
            return Some((namespace, depth));
        }
        Some((namespace, depth.min(self.depth_around(name)?)))
    }

    /// How many elements stay open around one of HTML that ends others where it begins; `None` where it is
    /// nothing.
    #[inline(never)]
    fn depth_around(&self, name: Name) -> Option<usize> {
        let depth = self.depth();
        match name {
            Name::TABLE => Some(self.depth_without_table()),
            // A list of choices holds no other and no input, a button no other.
            Name::SELECT | Name::INPUT | Name::BUTTON => {
                let outer = if name == Name::BUTTON {
                    name
                } else {
                    Name::SELECT
                };
                let at = self.innermost(outer);
                let is_inside = at > 0 && at >= self.bound(outer, depth);
                Some(if is_inside { at as usize - 1 } else { depth })
            }
            part => self.table_around(part),
        }
    }

    /// How deep the innermost open HTML element of a name is; 0 for none.
    fn innermost(&self, name: Name) -> u32 {
        self.innermost
            .get(name.index())
            .map_or(0, |[html, _]| *html)
    }

    fn innermost_of(&self, names: &[Name]) -> u32 {
        let depths = names.iter().map(|name| self.innermost(*name));
        depths.max().unwrap_or_default()
    }

    /// How many elements stay open where a part of a table begins.
    fn table_around(&self, part: Name) -> Option<usize> {
        let table = self.innermost_of(&[Name::TABLE, Name::TEMPLATE]);
        let around: &[Name] = match part {
            Name::TD | Name::TH => &[Name::TBODY, Name::THEAD, Name::TFOOT, Name::TR],
            Name::TR => &[Name::TBODY, Name::THEAD, Name::TFOOT],
            Name::COL => &[Name::COLGROUP],
            _ => &[],
        };
        (table > 0).then(|| table.max(self.innermost_of(around)) as usize)
    }

    /// How many elements stay open where a table begins: it ends another in which it is in no cell.
    fn depth_without_table(&self) -> usize {
        let table = self.innermost(Name::TABLE);
        let cell = [Name::TD, Name::TH, Name::CAPTION, Name::TEMPLATE];
        if table > self.innermost_of(&cell) {
            table as usize - 1
        } else {
            self.depth()
        }
    }

    fn namespace(&self, name: Name, attributes: &Attributes<'_>) -> (Namespace, usize) {
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
        let depth = self.depth();
        let of_name = self
            .innermost
            .get(name.index())
            .copied()
            .unwrap_or_default();
        // Most end the innermost element, which nothing keeps them from.
        if depth > 0 && of_name.iter().any(|known| *known as usize == depth) {
            return End {
                depth: depth - 1,
                alone: 0,
                is_element: false,
            };
        }
        self.end_outer(name, depth, of_name)
    }

    /// What an end tag closes that is not that of the innermost element.
    #[inline(never)]
    fn end_outer(&self, name: Name, mut depth: usize, [html, foreign]: [u32; 2]) -> End {
        let until = |depth: u32| End {
            depth: depth as usize,
            alone: 0,
            is_element: false,
        };
        if let Some(top) = self.top_foreign() {
            if matches!(name, Name::BR | Name::P) {
                depth = self.depth_without_foreign();
            } else if foreign > top.html {
                return until(foreign - 1);
            }
        }
        let html = if name.is_heading() {
            self.innermost_of(&[Name::H1, Name::H2, Name::H3, Name::H4, Name::H5, Name::H6])
        } else {
            html
        };
        // What is the bound itself ends by its own tag.
        if html == 0 || html < self.bound(name, depth) {
            return End {
                depth,
                alone: 0,
                is_element: matches!(name, Name::BR | Name::P),
            };
        }
        let inside = if name.is_format() {
            self.element(depth).map_or(0, |top| top.special)
        } else if name == Name::FORM {
            self.without_implied(depth)
        } else {
            0
        };
        if inside > html {
            End {
                alone: html,
                ..until(inside)
            }
        } else {
            until(html - 1)
        }
    }

    /// The innermost of so many elements.
    fn element(&self, depth: usize) -> Option<&Element> {
        self.stack.get(depth.checked_sub(1)?)
    }

    /// How many of so many elements are left without the innermost ones that need no end tag.
    fn without_implied(&self, mut depth: usize) -> u32 {
        let is_implied =
            |element: &Element| element.namespace == Namespace::Html && element.name.is_implied();
        while self.element(depth).is_some_and(is_implied) {
            depth -= 1;
        }
        u32::try_from(depth).unwrap_or(u32::MAX)
    }

    /// How deep the innermost element is, of so many, that an end tag does not cross.
    fn bound(&self, name: Name, depth: usize) -> u32 {
        let Some(top) = self.element(depth) else {
            return 0;
        };
        match name {
            Name::TEMPLATE => 0,
            Name::P => top.scope.max(self.innermost(Name::BUTTON)),
            Name::LI => top.scope.max(self.innermost_of(&[Name::OL, Name::UL])),
            name if name == Name::TABLE || name.is_part_of_table() => {
                self.innermost_of(&[Name::TABLE, Name::TEMPLATE])
            }
            name if name.ends_special() => top.scope,
            _ => top.special,
        }
    }

    /// Takes away the element that an end tag [ends alone](End::alone); the innermost of its name. Its place
    /// stays, and is nothing.
    pub(super) fn take(&mut self, depth: u32) -> Option<Element> {
        let element = self.stack.get_mut((depth as usize).checked_sub(1)?)?;
        let taken = *element;
        element.name = Name::NONE;
        element.same = 0;
        self.reset(taken);
        Some(taken)
    }

    /// The next outer element of its name is the innermost again.
    fn reset(&mut self, closed: Element) {
        if let Some(innermost) = self
            .innermost
            .get_mut(closed.name.index())
            .and_then(|sides| sides.get_mut(side(closed.namespace)))
        {
            *innermost = closed.same;
        }
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
        self.reset(element);
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
