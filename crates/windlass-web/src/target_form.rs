//! The field for the target, and what is recognised in it.

use askama::Template;
use windlass_links::{Mode, Target};

use crate::render;
use crate::state::{ModeText, ReportState, default_mode};

/// The form that leads to a report.
#[derive(Debug, Template)]
#[template(path = "target_form.html")]
pub struct TargetForm<'a> {
    target: &'a str,
    modes: Vec<ModeChoice>,
    recognised: String,
    is_start: bool,
}

/// A mode that can be chosen.
#[derive(Debug)]
struct ModeChoice {
    mode: Mode,
    is_chosen: bool,
}

impl ModeChoice {
    fn hint(&self) -> &'static str {
        match self.mode {
            Mode::Exact => "this URL alone",
            Mode::Prefix => "every URL that starts like it",
            Mode::Domain => "every URL on this host",
            Mode::Subdomains => "this host and all below it",
        }
    }
}

impl<'a> TargetForm<'a> {
    /// For the start page, where nothing is asked yet.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            target: "",
            modes: modes(ModeText::Mode(Mode::Subdomains)),
            recognised: String::new(),
            is_start: true,
        }
    }

    /// With what a report is about.
    #[must_use]
    pub fn of(state: &'a ReportState) -> Self {
        Self {
            target: &state.target,
            modes: modes(state.mode()),
            recognised: recognised(&state.target, &state.mode),
            is_start: false,
        }
    }

    /// As HTML.
    #[must_use]
    pub fn html(&self) -> String {
        render(self)
    }
}

fn modes(chosen: ModeText<'_>) -> Vec<ModeChoice> {
    let choice = |mode| ModeChoice {
        mode,
        is_chosen: chosen.is(mode),
    };
    Mode::ALL.map(choice).into()
}

/// What a text is understood as, as the field shows it while it is typed.
#[derive(Debug, Template)]
#[template(path = "recognised.html")]
struct Recognised {
    default_mode: Mode,
    what: Result<What, String>,
}

#[derive(Debug)]
struct What {
    kind: &'static str,
    scope: String,
    meaning: &'static str,
}

/// What a text is understood as, in that mode or, where it is blank, in its default one: an HTML fragment.
#[must_use]
pub fn recognised(target: &str, mode: &str) -> String {
    if target.trim().is_empty() {
        return String::new();
    }
    let default_mode = default_mode(target);
    let what = match mode.trim() {
        "" => Ok(default_mode),
        text => text.parse::<Mode>().map_err(|error| error.to_string()),
    };
    let what = what.and_then(|mode| {
        let target = Target::parse(target, mode).map_err(|error| error.to_string())?;
        Ok(What {
            kind: kind(&target),
            scope: target.to_string(),
            meaning: match mode {
                Mode::Exact => "links to exactly this URL",
                Mode::Prefix => "links to every URL that starts like this",
                Mode::Domain => "links to every URL on this host",
                Mode::Subdomains => "links to every URL on this host and the hosts below it",
            },
        })
    });
    render(&Recognised { default_mode, what })
}

fn kind(target: &Target) -> &'static str {
    match target.path_and_query() {
        "/" if target.host().starts_with("www.") => "Host",
        "/" => "Domain or host",
        path if path.ends_with('/') => "Folder",
        _ => "URL",
    }
}
