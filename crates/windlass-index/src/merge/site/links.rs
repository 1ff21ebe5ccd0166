//! Merging the links of a site's blocks.

use super::Source;
use super::attrs::UnitedAttrs;
use super::cursor::{
    Next, TableCursor, append_sightings, fetch, new_place, next, read_exception, table,
};
use super::pages::{PagePlace, Pages, SharedPage};
use crate::bytes::Corrupt;
use crate::merge::Damage;
use crate::site::SiteEncoder;
use crate::strings::Text;

/// Takes the urls and links of a block in order; see [`SiteEncoder`] for what they are.
pub(super) trait LinkSink {
    fn url(&mut self, key: Text<'_>);
    fn link(&mut self, is_other: bool, form: u32, page: u32, attr: u32);
    fn exception(&mut self, is_other: bool, form: u32, page: u32, sightings: &[(u32, u32)]);
}

impl LinkSink for SiteEncoder {
    fn url(&mut self, key: Text<'_>) {
        self.url(key);
    }

    #[inline]
    fn link(&mut self, is_other: bool, form: u32, page: u32, attr: u32) {
        self.link(is_other, form, page, attr);
    }

    fn exception(&mut self, is_other: bool, form: u32, page: u32, sightings: &[(u32, u32)]) {
        self.exception(is_other, form, page, sightings);
    }
}

/// The links to the present url that one source has.
#[derive(Debug, Clone, Copy)]
struct Head {
    /// Form or type, then page, of its next link, by their new places.
    key: u64,
    source: usize,
    /// The last of its links, plus 1.
    end: usize,
}

/// Merges the links of a site, url by url.
pub(super) struct LinkMerger<'m, 'a, S> {
    sources: &'m mut [Source<'a>],
    pages: &'m Pages,
    united: &'m mut UnitedAttrs,
    sink: &'m mut S,
    is_other: bool,
    is_url_begun: bool,
    heads: Vec<Head>,
    /// Links of the sources that are done.
    done: usize,
    /// The heads of the links that are one.
    same: Vec<usize>,
    times: Vec<u32>,
    sightings: Vec<(u32, u32)>,
}

