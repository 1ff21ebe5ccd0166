//! What all pages have around them. It is known before any question is answered, so that it can be sent
//! while an answer is still looked for.

use askama::Template;

use crate::assets::{ENTRY, Entry};
use crate::render;
use crate::shown::{self, Grouped};

/// Who looks.
#[derive(Debug, Clone, Default)]
pub struct Viewer {
    /// Name, rows left, and whether they may see the operations pages; nothing where nobody signed in.
    pub account: Option<ViewerAccount>,
    /// Whether there is anything to sign in to.
    pub is_metered: bool,
}

/// The account of who looks.
#[derive(Debug, Clone)]
pub struct ViewerAccount {
    /// Its name.
    pub name: String,
    /// Rows that are left.
    pub rows_left: u64,
    /// Whether its token is an operator's.
    pub is_admin: bool,
}

/// The parts of the site, as its navigation has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The start page and reports.
    Report,
    /// Targets side by side.
    Compare,
    /// What the index holds.
    Index,
    /// For operators.
    Operations,
    /// Anything else.
    Other,
}

/// A page, but for what it is about.
#[derive(Debug, Clone)]
pub struct Document {
    /// Of the window.
    pub title: String,
    /// Where in the site.
    pub part: Part,
    /// Who looks.
    pub viewer: Viewer,
    /// HTML above what the page is about: the form that leads to it.
    pub lead: String,
    /// Name and address by which a browser remembers the target.
    pub recent: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "head.html")]
struct Head<'a> {
    document: &'a Document,
    entry: &'a Entry,
}

#[derive(Template)]
#[template(path = "tail.html")]
struct Tail {
    paid: Option<Paid>,
}

/// What a page cost.
#[derive(Debug, Clone, Copy)]
pub struct Paid {
    /// Account rows.
    pub rows: u64,
    /// Rows that are left.
    pub left: u64,
}

impl Document {
    /// All that comes before the page itself.
    #[must_use]
    pub fn head(&self) -> String {
        render(&Head {
            document: self,
            entry: &ENTRY,
        })
    }

    /// All that comes after it; with what the page cost and what is left, where rows are counted.
    #[must_use]
    pub fn tail(paid: Option<Paid>) -> String {
        render(&Tail { paid })
    }

    fn is(&self, part: Part) -> bool {
        self.part == part
    }
}

/// Says in a page that its answer is still looked for; not seen any more when the page is there.
pub const LOADING: &str = "<p id=\"loading\" class=\"loading\" role=\"status\">Counting. The answer appears here as soon as \
     it is complete.</p>";

impl ViewerAccount {
    fn rows_left(&self) -> Grouped {
        Grouped(self.rows_left)
    }
}
