//! Anchor text as it is gathered (R9).

use crate::anchor::{ANCHOR_LENGTH_MAX, TITLE_LENGTH_MAX};

/// Text whose runs of white space and control characters collapse to one space, ends trimmed, cut
/// at a greatest length.
#[derive(Debug, Clone)]
pub(super) struct Collapsed {
    length_max: usize,
    text: String,
    space: bool,
    cut: bool,
}

impl Default for Collapsed {
    /// An empty anchor, cut at [`ANCHOR_LENGTH_MAX`].
    fn default() -> Self {
        Self::cut_at(ANCHOR_LENGTH_MAX)
    }
}

impl Collapsed {
    fn cut_at(length_max: usize) -> Self {
        Self {
            length_max,
            text: String::new(),
            space: false,
            cut: false,
        }
    }

    /// The title of a document, by its text: cut at [`TITLE_LENGTH_MAX`]; `None` where it is empty.
    pub(super) fn title(text: &str) -> Option<String> {
        let mut title = Self::cut_at(TITLE_LENGTH_MAX);
        title.push(text);
        Some(title.into_text()).filter(|title| !title.is_empty())
    }

    /// The collapsed form of a whole text.
    pub(super) fn of(text: &str) -> Self {
        let mut collapsed = Self::default();
        collapsed.push(text);
        collapsed
    }

    pub(super) fn push(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_whitespace() || c.is_control() {
                self.space();
                continue;
            }
            let space = self.space && !self.text.is_empty();
            if self.cut || self.text.len() + usize::from(space) + c.len_utf8() > self.length_max {
                self.cut = true;
                return;
            }
            if space {
                self.text.push(' ');
            }
            self.space = false;
            self.text.push(c);
        }
    }

    /// Something that separates words: `br`, an image, the edge of a block.
    pub(super) fn space(&mut self) {
        self.space = true;
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r9_white_space_collapses() {
        assert_eq!(
            Collapsed::of(" a\u{a0}\t\n b\u{1}c\u{2003}").into_text(),
            "a b c"
        );
        assert_eq!(Collapsed::of("\u{85}\u{200b}").into_text(), "\u{200b}");
    }

    #[test]
    fn r9_anchors_are_cut_at_a_character_boundary() {
        let mut long = Collapsed::of(&"x".repeat(ANCHOR_LENGTH_MAX - 1));
        assert!(!long.is_cut());
        long.push("é more");
        assert!(long.is_cut());
        assert_eq!(long.into_text().len(), ANCHOR_LENGTH_MAX - 1);
    }

    #[test]
    fn titles_are_cut_sooner_and_may_be_none() {
        assert_eq!(Collapsed::title(" A\n title "), Some("A title".to_owned()));
        assert_eq!(Collapsed::title(" \u{1} "), None);
        let long = format!("{}é", "x".repeat(TITLE_LENGTH_MAX - 1));
        assert_eq!(
            Collapsed::title(&long).map(|t| t.len()),
            Some(TITLE_LENGTH_MAX - 1)
        );
    }
}
