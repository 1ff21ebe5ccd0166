//! Foreign text, numbers and dates in HTML.
//!
//! Anchors and URLs come from pages of strangers. All is escaped; what would not be seen, or would change
//! how its surroundings are read, is shown by name.

use std::fmt::{self, Write};

use askama::filters::{Escaper, Html, HtmlSafe};
use windlass_links::{CaptureTime, Mode, Target};

use crate::address::ADDRESS_BYTES_MAX;

/// Characters of a foreign text that are shown at once.
const CHARACTERS_MAX: usize = 240;

/// A foreign text: escaped, isolated from its surroundings, with hidden characters marked, and its end left
/// out where it is long.
#[derive(Debug, Clone, Copy)]
pub struct Foreign<'a>(pub &'a str);

/// All of it, however long.
#[derive(Debug, Clone, Copy)]
pub struct ForeignWhole<'a>(pub &'a str);

/// An anchor: a foreign text that says so where it is empty.
#[derive(Debug, Clone, Copy)]
pub struct Anchor<'a>(pub &'a str);

/// The attribute that makes a link to an address with foreign texts in it. No link is made to one that is longer than pages
/// take.
#[derive(Debug, Clone, Copy)]
pub struct Href<'a>(pub &'a str);

impl HtmlSafe for Href<'_> {}
impl HtmlSafe for Foreign<'_> {}
impl HtmlSafe for ForeignWhole<'_> {}
impl HtmlSafe for Anchor<'_> {}
impl HtmlSafe for Number {}
impl HtmlSafe for Date {}
impl HtmlSafe for DateAndTime {}
impl HtmlSafe for Bytes {}
impl HtmlSafe for Percent {}

impl fmt::Display for Foreign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<bdi>")?;
        let end = self.0.char_indices().nth(CHARACTERS_MAX);
        match end.and_then(|(end, _)| self.0.get(..end)) {
            None => write_marked(f, self.0)?,
            Some(start) => {
                write_marked(f, start)?;
                let count = self.0.chars().count();
                write!(
                    f,
                    "</bdi><span class=\"cut\">… {} characters in all</span><bdi>",
                    Grouped(count as u64)
                )?;
            }
        }
        f.write_str("</bdi>")
    }
}

impl fmt::Display for ForeignWhole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<bdi>")?;
        write_marked(f, self.0)?;
        f.write_str("</bdi>")
    }
}

impl fmt::Display for Anchor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            f.write_str("<i class=\"empty\">(empty anchor)</i>")
        } else {
            Foreign(self.0).fmt(f)
        }
    }
}

impl fmt::Display for Href<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() > ADDRESS_BYTES_MAX {
            return f.write_str("title=\"Too long for the address of a page; the API takes it\"");
        }
        f.write_str("href=\"")?;
        Html.write_escaped_str(&mut *f, self.0)?;
        f.write_char('"')
    }
}

/// Escapes a text, and marks what hides in it.
fn write_marked(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '&' => f.write_str("&amp;")?,
            '<' => f.write_str("&lt;")?,
            '>' => f.write_str("&gt;")?,
            '"' => f.write_str("&quot;")?,
            '\'' => f.write_str("&#39;")?,
            c => match mark(c) {
                Some(_) if is_joined(c, before, characters.peek().copied()) => f.write_char(c)?,
                Some((short, name)) => {
                    write!(
                        f,
                        "<span class=\"mark\" title=\"U+{:04X} {name}\">{short}</span>",
                        u32::from(c)
                    )?;
                }
                None => f.write_char(c)?,
            },
        }
        before = Some(c);
    }
    Ok(())
}

/// Joiners belong between letters of some scripts, and between the parts of an emoji.
fn is_joined(c: char, before: Option<char>, after: Option<char>) -> bool {
    let is_plain = |c: char| !c.is_ascii() && mark(c).is_none();
    matches!(c, '\u{200c}' | '\u{200d}')
        && before.is_some_and(is_plain)
        && after.is_some_and(is_plain)
}

