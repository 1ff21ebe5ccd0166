//! Backlinks one by one, and the links on the target's own pages.

use super::PRICES;
use super::columns::{self, FIRST_SEEN, FOLDED_ANCHOR, LAST_VISITED, NOFOLLOW, URL_FROM, URL_TO};
use super::withheld::{OF_LINKS, RATING, withheld};
use crate::table::{Column, ColumnType, Field, Grouping, Prices, Source, Table};

/// The table `backlinks`: the backlinks of a target, one a row.
pub static BACKLINKS: Table = Table {
    name: "backlinks",
    meaning: "backlinks of the target",
    rows_key: "refpages",
    row_name: "refpage",
    columns: &columns::LINK,
    withheld: OF_LINKS,
    stats: &[],
    prices: Prices {
        five_results: 1,
        ..PRICES
    },
    source: Source::Backlinks,
    grouping: Grouping::None,
};

/// The table `backlinks_new_lost`: when backlinks of a target were found and lost.
pub static BACKLINKS_NEW_LOST: Table = Table {
    name: "backlinks_new_lost",
    meaning: "backlinks of the target, when they were found and lost",
    rows_key: "refpages",
    row_name: "refpage",
    columns: &columns::CHANGE,
    withheld: OF_LINKS,
    stats: &[],
    prices: Prices {
        five_results: 1,
        ..PRICES
    },
    source: Source::Changes,
    grouping: Grouping::None,
};

/// The table `linked_anchors`: the anchors of links on the target's own pages.
pub static LINKED_ANCHORS: Table = Table {
    name: "linked_anchors",
    meaning: "anchors of the links on the target's pages",
    rows_key: "anchors",
    row_name: "anchor",
    columns: &[
        FOLDED_ANCHOR,
        Column::everywhere(
            "links_internal",
            ColumnType::Integer,
            Field::LinksInternal,
            "number of internal links with it; only where the index keeps internal links",
        ),
        Column::everywhere(
            "links_external",
            ColumnType::Integer,
            Field::LinksExternal,
            "number of external links with it",
        ),
        URL_FROM.only_in_where(),
        URL_TO.only_in_where(),
        FIRST_SEEN.only_in_where(),
        LAST_VISITED.only_in_where(),
        NOFOLLOW.only_in_where(),
    ],
    withheld: OF_LINKS,
    stats: &[],
    prices: PRICES,
    source: Source::Outgoing,
    grouping: Grouping::By(&[Field::Anchor]),
};

/// The table `linked_domains`: the registrable domains that a target's pages link to.
pub static LINKED_DOMAINS: Table = Table {
    name: "linked_domains",
    meaning: "registrable domains that the target's pages link to",
    rows_key: "domains",
    row_name: "domain",
    columns: &[
        Column::everywhere(
            "domain_from",
            ColumnType::Host,
            Field::DomainFrom,
            "registrable domain of the pages",
        )
        .not_in_where(),
        Column::everywhere(
            "domain_to",
            ColumnType::Host,
            Field::DomainTo,
            "registrable domain that they link to",
        )
        .not_in_where(),
        Column::everywhere(
            "links",
            ColumnType::Integer,
            Field::Links,
            "number of links",
        )
        .not_in_where(),
        Column::everywhere(
            "unique_pages",
            ColumnType::Integer,
            Field::Refpages,
            "number of pages that have such a link",
        )
        .not_in_where(),
    ],
    withheld: &[withheld("domain_to_rating", RATING)],
    stats: &[],
    prices: PRICES,
    source: Source::Outgoing,
    grouping: Grouping::By(&[Field::DomainFrom, Field::DomainTo]),
};
