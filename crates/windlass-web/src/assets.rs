//! Scripts, styles and pictures, inside the binary. Their names have a digest of what they hold, so that
//! browsers may keep them for ever.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use rust_embed::RustEmbed;
use serde::Deserialize;

/// Where assets are on the server.
pub const PATH: &str = "/assets/";

/// What `web/` is built to.
#[derive(RustEmbed)]
#[folder = "../../web/dist/"]
struct Built;

/// What the build says of an entry.
#[derive(Deserialize)]
struct Chunk {
    file: String,
    #[serde(default, rename = "isEntry")]
    is_entry: bool,
}

/// The addresses that a page names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Module scripts.
    pub scripts: Vec<String>,
    /// Style sheets.
    pub styles: Vec<String>,
}

/// The addresses that every page names.
pub static ENTRY: LazyLock<Entry> = LazyLock::new(|| {
    Built::get("manifest.json")
        .and_then(|manifest| entry(&manifest.data))
        .unwrap_or_default()
});

fn entry(manifest: &[u8]) -> Option<Entry> {
    let chunks: BTreeMap<String, Chunk> = serde_json::from_slice(manifest).ok()?;
    let mut entry = Entry::default();
    for chunk in chunks.into_values().filter(|chunk| chunk.is_entry) {
        let address = format!("{PATH}{}", chunk.file);
        if address.ends_with(".css") {
            entry.styles.push(address);
        } else {
            entry.scripts.push(address);
        }
    }
    Some(entry)
}

/// A file, as browsers get it.
#[derive(Debug)]
pub struct Asset {
    /// What it holds.
    pub bytes: Cow<'static, [u8]>,
    /// Its media type.
    pub content_type: &'static str,
    /// Whether another of that name can never hold anything else.
    pub is_lasting: bool,
}

/// The asset of that name, which follows [`PATH`].
#[must_use]
pub fn asset(name: &str) -> Option<Asset> {
    let content_type = match name.rsplit_once('.')?.1 {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    };
    let file = Built::get(name)?;
    Some(Asset {
        bytes: file.data,
        content_type,
        is_lasting: name.ends_with(".js") || name.ends_with(".css"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_name_assets_that_there_are() {
        assert!(!ENTRY.scripts.is_empty() && !ENTRY.styles.is_empty());
        for address in ENTRY.scripts.iter().chain(&ENTRY.styles) {
            let name = address.strip_prefix(PATH).unwrap();
            assert!(asset(name).is_some(), "{address}");
        }
        assert!(asset("../src/lib.rs").is_none());
        assert!(asset("nothing.js").is_none());
        assert!(asset("windlass.svg").is_some());
    }
}
