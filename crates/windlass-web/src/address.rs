//! Addresses of pages: a path, and parameters that are encoded.

use std::fmt;

/// How long the address of a page may be: it stands, a little changed, in most of the page's links.
pub const ADDRESS_BYTES_MAX: usize = 4096;

/// An address on this server.
#[derive(Debug, Clone)]
pub struct Address {
    path: String,
    query: String,
}

impl Address {
    /// A path without parameters.
    #[must_use]
    pub fn new(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            query: String::new(),
        }
    }

    /// With one parameter more; a blank one is left out.
    #[must_use]
    pub fn with(self, name: &str, value: &str) -> Self {
        match value {
            "" => self,
            value => self.with_blank(name, value),
        }
    }

    /// Of the page of a list that begins at a row; the first needs no saying.
    #[must_use]
    pub fn from_row(self, start: u64) -> Self {
        match start {
            0 => self,
            start => self.with("start", &start.to_string()),
        }
    }

    /// With one parameter more, which may be blank: an empty anchor is an anchor.
    #[must_use]
    pub fn with_blank(mut self, name: &str, value: &str) -> Self {
        let mut query = form_urlencoded::Serializer::new(self.query);
        query.append_pair(name, value);
        self.query = query.finish();
        self
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        match self.query.as_str() {
            "" => Ok(()),
            query => write!(f, "?{query}"),
        }
    }
}
