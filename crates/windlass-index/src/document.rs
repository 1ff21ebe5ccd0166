//! What a real capture says of its document beside links: status and title.
//!
//! ```text
//! document := (varint 0, or 1 + status, where the tag has STATUS) | (title where it has TITLE)
//! title    := varint (length × 2 + coded) | the title, if coded as symbols for text
//! ```
//! Without STATUS the status is the usual one of the outcome. SAME_TITLE says that the title is that of the
//! last of the page's instants before that has one.

use std::sync::Arc;

use crate::bytes::{Bytes, Corrupt, put_varint};
use crate::instant::Shown;
use crate::symbols::{self, TEXT};

/// In a tag: another status than the usual one of the outcome.
const STATUS: u8 = 32;
/// In a tag: a title.
const TITLE: u8 = 64;
/// In a tag: the title of before.
const SAME_TITLE: u8 = 128;
/// Bits of a tag for which something stands in the document.
pub(crate) const IN_DOCUMENT: u8 = STATUS | TITLE;

/// Status and title of a capture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Document {
    /// The HTTP status, where there was a response.
    pub(crate) status: Option<u16>,
    /// The title, where there is one.
    pub(crate) title: Option<Arc<str>>,
}

/// The status that most captures of an outcome have.
const fn usual(shown: Shown) -> Option<u16> {
    Some(match shown {
        Shown::Html | Shown::NotHtml => 200,
        Shown::Redirect => 301,
        Shown::Gone => 404,
    })
}

/// The smaller one of what there is.
fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

impl Document {
    /// Unites two descriptions of one second (R14). Commutative, associative, idempotent.
    pub(crate) fn unite(&mut self, other: Self) {
        self.status = least(self.status, other.status);
        self.title = least(self.title.take(), other.title);
    }

    /// The bits of the tag; `before` is the last title of the page so far.
    pub(crate) fn tag(&self, shown: Shown, before: Option<&Arc<str>>) -> u8 {
        let status = if self.status == usual(shown) {
            0
        } else {
            STATUS
        };
        let title = match self.title.as_ref() {
            None => 0,
            title if title == before => SAME_TITLE,
            Some(_) => TITLE,
        };
        status | title
    }

    /// Writes what a tag has bits for.
    pub(crate) fn write(&self, tag: u8, out: &mut Vec<u8>) {
        if tag & STATUS != 0 {
            put_varint(out, self.status.map_or(0, |status| u64::from(status) + 1));
        }
        if let Some(title) = self.title.as_deref().filter(|_| tag & TITLE != 0) {
            let mut codes = Vec::new();
            TEXT.encode(title.as_bytes(), &mut codes);
            let (bytes, coded) = if codes.len() < title.len() {
                (codes.as_slice(), 1)
            } else {
                (title.as_bytes(), 0)
            };
            put_varint(out, bytes.len() as u64 * 2 + coded);
            out.extend_from_slice(bytes);
        }
    }

    /// Reads what [`write`](Self::write) wrote.
    pub(crate) fn read(
        bytes: &mut Bytes<'_>,
        tag: u8,
        shown: Shown,
        before: Option<&Arc<str>>,
    ) -> Result<Self, Corrupt> {
        const WRONG: Corrupt = Corrupt("a title");
        let status = if tag & STATUS == 0 {
            usual(shown)
        } else {
            let status = bytes.varint_u32()?.checked_sub(1).map(u16::try_from);
            status.transpose().map_err(|_| Corrupt("a status"))?
        };
        let title = match tag & (TITLE | SAME_TITLE) {
            0 => None,
            TITLE => {
                let length = bytes.varint_usize()?;
                let coded = bytes.take(length / 2)?;
                let mut text = Vec::new();
                if length % 2 == 1 {
                    symbols::decode(TEXT.entries(), coded, &mut text)?;
                } else {
                    text.extend_from_slice(coded);
                }
                let text = String::from_utf8(text).map_err(|_| WRONG)?;
                Some(Arc::from(text))
            }
            SAME_TITLE => Some(Arc::clone(before.ok_or(WRONG)?)),
            _ => return Err(WRONG),
        };
        Ok(Self { status, title })
    }

    /// Steps over what [`write`](Self::write) wrote.
    pub(crate) fn skip(bytes: &mut Bytes<'_>, tag: u8) -> Result<(), Corrupt> {
        if tag & STATUS != 0 {
            bytes.varint()?;
        }
        if tag & TITLE != 0 {
            let length = bytes.varint_usize()?;
            bytes.stretch(length / 2)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn arb_document() -> impl Strategy<Value = Document> {
        let status = prop_oneof![
            Just(None),
            Just(Some(200)),
            Just(Some(301)),
            Just(Some(404)),
            any::<u16>().prop_map(Some)
        ];
        let title = prop_oneof![
            Just(None),
            "(read more|é|\\PC){0,30}".prop_map(|title| Some(Arc::from(title)))
        ];
        (status, title).prop_map(|(status, title)| Document { status, title })
    }

    proptest! {
        #[test]
        fn documents_come_back(
            document in arb_document(),
            other in arb_document(),
            shown in prop::sample::select(&Shown::ALL[..]),
        ) {
            for before in [None, other.title.as_ref(), document.title.as_ref()] {
                let tag = document.tag(shown, before);
                let mut written = Vec::new();
                document.write(tag, &mut written);
                prop_assert_eq!(written.is_empty(), tag & IN_DOCUMENT == 0);
                let mut bytes = Bytes::new(&written);
                prop_assert_eq!(&Document::read(&mut bytes, tag, shown, before).unwrap(), &document);
                prop_assert!(bytes.is_empty());
                let mut bytes = Bytes::new(&written);
                Document::skip(&mut bytes, tag).unwrap();
                prop_assert!(bytes.is_empty());
            }
        }

        #[test]
        fn r14_uniting_is_a_semilattice(a in arb_document(), b in arb_document(), c in arb_document()) {
            let unite = |a: &Document, b: &Document| {
                let mut united = a.clone();
                united.unite(b.clone());
                united
            };
            prop_assert_eq!(unite(&a, &a), a.clone());
            prop_assert_eq!(unite(&a, &b), unite(&b, &a));
            prop_assert_eq!(unite(&unite(&a, &b), &c), unite(&a, &unite(&b, &c)));
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..40), tag: u8) {
            let _ = Document::read(&mut Bytes::new(&bytes), tag, Shown::Html, None);
            let _ = Document::skip(&mut Bytes::new(&bytes), tag);
        }
    }
}
