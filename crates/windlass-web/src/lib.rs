//! The pages of Windlass: what is looked at, as HTML. No HTTP: a server asks, and sends.
//!
//! A page's way: its address is a [`ReportState`]; a page in `pages` gathers what it shows from one state of
//! the index (a [`View`]) and renders a template; [`Document`] has what is around it. Everything works without
//! scripts; `web/` has those that add comfort, and [`assets`] what they are built to.

pub mod address;
pub mod assets;
mod chips;
mod document;
mod error;
mod figure;
mod pager;
pub mod pages;
pub mod shown;
mod snippets;
mod state;
mod target_form;
mod view;

pub use document::{Document, LOADING, Paid, Part, Viewer, ViewerAccount};
pub use error::PageError;
pub use figure::{Figure, FigureKind, FigureRow};
pub use state::{
    FilterKind, ORDER_DEFAULT, ROWS_DEFAULT, ROWS_MAX, ReportState, default_mode, quoted,
};
pub use target_form::{TargetForm, recognised};
pub use view::{Charge, Rendered, View};

use askama::Template;

/// A template as text. Templates write what they are given into memory, where nothing can fail.
fn render(template: &impl Template) -> String {
    template.render().unwrap_or_default()
}
