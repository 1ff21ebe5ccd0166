//! Names of elements as numbers, and what the standard says of each.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::tokeniser::RawText;

/// The name of an element, whatever the case that it was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name(u32);

/// Traits of names; a table says which name has which.
mod is {
    /// Displayed as a block, or part of a table, by the rendering section of the standard.
    pub(super) const BLOCK: u32 = 1;
    /// Has no contents and no end tag.
    pub(super) const VOID: u32 = 1 << 1;
    /// Its start tag ends SVG and MathML around it.
    pub(super) const BREAKOUT: u32 = 1 << 2;
    /// Holds raw text; `SCRIPT` and `ENDLESS` say more.
    pub(super) const RAW: u32 = 1 << 3;
    /// Holds text with character references.
    pub(super) const RCDATA: u32 = 1 << 4;
    pub(super) const SCRIPT: u32 = 1 << 5;
    pub(super) const ENDLESS: u32 = 1 << 6;
    /// A MathML text integration point.
    pub(super) const MATH_TEXT: u32 = 1 << 7;
    /// An HTML integration point where it is SVG.
    pub(super) const SVG_HTML: u32 = 1 << 8;
    /// Part of a table: stands in one alone, and its end tag ends what is open inside.
    pub(super) const PART: u32 = 1 << 9;
    /// End tags of elements that are neither special nor formatting do not reach out of it.
    pub(super) const SPECIAL: u32 = 1 << 10;
    /// End tags but those of tables and templates do not reach out of it.
    pub(super) const SCOPE: u32 = 1 << 11;
    /// Formatting: its end tag reaches out of special elements, but leaves them open.
    pub(super) const FORMAT: u32 = 1 << 12;
    /// Special, with an end tag like those of elements that are not; or the other way round.
    pub(super) const CONTRARY: u32 = 1 << 13;
    /// A heading: the end tag of any ends any.
    pub(super) const HEADING: u32 = 1 << 14;
    /// Ends without a tag of its own where something around it does.
    pub(super) const IMPLIED: u32 = 1 << 15;
    /// Its start tag ends some of what is open, or is nothing.
    pub(super) const ENDING: u32 = 1 << 16;
}

macro_rules! names {
    ($($name:ident $text:literal $traits:expr;)*) => {
        #[expect(clippy::upper_case_acronyms, reason = "names as constants")]
        #[allow(non_camel_case_types, dead_code, reason = "a name may be there for its traits alone")]
        #[repr(u32)]
        enum Number { $($name),* }

        impl Name {
            $(#[allow(dead_code, reason = "a name may be there for its traits alone")]
            pub(super) const $name: Self = Self(Number::$name as u32);)*
        }

        /// The names that mean something, with their traits.
        const KNOWN: &[(&str, u32)] = &[$(($text, $traits)),*];
    };
}

