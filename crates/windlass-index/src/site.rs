//! Site blocks: everything that links to one registrable domain.
//!
//! ```text
//! block := varint pages | page numbers (column)
//!        | varint urls | varint forms | varint attrs | varint hrefs | varint others
//!        | first time of each page (column) | further times
//!        | urls (string list: SURT keys) | forms (string list) | varint n | same fold (column)
//!        | attrs (string list: rel byte, alt) | table hrefs | table others
//! further times := varint n | pages (column) | ends (column) | bytes: varint seconds after the one before
//! table := nothing where it has no links, else
//!          first link of each url (column) | form or link type (column) | page (column)
//!        | attr (column) | varint n | exceptions (column) | ends (column)
//!        | bytes: varint n | (varint seconds after the one before | varint attr) × n
//! ```
//! Pages come first so that a merge can renumber them and copy the rest. Inside, a page, url, form
//! or attr is named by its place in the block's own list. Forms are anchors as written, ordered by
//! folded anchor, then as written; `same fold` lists those whose folded anchor is that of the form
//! before. A page's times are those of its captures that show a link to this site. Links are
//! ordered by (url, form or type, page). A link was seen at all of its page's times with its attr;
//! one that was not is an exception, which lists its sightings.

use windlass_links::LinkType;
use windlass_links::anchor::fold;

use crate::bytes::{Bytes, Corrupt, put_sized, put_varint};
use crate::column::{Column, ColumnBuilder, write_column};
use crate::sighting::{Dictionaries, Sighting};
use crate::strings::{StringList, StringListBuilder};

