//! Anchor text as it is gathered (R9).

use crate::anchor::ANCHOR_LENGTH_MAX;

/// Text whose runs of white space and control characters collapse to one space, ends trimmed, cut
/// at [`ANCHOR_LENGTH_MAX`].
#[derive(Debug, Default, Clone)]
pub(super) struct Collapsed {
    text: String,
    space: bool,
    cut: bool,
}

impl Collapsed {
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
            if self.cut || self.text.len() + usize::from(space) + c.len_utf8() > ANCHOR_LENGTH_MAX {
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
}
