//! The tables as data: one definition that parser, checker, engine, cost calculation, writers and docs
//! read. `define/` has the definitions.

mod define;

use std::fmt;

pub(crate) use define::FOLDED_ANCHOR;
pub use define::{
    ANCHORS, ANCHORS_REFDOMAINS, BACKLINKS, BACKLINKS_NEW_LOST, LINKED_ANCHORS, LINKED_DOMAINS,
    METRICS, PAGES, REFDOMAINS, SUBSCRIPTION_INFO,
};

/// What a column holds; says how it is compared and which functions take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// A folded anchor: what it is compared with is folded too (R9a).
    Anchor,
    /// A host in ASCII lower case: what it is compared with is lowered too.
    Host,
    /// A text, compared as written.
    Text,
    /// A URL, compared as written; `subdomain` looks at its host.
    Url,
    /// A number of something.
    Integer,
    /// A moment, UTC, second precision.
    Date,
    /// Yes or no; compared for equality alone.
    Boolean,
    /// What an anchor says of the target: see [`AnchorKind`](crate::AnchorKind); compared for equality alone.
    Kind,
}

impl ColumnType {
    /// Whether `substring` and `word` take it.
    #[must_use]
    pub const fn is_string(self) -> bool {
        matches!(self, Self::Anchor | Self::Host | Self::Text | Self::Url)
    }

    /// Whether `subdomain` takes it.
    #[must_use]
    pub const fn has_host(self) -> bool {
        matches!(self, Self::Host | Self::Url)
    }

    /// Whether `<` and the like compare it, and not `=` and `<>` alone.
    #[must_use]
    pub const fn has_order(self) -> bool {
        !matches!(self, Self::Boolean | Self::Kind)
    }
}

/// What a row or group is asked for: the seam between a table's definition and its row source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The anchor: folded, where rows are grouped by it; else as written, and compared folded.
    Anchor,
    /// What the anchor says of the target.
    Kind,
    /// The number of different folded anchors.
    Anchors,
    /// The number of backlinks.
    Backlinks,
    /// The number of distinct pages with such a link.
    Refpages,
    /// The referring domain.
    Refdomain,
    /// The number of referring domains.
    Refdomains,
    /// When it was first seen; the earliest of several.
    FirstSeen,
    /// When it was last seen; the latest of several.
    LastVisited,
    /// The URL of the page.
    UrlFrom,
    /// The URL of the target.
    UrlTo,
    /// The registrable domain of the page.
    DomainFrom,
    /// The registrable domain of the target.
    DomainTo,
    /// The number of links.
    Links,
    /// The alt of the image in the link.
    Alt,
    /// Whether the link is nofollow (R10).
    Nofollow,
    /// What kind of reference it is (R8).
    LinkType,
    /// The title of the page.
    Title,
    /// The HTTP status of the page's latest capture.
    HttpCode,
    /// Internal links: of the page's latest capture, or of all rows.
    LinksInternal,
    /// External links, likewise.
    LinksExternal,
    /// When a backlink was found or lost.
    ChangeDate,
    /// Which of the two.
    ChangeType,
    /// Captured pages of the target.
    Pages,
    /// Of these, the ones that are HTML.
    HtmlPages,
    /// Backlinks that are followed.
    Dofollow,
    /// Redirects to the target.
    Redirects,
    /// `link rel=canonical` that name the target.
    Canonicals,
    /// `link rel=alternate` that name the target.
    Alternates,
    /// Backlinks from governmental domains.
    Governmental,
    /// Backlinks from educational domains.
    Educational,
    /// Rows that the account has left.
    RowsLeft,
    /// Rows that it has in a month.
    RowsLimit,
    /// What the subscription is called.
    Subscription,
}

/// A part of a request that names columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Clause {
    /// Conditions on rows before grouping.
    Where,
    /// Conditions on groups.
    Having,
    /// The columns returned.
    Select,
    /// The columns that the answer is ordered by.
    OrderBy,
}

impl Clause {
    /// The parameter that carries it.
    #[must_use]
    pub const fn parameter(self) -> &'static str {
        match self {
            Self::Where => "where",
            Self::Having => "having",
            Self::Select => "select",
            Self::OrderBy => "order_by",
        }
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.parameter())
    }
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name in requests and answers.
    pub name: &'static str,
    /// What it holds.
    pub column_type: ColumnType,
    /// Whether `where` may use it.
    pub in_where: bool,
    /// Whether `having` and `order_by` may use it, and `select` return it.
    pub in_having: bool,
    /// What it is asked for.
    pub field: Field,
    /// What it means, for docs and help.
    pub meaning: &'static str,
}

impl Column {
    /// One for `where`, `having`, `select` and `order_by`.
    const fn everywhere(
        name: &'static str,
        column_type: ColumnType,
        field: Field,
        meaning: &'static str,
    ) -> Self {
        Self {
            name,
            column_type,
            in_where: true,
            in_having: true,
            field,
            meaning,
        }
    }

