//! Where a token is given, so that pages know who looks.

use askama::Template;

use crate::document::ViewerAccount;
use crate::render;
use crate::shown;

/// Where it is.
pub const PATH: &str = "/sign-in";
/// Where one signs out.
pub const SIGN_OUT_PATH: &str = "/sign-out";

/// The page. A token gets into it never.
#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignIn<'a> {
    /// Who is signed in.
    pub account: Option<&'a ViewerAccount>,
    /// Whether there is anything to sign in to.
    pub is_metered: bool,
    /// The address on this server that is gone to then.
    pub next: &'a str,
    /// Whether whoever is signed in is asked to go on there: a page of another origin led here.
    pub goes_on: bool,
    /// Why nobody was signed in.
    pub problem: Option<&'a str>,
}

impl SignIn<'_> {
    /// As HTML.
    #[must_use]
    pub fn html(&self) -> String {
        render(self)
    }
}
