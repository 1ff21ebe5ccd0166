//! Site blocks: everything that links to one registrable domain.
//!
//! ```text
//! block := varint pages | page numbers (column)
//!        | varint urls | varint forms | varint attrs | varint hrefs | varint others
//!        | own times
//!        | urls (string list: SURTs behind the site key) | forms (string list) | same fold (subset of forms)
//!        | attrs (string list: alt, rel byte where there is any) | table hrefs | table others
//! own times := subset of pages, and where there are any: ends (column) | varint bytes
//!            | varint seconds before the latest capture, then before the time before, for each
//! table := nothing where it has no links, else
//!          first link of each url (column) | form or link type (column) | page (column)
//!        | attr (column) | varint n | exceptions (column) | ends (column)
//!        | bytes: varint n | (varint seconds after the one before | varint attr) × n
//! ```
//! Pages come first so that a merge can renumber them and copy the rest. Inside, a page, url, form
//! or attr is named by its place in the block's own list. Forms are anchors as written, ordered by
//! folded anchor, then as written; `same fold` lists those whose folded anchor is that of the form
//! before. A page's times are those of its captures that show a link to this site: all its real ones, or else it
//! is among the own times, latest first. Links are ordered by (url, form or type, page). A link was seen at all of
//! its page's times with its attr;
//! one that was not is an exception, which lists its sightings.

mod block;
mod encode;
mod lists;
mod parts;
#[cfg(test)]
pub(crate) mod plain;
mod sizes;
mod subset;
mod table;
mod times;

pub(crate) use block::SiteBlock;
pub(crate) use encode::SiteEncoder;
pub(crate) use parts::{append_first_pages, counts, pages_of, renumber_pages};
pub(crate) use sizes::sizes;
pub(crate) use table::{Table, link_type};
pub(crate) use times::{PageSpan, PageTimes};