    /// The same, for `where` alone.
    const fn only_in_where(self) -> Self {
        Self {
            in_having: false,
            ..self
        }
    }

    /// The same, for all but `where`.
    const fn not_in_where(self) -> Self {
        Self {
            in_where: false,
            ..self
        }
    }
}

/// A column of the old service that the index has nothing for.
#[derive(Debug, PartialEq, Eq)]
pub struct Withheld {
    /// Its name.
    pub name: &'static str,
    /// Why, to follow "column 'x' is not in this index: ".
    pub why: &'static str,
}

/// A total of all rows that pass `where`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// Backlinks (R18).
    Backlinks,
    /// Distinct pages that carry one of them (R18).
    Refpages,
    /// How many results there are, before `limit` and `offset`.
    Results,
}

/// A member of `stats`.
#[derive(Debug, PartialEq, Eq)]
pub struct StatsColumn {
    /// Its name in answers.
    pub name: &'static str,
    /// What it holds.
    pub total: Total,
}

/// What a request costs, in account rows.
#[derive(Debug, PartialEq, Eq)]
pub struct Prices {
    /// For the request.
    pub request: u64,
    /// For each five results returned; what that makes for an answer is rounded up to whole rows.
    pub five_results: u64,
    /// For using `where`, however many conditions it has.
    pub where_clause: u64,
    /// For using `having`, however many conditions it has.
    pub having_clause: u64,
}

/// Where a table's rows come from, before `where`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// One row for each (folded anchor, refdomain) of the target's backlinks (R15).
    AnchorRows,
    /// One row for each page that links to the target.
    Refpages,
    /// One row for each link to the target from other registrable domains.
    Backlinks,
    /// One row for each time that one of those was found or lost.
    Changes,
    /// One row for each link on the target's own pages.
    Outgoing,
    /// One row for each captured page of the target.
    Pages,
    /// One row with everything that is counted of the target.
    Overview,
    /// The account of who asks.
    Account,
}

/// How rows that pass `where` become results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// Each is one; `having` looks at the same row again.
    None,
    /// Those that agree in these fields are one.
    By(&'static [Field]),
    /// There is one, and the answer is an object rather than a list.
    Object,
}

/// A table: what `from` names.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name in requests.
    pub name: &'static str,
    /// What it tells, for docs and help.
    pub meaning: &'static str,
    /// The key of its rows in answers.
    pub rows_key: &'static str,
    /// The name of one row, where a format has one.
    pub row_name: &'static str,
    /// Its columns, in the order of answers.
    pub columns: &'static [Column],
    /// Columns that it had in the old service and has not here.
    pub withheld: &'static [Withheld],
    /// The members of `stats`, in the order of answers; without any, answers have no `stats`.
    pub stats: &'static [StatsColumn],
    /// What requests cost.
    pub prices: Prices,
    /// Where its rows come from.
    pub source: Source,
    /// How they are grouped.
    pub grouping: Grouping,
}

impl Table {
    /// All tables.
    pub const ALL: [&'static Self; 10] = [
        &ANCHORS,
        &ANCHORS_REFDOMAINS,
        &REFDOMAINS,
        &BACKLINKS,
        &BACKLINKS_NEW_LOST,
        &LINKED_ANCHORS,
        &LINKED_DOMAINS,
        &PAGES,
        &METRICS,
        &SUBSCRIPTION_INFO,
    ];

    /// The table of that name; case does not matter.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL
            .into_iter()
            .find(|table| table.name.eq_ignore_ascii_case(name))
    }

    /// The column of that name; case does not matter.
    #[must_use]
    pub fn column(&'static self, name: &str) -> Option<&'static Column> {
        self.columns
            .iter()
            .find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// The columns that a clause may use, in table order.
    pub fn columns_of(&'static self, clause: Clause) -> impl Iterator<Item = &'static Column> {
        self.columns
            .iter()
            .filter(move |column| self.allows(column, clause))
    }

    /// Whether a clause may use one of its columns. The one row of an object is neither filtered nor
    /// ordered.
    #[must_use]
    pub const fn allows(&self, column: &Column, clause: Clause) -> bool {
        match (clause, self.grouping) {
            (Clause::Select, _) => column.in_having,
            (_, Grouping::Object) => false,
            (Clause::Where, _) => column.in_where,
            (Clause::Having | Clause::OrderBy, _) => column.in_having,
        }
    }

    /// Why the index has nothing for a column that the old service had; case does not matter.
    #[must_use]
    pub fn withheld(&self, name: &str) -> Option<&'static Withheld> {
        self.withheld
            .iter()
            .find(|column| column.name.eq_ignore_ascii_case(name))
    }
}

/// Column names for a message: `a, b, c`.
pub(crate) fn name_list<'a>(columns: impl Iterator<Item = &'a Column>) -> String {
    columns
        .map(|column| column.name)
        .collect::<Vec<_>>()
        .join(", ")
}
