//! Reading a site block.

use std::ops::Range;

use super::subset::Subset;
use super::table::Table;
use super::times::PageTimes;
use crate::bytes::{Bytes, Corrupt};
use crate::column::{BLOCK, Column};
use crate::recaptured::CaptureTimes;
use crate::sighting::Sighting;
use crate::stretch::Stretch;
use crate::strings::StringList;

/// A block as it lies in the file.
#[derive(Debug, Clone)]
pub(crate) struct SiteBlock<'a> {
    /// What all SURTs of its urls begin with; empty where who reads it does not need that.
    pub(crate) site_key: Vec<u8>,
    pub(crate) pages: Column<'a>,
    /// What the SURTs of its urls have behind the site key.
    pub(crate) urls: StringList<'a>,
    pub(crate) forms: StringList<'a>,
    pub(crate) attrs: StringList<'a>,
    pub(crate) hrefs: Table<'a>,
    pub(crate) others: Table<'a>,
    pub(crate) page_times: PageTimes<'a>,
    same_fold: Subset<'a>,
}

impl<'a> SiteBlock<'a> {
    /// Reads the block of a site that is in memory, or has been verified.
    pub(crate) fn read(
        site_key: &[u8],
        block: &'a [u8],
        captures: CaptureTimes<'a>,
    ) -> Result<Self, Corrupt> {
        Self::open(site_key, Stretch::trusted(block), captures)
    }

    /// Reads where the parts of the block of a site lie. `captures` tells of the segment's pages when they were
    /// really captured.
    pub(crate) fn open(
        site_key: &[u8],
        block: Stretch<'a>,
        captures: CaptureTimes<'a>,
    ) -> Result<Self, Corrupt> {
        let mut new = Self {
            site_key: site_key.to_owned(),
            pages: Column::empty(),
            urls: StringList::empty(),
            forms: StringList::empty(),
            attrs: StringList::empty(),
            hrefs: Table::empty(),
            others: Table::empty(),
            page_times: PageTimes::empty(captures),
            same_fold: Subset::empty(),
        };
        new.open_again(block, captures)?;
        Ok(new)
    }

    /// [`read`](Self::read)s another block of that site, or of any where the site key is empty. What is allocated is
    /// used again: most blocks are small.
    pub(crate) fn read_again(
        &mut self,
        block: &'a [u8],
        captures: CaptureTimes<'a>,
    ) -> Result<(), Corrupt> {
        self.open_again(Stretch::trusted(block), captures)
    }

    fn open_again(
        &mut self,
        block: Stretch<'a>,
        captures: CaptureTimes<'a>,
    ) -> Result<(), Corrupt> {
        let mut bytes = Bytes::over(block);
        let n_pages = bytes.varint_usize()?;
        self.pages.read_again(&mut bytes, n_pages)?;
        let n_urls = bytes.varint_usize()?;
        let n_forms = bytes.varint_usize()?;
        let n_attrs = bytes.varint_usize()?;
        let n_hrefs = bytes.varint_usize()?;
        let n_others = bytes.varint_usize()?;
        self.page_times.read_again(&mut bytes, n_pages, captures)?;
        self.urls = StringList::read(&mut bytes, n_urls)?;
        self.forms = StringList::read(&mut bytes, n_forms)?;
        self.same_fold = Subset::read(&mut bytes, n_forms)?;
        self.attrs = StringList::read(&mut bytes, n_attrs)?;
        self.hrefs.read_again(&mut bytes, n_hrefs, n_urls)?;
        self.others.read_again(&mut bytes, n_others, n_urls)?;
        if !bytes.is_empty() {
            return Err(Corrupt("a site block with bytes left over"));
        }
        Ok(())
    }

    /// The SURT of a url, into `key`.
    pub(crate) fn url_key(&self, url: usize, key: &mut Vec<u8>) -> Result<(), Corrupt> {
        self.urls.get(url, key)?;
        key.splice(..0, self.site_key.iter().copied());
        Ok(())
    }

    /// The first url whose SURT is not less than `key`. O(log urls).
    pub(crate) fn first_url_from(&self, key: &[u8]) -> Result<usize, Corrupt> {
        match key.strip_prefix(self.site_key.as_slice()) {
            Some(rest) => self.urls.lower_bound(rest),
            None if key < self.site_key.as_slice() => Ok(0),
            None => Ok(self.urls.len()),
        }
    }

    /// The times of the page at that place, in order, into `times`.
    pub(crate) fn times(&mut self, page: u32, times: &mut Vec<u32>) -> Result<(), Corrupt> {
        let number = self.pages.at(page as usize)?;
        self.page_times.of(page, number, times)
    }

