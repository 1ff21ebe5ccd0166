//! Anchors and referring domains of an answer, by their numbers.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_links::anchor::fold_into;
use windlass_links::surt::host_of_key;

use crate::anchors::AnchorTable;
use crate::bytes::Corrupt;
use crate::cache::Worth;
use crate::error::IndexError;
use crate::fetch::AT_ONCE;
use crate::intern::Interner;
use crate::query::Tuning;
use crate::range_anchors::RangeAnchors;
use crate::rows::Strings;
use crate::segment::{Segment, SitePlace};
use crate::site::SiteBlock;
use crate::strings::{StringCursor, StringList};

/// After how many anchors that were read one by one it is asked whether all are worth decoding, of sites
/// that have some.
const READ_MIN: usize = 16;

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
    Site(SiteTexts<'a>),
}

/// The registrable domains of a segment, as hosts.
#[derive(Debug)]
struct DomainTexts<'a> {
    segment: &'a Segment,
    keys: StringList<'a>,
    key: Vec<u8>,
    host: String,
}

impl<'a> DomainTexts<'a> {
    fn of(segment: &'a Segment) -> Result<Self, Corrupt> {
        Ok(Self {
            segment,
            keys: segment.domain_keys()?,
            key: Vec::new(),
            host: String::new(),
        })
    }

    fn get(&mut self, number: u32) -> Result<&str, IndexError> {
        let key = self.keys.get(number as usize, &mut self.key);
        key.map_err(|corrupt| self.segment.corrupt(corrupt))?;
        self.host = host_of_key(&self.key);
        Ok(&self.host)
    }
}

/// Opened where they are asked for: most answers have no referring domains, and some no anchors that are not kept.
#[derive(Debug)]
struct SiteTexts<'a> {
    segment: &'a Segment,
    site: &'a SitePlace,
    tuning: Tuning,
    domains: Option<DomainTexts<'a>>,
    /// The anchors of the target, where they are kept, and the place of the one read last.
    of_range: Option<(&'a RangeAnchors, usize)>,
    all: Option<Box<SiteAnchors<'a>>>,
}

/// The anchors of a site.
#[derive(Debug)]
struct SiteAnchors<'a> {
    segment: &'a Segment,
    block: SiteBlock<'a>,
    /// All of them, where they are kept.
    table: Option<Arc<AnchorTable>>,
    /// How many anchors were read without them, and after how many it is asked whether all are worth
    /// decoding; `None` where they are not to be.
    read: Option<(usize, usize)>,
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

    pub(crate) fn of_site(
        segment: &'a Segment,
        site: &'a SitePlace,
        of_range: Option<&'a RangeAnchors>,
        tuning: Tuning,
    ) -> Self {
        Self(Kind::Site(SiteTexts {
            segment,
            site,
            tuning,
            domains: None,
            of_range: of_range.map(|anchors| (anchors, 0)),
            all: None,
        }))
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
            Kind::Site(site) => site.anchor(number),
        }
    }

    /// Appends folded anchors (R9a), whose numbers ascend, to `text`, and where each ends to `ends`.
    ///
    /// # Errors
    /// Where the segment is damaged.
    pub fn append_anchors(
        &mut self,
        numbers: &[u32],
        text: &mut String,
        ends: &mut Vec<usize>,
    ) -> Result<(), IndexError> {
        if let Kind::Site(site) = &mut self.0
            && site.of_range.is_none()
        {
            return site.all()?.append(numbers, text, ends);
        }
        for number in numbers {
            text.push_str(self.anchor(*number)?);
            ends.push(text.len());
        }
        Ok(())
    }

    /// A referring domain by its number.
    ///
    /// # Errors
    /// Where the segment is damaged.
    pub fn refdomain(&mut self, number: u32) -> Result<&str, IndexError> {
        match &mut self.0 {
            Kind::Listed { refdomains, .. } => Ok(refdomains.get(number)),
            Kind::Gathered { domains, .. } => domains.get(number),
            Kind::Site(site) => site.domains()?.get(number),
        }
    }
}

impl<'a> SiteTexts<'a> {
    fn domains(&mut self) -> Result<&mut DomainTexts<'a>, IndexError> {
        match &mut self.domains {
            Some(domains) => Ok(domains),
            none => {
                let opened = DomainTexts::of(self.segment);
                Ok(none.insert(opened.map_err(|corrupt| self.segment.corrupt(corrupt))?))
            }
        }
    }

    /// All anchors of the site.
    fn all(&mut self) -> Result<&mut SiteAnchors<'a>, IndexError> {
        match &mut self.all {
            Some(all) => Ok(all),
            none => {
                let is_of_range = self.of_range.is_some();
                let opened = SiteAnchors::open((self.segment, self.site), is_of_range, self.tuning);
                let opened = opened.map_err(|corrupt| self.segment.corrupt(corrupt))?;
                Ok(none.insert(Box::new(opened)))
            }
        }
    }

    #[inline]
    fn anchor(&mut self, number: u32) -> Result<&str, IndexError> {
        if let Some((anchors, near)) = &mut self.of_range
            && let Some((place, anchor)) = anchors.get_from(*near, number)
        {
            *near = place;
            return Ok(anchor);
        }
        self.all()?.get(number)
    }
}