/// Encodes the block of one site. `sightings` are ordered and combined (see
/// [`combine`](crate::sighting::combine)), and at least one.
pub(crate) fn encode(
    sightings: &[Sighting],
    dictionaries: &Dictionaries<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Corrupt> {
    let urls = distinct(sightings.iter().map(|s| s.url));
    let forms = distinct(sightings.iter().filter(|s| !s.other).map(|s| s.form));
    let mut attrs = distinct(sightings.iter().map(|s| s.attr));
    attrs.sort_unstable_by(|&a, &b| dictionaries.attr(a).cmp(dictionaries.attr(b)));
    let mut attr_places: Vec<(u32, u32)> = attrs
        .iter()
        .zip(0..)
        .map(|(&attr, place)| (attr, place))
        .collect();
    attr_places.sort_unstable();
    let mut times: Vec<(u32, u32)> = sightings.iter().map(|s| (s.page, s.time)).collect();
    times.sort_unstable();
    times.dedup();
    let mut pages: Vec<u32> = times.iter().map(|(page, _)| *page).collect();
    pages.dedup();

    let count = |other: bool| {
        sightings
            .chunk_by(Sighting::same_link)
            .filter(|link| link.first().is_some_and(|s| s.other == other))
            .count()
    };
    put_varint(out, pages.len() as u64);
    write_column(pages.iter().copied(), out)?;
    for n in [
        urls.len(),
        forms.len(),
        attrs.len(),
        count(false),
        count(true),
    ] {
        put_varint(out, n as u64);
    }
    encode_times(&times, out)?;
    let mut list = StringListBuilder::default();
    urls.iter()
        .for_each(|&url| list.push(dictionaries.url(url)));
    list.finish(out)?;
    encode_forms(&forms, dictionaries, out)?;
    let mut list = StringListBuilder::default();
    attrs
        .iter()
        .for_each(|&attr| list.push(dictionaries.attr(attr)));
    list.finish(out)?;
    let local = Local {
        urls: &urls,
        forms: &forms,
        pages: &pages,
        attrs: &attr_places,
        times: &times,
    };
    encode_table(sightings, false, &local, out)?;
    encode_table(sightings, true, &local, out)
}

fn distinct(values: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut all: Vec<u32> = values.collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn encode_times(times: &[(u32, u32)], out: &mut Vec<u8>) -> Result<(), Corrupt> {
    let (mut first, mut further) = (ColumnBuilder::default(), Vec::new());
    for (place, page) in (0u32..).zip(times.chunk_by(|a, b| a.0 == b.0)) {
        let Some(((_, base), rest)) = page.split_first() else {
            continue;
        };
        first.push(*base);
        if !rest.is_empty() {
            further.push((place, *base, rest));
        }
    }
    first.finish(out)?;
    put_varint(out, further.len() as u64);
    if further.is_empty() {
        return Ok(());
    }
    write_column(further.iter().map(|(place, ..)| *place), out)?;
    let (mut ends, mut data) = (ColumnBuilder::default(), Vec::new());
    for (_, base, rest) in further {
        let mut before = base;
        for (_, time) in rest {
            put_varint(&mut data, u64::from(time - before));
            before = *time;
        }
        ends.push(u32::try_from(data.len()).map_err(|_| Corrupt("times over 4 GiB"))?);
    }
    ends.finish(out)?;
    put_sized(out, &data);
    Ok(())
}

fn encode_forms(
    forms: &[u32],
    dictionaries: &Dictionaries<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Corrupt> {
    let (mut list, mut same) = (StringListBuilder::default(), Vec::new());
    let mut before = None;
    for (place, &form) in (0u32..).zip(forms) {
        let text = dictionaries.form(form);
        let folded = fold(&String::from_utf8_lossy(text));
        if before.as_ref() == Some(&folded) {
            same.push(place);
        }
        before = Some(folded);
        list.push(text);
    }
    list.finish(out)?;
    put_varint(out, same.len() as u64);
    write_column(same, out)
}

/// A site's own numbering: each list is sorted, the place in it is the local number.
struct Local<'a> {
    urls: &'a [u32],
    forms: &'a [u32],
    pages: &'a [u32],
    attrs: &'a [(u32, u32)],
    times: &'a [(u32, u32)],
}

fn place(list: &[u32], value: u32) -> u32 {
    list.binary_search(&value).unwrap_or_else(|at| at) as u64 as u32
}

impl Local<'_> {
    fn attr(&self, attr: u32) -> u32 {
        let at = self.attrs.binary_search_by_key(&attr, |(attr, _)| *attr);
        at.ok()
            .and_then(|at| self.attrs.get(at))
            .map_or(0, |(_, place)| *place)
    }

    /// Whether the sightings of one link are what its page's times say.
    fn is_plain(&self, link: &[Sighting]) -> bool {
        let Some(first) = link.first() else {
            return true;
        };
        let start = self.times.partition_point(|(page, _)| *page < first.page);
        let of_page = self.times.get(start..).unwrap_or_default();
        let of_page = of_page.iter().take_while(|(page, _)| *page == first.page);
        link.iter().all(|s| s.attr == first.attr)
            && of_page
                .map(|(_, time)| *time)
                .eq(link.iter().map(|s| s.time))
    }
}

fn encode_table(
    sightings: &[Sighting],
    other: bool,
    local: &Local<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Corrupt> {
    let mut starts = ColumnBuilder::default();
    let (mut forms, mut pages, mut attrs) = (
        ColumnBuilder::default(),
        ColumnBuilder::default(),
        ColumnBuilder::default(),
    );
    let (mut exceptions, mut ends, mut data) = (
        ColumnBuilder::default(),
        ColumnBuilder::default(),
        Vec::new(),
    );
    let (mut n, mut urls, mut n_exceptions) = (0u32, 0, 0u64);
    let mut attr_hint = (u32::MAX, 0);
    for link in sightings.chunk_by(Sighting::same_link) {
        let Some(first) = link.first().filter(|s| s.other == other) else {
            continue;
        };
        let url = place(local.urls, first.url);
        while urls <= url {
            starts.push(n);
            urls += 1;
        }
        forms.push(if other {
            first.form
        } else {
            place(local.forms, first.form)
        });
        pages.push(place(local.pages, first.page));
        if attr_hint.0 != first.attr {
            attr_hint = (first.attr, local.attr(first.attr));
        }
        attrs.push(attr_hint.1);
        if !local.is_plain(link) {
            n_exceptions += 1;
            exceptions.push(n);
            put_varint(&mut data, link.len() as u64);
            let mut before = 0;
            for sighting in link {
                put_varint(&mut data, u64::from(sighting.time - before));
                put_varint(&mut data, u64::from(local.attr(sighting.attr)));
                before = sighting.time;
            }
            ends.push(u32::try_from(data.len()).map_err(|_| Corrupt("sightings over 4 GiB"))?);
        }
        n = n
            .checked_add(1)
            .ok_or(Corrupt("more than 2^32 links to one site"))?;
    }
    if n == 0 {
        return Ok(());
    }
    for _ in urls..local.urls.len() as u64 as u32 {
        starts.push(n);
    }
    for column in [starts, forms, pages, attrs] {
        column.finish(out)?;
    }
    put_varint(out, n_exceptions);
    if n_exceptions > 0 {
        exceptions.finish(out)?;
        ends.finish(out)?;
        put_sized(out, &data);
    }
    Ok(())
}

/// Rewrites a block's page numbers and copies the rest. The mapping must keep the order.
pub(crate) fn renumber_pages(
    block: &[u8],
    mut page: impl FnMut(u32) -> Option<u32>,
    out: &mut Vec<u8>,
) -> Result<(), Corrupt> {
    let mut bytes = Bytes::new(block);
    let n = bytes.varint_usize()?;
    let mut pages = Column::read(&mut bytes, n)?;
    put_varint(out, n as u64);
    let mut column = ColumnBuilder::default();
    for i in 0..n {
        column.push(page(pages.get(i)?).ok_or(Corrupt("a page number"))?);
    }
    column.finish(out)?;
    out.extend_from_slice(bytes.rest());
    Ok(())
}

/// How many `href` links and how many others a block holds.
pub(crate) fn counts(block: &[u8]) -> Result<(u64, u64), Corrupt> {
    let mut bytes = Bytes::new(block);
    let pages = bytes.varint_usize()?;
    Column::read(&mut bytes, pages)?;
    for _ in 0..3 {
        bytes.varint()?;
    }
    Ok((bytes.varint()?, bytes.varint()?))
}

/// The page numbers of a block.
pub(crate) fn pages_of(block: &[u8]) -> Result<Column<'_>, Corrupt> {
    let mut bytes = Bytes::new(block);
    let n = bytes.varint_usize()?;
    Column::read(&mut bytes, n)
}

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

/// A few lists of bytes, each known by a number.
#[derive(Debug, Clone)]
struct Lists<'a> {
    keys: Column<'a>,
    ends: Column<'a>,
    data: &'a [u8],
    /// Place of the key found last, or where it would be.
    hint: usize,
    /// Place of each key that can be asked for, where they were asked for in no order.
    places: Option<Vec<u32>>,
}