names! {
    // No tag has this one.
    NONE "" 0;
    A "a" is::FORMAT;
    ADDRESS "address" is::BLOCK | is::SPECIAL;
    ANNOTATION_XML "annotation-xml" 0;
    APPLET "applet" is::SPECIAL | is::SCOPE;
    AREA "area" is::VOID;
    ARTICLE "article" is::BLOCK | is::SPECIAL;
    ASIDE "aside" is::BLOCK | is::SPECIAL;
    B "b" is::BREAKOUT | is::FORMAT;
    BASE "base" is::VOID;
    BASEFONT "basefont" is::VOID;
    BGSOUND "bgsound" is::VOID;
    BIG "big" is::BREAKOUT | is::FORMAT;
    BLOCKQUOTE "blockquote" is::BLOCK | is::BREAKOUT | is::SPECIAL;
    BODY "body" is::BREAKOUT;
    BR "br" is::VOID | is::BREAKOUT;
    BUTTON "button" is::SPECIAL | is::ENDING;
    CAPTION "caption" is::BLOCK | is::SPECIAL | is::SCOPE | is::PART | is::ENDING;
    CENTER "center" is::BLOCK | is::BREAKOUT | is::SPECIAL;
    CODE "code" is::BREAKOUT | is::FORMAT;
    COL "col" is::BLOCK | is::VOID | is::SPECIAL | is::PART | is::ENDING;
    COLGROUP "colgroup" is::BLOCK | is::SPECIAL | is::PART | is::ENDING;
    DD "dd" is::BLOCK | is::BREAKOUT | is::SPECIAL | is::IMPLIED;
    DESC "desc" is::SVG_HTML;
    DETAILS "details" is::BLOCK | is::SPECIAL;
    DIALOG "dialog" is::BLOCK | is::CONTRARY;
    DIR "dir" is::BLOCK | is::SPECIAL;
    DIV "div" is::BLOCK | is::BREAKOUT | is::SPECIAL;
    DL "dl" is::BLOCK | is::BREAKOUT | is::SPECIAL;
    DT "dt" is::BLOCK | is::BREAKOUT | is::SPECIAL | is::IMPLIED;
    EM "em" is::BREAKOUT | is::FORMAT;
    EMBED "embed" is::VOID | is::BREAKOUT;
    FIELDSET "fieldset" is::BLOCK | is::SPECIAL;
    FIGCAPTION "figcaption" is::BLOCK | is::SPECIAL;
    FIGURE "figure" is::BLOCK | is::SPECIAL;
    FONT "font" is::FORMAT;
    FOOTER "footer" is::BLOCK | is::SPECIAL;
    FOREIGN_OBJECT "foreignobject" is::SVG_HTML;
    FORM "form" is::BLOCK | is::SPECIAL;
    FRAME "frame" is::VOID;
    FRAMESET "frameset" is::BLOCK | is::SPECIAL;
    H1 "h1" is::BLOCK | is::BREAKOUT | is::SPECIAL | is::HEADING;
    H2 "h2" is::BLOCK | is::BREAKOUT | is::SPECIAL | is::HEADING;
    H3 "h3" is::BLOCK | is::BREAKOUT | is::SPECIAL | is::HEADING;
    H4 "h4" is::BLOCK | is::BREAKOUT | is::SPECIAL | is::HEADING;
    H5 "h5" is::BLOCK | is::BREAKOUT | is::SPECIAL | is::HEADING;
    H6 "h6" is::BLOCK | is::BREAKOUT | is::SPECIAL | is::HEADING;
    HEAD "head" is::BREAKOUT;
    HEADER "header" is::BLOCK | is::SPECIAL;
    HGROUP "hgroup" is::BLOCK | is::SPECIAL;
    HR "hr" is::BLOCK | is::VOID | is::BREAKOUT | is::SPECIAL;
    HTML "html" 0;
    I "i" is::BREAKOUT | is::FORMAT;
    IFRAME "iframe" is::RAW | is::SPECIAL;
    IMAGE "image" is::VOID;
    IMG "img" is::VOID | is::BREAKOUT;
    INPUT "input" is::VOID | is::ENDING;
    KEYGEN "keygen" is::VOID;
    LEGEND "legend" is::BLOCK;
    LI "li" is::BLOCK | is::BREAKOUT | is::SPECIAL | is::IMPLIED;
    LINK "link" is::VOID;
    LISTING "listing" is::BLOCK | is::BREAKOUT | is::SPECIAL;
    MAIN "main" is::BLOCK | is::SPECIAL;
    MALIGNMARK "malignmark" 0;
    MARQUEE "marquee" is::SPECIAL | is::SCOPE;
    MATH "math" 0;
    MENU "menu" is::BLOCK | is::BREAKOUT | is::SPECIAL;
    META "meta" is::VOID | is::BREAKOUT;
    MGLYPH "mglyph" 0;
    MI "mi" is::MATH_TEXT;
    MN "mn" is::MATH_TEXT;
    MO "mo" is::MATH_TEXT;
    MS "ms" is::MATH_TEXT;
    MTEXT "mtext" is::MATH_TEXT;
    NAV "nav" is::BLOCK | is::SPECIAL;
    NOBR "nobr" is::BREAKOUT | is::FORMAT;
    NOEMBED "noembed" is::RAW | is::SPECIAL;
    NOFRAMES "noframes" is::RAW | is::SPECIAL;
    NOSCRIPT "noscript" is::SPECIAL | is::CONTRARY;
    OBJECT "object" is::SPECIAL | is::SCOPE;
    OL "ol" is::BLOCK | is::BREAKOUT | is::SPECIAL;
    OPTGROUP "optgroup" is::BLOCK | is::IMPLIED;
    OPTION "option" is::BLOCK | is::IMPLIED;
    P "p" is::BLOCK | is::BREAKOUT | is::SPECIAL | is::IMPLIED;
    PARAM "param" is::VOID;
    PLAINTEXT "plaintext" is::BLOCK | is::RAW | is::ENDLESS | is::SPECIAL;
    PRE "pre" is::BLOCK | is::BREAKOUT | is::SPECIAL;
    RUBY "ruby" is::BREAKOUT;
    S "s" is::BREAKOUT | is::FORMAT;
    SCRIPT "script" is::RAW | is::SCRIPT | is::SPECIAL;
    SEARCH "search" is::BLOCK | is::SPECIAL;
    SECTION "section" is::BLOCK | is::SPECIAL;
    SELECT "select" is::SPECIAL | is::SCOPE | is::ENDING;
    SMALL "small" is::BREAKOUT | is::FORMAT;
    SOURCE "source" is::VOID;
    SPAN "span" is::BREAKOUT;
    STRIKE "strike" is::BREAKOUT | is::FORMAT;
    STRONG "strong" is::BREAKOUT | is::FORMAT;
    STYLE "style" is::RAW | is::SPECIAL;
    SUB "sub" is::BREAKOUT;
    SUMMARY "summary" is::BLOCK | is::SPECIAL;
    SUP "sup" is::BREAKOUT;
    SVG "svg" 0;
    TABLE "table" is::BLOCK | is::BREAKOUT | is::SPECIAL | is::SCOPE | is::ENDING;
    TBODY "tbody" is::BLOCK | is::SPECIAL | is::PART | is::ENDING;
    TD "td" is::BLOCK | is::SPECIAL | is::SCOPE | is::PART | is::ENDING;
    TEMPLATE "template" is::SPECIAL | is::SCOPE;
    TEXTAREA "textarea" is::RCDATA | is::SPECIAL;
    TFOOT "tfoot" is::BLOCK | is::SPECIAL | is::PART | is::ENDING;
    TH "th" is::BLOCK | is::SPECIAL | is::SCOPE | is::PART | is::ENDING;
    THEAD "thead" is::BLOCK | is::SPECIAL | is::PART | is::ENDING;
    TITLE "title" is::RCDATA | is::SVG_HTML | is::SPECIAL;
    TR "tr" is::BLOCK | is::SPECIAL | is::PART | is::ENDING;
    TRACK "track" is::VOID;
    TT "tt" is::BREAKOUT | is::FORMAT;
    U "u" is::BREAKOUT | is::FORMAT;
    UL "ul" is::BLOCK | is::BREAKOUT | is::SPECIAL;
    VAR "var" is::BREAKOUT;
    WBR "wbr" is::VOID;
    XMP "xmp" is::BLOCK | is::RAW | is::SPECIAL;
}

