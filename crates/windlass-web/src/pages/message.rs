//! Pages that say that there is nothing to show, why, and what to do.

use askama::Template;

use crate::render;

/// A way on.
#[derive(Debug)]
pub struct Way {
    /// What it leads to.
    pub text: String,
    /// Where.
    pub href: String,
}

/// Why there is nothing to show; decides how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing is wrong.
    Empty,
    /// The request, or the server.
    Error,
    /// The account has no rows left.
    Rows,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Empty => "notice-empty",
            Self::Error => "notice-error",
            Self::Rows => "notice-rows",
        }
    }

    const fn is_alert(self) -> bool {
        !matches!(self, Self::Empty)
    }
}

/// A message in place of a page.
#[derive(Debug, Template)]
#[template(path = "notice.html")]
pub struct Message {
    /// How it looks.
    pub tone: Tone,
    /// In a few words.
    pub heading: String,
    /// In a sentence or two.
    pub text: String,
    /// Ways on.
    pub ways: Vec<Way>,
    /// The id under which the server's log has more.
    pub request: Option<String>,
}

impl Message {
    /// As a part of a page.
    #[must_use]
    pub fn notice(&self) -> String {
        render(self)
    }

    /// As a page.
    #[must_use]
    pub fn html(&self) -> String {
        render(&Page { message: self })
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct Page<'a> {
    message: &'a Message,
}
