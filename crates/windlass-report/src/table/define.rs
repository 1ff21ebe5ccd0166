//! The definition of each table. A further table is one more of these, and its row source.

use super::{
    Column, ColumnType, Field, Grouping, Prices, Source, StatsColumn, Table, Total, Withheld,
};

const PRICES: Prices = Prices {
    request: 1,
    five_results: 5,
    where_clause: 5,
    having_clause: 5,
};

const URL_FROM: Column = Column::everywhere(
    "url_from",
    ColumnType::Url,
    Field::UrlFrom,
    "URL of the page with the link",
);
const URL_TO: Column = Column::everywhere(
    "url_to",
    ColumnType::Url,
    Field::UrlTo,
    "URL that the link leads to",
);
const LINKS_INTERNAL: Column = Column::everywhere(
    "links_internal",
    ColumnType::Integer,
    Field::LinksInternal,
    "links of the page to its own registrable domain",
);
const LINKS_EXTERNAL: Column = Column::everywhere(
    "links_external",
    ColumnType::Integer,
    Field::LinksExternal,
    "links of the page to others",
);
const TITLE: Column = Column::everywhere(
    "title",
    ColumnType::Text,
    Field::Title,
    "title of the page, where its capture shows it",
);
const HTTP_CODE: Column = Column::everywhere(
    "http_code",
    ColumnType::Integer,
    Field::HttpCode,
    "HTTP status of the page at its latest capture, where the archive tells",
);
const FIRST_SEEN: Column = Column::everywhere(
    "first_seen",
    ColumnType::Date,
    Field::FirstSeen,
    "earliest time that the link was seen (R13)",
);
const LAST_VISITED: Column = Column::everywhere(
    "last_visited",
    ColumnType::Date,
    Field::LastVisited,
    "latest time that the link was seen (R13)",
);
const LINK_TYPE: Column = Column::everywhere(
    "link_type",
    ColumnType::Text,
    Field::LinkType,
    "kind of reference: href, redirect, refresh, canonical, alternate, form, frame (R8)",
);
const NOFOLLOW: Column = Column::everywhere(
    "nofollow",
    ColumnType::Boolean,
    Field::Nofollow,
    "whether the link is not to be followed (R10)",
);
const ALT: Column = Column::everywhere(
    "alt",
    ColumnType::Text,
    Field::Alt,
    "alternative text of the image in the link",
);
const ANCHOR: Column = Column::everywhere(
    "anchor",
    ColumnType::Anchor,
    Field::Anchor,
    "anchor as written; compared folded (R9a)",
);

const REFDOMAIN_OF_LINK: Column = Column::everywhere(
    "refdomain",
    ColumnType::Host,
    Field::Refdomain,
    "registrable domain of the page; filters only, never returned",
)
.only_in_where();

const KIND: Column = Column::everywhere(
    "kind",
    ColumnType::Kind,
    Field::Kind,
    "kind of anchor: empty, naked-url, brand, generic, other; filters only, never returned",
)
.only_in_where();

const RATING: &str = "ratings rest on the old service's own graph of the whole web; this index counts what its captures show and rates nothing";
const IP: &str = "crawls do not tell IP addresses of pages in a form that the index keeps";
const BODY: &str = "the index keeps links, not documents";
const BETWEEN: &str =
    "the index tells the first and the latest time; the captures between are in `windlass export`";
const SITEWIDE: &str =
    "whether a link is on all pages of a site cannot be told from a crawl of some of them";

const fn withheld(name: &'static str, why: &'static str) -> Withheld {
    Withheld { name, why }
}

/// What the old service told of single links, and the index does not.
const WITHHELD_OF_LINKS: &[Withheld] = &[
    withheld("ahrefs_rank", RATING),
    withheld("domain_rating", RATING),
    withheld("ahrefs_top", RATING),
    withheld("ip_from", IP),
    withheld("ip", IP),
    withheld("page_size", BODY),
    withheld("encoding", BODY),
    withheld("language", BODY),
    withheld("prev_visited", BETWEEN),
    withheld("sitewide", SITEWIDE),
    withheld("original", BETWEEN),
    withheld("redirect", BODY),
    withheld("text_pre", BODY),
    withheld("text_post", BODY),
    withheld("origin", BODY),
];

/// The table `anchors`: the backlinks of a target by folded anchor (R15–R18).
pub static ANCHORS: Table = Table {
    name: "anchors",
    meaning: "backlinks of the target by anchor",
    rows_key: "anchors",
    row_name: "anchor",
    columns: &[
        Column::everywhere("anchor", ColumnType::Anchor, Field::Anchor, "folded anchor"),
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
        Column::everywhere(
            "first_seen",
            ColumnType::Date,
            Field::FirstSeen,
            "earliest time that one of them was seen",
        ),
        Column::everywhere(
            "last_visited",
            ColumnType::Date,
            Field::LastVisited,
            "latest time that one of them was seen",
        ),
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
        Column::everywhere(
            "backlinks",
            ColumnType::Integer,
            Field::Backlinks,
            "number of external backlinks from it",
        ),
        Column::everywhere(
            "refdomain",
            ColumnType::Host,
            Field::Refdomain,
            "referring domain",
        ),
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
        Column::everywhere(
            "refdomain",
            ColumnType::Host,
            Field::Refdomain,
            "referring domain",
        ),
        Column::everywhere(
            "backlinks",
            ColumnType::Integer,
            Field::Backlinks,
            "number of external backlinks from it",
        ),
        Column::everywhere(
            "refpages",
            ColumnType::Integer,
            Field::Refpages,
            "number of its pages that have such a backlink",
        ),
        Column::everywhere(
            "first_seen",
            ColumnType::Date,
            Field::FirstSeen,
            "earliest time that one of them was seen",
        ),
        Column::everywhere(
            "last_visited",
            ColumnType::Date,
            Field::LastVisited,
            "latest time that one of them was seen",
        ),
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

/// The table `backlinks`: the backlinks of a target, one a row.
pub static BACKLINKS: Table = Table {
    name: "backlinks",
    meaning: "backlinks of the target",
    rows_key: "refpages",
    row_name: "refpage",
    columns: &[
        URL_FROM,
        URL_TO,
        LINKS_INTERNAL,
        LINKS_EXTERNAL,
        HTTP_CODE,
        TITLE,
        FIRST_SEEN,
        LAST_VISITED,
        LINK_TYPE,
        NOFOLLOW,
        ALT,
        ANCHOR,
        REFDOMAIN_OF_LINK,
    ],
    withheld: WITHHELD_OF_LINKS,
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
    columns: &[
        Column::everywhere(
            "date",
            ColumnType::Date,
            Field::ChangeDate,
            "when the backlink was found or lost",
        ),
        Column::everywhere(
            "type",
            ColumnType::Text,
            Field::ChangeType,
            "which of the two: new, lost",
        ),
        URL_FROM,
        URL_TO,
        LINKS_INTERNAL,
        LINKS_EXTERNAL,
        HTTP_CODE,
        TITLE,
        FIRST_SEEN,
        LAST_VISITED,
        LINK_TYPE,
        NOFOLLOW,
        ALT,
        ANCHOR,
        REFDOMAIN_OF_LINK,
    ],
    withheld: WITHHELD_OF_LINKS,
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
        Column::everywhere("anchor", ColumnType::Anchor, Field::Anchor, "folded anchor"),
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
    withheld: WITHHELD_OF_LINKS,
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
            "pages elsewhere that name the target as canonical",
        ),
        Column::everywhere(
            "alternate",
            ColumnType::Integer,
            Field::Alternates,
            "pages elsewhere that name the target as an alternate",
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
