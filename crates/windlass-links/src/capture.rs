//! A capture and its links, ready for the index (R1–R12).

use windlass_archive::CaptureTime;

use crate::url::CanonicalUrl;

/// What a capture says of its page (R2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Status 200 and HTML: carries links.
    Html,
    /// Status 200, something else: carries none, and ends those that the page carried.
    NotHtml,
    /// Status 3xx: ends the links that the page carried.
    Redirect,
    /// Status 404 or 410: ends the links that the page carried.
    Gone,
    /// A WARC `revisit`: shows what the capture that it refers to showed (R1). `None`: the page's
    /// latest earlier capture.
    Revisit(Option<CaptureTime>),
}

/// Where a capture's links come from; where both describe one capture, WARC wins (R14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A WAT record: anchors cut at 128 UTF-16 units, unclosed links lost.
    Wat,
    /// The document itself (WARC or ARC).
    Warc,
}

/// What kind of reference a link is (R8). Only [`LinkType::Href`] links count in `anchors`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LinkType {
    /// `a href`, `area href`.
    Href = 0,
    /// The `Location` of a 3xx response.
    Redirect = 1,
    /// `meta http-equiv=refresh`.
    Refresh = 2,
    /// `link rel=canonical`.
    Canonical = 3,
    /// `link rel=alternate`.
    Alternate = 4,
    /// `form action`.
    Form = 5,
    /// `iframe src`, `frame src`.
    Frame = 6,
}

impl LinkType {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Href,
        Self::Redirect,
        Self::Refresh,
        Self::Canonical,
        Self::Alternate,
        Self::Form,
        Self::Frame,
    ];

    /// The name in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Href => "href",
            Self::Redirect => "redirect",
            Self::Refresh => "refresh",
            Self::Canonical => "canonical",
            Self::Alternate => "alternate",
            Self::Form => "form",
            Self::Frame => "frame",
        }
    }
}

/// The `rel` tokens that bear on following (R10), and the page's own word on it, as a bit set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Rel(u8);

impl Rel {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// `rel=nofollow`.
    pub const NOFOLLOW: Self = Self(1);
    /// `rel=ugc`.
    pub const UGC: Self = Self(2);
    /// `rel=sponsored`.
    pub const SPONSORED: Self = Self(4);
    /// The page says nofollow (`meta name=robots`, `X-Robots-Tag`).
    pub const PAGE_NOFOLLOW: Self = Self(8);
    /// Copies of the link differ, and one of them is followed (R12): the tokens are those of the
    /// others.
    pub const FOLLOWED_COPY: Self = Self(16);

    /// Reads a `rel` attribute: a set of ASCII-case-insensitive tokens.
    #[must_use]
    pub fn parse(value: &str) -> Self {
        let mut rel = Self::NONE;
        for token in value.split_ascii_whitespace() {
            if token.eq_ignore_ascii_case("nofollow") {
                rel = rel.with(Self::NOFOLLOW);
            } else if token.eq_ignore_ascii_case("ugc") {
                rel = rel.with(Self::UGC);
            } else if token.eq_ignore_ascii_case("sponsored") {
                rel = rel.with(Self::SPONSORED);
            }
        }
        rel
    }

    /// The bits, for storage.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// From stored bits; unknown ones are dropped.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 31)
    }

    /// Whether all of `other` is set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// With `other` set too.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The names of what is set, for output; `page-nofollow` is the page's word, `followed-copy`
    /// says that another copy of the link is followed (R12).
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        [
            (Self::NOFOLLOW, "nofollow"),
            (Self::UGC, "ugc"),
            (Self::SPONSORED, "sponsored"),
            (Self::PAGE_NOFOLLOW, "page-nofollow"),
            (Self::FOLLOWED_COPY, "followed-copy"),
        ]
        .into_iter()
        .filter_map(move |(bit, name)| self.has(bit).then_some(name))
    }

    /// Whether the link is nofollow (R10, R12).
    #[must_use]
    pub const fn is_nofollow(self) -> bool {
        self.0 & 15 != 0 && self.0 & 16 == 0
    }

    /// The rel of two copies of one link taken together (R12): the union of their tokens, followed
    /// if either is. Commutative, associative, idempotent.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        let tokens = Self(self.0 | other.0);
        if self.0 != other.0 && !(self.is_nofollow() && other.is_nofollow()) && tokens.0 & 15 != 0 {
            tokens.with(Self::FOLLOWED_COPY)
        } else {
            tokens
        }
    }
}

