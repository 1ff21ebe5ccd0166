//! Backlinks by anchor, and by referring domain.

use super::PRICES;
use super::columns::{FOLDED_ANCHOR, KIND};
use super::withheld::{IP, RATING, withheld};
use crate::table::{Column, ColumnType, Field, Grouping, Source, StatsColumn, Table, Total};

const BACKLINKS_FROM_IT: Column = Column::everywhere(
    "backlinks",
    ColumnType::Integer,
    Field::Backlinks,
    "number of external backlinks from it",
);
const REFDOMAIN: Column = Column::everywhere(
    "refdomain",
    ColumnType::Host,
    Field::Refdomain,
    "referring domain",
);
const EARLIEST: Column = Column::everywhere(
    "first_seen",
    ColumnType::Date,
    Field::FirstSeen,
    "earliest time that one of them was seen",
);
const LATEST: Column = Column::everywhere(
    "last_visited",
    ColumnType::Date,
    Field::LastVisited,
    "latest time that one of them was seen",
);

/// The table `anchors`: the backlinks of a target by folded anchor (R15–R18).
pub static ANCHORS: Table = Table {
    name: "anchors",
    meaning: "backlinks of the target by anchor",
    rows_key: "anchors",
    row_name: "anchor",
    columns: &[
        FOLDED_ANCHOR,
        Column::everywhere(
            "backlinks",
            ColumnType::Integer,
            Field::Backlinks,
            "number of external backlinks with it",
        ),
        Column::everywhere(
            "refpages",
            ColumnType::Integer,
            Field::Refpages,
            "number of pages that have such a backlink",
        ),
        Column::everywhere(
            "refdomain",
            ColumnType::Host,
            Field::Refdomain,
            "a referring domain; filters only, never returned",
        )
        .only_in_where(),
        Column::everywhere(
            "refdomains",
            ColumnType::Integer,
            Field::Refdomains,
            "number of referring domains with it",
        )
        .not_in_where(),
        EARLIEST,
        LATEST,
        KIND,
    ],
    withheld: &[],
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
    prices: PRICES,
    source: Source::AnchorRows,
    grouping: Grouping::By(&[Field::Anchor]),
};

/// The table `anchors_refdomains`: which referring domains use an anchor.
pub static ANCHORS_REFDOMAINS: Table = Table {
    name: "anchors_refdomains",
    meaning: "referring domains of the target and how many anchors they use",
    rows_key: "refdomains",
    row_name: "refdomain",
    columns: &[
        Column::everywhere(
            "anchor",
            ColumnType::Anchor,
            Field::Anchor,
            "folded anchor; filters only, never returned",
        )
        .only_in_where(),
        Column::everywhere(
            "anchors",
            ColumnType::Integer,
            Field::Anchors,
            "number of different anchors that the domain uses",
        )
        .not_in_where(),
        BACKLINKS_FROM_IT,
        REFDOMAIN,
        KIND,
    ],
    withheld: &[],
    stats: &[],
    prices: PRICES,
    source: Source::AnchorRows,
    grouping: Grouping::By(&[Field::Refdomain]),
};

/// The table `refdomains`: the referring domains of a target.
pub static REFDOMAINS: Table = Table {
    name: "refdomains",
    meaning: "referring domains of the target",
    rows_key: "refdomains",
    row_name: "refdomain",
    columns: &[
        Column::everywhere(
            "url",
            ColumnType::Url,
            Field::UrlFrom,
            "URL of a page that links; filters only, never returned",
        )
        .only_in_where(),
        REFDOMAIN,
        BACKLINKS_FROM_IT,
        Column::everywhere(
            "refpages",
            ColumnType::Integer,
            Field::Refpages,
            "number of its pages that have such a backlink",
        ),
        EARLIEST,
        LATEST,
    ],
    withheld: &[
        withheld("domain_rating", RATING),
        withheld("ahrefs_rank", RATING),
        withheld("ip", IP),
    ],
    stats: &[StatsColumn {
        name: "refdomains",
        total: Total::Results,
    }],
    prices: PRICES,
    source: Source::Refpages,
    grouping: Grouping::By(&[Field::Refdomain]),
};