/// The short name and the name of a character that is not seen, or changes how others are read.
fn mark(c: char) -> Option<(&'static str, &'static str)> {
    Some(match c {
        '\u{00ad}' => ("SHY", "soft hyphen"),
        '\u{034f}' => ("CGJ", "combining grapheme joiner"),
        '\u{061c}' => ("ALM", "Arabic letter mark"),
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => ("HF", "Hangul filler"),
        '\u{180e}' => ("MVS", "Mongolian vowel separator"),
        '\u{200b}' => ("ZWSP", "zero width space"),
        '\u{200c}' => ("ZWNJ", "zero width non-joiner"),
        '\u{200d}' => ("ZWJ", "zero width joiner"),
        '\u{200e}' => ("LRM", "left-to-right mark"),
        '\u{200f}' => ("RLM", "right-to-left mark"),
        '\u{2028}' => ("LS", "line separator"),
        '\u{2029}' => ("PS", "paragraph separator"),
        '\u{202a}' => ("LRE", "left-to-right embedding"),
        '\u{202b}' => ("RLE", "right-to-left embedding"),
        '\u{202c}' => ("PDF", "pop directional formatting"),
        '\u{202d}' => ("LRO", "left-to-right override"),
        '\u{202e}' => ("RLO", "right-to-left override"),
        '\u{2060}' => ("WJ", "word joiner"),
        '\u{2061}'..='\u{2064}' => ("INV", "invisible operator"),
        '\u{2066}' => ("LRI", "left-to-right isolate"),
        '\u{2067}' => ("RLI", "right-to-left isolate"),
        '\u{2068}' => ("FSI", "first strong isolate"),
        '\u{2069}' => ("PDI", "pop directional isolate"),
        '\u{206a}'..='\u{206f}' => ("FMT", "deprecated format character"),
        '\u{feff}' => ("BOM", "zero width no-break space"),
        '\u{fffd}' => return None,
        '\u{e0000}'..='\u{e007f}' => ("TAG", "tag character"),
        '\u{fff0}'..='\u{ffff}' => ("FMT", "special character"),
        c if c.is_control() => ("CTL", "control character"),
        _ => return None,
    })
}

/// What a target covers, in words (R16).
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a>(pub &'a Target);

impl HtmlSafe for Scope<'_> {}

impl fmt::Display for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Host, and port where the target names one, as on the wire.
        let wire = self.0.to_string();
        let host = wire.trim_start_matches('*').split('/').next();
        let host = ForeignWhole(host.unwrap_or_default());
        let path = Foreign(self.0.path_and_query());
        match self.0.mode() {
            Mode::Exact => write!(f, "<span class=\"target-name\">{host}{path}</span>"),
            Mode::Prefix => write!(
                f,
                "<span class=\"target-name\">{host}{path}</span> and all that starts like it"
            ),
            Mode::Domain => write!(f, "the host <span class=\"target-name\">{host}</span>"),
            Mode::Subdomains => write!(
                f,
                "<span class=\"target-name\">{host}</span> and the hosts below it"
            ),
        }
    }
}

/// A number: digits in groups, and the plain one for scripts.
#[derive(Debug, Clone, Copy)]
pub struct Number(pub u64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<data value=\"{}\">{}</data>", self.0, Grouped(self.0))
    }
}

/// A number with its digits in groups of three.
#[derive(Debug, Clone, Copy)]
pub struct Grouped(pub u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                f.write_char(',')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

/// A moment: its day, and the moment for scripts.
#[derive(Debug, Clone, Copy)]
pub struct Date(pub CaptureTime);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.0.to_string();
        let day = time.split('T').next().unwrap_or_default();
        write!(f, "<time datetime=\"{time}\" title=\"{time}\">{day}</time>")
    }
}

/// A moment with its time of day.
#[derive(Debug, Clone, Copy)]
pub struct DateAndTime(pub CaptureTime);

impl fmt::Display for DateAndTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<time datetime=\"{0}\">{0}</time>", self.0)
    }
}

