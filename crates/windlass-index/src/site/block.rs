//! Reading a site block.

use super::lists::Lists;
use super::table::Table;
use crate::bytes::{Bytes, Corrupt};
use crate::column::Column;
use crate::sighting::Sighting;
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
    first_times: Column<'a>,
    further: Lists<'a>,
    same_fold: Column<'a>,
}

impl<'a> SiteBlock<'a> {
    pub(crate) fn read(block: &'a [u8]) -> Result<Self, Corrupt> {
        let mut bytes = Bytes::new(block);
        let n_pages = bytes.varint_usize()?;
        let pages = Column::read(&mut bytes, n_pages)?;
        let n_urls = bytes.varint_usize()?;
        let n_forms = bytes.varint_usize()?;
        let n_attrs = bytes.varint_usize()?;
        let n_hrefs = bytes.varint_usize()?;
        let n_others = bytes.varint_usize()?;
        let first_times = Column::read(&mut bytes, n_pages)?;
        let further = Lists::read(&mut bytes)?;
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
            first_times,
            further,
            same_fold,
        })
    }

    /// Makes ready for reading so many links: where they are many, the columns that they lead into are
    /// decoded whole rather than block by block in no order.
    pub(crate) fn prepare(&mut self, links: usize) -> Result<(), Corrupt> {
        if links > self.pages.len() / 256 {
            self.pages.load_all()?;
            self.first_times.load_all()?;
            self.further.load_all(self.pages.len())?;
        }
        Ok(())
    }

    /// The times of the page at that place, in order, into `times`.
    pub(crate) fn times(&mut self, page: u32, times: &mut Vec<u32>) -> Result<(), Corrupt> {
        times.clear();
        let mut time = self.first_times.get(page as usize)?;
        times.push(time);
        if let Some(mut bytes) = self.further.get(page)? {
            while !bytes.is_empty() {
                time = time
                    .checked_add(bytes.varint_u32()?)
                    .ok_or(Corrupt("a time"))?;
                times.push(time);
            }
        }
        Ok(())
    }

    /// The only time of the page at that place; `None` where it has several.
    pub(crate) fn only_time(&mut self, page: u32) -> Result<Option<u32>, Corrupt> {
        if !self.further.is_empty() && self.further.get(page)?.is_some() {
            return Ok(None);
        }
        self.first_times.get(page as usize).map(Some)
    }

    /// Calls `each` with every sighting of the links to a range of urls. Urls, forms and attrs are
    /// numbered as in the block, pages as in the segment.
    pub(crate) fn for_each_sighting<E: From<Corrupt>>(
        &mut self,
        urls: std::ops::Range<usize>,
        mut each: impl FnMut(Sighting) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut times = Vec::new();
        let hrefs = self
            .hrefs
            .start(urls.end)?
            .saturating_sub(self.hrefs.start(urls.start)?);
        self.prepare(hrefs)?;
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
                        page: self.pages.get(place as usize)?,
                        time: 0,
                        attr,
                        other,
                        wat: false,
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
}
