//! K3: the target's own name.

use super::without_ends;
use crate::filter::is_of_word;

/// Whether one word of the anchor, or several one after the other, make up the name when they are written
/// together. A name of one character must be all that there is.
pub(super) fn has_name(anchor: &str, name: &str) -> bool {
    let mut characters = name.chars();
    if characters.next().is_some() && characters.next().is_none() {
        return without_ends(anchor) == name;
    }
    let mut is_in_word = false;
    anchor.char_indices().any(|(at, c)| {
        let begins_word = !is_in_word && is_of_word(c);
        is_in_word = is_of_word(c);
        begins_word && anchor.get(at..).is_some_and(|rest| begins(rest, name))
    })
}

/// Whether a text begins with words that make up the name.
fn begins(text: &str, name: &str) -> bool {
    let mut rest = text.chars();
    name.chars()
        .all(|wanted| rest.find(|c| is_of_word(*c)) == Some(wanted))
        && !rest.next().is_some_and(is_of_word)
}