/// A number of bytes, in the unit that makes it short.
#[derive(Debug, Clone, Copy)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
        let grouped = Grouped(self.0);
        write!(f, "<data value=\"{}\" title=\"{grouped} bytes\">", self.0)?;
        let (mut value, mut unit) = (self.0 as f64, None);
        for larger in UNITS {
            if value < 1024.0 {
                break;
            }
            (value, unit) = (value / 1024.0, Some(larger));
        }
        match unit {
            None => write!(f, "{grouped} B")?,
            Some(unit) => write!(f, "{value:.1} {unit}")?,
        }
        f.write_str("</data>")
    }
}

/// A number for a template, which has references to what it shows.
#[must_use]
pub fn number(number: &u64) -> Number {
    Number(*number)
}

/// A moment for a template.
#[must_use]
pub fn date(time: &CaptureTime) -> Date {
    Date(*time)
}

/// A moment with its time of day, for a template.
#[must_use]
pub fn moment(time: &CaptureTime) -> DateAndTime {
    DateAndTime(*time)
}

/// A number of bytes for a template.
#[must_use]
pub fn bytes(bytes: &u64) -> Bytes {
    Bytes(*bytes)
}

/// A share of a whole.
#[derive(Debug, Clone, Copy)]
pub struct Percent {
    /// The part.
    pub part: u64,
    /// The whole.
    pub whole: u64,
}

impl Percent {
    /// In hundredths, from 0 to 100.
    #[must_use]
    pub fn value(self) -> f64 {
        if self.whole == 0 {
            return 0.0;
        }
        (self.part as f64 / self.whole as f64 * 100.0).min(100.0)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value() {
            value if value > 0.0 && value < 0.1 => f.write_str("&lt;0.1 %"),
            value => write!(f, "{value:.1} %"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_element() {
        assert_eq!(
            Foreign("<script>alert('x')</script>&\"").to_string(),
            "<bdi>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;</bdi>"
        );
    }

    #[test]
    fn links_that_pages_would_refuse_are_none() {
        let href = |bytes: usize| Href(&format!("/a?b=c&d={}", "e".repeat(bytes - 9))).to_string();
        assert!(href(ADDRESS_BYTES_MAX).starts_with("href=\"/a?b=c&#38;d=e"));
        assert!(href(ADDRESS_BYTES_MAX + 1).starts_with("title=\""));
    }

    #[test]
    fn hidden_characters_are_named() {
        let shown = Foreign("a\u{202e}b\u{200b}\u{1}").to_string();
        assert!(shown.contains("title=\"U+202E right-to-left override\">RLO<"));
        assert!(shown.contains(">ZWSP<") && shown.contains(">CTL<"));
        assert!(!shown.contains('\u{202e}') && !shown.contains('\u{1}'));
        // An emoji of several, and a Persian word, as they are.
        for text in ["👩\u{200d}💻", "می\u{200c}خواهم"] {
            assert_eq!(Foreign(text).to_string(), format!("<bdi>{text}</bdi>"));
        }
        // Where they join nothing, they hide.
        for text in ["\u{200d}é", "é\u{200d}", "a\u{200c}b", "é\u{200d}\u{200d}é"] {
            let shown = Foreign(text).to_string();
            assert!(!shown.contains(['\u{200c}', '\u{200d}']), "{shown}");
        }
    }

    #[test]
    fn long_texts_are_cut_and_say_so() {
        let text = "é".repeat(65_536);
        let shown = Foreign(&text).to_string();
        assert!(shown.len() < 1000 && shown.contains("65,536 characters in all"));
        assert!(ForeignWhole(&text).to_string().len() > text.len());
    }

    #[test]
    fn numbers_have_groups() {
        for (number, shown) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(Grouped(number).to_string(), shown);
        }
        for (bytes, shown) in [
            (1023, ">1,023 B<"),
            (1536, ">1.5 KiB<"),
            (u64::MAX, ">16384.0 PiB<"),
        ] {
            assert!(Bytes(bytes).to_string().contains(shown), "{}", Bytes(bytes));
        }
        assert_eq!(Percent { part: 1, whole: 3 }.to_string(), "33.3 %");
        assert_eq!(Percent { part: 1, whole: 0 }.to_string(), "0.0 %");
    }
}