impl Name {
    /// Its number: names of one document are numbered from 0 without holes.
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }

    fn has(self, traits: u32) -> bool {
        KNOWN
            .get(self.index())
            .is_some_and(|(_, known)| known & traits != 0)
    }

    /// Whether its edges separate words (R9).
    pub(super) fn is_block(self) -> bool {
        self.has(is::BLOCK)
    }

    /// Whether heads of documents have it.
    pub(super) fn is_of_head(self) -> bool {
        matches!(
            self,
            Self::BASE
                | Self::BASEFONT
                | Self::BGSOUND
                | Self::HEAD
                | Self::HTML
                | Self::LINK
                | Self::META
                | Self::NOFRAMES
                | Self::NOSCRIPT
                | Self::SCRIPT
                | Self::STYLE
                | Self::TEMPLATE
                | Self::TITLE
        )
    }

    /// Whether it makes sure that the document has a body and no frames (the standard's frameset-ok flag).
    pub(super) fn is_of_body(self) -> bool {
        matches!(
            self,
            Self::APPLET
                | Self::AREA
                | Self::BODY
                | Self::BR
                | Self::BUTTON
                | Self::DD
                | Self::DT
                | Self::EMBED
                | Self::HR
                | Self::IFRAME
                | Self::IMAGE
                | Self::IMG
                | Self::INPUT
                | Self::KEYGEN
                | Self::LI
                | Self::LISTING
                | Self::MARQUEE
                | Self::OBJECT
                | Self::PRE
                | Self::SELECT
                | Self::TABLE
                | Self::TEMPLATE
                | Self::TEXTAREA
                | Self::WBR
                | Self::XMP
        )
    }

    pub(super) fn is_void(self) -> bool {
        self.has(is::VOID)
    }

    /// Whether its start tag is none of SVG or MathML, but ends them.
    pub(super) fn breaks_out(self) -> bool {
        self.has(is::BREAKOUT)
    }

    pub(super) fn is_math_text(self) -> bool {
        self.has(is::MATH_TEXT)
    }

    pub(super) fn is_html_in_svg(self) -> bool {
        self.has(is::SVG_HTML)
    }

    /// Whether its start tag ends some of what is open, or is nothing.
    pub(super) fn is_ending(self) -> bool {
        self.has(is::ENDING)
    }

    pub(super) fn is_part_of_table(self) -> bool {
        self.has(is::PART)
    }

    pub(super) fn is_special(self) -> bool {
        self.has(is::SPECIAL)
    }

    pub(super) fn is_scope(self) -> bool {
        self.has(is::SCOPE)
    }

    pub(super) fn is_format(self) -> bool {
        self.has(is::FORMAT)
    }

    pub(super) fn is_heading(self) -> bool {
        self.has(is::HEADING)
    }

    /// Whether it ends without a tag where something around it does.
    pub(super) fn is_implied(self) -> bool {
        self.has(is::IMPLIED)
    }

    /// Whether its end tag reaches out of special elements.
    pub(super) fn ends_special(self) -> bool {
        self.is_format() || self.is_special() != self.has(is::CONTRARY)
    }

    /// How its contents are read, where they are no markup.
    pub(super) fn raw_text(self) -> Option<RawText> {
        if !self.has(is::RAW | is::RCDATA) {
            None
        } else if self.has(is::SCRIPT) {
            Some(RawText::Script)
        } else if self.has(is::ENDLESS) {
            Some(RawText::Endless)
        } else {
            Some(RawText::Plain)
        }
    }

    /// Whether character references in its raw text are decoded.
    pub(super) fn has_references(self) -> bool {
        self.has(is::RCDATA)
    }
}

