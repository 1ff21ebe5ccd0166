//! The tables as data: one definition that parser, checker, cost calculation, writers and docs read.

use std::fmt;

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
}

/// What a row or group is asked for: the seam between a table's definition and its row source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The folded anchor.
    Anchor,
    /// The number of backlinks.
    Backlinks,
    /// The number of distinct pages.
    Refpages,
    /// The referring domain.
    Refdomain,
    /// The number of referring domains.
    Refdomains,
    /// The earliest `first_seen`.
    FirstSeen,
    /// The latest `last_visited`.
    LastVisited,
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
#[derive(Debug, PartialEq, Eq)]
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
    /// Whether a clause may use the column.
    #[must_use]
    pub const fn allowed_in(&self, clause: Clause) -> bool {
        match clause {
            Clause::Where => self.in_where,
            Clause::Having | Clause::Select | Clause::OrderBy => self.in_having,
        }
    }
}

/// A total of the whole target (R18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// Backlinks in the rows that pass `where`.
    Backlinks,
    /// Distinct pages that carry one of them.
    Refpages,
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
    /// For each result returned.
    pub result: u64,
    /// For using `where`, however many conditions it has.
    pub where_clause: u64,
    /// For using `having`, however many conditions it has.
    pub having_clause: u64,
}

/// A table: what `from` names.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name in requests.
    pub name: &'static str,
    /// The key of its rows in answers.
    pub rows_key: &'static str,
    /// The name of one row, where a format has one.
    pub row_name: &'static str,
    /// Its columns, in the order of answers.
    pub columns: &'static [Column],
    /// The members of `stats`, in the order of answers.
    pub stats: &'static [StatsColumn],
    /// What requests cost.
    pub prices: Prices,
}

impl Table {
    /// All tables.
    pub const ALL: [&'static Self; 1] = [&ANCHORS];

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
            .filter(move |column| column.allowed_in(clause))
    }
}

/// Column names for a message: `a, b, c`.
pub(crate) fn name_list<'a>(columns: impl Iterator<Item = &'a Column>) -> String {
    columns
        .map(|column| column.name)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The table `anchors`: the backlinks of a target by folded anchor (R15–R18).
pub static ANCHORS: Table = Table {
    name: "anchors",
    rows_key: "anchors",
    row_name: "anchor",
    columns: &[
        Column {
            name: "anchor",
            column_type: ColumnType::Anchor,
            in_where: true,
            in_having: true,
            field: Field::Anchor,
            meaning: "folded anchor",
        },
        Column {
            name: "backlinks",
            column_type: ColumnType::Integer,
            in_where: true,
            in_having: true,
            field: Field::Backlinks,
            meaning: "number of external backlinks with it",
        },
        Column {
            name: "refpages",
            column_type: ColumnType::Integer,
            in_where: true,
            in_having: true,
            field: Field::Refpages,
            meaning: "number of pages that have such a backlink",
        },
        Column {
            name: "refdomain",
            column_type: ColumnType::Host,
            in_where: true,
            in_having: false,
            field: Field::Refdomain,
            meaning: "a referring domain; filters only, never returned",
        },
        Column {
            name: "refdomains",
            column_type: ColumnType::Integer,
            in_where: false,
            in_having: true,
            field: Field::Refdomains,
            meaning: "number of referring domains with it",
        },
        Column {
            name: "first_seen",
            column_type: ColumnType::Date,
            in_where: true,
            in_having: true,
            field: Field::FirstSeen,
            meaning: "earliest time that one of them was seen",
        },
        Column {
            name: "last_visited",
            column_type: ColumnType::Date,
            in_where: true,
            in_having: true,
            field: Field::LastVisited,
            meaning: "latest time that one of them was seen",
        },
    ],
    stats: &[
        StatsColumn {
            name: "backlinks",
            total: Total::Backlinks,
        },
        StatsColumn {
            name: "refpages",
            total: Total::Refpages,
        },
    ],
    prices: Prices {
        request: 1,
        result: 1,
        where_clause: 5,
        having_clause: 5,
    },
};
