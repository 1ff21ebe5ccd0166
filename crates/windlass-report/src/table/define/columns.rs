//! Columns that several tables have.

use crate::table::{Column, ColumnType, Field};

/// The anchor that rows of a group have.
pub(crate) const FOLDED_ANCHOR: Column =
    Column::everywhere("anchor", ColumnType::Anchor, Field::Anchor, "folded anchor");

pub(super) const URL_FROM: Column = Column::everywhere(
    "url_from",
    ColumnType::Url,
    Field::UrlFrom,
    "URL of the page with the link",
);
pub(super) const URL_TO: Column = Column::everywhere(
    "url_to",
    ColumnType::Url,
    Field::UrlTo,
    "URL that the link leads to",
);
pub(super) const LINKS_INTERNAL: Column = Column::everywhere(
    "links_internal",
    ColumnType::Integer,
    Field::LinksInternal,
    "links of the page to its own registrable domain",
);
pub(super) const LINKS_EXTERNAL: Column = Column::everywhere(
    "links_external",
    ColumnType::Integer,
    Field::LinksExternal,
    "links of the page to others",
);
pub(super) const TITLE: Column = Column::everywhere(
    "title",
    ColumnType::Text,
    Field::Title,
    "title of the page, where its capture shows it",
);
pub(super) const HTTP_CODE: Column = Column::everywhere(
    "http_code",
    ColumnType::Integer,
    Field::HttpCode,
    "HTTP status of the page at its latest capture, where the archive tells",
);
pub(super) const FIRST_SEEN: Column = Column::everywhere(
    "first_seen",
    ColumnType::Date,
    Field::FirstSeen,
    "earliest time that the link was seen (R13)",
);
pub(super) const LAST_VISITED: Column = Column::everywhere(
    "last_visited",
    ColumnType::Date,
    Field::LastVisited,
    "latest time that the link was seen (R13)",
);
pub(super) const LINK_TYPE: Column = Column::everywhere(
    "link_type",
    ColumnType::Text,
    Field::LinkType,
    "kind of reference: href, redirect, refresh, canonical, alternate, form, frame (R8)",
);
pub(super) const NOFOLLOW: Column = Column::everywhere(
    "nofollow",
    ColumnType::Boolean,
    Field::Nofollow,
    "whether the link is not to be followed (R10)",
);
pub(super) const ALT: Column = Column::everywhere(
    "alt",
    ColumnType::Text,
    Field::Alt,
    "alternative text of the image in the link",
);
pub(super) const ANCHOR: Column = Column::everywhere(
    "anchor",
    ColumnType::Anchor,
    Field::Anchor,
    "anchor as written; compared folded (R9a)",
);

pub(super) const REFDOMAIN_OF_LINK: Column = Column::everywhere(
    "refdomain",
    ColumnType::Host,
    Field::Refdomain,
    "registrable domain of the page; filters only, never returned",
)
.only_in_where();

pub(super) const KIND: Column = Column::everywhere(
    "kind",
    ColumnType::Kind,
    Field::Kind,
    "kind of anchor: empty, naked-url, brand, generic, other; filters only, never returned",
)
.only_in_where();
const CHANGE_DATE: Column = Column::everywhere(
    "date",
    ColumnType::Date,
    Field::ChangeDate,
    "when the backlink was found or lost",
);
const CHANGE_TYPE: Column = Column::everywhere(
    "type",
    ColumnType::Text,
    Field::ChangeType,
    "which of the two: new, lost",
);

/// What is told of a link.
pub(super) const LINK: [Column; 13] = [
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
];

/// What is told of its change, and of the link itself.
pub(super) const CHANGE: [Column; 15] = {
    let mut columns = [CHANGE_DATE; 15];
    columns[1] = CHANGE_TYPE;
    let (_, of_link) = columns.split_at_mut(2);
    of_link.copy_from_slice(&LINK);
    columns
};
