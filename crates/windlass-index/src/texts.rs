//! Anchors and referring domains of an answer, by their numbers.

use windlass_links::anchor::fold_into;
use windlass_links::surt::host_of_key;

use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::intern::Interner;
use crate::rows::Strings;
use crate::segment::{Domains, Segment};
use crate::site::SiteBlock;
use crate::strings::StringCursor;

/// Reads anchors and referring domains as they are asked for. Anchors in ascending order of their
/// numbers cost some tens of ns each, others some hundreds.
#[derive(Debug)]
pub struct Texts<'a>(Kind<'a>);

#[derive(Debug)]
enum Kind<'a> {
    Listed {
        anchors: &'a Strings,
        refdomains: &'a Strings,
    },
    Gathered {
        folds: &'a Interner,
        order: &'a [u32],
        domains: DomainTexts<'a>,
    },
    Site(Box<SiteTexts<'a>>),
}

/// The registrable domains of a segment, as hosts.
#[derive(Debug)]
struct DomainTexts<'a> {
    segment: &'a Segment,
    domains: Domains<'a>,
    host: String,
}

impl<'a> DomainTexts<'a> {
    fn of(segment: &'a Segment) -> Result<Self, Corrupt> {
        Ok(Self {
            segment,
            domains: segment.domains()?,
            host: String::new(),
        })
    }

    fn get(&mut self, number: u32) -> Result<&str, IndexError> {
        let key = self.domains.key(number);
        self.host = host_of_key(&key.map_err(|corrupt| self.segment.corrupt(corrupt))?);
        Ok(&self.host)
    }
}

#[derive(Debug)]
struct SiteTexts<'a> {
    domains: DomainTexts<'a>,
    block: SiteBlock<'a>,
    forms: StringCursor<'a>,
    /// The anchor read last, with its first form.
    last: Option<(u32, usize)>,
    folded: String,
}

impl<'a> Texts<'a> {
    pub(crate) fn listed(anchors: &'a Strings, refdomains: &'a Strings) -> Self {
        Self(Kind::Listed {
            anchors,
            refdomains,
        })
    }

    /// Folded anchors of several sites, in an order that gives the number of each by its own.
    pub(crate) fn gathered(
        segment: &'a Segment,
        folds: &'a Interner,
        order: &'a [u32],
    ) -> Result<Self, Corrupt> {
        Ok(Self(Kind::Gathered {
            folds,
            order,
            domains: DomainTexts::of(segment)?,
        }))
    }

    pub(crate) fn of_site(segment: &'a Segment, site_key: &[u8]) -> Result<Self, Corrupt> {
        let block = segment.site(site_key)?.ok_or(Corrupt("a site's key"))?;
        Ok(Self(Kind::Site(Box::new(SiteTexts {
            domains: DomainTexts::of(segment)?,
            forms: StringCursor::new(block.forms),
            last: None,
            block,
            folded: String::new(),
        }))))
    }

    /// A folded anchor by its number (R9a).
    ///
    /// # Errors
    /// Where the segment is damaged.
    pub fn anchor(&mut self, number: u32) -> Result<&str, IndexError> {
        match &mut self.0 {
            Kind::Listed { anchors, .. } => Ok(anchors.get(number)),
            Kind::Gathered {
                folds,
                order,
                domains,
            } => {
                let text = order.get(number as usize).map(|fold| folds.get(*fold));
                let text = text.and_then(|text| std::str::from_utf8(text).ok());
                text.ok_or_else(|| domains.segment.corrupt(Corrupt("an anchor's number")))
            }
            Kind::Site(site) => {
                let segment = site.domains.segment;
                site.anchor(number)
                    .map_err(|corrupt| segment.corrupt(corrupt))
            }
        }
    }

    /// A referring domain by its number.
    ///
    /// # Errors
    /// Where the segment is damaged.
    pub fn refdomain(&mut self, number: u32) -> Result<&str, IndexError> {
        match &mut self.0 {
            Kind::Listed { refdomains, .. } => Ok(refdomains.get(number)),
            Kind::Gathered { domains, .. } => domains.get(number),
            Kind::Site(site) => site.domains.get(number),
        }
    }
}

impl SiteTexts<'_> {
    fn anchor(&mut self, number: u32) -> Result<&str, Corrupt> {
        let form = match self.last {
            // The next one is near.
            Some((last, form)) if last.checked_add(1) == Some(number) => {
                self.block.next_fold(form)?
            }
            _ => self.block.form_of_fold(number)?,
        };
        self.last = Some((number, form));
        let text = std::str::from_utf8(self.forms.get(form)?).map_err(|_| Corrupt("an anchor"))?;
        // Most anchors are what they are folded to.
        if text.is_ascii() && !text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Ok(text);
        }
        self.folded.clear();
        fold_into(text, &mut self.folded);
        Ok(&self.folded)
    }
}
