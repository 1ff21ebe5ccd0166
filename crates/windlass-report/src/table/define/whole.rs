//! What is told of a target as a whole, of its pages, and of the account of who asks.

use super::PRICES;
use super::columns::{HTTP_CODE, LINKS_EXTERNAL, LINKS_INTERNAL, TITLE};
use super::withheld::{BODY, RATING, SITEWIDE, withheld};
use crate::table::{
    Column, ColumnType, Field, Grouping, Prices, Source, StatsColumn, Table, Total,
};

/// The table `pages`: the captured pages of a target.
pub static PAGES: Table = Table {
    name: "pages",
    meaning: "captured pages of the target",
    rows_key: "pages",
    row_name: "page",
    columns: &[
        Column::everywhere("url", ColumnType::Url, Field::UrlFrom, "URL of the page"),
        Column::everywhere(
            "first_seen",
            ColumnType::Date,
            Field::FirstSeen,
            "time of its first capture",
        ),
        Column::everywhere(
            "last_visited",
            ColumnType::Date,
            Field::LastVisited,
            "time of its latest capture",
        ),
        HTTP_CODE,
        LINKS_INTERNAL,
        LINKS_EXTERNAL,
        TITLE,
    ],
    withheld: &[
        withheld("ahrefs_rank", RATING),
        withheld("size", BODY),
        withheld("encoding", BODY),
        withheld("redirect_url", BODY),
        withheld("content_encoding", BODY),
    ],
    stats: &[StatsColumn {
        name: "pages",
        total: Total::Results,
    }],
    prices: PRICES,
    source: Source::Pages,
    grouping: Grouping::None,
};

/// The table `metrics`: everything that is counted of a target.
pub static METRICS: Table = Table {
    name: "metrics",
    meaning: "what is counted of the target",
    rows_key: "metrics",
    row_name: "metrics",
    columns: &[
        Column::everywhere(
            "backlinks",
            ColumnType::Integer,
            Field::Backlinks,
            "external backlinks of the target",
        ),
        Column::everywhere(
            "refpages",
            ColumnType::Integer,
            Field::Refpages,
            "pages that have one",
        ),
        Column::everywhere(
            "refdomains",
            ColumnType::Integer,
            Field::Refdomains,
            "registrable domains of these pages",
        ),
        Column::everywhere(
            "pages",
            ColumnType::Integer,
            Field::Pages,
            "captured pages of the target",
        ),
        Column::everywhere(
            "html_pages",
            ColumnType::Integer,
            Field::HtmlPages,
            "those whose latest capture carries links",
        ),
        Column::everywhere(
            "nofollow",
            ColumnType::Integer,
            Field::Nofollow,
            "backlinks that are not to be followed (R10)",
        ),
        Column::everywhere(
            "dofollow",
            ColumnType::Integer,
            Field::Dofollow,
            "the others",
        ),
        Column::everywhere(
            "redirect",
            ColumnType::Integer,
            Field::Redirects,
            "redirects to the target from other registrable domains",
        ),
        Column::everywhere(
            "canonical",
            ColumnType::Integer,
            Field::Canonicals,
            "links from pages elsewhere that name the target as canonical",
        ),
        Column::everywhere(
            "alternate",
            ColumnType::Integer,
            Field::Alternates,
            "links from pages elsewhere that name the target as an alternate",
        ),
        Column::everywhere(
            "gov",
            ColumnType::Integer,
            Field::Governmental,
            "backlinks from governmental domains",
        ),
        Column::everywhere(
            "edu",
            ColumnType::Integer,
            Field::Educational,
            "backlinks from educational domains",
        ),
        Column::everywhere(
            "links_internal",
            ColumnType::Integer,
            Field::LinksInternal,
            "internal links on the captured pages",
        ),
        Column::everywhere(
            "links_external",
            ColumnType::Integer,
            Field::LinksExternal,
            "external links on the captured pages",
        ),
    ],
    withheld: &[
        withheld("text", BODY),
        withheld("image", BODY),
        withheld("sitewide", SITEWIDE),
        withheld("not_sitewide", SITEWIDE),
        withheld("rss", BODY),
        withheld(
            "valid_pages",
            "captures with a status of 5xx say nothing of a page (R2): all pages are valid",
        ),
    ],
    stats: &[],
    prices: PRICES,
    source: Source::Overview,
    grouping: Grouping::Object,
};

/// The table `subscription_info`: the account of who asks.
pub static SUBSCRIPTION_INFO: Table = Table {
    name: "subscription_info",
    meaning: "rows left and the monthly limit of the account",
    rows_key: "info",
    row_name: "info",
    columns: &[
        Column::everywhere(
            "rows_left",
            ColumnType::Integer,
            Field::RowsLeft,
            "account rows left this month",
        ),
        Column::everywhere(
            "rows_limit",
            ColumnType::Integer,
            Field::RowsLimit,
            "account rows in a month",
        ),
        Column::everywhere(
            "subscription",
            ColumnType::Text,
            Field::Subscription,
            "name of the subscription",
        ),
    ],
    withheld: &[],
    stats: &[],
    prices: Prices {
        request: 0,
        five_results: 0,
        where_clause: 0,
        having_clause: 0,
    },
    source: Source::Account,
    grouping: Grouping::Object,
};