impl<'m, 'a, S: LinkSink> LinkMerger<'m, 'a, S> {
    /// For sources whose pages, forms and attrs have new places.
    pub(super) fn new(
        sources: &'m mut [Source<'a>],
        pages: &'m Pages,
        united: &'m mut UnitedAttrs,
        sink: &'m mut S,
    ) -> Result<Self, Damage> {
        for (at, source) in sources.iter_mut().enumerate() {
            for is_other in [false, true] {
                let (table, cursor) = table(source, is_other);
                let exception = table.next_exception(0).map_err(Damage::of(at))?;
                *cursor = TableCursor { next: 0, exception };
            }
        }
        Ok(Self {
            sources,
            pages,
            united,
            sink,
            is_other: false,
            is_url_begun: false,
            heads: Vec::new(),
            done: 0,
            same: Vec::new(),
            times: Vec::new(),
            sightings: Vec::new(),
        })
    }

    /// The links of another url come.
    pub(super) fn begin_url(&mut self) {
        self.is_url_begun = false;
    }

    /// Whether the present url has links.
    pub(super) fn is_url_begun(&self) -> bool {
        self.is_url_begun
    }

    /// The links of one kind to the present url come, from the sources that have it, each with its
    /// place there.
    pub(super) fn begin(
        &mut self,
        is_other: bool,
        having: impl Iterator<Item = (usize, u32)>,
    ) -> Result<(), Damage> {
        self.is_other = is_other;
        self.heads.clear();
        for (at, url) in having {
            let Some(source) = self.sources.get_mut(at) else {
                continue;
            };
            let (table, cursor) = table(source, is_other);
            if table.len() == 0 {
                continue;
            }
            let end = table.start(url as usize + 1).map_err(Damage::of(at))?;
            if end < cursor.next || end > table.len() {
                let what = Corrupt("where the links of a url start");
                return Err(Damage { input: at, what });
            }
            if cursor.next < end {
                self.heads.push(Head {
                    key: 0,
                    source: at,
                    end,
                });
            }
        }
        if self.is_only_one_apart() {
            return Ok(());
        }
        let mut at = 0;
        while at < self.heads.len() {
            if self.seek(at)? {
                at += 1;
            } else {
                self.heads.swap_remove(at);
            }
        }
        Ok(())
    }

    /// Merges links, at most about so many; `false` where there are no more of this kind.
    pub(super) fn merge(&mut self, url: Text<'_>, most: usize) -> Result<bool, Damage> {
        if self.is_only_one_apart() {
            self.take_over(url, most)?;
            return Ok(!self.heads.is_empty());
        }
        let enough = self.done.saturating_add(most);
        while self.done < enough {
            let Some(key) = self.heads.iter().map(|head| head.key).min() else {
                break;
            };
            self.same.clear();
            let heads = self.heads.iter().enumerate();
            self.same
                .extend(heads.filter(|(_, h)| h.key == key).map(|(at, _)| at));
            self.link(url, key)?;
            // From the back, so that what moves into a gap has been looked at.
            while let Some(at) = self.same.pop() {
                let head = self.heads.get(at);
                if let Some(source) = head.and_then(|head| self.sources.get_mut(head.source)) {
                    table(source, self.is_other).1.next += 1;
                    self.done += 1;
                }
                if !self.seek(at)? {
                    self.heads.swap_remove(at);
                }
            }
        }
        Ok(!self.heads.is_empty())
    }

    /// How many links of the sources are done since this was asked last.
    pub(super) fn take_done(&mut self) -> u64 {
        std::mem::take(&mut self.done) as u64
    }

    /// Whether one source alone has the url, and no page of it is shared.
    fn is_only_one_apart(&self) -> bool {
        match self.heads.as_slice() {
            [only] => self.sources.get(only.source).is_some_and(|s| s.is_apart),
            _ => false,
        }
    }

    fn begin_url_once(&mut self, url: Text<'_>) {
        if !self.is_url_begun {
            self.sink.url(url);
            self.is_url_begun = true;
        }
    }

    /// Takes links over from the only source that has the url, none of whose pages is shared.
    fn take_over(&mut self, url: Text<'_>, most: usize) -> Result<(), Damage> {
        self.begin_url_once(url);
        let Some(Head {
            source: at, end, ..
        }) = self.heads.first().copied()
        else {
            return Ok(());
        };
        let Some(source) = self.sources.get_mut(at) else {
            return Ok(());
        };
        let is_other = self.is_other;
        let mut take = || -> Result<usize, Corrupt> {
            let first = table(source, is_other).1.next;
            let last = end.min(first.saturating_add(most));
            for link in first..last {
                fetch(source, is_other, link)?;
                let (table, cursor) = if is_other {
                    (&mut source.block.others, &mut source.others)
                } else {
                    (&mut source.block.hrefs, &mut source.hrefs)
                };
                let mut form = table.forms.get(link)?;
                if !is_other {
                    form = new_place(&source.forms, form)?;
                }
                let page = new_place(&source.pages, table.pages.get(link)?)?;
                if cursor.exception == Some(link) {
                    read_exception(table, cursor, &source.attrs, &mut self.sightings)?;
                    self.sink.exception(is_other, form, page, &self.sightings);
                } else {
                    let attr = new_place(&source.attrs, table.attrs.get(link)?)?;
                    self.sink.link(is_other, form, page, attr);
                }
                cursor.next = link + 1;
            }
            Ok(last - first)
        };
        self.done += take().map_err(Damage::of(at))?;
        if table(source, is_other).1.next >= end {
            self.heads.clear();
        }
        Ok(())
    }

    /// Finds the key of a head's next link that is not gone; `false` where there is none.
    fn seek(&mut self, at: usize) -> Result<bool, Damage> {
        let Some(head) = self.heads.get_mut(at) else {
            return Ok(false);
        };
        let Some(source) = self.sources.get_mut(head.source) else {
            return Ok(false);
        };
        let mut seek = || -> Result<bool, Corrupt> {
            loop {
                let link = table(source, self.is_other).1.next;
                if link >= head.end {
                    return Ok(false);
                }
                fetch(source, self.is_other, link)?;
                let (table, _) = self::table(source, self.is_other);
                let (form, old) = (table.forms.get(link)?, table.pages.get(link)?);
                let page = match self.pages.get(source, old)? {
                    PagePlace::Apart(place) => place,
                    PagePlace::Shared(page) => page.place,
                    PagePlace::Gone => {
                        let (table, cursor) = self::table(source, self.is_other);
                        cursor.next = link + 1;
                        if cursor.exception == Some(link) {
                            cursor.exception = table.next_exception(cursor.next)?;
                        }
                        self.done += 1;
                        continue;
                    }
                };
                let form = if self.is_other {
                    form
                } else {
                    new_place(&source.forms, form)?
                };
                head.key = u64::from(form) << 32 | u64::from(page);
                return Ok(true);
            }
        };
        let source = head.source;
        seek().map_err(Damage::of(source))
    }

    /// Merges the links that have this key: those of the heads that are the same.
    fn link(&mut self, url: Text<'_>, key: u64) -> Result<(), Damage> {
        let (form, page) = ((key >> 32) as u32, key as u32);
        let is_other = self.is_other;
        self.sightings.clear();
        let mut shared = None;
        for at in &self.same {
            let Some(head) = self.heads.get(*at) else {
                continue;
            };
            let Some(source) = self.sources.get_mut(head.source) else {
                continue;
            };
            let damage = Damage::of(head.source);
            match next(source, is_other, self.pages).map_err(damage)? {
                // No other source has that page.
                Next::Plain(attr) => {
                    self.begin_url_once(url);
                    self.sink.link(is_other, form, page, attr);
                    return Ok(());
                }
                Next::Exception => {
                    let attrs = &source.attrs;
                    let (table, cursor) = if is_other {
                        (&mut source.block.others, &mut source.others)
                    } else {
                        (&mut source.block.hrefs, &mut source.hrefs)
                    };
                    read_exception(table, cursor, attrs, &mut self.sightings)
                        .map_err(Damage::of(head.source))?;
                    self.begin_url_once(url);
                    self.sink.exception(is_other, form, page, &self.sightings);
                    return Ok(());
                }
                Next::Shared(page) => {
                    let (times, out) = (&mut self.times, &mut self.sightings);
                    append_sightings(source, is_other, page, times, out)
                        .map_err(Damage::of(head.source))?;
                    shared = Some(page);
                }
            }
        }
        match shared {
            Some(page) => self.shared_link(url, form, page),
            None => Ok(()),
        }
    }

    /// Adds a link that was seen at the present sightings, in any order, on a page that is shared.
    fn shared_link(&mut self, url: Text<'_>, form: u32, page: &SharedPage) -> Result<(), Damage> {
        if self.same.len() > 1 {
            self.sightings.sort_unstable();
            let mut kept: usize = 0;
            for at in 0..self.sightings.len() {
                let Some((time, attr)) = self.sightings.get(at).copied() else {
                    break;
                };
                let last = kept.checked_sub(1);
                if let Some(last) = last.and_then(|last| self.sightings.get_mut(last))
                    && last.0 == time
                {
                    last.1 = self.united.unite(last.1, attr, self.sources)?;
                    continue;
                }
                if let Some(slot) = self.sightings.get_mut(kept) {
                    *slot = (time, attr);
                }
                kept += 1;
            }
            self.sightings.truncate(kept);
        }
        let Some((_, attr)) = self.sightings.first().copied() else {
            // All were outranked.
            return Ok(());
        };
        self.begin_url_once(url);
        let is_plain = self.sightings.len() == self.pages.times(page).len()
            && self.sightings.iter().all(|(_, other)| *other == attr);
        if is_plain {
            self.sink.link(self.is_other, form, page.place, attr);
        } else {
            self.sink
                .exception(self.is_other, form, page.place, &self.sightings);
        }
        Ok(())
    }
}
