//! The pages, one module each.

pub mod anchors;
pub mod backlinks;
pub mod changes;
pub mod compare;
mod crumbs;
pub mod export;
pub mod index_page;
pub mod link;
mod link_rows;
pub mod message;
pub mod operations;
pub mod pictures;
pub mod refdomains;
pub mod sign_in;
pub mod start;
