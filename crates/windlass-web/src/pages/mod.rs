//! The pages, one module each.

pub mod anchors;
pub mod backlinks;
mod crumbs;
pub mod link;
pub mod message;
pub mod refdomains;
pub mod start;