/// No list has this key.
const NOWHERE: u32 = u32::MAX;

impl<'a> Lists<'a> {
    fn read(bytes: &mut Bytes<'a>) -> Result<Self, Corrupt> {
        let n = bytes.varint_usize()?;
        if n == 0 {
            return Ok(Self::empty());
        }
        Ok(Self {
            keys: Column::read(bytes, n)?,
            ends: Column::read(bytes, n)?,
            data: bytes.sized()?,
            hint: 0,
            places: None,
        })
    }

    fn empty() -> Self {
        Self {
            keys: Column::empty(),
            ends: Column::empty(),
            data: &[],
            hint: 0,
            places: None,
        }
    }

    /// Makes ready for keys below `n` in any order.
    fn load_all(&mut self, n: usize) -> Result<(), Corrupt> {
        if self.keys.len() == 0 || self.places.is_some() {
            return Ok(());
        }
        let mut places = vec![NOWHERE; n];
        for at in 0..self.keys.len() {
            let key = self.keys.get(at)? as usize;
            *places.get_mut(key).ok_or(Corrupt("a list's key"))? = at as u64 as u32;
        }
        self.places = Some(places);
        self.ends.load_all()
    }

    /// The place of a key. Ascending keys cost little each.
    fn place(&mut self, key: u32) -> Result<Option<usize>, Corrupt> {
        if let Some(places) = &self.places {
            return Ok(places
                .get(key as usize)
                .filter(|at| **at != NOWHERE)
                .map(|at| *at as usize));
        }
        let n = self.keys.len();
        let is_behind = self.hint > 0 && self.keys.get(self.hint - 1)? >= key;
        if !is_behind && self.hint < n && self.keys.get(self.hint)? < key {
            self.hint += 1;
        }
        if is_behind || (self.hint < n && self.keys.get(self.hint)? < key) {
            self.hint = self.keys.lower_bound(key)?;
        }
        Ok((self.hint < n && self.keys.get(self.hint)? == key).then_some(self.hint))
    }

