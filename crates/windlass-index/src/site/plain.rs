//! Site blocks from lists of sightings, plainly: what the encoder that works in one pass, and merges,
//! are compared with.

use windlass_links::anchor::fold;

use super::subset::SubsetBuilder;
use crate::bytes::{Corrupt, put_sized, put_varint};
use crate::column::{ColumnBuilder, write_column};
use crate::intern::Interner;
use crate::sighting::{Sighting, unite_attrs};
use crate::strings::{Coding, StringListBuilder};

impl Sighting {
    /// The order of a site block.
    pub(crate) fn key(&self) -> (u32, bool, u32, u32, u32) {
        (self.url, self.other, self.form, self.page, self.time)
    }

    pub(crate) fn same_link(&self, other: &Self) -> bool {
        (self.url, self.other, self.form, self.page)
            == (other.url, other.other, other.form, other.page)
    }
}

/// What the numbers in sightings mean. Numbers of urls and forms are in the block's order.
pub(crate) struct Dictionaries<'a> {
    pub(crate) urls: &'a dyn Fn(u32) -> &'a [u8],
    pub(crate) forms: &'a dyn Fn(u32) -> &'a [u8],
    pub(crate) attrs: &'a Interner,
    /// When a page was really captured: ascending.
    pub(crate) captures: &'a dyn Fn(u32) -> Vec<u32>,
}

impl<'a> Dictionaries<'a> {
    /// What the SURT of a target has behind the site key.
    pub(crate) fn url(&self, number: u32) -> &'a [u8] {
        (self.urls)(number)
    }

    /// An anchor as written.
    pub(crate) fn form(&self, number: u32) -> &'a [u8] {
        (self.forms)(number)
    }

    /// Rel and alt.
    pub(crate) fn attr(&self, number: u32) -> &'a [u8] {
        self.attrs.get(number)
    }
}

/// Sorts sightings and unites those of one link at one time (R12).
pub(crate) fn combine(sightings: &mut Vec<Sighting>, attrs: &mut Interner) {
    sightings.sort_unstable_by_key(Sighting::key);
    sightings.dedup_by(|later, kept| {
        let same = later.key() == kept.key();
        if same && later.attr != kept.attr {
            let united = unite_attrs(attrs.get(kept.attr), attrs.get(later.attr));
            kept.attr = attrs.intern(&united).0;
        }
        same
    });
}

/// Encodes the block of one site. `sightings` are ordered and combined (see [`combine`]), and at least one.
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
    encode_times(&times, dictionaries.captures, out)?;
    let mut list = StringListBuilder::coded(Coding::Surt);
    urls.iter()
        .for_each(|&url| list.push(dictionaries.url(url)));
    list.finish(out)?;
    encode_forms(&forms, dictionaries, out)?;
    let mut list = StringListBuilder::coded(Coding::Text);
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

fn encode_times(
    times: &[(u32, u32)],
    captures: &dyn Fn(u32) -> Vec<u32>,
    out: &mut Vec<u8>,
) -> Result<(), Corrupt> {
    let pages: Vec<_> = times.chunk_by(|a, b| a.0 == b.0).collect();
    let own = (0u32..).zip(&pages);
    let seen = |page: &[(u32, u32)]| page.iter().map(|(_, time)| *time).collect::<Vec<_>>();
    let own = own.filter(|(_, of_page)| {
        of_page
            .first()
            .is_some_and(|(page, _)| captures(*page) != seen(of_page))
    });
    let (mut subset, mut ends) = (SubsetBuilder::default(), ColumnBuilder::default());
    let mut data = Vec::new();
    for (place, page) in own {
        subset.push(place);
        let mut after = None;
        for (page, time) in page.iter().rev() {
            let latest = || captures(*page).last().copied().unwrap_or(0);
            let after = after.replace(*time).unwrap_or_else(latest);
            put_varint(&mut data, u64::from(after - time));
        }
        ends.push(u32::try_from(data.len()).map_err(|_| Corrupt("times over 4 GiB"))?);
    }
    write_subset(subset, pages.len(), out)?;
    if !data.is_empty() {
        ends.finish(out)?;
        put_sized(out, &data);
    }
    Ok(())
}

fn write_subset(mut subset: SubsetBuilder, of: usize, out: &mut Vec<u8>) -> Result<(), Corrupt> {
    subset.close(of as u64)?;
    subset.write_to(out).map_err(|_| Corrupt("a subset"))
}

fn encode_forms(
    forms: &[u32],
    dictionaries: &Dictionaries<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Corrupt> {
    let (mut list, mut same) = (
        StringListBuilder::coded(Coding::Text),
        SubsetBuilder::default(),
    );
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
    write_subset(same, forms.len(), out)
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