impl<'a> SiteAnchors<'a> {
    /// Whoever has most of what is wanted already does not look at others.
    fn open(
        (segment, site): (&'a Segment, &'a SitePlace),
        is_of_range: bool,
        tuning: Tuning,
    ) -> Result<Self, Corrupt> {
        let block = segment.site_at(&site.key, site.offset)?;
        let folds = block.fold_count();
        let is_known = !is_of_range && folds >= tuning.known_anchors_min;
        let table = match is_known {
            true => segment.anchors().get(&site.key),
            false => None,
        };
        let enough = READ_MIN.min(folds / READ_MIN + 1);
        Ok(Self {
            segment,
            table,
            read: (is_known && tuning.makes_tables).then_some((0, enough)),
            forms: StringCursor::new(block.forms),
            last: None,
            block,
            folded: String::new(),
        })
    }

    fn wrong(&self) -> impl Fn(Corrupt) -> IndexError + use<'a> {
        let segment = self.segment;
        move |corrupt| segment.corrupt(corrupt)
    }

    /// Takes all anchors, where so many were read, and so many more will be, that they are worth decoding.
    fn look_for_table(&mut self, more: usize) -> Result<(), IndexError> {
        let (None, Some((read, enough))) = (&self.table, &mut self.read) else {
            return Ok(());
        };
        *read += more;
        if read < enough {
            return Ok(());
        }
        let more = std::mem::take(read);
        let never = AtomicBool::new(false);
        self.table = self.segment.anchors().get_if_worth(
            self.segment,
            &self.block.site_key,
            &self.block,
            (more, Worth::AfterAll),
            &never,
        )?;
        Ok(())
    }

    fn get(&mut self, number: u32) -> Result<&str, IndexError> {
        self.look_for_table(1)?;
        let wrong = self.wrong();
        match self.table {
            Some(ref table) => {
                let text = table.get(number);
                text.ok_or_else(|| wrong(Corrupt("an anchor's number")))
            }
            None => {
                let form = self.form(number).map_err(&wrong)?;
                self.folded(form).map_err(wrong)
            }
        }
    }

    /// Appends anchors, and where each ends.
    fn append(
        &mut self,
        numbers: &[u32],
        text: &mut String,
        ends: &mut Vec<usize>,
    ) -> Result<(), IndexError> {
        self.look_for_table(numbers.len())?;
        if self.table.is_none() {
            return self.append_read(numbers, text, ends).map_err(self.wrong());
        }
        for number in numbers {
            text.push_str(self.get(*number)?);
            ends.push(text.len());
        }
        Ok(())
    }

    /// Appends anchors of which none is kept.
    fn append_read(
        &mut self,
        numbers: &[u32],
        text: &mut String,
        ends: &mut Vec<usize>,
    ) -> Result<(), Corrupt> {
        let mut forms = Vec::with_capacity(AT_ONCE.min(numbers.len()));
        for some in numbers.chunks(AT_ONCE) {
            forms.clear();
            for number in some {
                forms.push(self.form(*number)?);
            }
            self.forms.fetch(forms.iter().copied());
            for form in &forms {
                text.push_str(self.folded(*form)?);
                ends.push(text.len());
            }
        }
        Ok(())
    }

    /// The first form of an anchor.
    fn form(&mut self, number: u32) -> Result<usize, Corrupt> {
        let form = match self.last {
            // The next one is near.
            Some((last, form)) if last.checked_add(1) == Some(number) => {
                self.block.next_fold(form)?
            }
            _ => self.block.form_of_fold(number)?,
        };
        self.last = Some((number, form));
        Ok(form)
    }

    /// The folded anchor of a form.
    fn folded(&mut self, form: usize) -> Result<&str, Corrupt> {
        let text = std::str::from_utf8(self.forms.get(form)?).map_err(|_| Corrupt("an anchor"))?;
        self.folded.clear();
        if text.is_ascii() {
            self.folded.push_str(text);
            self.folded.make_ascii_lowercase();
        } else {
            fold_into(text, &mut self.folded);
        }
        Ok(&self.folded)
    }
}
