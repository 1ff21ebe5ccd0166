//! Reading a site block.

use super::lists::Lists;
use super::table::Table;
use crate::bytes::{Bytes, Corrupt};
use crate::column::Column;
use crate::paged::Paged;
use crate::sighting::Sighting;
use crate::stretch::Stretch;
use crate::strings::StringList;

/// A block as it lies in the file.
#[derive(Debug, Clone)]
pub(crate) struct SiteBlock<'a> {
    pub(crate) pages: Column<'a>,
    pub(crate) urls: StringList<'a>,
    pub(crate) forms: StringList<'a>,
    pub(crate) attrs: StringList<'a>,
    pub(crate) hrefs: Table<'a>,
    pub(crate) others: Table<'a>,
    pub(crate) page_times: PageTimes<'a>,
    same_fold: Column<'a>,
}

/// When each page of a block showed a link to the site: in its latest real capture and no other, but for
/// pages that have a list of their own.
#[derive(Debug, Clone)]
pub(crate) struct PageTimes<'a> {
    latest: Paged<'a>,
    own: Lists<'a>,
}

impl PageTimes<'_> {
    /// The times of a page, by its place in the block and its number in the segment, in order, into
    /// `times`.
    pub(crate) fn of(
        &mut self,
        place: u32,
        page: u32,
        times: &mut Vec<u32>,
    ) -> Result<(), Corrupt> {
        times.clear();
        let mut time = self.latest.get(page as usize)?;
        match self.own.get(place)? {
            None => times.push(time),
            Some(mut bytes) => {
                while !bytes.is_empty() {
                    time = earlier(time, &mut bytes)?;
                    times.push(time);
                }
                times.reverse();
            }
        }
        Ok(())
    }

    /// The first and the last time of a page, by its place in the block and its number in the segment.
    #[inline]
    pub(crate) fn first_and_last(&mut self, place: u32, page: u32) -> Result<(u32, u32), Corrupt> {
        let latest = self.latest.get(page as usize)?;
        if self.own.is_empty() {
            return Ok((latest, latest));
        }
        let Some(mut bytes) = self.own.get(place)? else {
            return Ok((latest, latest));
        };
        let last = earlier(latest, &mut bytes)?;
        let mut first = last;
        while !bytes.is_empty() {
            first = earlier(first, &mut bytes)?;
        }
        Ok((first, last))
    }
}

/// The time that is so many seconds before another as the bytes say.
fn earlier(time: u32, bytes: &mut Bytes<'_>) -> Result<u32, Corrupt> {
    time.checked_sub(bytes.varint_u32()?)
        .ok_or(Corrupt("a time"))
}

impl<'a> SiteBlock<'a> {
    /// Reads a block that is in memory, or has been verified.
    pub(crate) fn read(block: &'a [u8], latest: Paged<'a>) -> Result<Self, Corrupt> {
        Self::open(Stretch::trusted(block), latest)
    }

    /// Reads where the parts of a block lie. `latest` tells of the segment's pages when they were last
    /// really captured.
    pub(crate) fn open(block: Stretch<'a>, latest: Paged<'a>) -> Result<Self, Corrupt> {
        let mut bytes = Bytes::over(block);
        let n_pages = bytes.varint_usize()?;
        let pages = Column::read(&mut bytes, n_pages)?;
        let n_urls = bytes.varint_usize()?;
        let n_forms = bytes.varint_usize()?;
        let n_attrs = bytes.varint_usize()?;
        let n_hrefs = bytes.varint_usize()?;
        let n_others = bytes.varint_usize()?;
        let page_times = PageTimes {
            latest,
            own: Lists::read(&mut bytes)?,
        };
        let urls = StringList::read(&mut bytes, n_urls)?;
        let forms = StringList::read(&mut bytes, n_forms)?;
        let n_same = bytes.varint_usize()?;
        let same_fold = Column::read(&mut bytes, n_same)?;
        let attrs = StringList::read(&mut bytes, n_attrs)?;
        let hrefs = Table::read(&mut bytes, n_hrefs, n_urls)?;
        let others = Table::read(&mut bytes, n_others, n_urls)?;
        if !bytes.is_empty() {
            return Err(Corrupt("a site block with bytes left over"));
        }
        Ok(Self {
            pages,
            urls,
            forms,
            attrs,
            hrefs,
            others,
            page_times,
            same_fold,
        })
    }

    /// The times of the page at that place, in order, into `times`.
    pub(crate) fn times(&mut self, page: u32, times: &mut Vec<u32>) -> Result<(), Corrupt> {
        let number = self.pages.at(page as usize)?;
        self.page_times.of(page, number, times)
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
        if self.same_fold.len() == 0 {
            return Ok(form);
        }
        let before = match form.checked_add(1) {
            Some(next) => self.same_fold.lower_bound(next)?,
            None => self.same_fold.len(),
        };
        form.checked_sub(before as u64 as u32)
            .ok_or(Corrupt("the list of equal folds"))
    }

    /// How many different folded anchors there are.
    pub(crate) fn fold_count(&self) -> usize {
        self.forms.len().saturating_sub(self.same_fold.len())
    }

    /// The first form with a folded anchor.
    pub(crate) fn form_of_fold(&mut self, fold: u32) -> Result<usize, Corrupt> {
        // Of the forms that repeat the fold before them, those lie before the one sought whose place,
        // less the number of such forms before them, is at most the fold.
        let (mut low, mut high) = (0, self.same_fold.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if (self.same_fold.at(middle)? as usize) <= fold as usize + middle {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(fold as usize + low)
    }

    /// The fold of each form; nothing where each has its own.
    pub(crate) fn folds(&mut self) -> Result<Vec<u32>, Corrupt> {
        let n = self.same_fold.len();
        let mut folds = Vec::new();
        if n == 0 {
            return Ok(folds);
        }
        let (mut at, mut fold) = (0, 0u32);
        for form in 0..self.forms.len() {
            if at < n && self.same_fold.get(at)? as usize == form {
                at += 1;
            } else if form > 0 {
                fold += 1;
            }
            folds.push(fold);
        }
        Ok(folds)
    }
}
