//! What an anchor says of its target: kinds of anchors, by rules K1–K5, which `docs/anchor-kinds.md` states.

mod brand;
mod generic;
mod naked;

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use windlass_index::{IndexError, Snapshot};
use windlass_links::{PublicSuffixList, Target};

use crate::error::shown;
use crate::filter::is_of_word;

/// What an anchor says of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AnchorKind {
    /// Nothing at all (K1).
    Empty,
    /// Where it is (K2).
    NakedUrl,
    /// What it is called (K3).
    Brand,
    /// That there is something (K4).
    Generic,
    /// Something else (K5).
    Other,
}

impl AnchorKind {
    /// All of them, in the order in which the rules are tried.
    pub const ALL: [Self; 5] = [
        Self::Empty,
        Self::NakedUrl,
        Self::Brand,
        Self::Generic,
        Self::Other,
    ];

    /// The keyword in requests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NakedUrl => "naked-url",
            Self::Brand => "brand",
            Self::Generic => "generic",
            Self::Other => "other",
        }
    }

    /// The rule in a sentence, for those who read a report.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Empty => "The link has no text: an image or nothing at all (K1).",
            Self::NakedUrl => {
                "The whole text is a URL or a host, such as “https://example.com/a” or “example.com” (K2)."
            }
            Self::Brand => {
                "The text has the target's own name in it, that of its registrable domain, in one word or several (K3)."
            }
            Self::Generic => {
                "The whole text is one that could stand on any link, such as “click here”, “weiterlesen” or “→” (K4)."
            }
            Self::Other => "Any other text (K5).",
        }
    }

    /// The keywords of all kinds, for a message.
    pub(crate) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl fmt::Display for AnchorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that is no kind of anchor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no kind of anchor; allowed: {names}", names = AnchorKind::names())]
pub struct AnchorKindError(String);

/// Keywords are case-insensitive.
impl FromStr for AnchorKind {
    type Err = AnchorKindError;

    fn from_str(text: &str) -> Result<Self, AnchorKindError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| AnchorKindError(shown(text)))
    }
}

/// Tells the kinds of the anchors of one target.
#[derive(Debug, Clone)]
pub struct Kinds {
    suffixes: Arc<PublicSuffixList>,
    /// The target's registrable domain, in ASCII and, where that is another text, in Unicode.
    domains: Vec<String>,
    /// What it is called, likewise: letters, digits and marks alone.
    names: Vec<String>,
}

impl Kinds {
    /// For a target, with the list of the index that its anchors are from.
    #[must_use]
    pub fn of(target: &Target, suffixes: &Arc<PublicSuffixList>) -> Self {
        let with_unicode = |ascii: &str| {
            let mut forms = vec![ascii.to_owned()];
            let (unicode, _) = idna::domain_to_unicode(ascii);
            if unicode != ascii {
                forms.push(unicode);
            }
            forms
        };
        let domain = suffixes.registrable_domain(target.host());
        let mut names = suffixes
            .name(target.host())
            .map(with_unicode)
            .unwrap_or_default();
        for name in &mut names {
            name.retain(is_of_word);
        }
        names.retain(|name| !name.is_empty());
        Self {
            suffixes: Arc::clone(suffixes),
            domains: with_unicode(domain),
            names,
        }
    }

    /// For a target, with the list of an index.
    ///
    /// # Errors
    /// Where the list cannot be read.
    pub fn of_index(target: &Target, snapshot: &Snapshot) -> Result<Self, IndexError> {
        Ok(Self::of(target, &snapshot.suffixes()?))
    }

    /// For a target, with the list that travels with Windlass.
    pub(crate) fn of_bundled(target: &Target) -> Self {
        static BUNDLED: LazyLock<Arc<PublicSuffixList>> =
            LazyLock::new(|| Arc::new(PublicSuffixList::bundled()));
        Self::of(target, &BUNDLED)
    }

    /// The kind of a folded anchor (R9a): the first whose rule it meets. Time grows with its length alone.
    #[must_use]
    pub fn kind_of(&self, folded_anchor: &str) -> AnchorKind {
        if folded_anchor.is_empty() {
            AnchorKind::Empty
        } else if self.is_naked_url(folded_anchor) {
            AnchorKind::NakedUrl
        } else if self
            .names
            .iter()
            .any(|name| brand::has_name(folded_anchor, name))
        {
            AnchorKind::Brand
        } else if generic::is_generic(folded_anchor) {
            AnchorKind::Generic
        } else {
            AnchorKind::Other
        }
    }

    /// K2, with and without the punctuation around it.
    fn is_naked_url(&self, anchor: &str) -> bool {
        // What comes behind an `@` is a part of an address or of somebody's name.
        let bare = anchor.trim_matches(|c| !is_of_word(c) && c != '@');
        let is_url = |text| naked::is_url(text, &self.suffixes, &self.domains);
        is_url(bare) || (bare.len() < anchor.len() && is_url(anchor))
    }
}

/// What is left of an anchor without the characters at its ends that are neither letters, digits nor marks.
fn without_ends(anchor: &str) -> &str {
    anchor.trim_matches(|c| !is_of_word(c))
}

#[cfg(test)]
mod tests;
