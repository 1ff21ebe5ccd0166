//! Pictures: a table of numbers, which scripts draw. Without them, the table is the picture.

use askama::Template;

use crate::render;
use crate::shown;

/// How the numbers are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FigureKind {
    /// One bar below the other.
    Bar,
    /// Columns side by side along time, those of a moment on top of each other.
    Stacked,
}

impl FigureKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Bar => "bar",
            Self::Stacked => "stacked",
        }
    }
}

/// A picture.
#[derive(Debug, Template)]
#[template(path = "figure.html")]
pub struct Figure {
    /// How it is drawn.
    pub kind: FigureKind,
    /// What it shows.
    pub title: String,
    /// What must be known to read it right.
    pub note: String,
    /// What its rows are.
    pub category: &'static str,
    /// Its numbers: a name for scripts and one for people.
    pub series: Vec<(&'static str, &'static str)>,
    /// Its rows.
    pub rows: Vec<FigureRow>,
}

/// A row of a picture.
#[derive(Debug)]
pub struct FigureRow {
    /// What it is: foreign text.
    pub label: String,
    /// What it means, where that must be said.
    pub hint: &'static str,
    /// The report that shows it alone.
    pub href: Option<String>,
    /// Its numbers, each with an address of its own where it has one.
    pub cells: Vec<(u64, Option<String>)>,
}

impl FigureRow {
    fn label(&self) -> shown::Anchor<'_> {
        shown::Anchor(&self.label)
    }
}

impl Figure {
    /// Whether a series is in the picture. Bars of things that are not alike would need several scales: of
    /// them the first is drawn, and the others are numbers.
    fn is_drawn(&self, series: &usize) -> bool {
        self.kind != FigureKind::Bar || *series == 0
    }

    /// As HTML.
    #[must_use]
    pub fn html(&self) -> String {
        render(self)
    }
}