/// One link of a capture (R8–R10).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// What kind of reference it is.
    pub link_type: LinkType,
    /// Where it leads.
    pub target: CanonicalUrl,
    /// The anchor as written, white space collapsed (R9). Empty for all but `href` links.
    pub anchor: String,
    /// The `alt` texts of the images inside it, or of the `area`; empty where there is none.
    pub alt: String,
    /// Its nofollow tokens.
    pub rel: Rel,
    /// Whether the registrable domains of page and target differ (R11).
    pub external: bool,
}

/// One fetched document and what it links to (R1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// The page's URL.
    pub page: CanonicalUrl,
    /// When it was captured.
    pub time: CaptureTime,
    /// What it says of the page.
    pub outcome: Outcome,
    /// What it was read from.
    pub source: Source,
    /// The HTTP status of the response; `None` where there was none: revisits, WARC `resource` records.
    pub status: Option<u16>,
    /// Text of the document's first `title`, white space collapsed as in anchors (R9), cut at
    /// [`TITLE_LENGTH_MAX`](crate::anchor::TITLE_LENGTH_MAX); `None` where there is none or it is empty, and
    /// for everything but HTML.
    pub title: Option<String>,
    /// Its links in document order; internal ones only where they were asked for.
    pub links: Vec<Link>,
    /// What was counted and not kept.
    pub counts: LinkCounts,
}

impl Capture {
    /// A page of HTML that a WARC shows, with status 200, without a title, nothing counted.
    #[must_use]
    pub fn html(page: CanonicalUrl, time: CaptureTime, links: Vec<Link>) -> Self {
        Self {
            page,
            time,
            outcome: Outcome::Html,
            source: Source::Warc,
            status: Some(200),
            title: None,
            links,
            counts: LinkCounts::default(),
        }
    }
}

/// What extraction counted in one capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkCounts {
    /// `href` links to the page's own registrable domain (R11).
    pub internal: u32,
    /// `href` links to another one.
    pub external: u32,
    /// References that do not parse or are too long (R4).
    pub rejected: u32,
    /// References of other schemes (`mailto:`, `javascript:`…).
    pub other_scheme: u32,
    /// Anchors cut at [`ANCHOR_LENGTH_MAX`](crate::anchor::ANCHOR_LENGTH_MAX) (R9).
    pub anchors_cut: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r10_rel_tokens() {
        let rel = Rel::parse("noopener NOFOLLOW\tugc");
        assert!(rel.has(Rel::NOFOLLOW) && rel.has(Rel::UGC) && !rel.has(Rel::SPONSORED));
        assert!(rel.is_nofollow());
        assert!(!Rel::parse("nofollowed noopener").is_nofollow());
    }

    #[test]
    fn r12_rel_union_is_a_semilattice() {
        // Every rel that a single link or a union can have.
        let mut all: Vec<Rel> = (0..16).map(Rel::from_bits).collect();
        all.extend((1..16).map(|bits| Rel::from_bits(bits | 16)));
        for &a in &all {
            assert_eq!(a.union(a), a);
            for &b in &all {
                assert_eq!(a.union(b), b.union(a));
                assert_eq!(a.union(b).is_nofollow(), a.is_nofollow() && b.is_nofollow());
                for &c in &all {
                    assert_eq!(
                        a.union(b).union(c),
                        a.union(b.union(c)),
                        "{a:?} {b:?} {c:?}"
                    );
                }
            }
        }
    }
}