    /// When a link was seen, by its number among those of its kind, on the page at that place: the seconds,
    /// each with its attr.
    pub(crate) fn seen(
        &mut self,
        is_other: bool,
        link: u32,
        place: u32,
    ) -> Result<Vec<(u32, u32)>, Corrupt> {
        let table = if is_other {
            &mut self.others
        } else {
            &mut self.hrefs
        };
        if let Some(seen) = table.exception(link)? {
            return Ok(seen);
        }
        let attr = table.attrs.at(link as usize)?;
        let mut times = Vec::new();
        self.times(place, &mut times)?;
        Ok(times.into_iter().map(|time| (time, attr)).collect())
    }

    /// Calls `each` with every sighting of the links to a range of urls. Urls, forms and attrs are
    /// numbered as in the block, pages as in the segment.
    pub(crate) fn for_each_sighting<E: From<Corrupt>>(
        &mut self,
        urls: std::ops::Range<usize>,
        mut each: impl FnMut(Sighting) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut times = Vec::new();
        for other in [false, true] {
            for url in urls.clone() {
                let table = if other {
                    &mut self.others
                } else {
                    &mut self.hrefs
                };
                let links = table.start(url)?..table.start(url + 1)?;
                for link in links {
                    let table = if other {
                        &mut self.others
                    } else {
                        &mut self.hrefs
                    };
                    let (place, attr) = (table.pages.get(link)?, table.attrs.get(link)?);
                    let mut sighting = Sighting {
                        url: url as u64 as u32,
                        form: table.forms.get(link)?,
                        page: self.pages.at(place as usize)?,
                        time: 0,
                        attr,
                        other,
                    };
                    match table.exception(link as u64 as u32)? {
                        Some(seen) => {
                            for (time, attr) in seen {
                                sighting.time = time;
                                sighting.attr = attr;
                                each(sighting)?;
                            }
                        }
                        None => {
                            self.times(place, &mut times)?;
                            for &time in &times {
                                sighting.time = time;
                                each(sighting)?;
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The number of a form's folded anchor: forms with the same one share it, and the order of
    /// numbers is the byte order of folded anchors.
    pub(crate) fn fold_of(&mut self, form: u32) -> Result<u32, Corrupt> {
        fold_in(&mut self.same_fold, form)
    }

    /// Calls `each` with the number of the folded anchor and the page's place of each backlink in a range, in order.
    pub(crate) fn for_each_href(
        &mut self,
        links: Range<usize>,
        mut each: impl FnMut(u32, u32),
    ) -> Result<(), Corrupt> {
        let mut link = links.start;
        while link < links.end {
            let stop = links.end.min((link / BLOCK + 1) * BLOCK);
            let (forms, places) = self.hrefs.forms_and_pages(link..stop)?;
            for (form, place) in forms.iter().zip(places) {
                each(fold_in(&mut self.same_fold, *form)?, *place);
            }
            link = stop;
        }
        Ok(())
    }

    /// How many different folded anchors there are.
    pub(crate) fn fold_count(&self) -> usize {
        self.forms.len().saturating_sub(self.same_fold.len())
    }

    /// The first form with a folded anchor.
    pub(crate) fn form_of_fold(&mut self, fold: u32) -> Result<usize, Corrupt> {
        self.same_fold.find_outside(fold as usize)
    }

    /// The first form with another folded anchor behind a form.
    pub(crate) fn next_fold(&mut self, form: usize) -> Result<usize, Corrupt> {
        let mut next = form + 1;
        while self.same_fold.find(next)?.0 {
            next += 1;
        }
        Ok(next)
    }

    /// The first form, from one on, with the folded anchor of the form before it.
    pub(crate) fn next_same_fold(&mut self, form: usize) -> Result<Option<usize>, Corrupt> {
        self.same_fold.next_from(form)
    }

    /// A bit for each form, 64 in a word, lowest bits first: whether its folded anchor is that of the form before
    /// it. No word where each form has its own.
    pub(crate) fn same_folds(&mut self) -> Result<Vec<u64>, Corrupt> {
        self.same_fold.words()
    }
}

/// The number of the folded anchor of a form.
#[inline]
fn fold_in(same_fold: &mut Subset<'_>, form: u32) -> Result<u32, Corrupt> {
    let (is_same, before) = same_fold.find(form as usize)?;
    form.checked_sub((before + usize::from(is_same)) as u64 as u32)
        .ok_or(Corrupt("the list of equal folds"))
}
