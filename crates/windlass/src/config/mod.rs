//! The settings of `serve`: where they come from, and what they come to.

mod check;
mod effective;
mod file;
mod value;

pub(crate) use check::check;
pub(crate) use effective::{Effective, effective};
pub(crate) use value::Setting;