    fn get(&mut self, key: u32) -> Result<Option<Bytes<'a>>, Corrupt> {
        if self.keys.len() == 0 {
            return Ok(None);
        }
        let Some(at) = self.place(key)? else {
            return Ok(None);
        };
        let start = if at == 0 {
            0
        } else {
            self.ends.get(at - 1)? as usize
        };
        let end = self.ends.get(at)? as usize;
        self.data
            .get(start..end)
            .map(|data| Some(Bytes::new(data)))
            .ok_or(Corrupt("a list"))
    }
}

/// The links of one kind (`href`, or all others) of a site.
#[derive(Debug, Clone)]
pub(crate) struct Table<'a> {
    n: usize,
    starts: Column<'a>,
    /// Form, or link type.
    pub(crate) forms: Column<'a>,
    /// Page, by its place in the block.
    pub(crate) pages: Column<'a>,
    /// Attr.
    pub(crate) attrs: Column<'a>,
    exceptions: Lists<'a>,
}

impl<'a> Table<'a> {
    fn read(bytes: &mut Bytes<'a>, n: usize, urls: usize) -> Result<Self, Corrupt> {
        if n == 0 {
            let none = Column::empty();
            let exceptions = Lists::empty();
            return Ok(Self {
                n,
                starts: none.clone(),
                forms: none.clone(),
                pages: none.clone(),
                attrs: none,
                exceptions,
            });
        }
        Ok(Self {
            n,
            starts: Column::read(bytes, urls)?,
            forms: Column::read(bytes, n)?,
            pages: Column::read(bytes, n)?,
            attrs: Column::read(bytes, n)?,
            exceptions: Lists::read(bytes)?,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.n
    }

    /// Place of the first link to the url at that place or behind it.
    pub(crate) fn start(&mut self, url: usize) -> Result<usize, Corrupt> {
        if url >= self.starts.len() {
            return Ok(self.n);
        }
        Ok(self.starts.get(url)? as usize)
    }

    /// The sightings of an exception, as (time, attr) in order of time; `None` where the link
    /// was seen at all of its page's times.
    pub(crate) fn exception(&mut self, link: u32) -> Result<Option<Vec<(u32, u32)>>, Corrupt> {
        let Some(mut bytes) = self.exceptions.get(link)? else {
            return Ok(None);
        };
        let mut sightings = Vec::new();
        let mut time = 0u32;
        for _ in 0..bytes.varint_usize()? {
            time = time
                .checked_add(bytes.varint_u32()?)
                .ok_or(Corrupt("a time"))?;
            sightings.push((time, bytes.varint_u32()?));
        }
        Ok(Some(sightings))
    }
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
        if self.further.keys.len() > 0 && self.further.get(page)?.is_some() {
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

/// The link types that the table of other links holds, by their number.
pub(crate) fn link_type(number: u32) -> Result<LinkType, Corrupt> {
    LinkType::ALL
        .get(number as usize)
        .copied()
        .ok_or(Corrupt("a link type"))
}
