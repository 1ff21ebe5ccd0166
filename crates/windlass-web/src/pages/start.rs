//! The start page.

use askama::Template;

use crate::render;

#[derive(Template)]
#[template(path = "start.html")]
struct Start;

/// Puts it together.
#[must_use]
pub fn page() -> String {
    render(&Start)
}
