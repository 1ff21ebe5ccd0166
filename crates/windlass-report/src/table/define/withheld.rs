//! What the old service told and this index does not, and why.

use crate::table::Withheld;

pub(super) const RATING: &str = "ratings rest on the old service's own graph of the whole web; this index counts what its captures show and rates nothing";
pub(super) const IP: &str =
    "crawls do not tell IP addresses of pages in a form that the index keeps";
pub(super) const BODY: &str = "the index keeps links, not documents";
pub(super) const BETWEEN: &str =
    "the index tells the first and the latest time; the captures between are in `windlass export`";
pub(super) const SITEWIDE: &str =
    "whether a link is on all pages of a site cannot be told from a crawl of some of them";

pub(super) const fn withheld(name: &'static str, why: &'static str) -> Withheld {
    Withheld { name, why }
}

/// What the old service told of single links, and the index does not.
pub(super) const OF_LINKS: &[Withheld] = &[
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