/// Longer names mean nothing.
const KNOWN_LENGTH_MAX: usize = 14;

/// The names that mean something, ready to be found. Made once for many documents.
#[derive(Debug)]
pub(super) struct KnownNames {
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl KnownNames {
    pub(super) fn new() -> Self {
        let mut known = Self {
            table: HashTable::with_capacity(KNOWN.len()),
            hasher: DefaultHashBuilder::default(),
        };
        for (number, (text, _)) in (0..).zip(KNOWN) {
            let hash = known.hasher.hash_one(text.as_bytes());
            known.table.insert_unique(hash, number, |number| {
                known.hasher.hash_one(spelling(*number))
            });
        }
        known
    }

    /// The name, or `None` where it means nothing. `text` is in lower case.
    fn find(&self, text: &[u8]) -> Option<Name> {
        let hash = self.hasher.hash_one(text);
        self.table
            .find(hash, |number| spelling(*number) == text)
            .map(|number| Name(*number))
    }
}

fn spelling(number: u32) -> &'static [u8] {
    KNOWN
        .get(number as usize)
        .map_or(b"", |(text, _)| text.as_bytes())
}

/// The names of one document: those that mean something, and its others as they come. Takes some 30
/// bytes for each other name.
#[derive(Debug)]
pub(super) struct Names<'d> {
    known: &'d KnownNames,
    others: Vec<&'d str>,
    table: HashTable<u32>,
}

impl<'d> Names<'d> {
    pub(super) fn new(known: &'d KnownNames) -> Self {
        Self {
            known,
            others: Vec::new(),
            table: HashTable::new(),
        }
    }

    /// The name in a start tag, as written.
    pub(super) fn of(&mut self, text: &'d str) -> Name {
        match self.lookup(text) {
            Ok(name) => name,
            Err(hash) => {
                // A document has fewer bytes than that: it is decoded from a bounded body.
                let other = u32::try_from(self.others.len()).unwrap_or(u32::MAX);
                self.others.push(text);
                let (others, hasher) = (&self.others, &self.known.hasher);
                self.table.insert_unique(hash, other, |other| {
                    others
                        .get(*other as usize)
                        .map_or(0, |text| hash_of(hasher, text))
                });
                Self::other(other)
            }
        }
    }

    /// The name in an end tag, as written; `None` where no start tag had it.
    pub(super) fn find(&self, text: &str) -> Option<Name> {
        self.lookup(text).ok()
    }

    fn other(number: u32) -> Name {
        Name((KNOWN.len() as u32).saturating_add(number))
    }

    /// The name, or the hash of a new one.
    fn lookup(&self, text: &str) -> Result<Name, u64> {
        let mut lower = [0; KNOWN_LENGTH_MAX];
        if let Some(lower) = lower.get_mut(..text.len()) {
            lower.copy_from_slice(text.as_bytes());
            lower.make_ascii_lowercase();
            if let Some(name) = self.known.find(lower) {
                return Ok(name);
            }
        }
        let hash = hash_of(&self.known.hasher, text);
        self.table
            .find(hash, |other| {
                self.others
                    .get(*other as usize)
                    .is_some_and(|known| known.eq_ignore_ascii_case(text))
            })
            .map(|other| Self::other(*other))
            .ok_or(hash)
    }
}

fn hash_of(hasher: &DefaultHashBuilder, text: &str) -> u64 {
    hasher.hash_one(text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_whatever_their_case() {
        let known = KnownNames::new();
        let mut names = Names::new(&known);
        assert!(KNOWN.iter().all(|(text, _)| text.len() <= KNOWN_LENGTH_MAX));
        for (number, (text, _)) in KNOWN.iter().enumerate() {
            assert_eq!(names.of(text).index(), number, "{text}");
        }
        assert_eq!(names.of("foreignObject"), Name::FOREIGN_OBJECT);
        assert_eq!(names.find("x-Other"), None);
        let other = names.of("x-Other");
        assert_eq!(other.index(), KNOWN.len());
        assert_eq!(names.find("X-OTHER"), Some(other));
        assert_ne!(names.of("x-another-and-a-long-one"), other);
        assert_eq!(names.others.len(), 2);
        assert!(!other.is_block() && other.raw_text().is_none());
    }
}
