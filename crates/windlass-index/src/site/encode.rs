//! Writing a site block, its parts side by side as they come.

use std::io::{self, Write};
use std::sync::Arc;

use super::lists::ListsBuilder;
use super::subset::SubsetBuilder;
use super::times::TimesBuilder;
use crate::bytes::{Corrupt, put_varint};
use crate::column::ColumnBuilder;
use crate::instant::Captured;
use crate::segment::BlockShape;
use crate::spool::Scratch;
use crate::strings::{Coding, StringListBuilder, Text};

/// Encodes one block after the other. A block's pages, forms and attrs come in their order, and in
/// the order of urls each url with its links, which name the others by their places: in any
/// interleaving. Then [`close`](Self::close) and [`write_to`](Self::write_to).
#[derive(Debug)]
pub(crate) struct SiteEncoder {
    pages: ColumnBuilder,
    times: TimesBuilder,
    urls: StringListBuilder,
    forms: StringListBuilder,
    same_fold: SubsetBuilder,
    attrs: StringListBuilder,
    hrefs: TableEncoder,
    others: TableEncoder,
    /// The numbers between the pages and their times.
    numbers: Vec<u8>,
    buffer: Vec<u8>,
}

impl SiteEncoder {
    /// For blocks that fit into memory.
    pub(crate) fn in_memory() -> Self {
        Self {
            pages: ColumnBuilder::default(),
            times: TimesBuilder::default(),
            urls: StringListBuilder::coded(Coding::Surt),
            forms: StringListBuilder::coded(Coding::Text),
            same_fold: SubsetBuilder::default(),
            attrs: StringListBuilder::coded(Coding::Text),
            hrefs: TableEncoder::default(),
            others: TableEncoder::default(),
            numbers: Vec::new(),
            buffer: Vec::new(),
        }
    }

    /// For blocks that may be larger than memory.
    pub(crate) fn new(scratch: &Arc<Scratch>) -> Self {
        Self {
            pages: ColumnBuilder::new(scratch),
            times: TimesBuilder::new(scratch),
            urls: StringListBuilder::new(Coding::Surt, scratch),
            forms: StringListBuilder::new(Coding::Text, scratch),
            same_fold: SubsetBuilder::new(scratch),
            attrs: StringListBuilder::new(Coding::Text, scratch),
            hrefs: TableEncoder::new(scratch),
            others: TableEncoder::new(scratch),
            ..Self::in_memory()
        }
    }

    /// Adds a page by its number in the segment, which showed a link to this site whenever it was really captured.
    pub(crate) fn whole_page(&mut self, number: u32) {
        self.pages.push(number);
        self.times.push_whole();
    }

    /// Adds a page by its number in the segment, with its real captures, and the times at which it showed a link to this
    /// site: ascending, at least one, none but those of real captures.
    pub(crate) fn page(&mut self, number: u32, captured: Captured, times: &[u32]) {
        if times.len() == captured.count as usize {
            return self.whole_page(number);
        }
        self.seen_page(number, captured.latest, times);
    }

    /// Adds a page of which some real captures, of which the latest is known, showed no link to this site.
    pub(crate) fn seen_page(&mut self, number: u32, latest: u32, times: &[u32]) {
        self.pages.push(number);
        self.times.push(latest, times);
    }

    /// Adds an anchor as written; whether its folded anchor is that of the form before.
    pub(crate) fn form<'t>(&mut self, text: impl Into<Text<'t>>, is_same_fold: bool) {
        if is_same_fold {
            self.same_fold.push(self.forms.len() as u64 as u32);
        }
        self.forms.push(text);
    }

    /// Adds a rel with its alt ([`put_attr`](crate::sighting::put_attr)).
    pub(crate) fn attr<'t>(&mut self, text: impl Into<Text<'t>>) {
        self.attrs.push(text);
    }

    /// Adds a url by what its SURT has behind the site key. The links that follow lead to it.
    pub(crate) fn url<'t>(&mut self, key: impl Into<Text<'t>>) {
        self.urls.push(key);
        self.hrefs.begin_url();
        self.others.begin_url();
    }

    fn table(&mut self, is_other: bool) -> &mut TableEncoder {
        if is_other {
            &mut self.others
        } else {
            &mut self.hrefs
        }
    }

    /// Adds a link that was seen at all of its page's times; by the places of its page and attr, and
    /// its form or, where `is_other`, link type.
    #[inline]
    pub(crate) fn link(&mut self, is_other: bool, form: u32, page: u32, attr: u32) {
        self.table(is_other).link(form, page, attr);
    }

    /// Adds a link that was seen at these times, with these attrs: at least one.
    pub(crate) fn exception(
        &mut self,
        is_other: bool,
        form: u32,
        page: u32,
        sightings: &[(u32, u32)],
    ) {
        let Some((_, attr)) = sightings.first() else {
            return;
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        put_varint(&mut buffer, sightings.len() as u64);
        let mut before = 0;
        for (time, attr) in sightings {
            put_varint(&mut buffer, u64::from(time.wrapping_sub(before)));
            put_varint(&mut buffer, u64::from(*attr));
            before = *time;
        }
        let table = self.table(is_other);
        table.exceptions.push(table.n as u32, &buffer);
        table.link(form, page, *attr);
        self.buffer = buffer;
    }

    /// How many `href` links and how many others there are.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.hrefs.n, self.others.n)
    }

    /// The block is complete: now its length is known.
    pub(crate) fn close(&mut self) -> Result<(), Corrupt> {
        let (hrefs, others) = self.counts();
        let urls = self.urls.len() as u64;
        if [
            hrefs,
            others,
            self.times.pages(),
            urls,
            self.forms.len() as u64,
        ]
        .iter()
        .any(|n| u32::try_from(*n).is_err())
        {
            return Err(Corrupt("more than 2^32 links to one site"));
        }
        self.numbers.clear();
        for n in [
            urls,
            self.forms.len() as u64,
            self.attrs.len() as u64,
            hrefs,
            others,
        ] {
            put_varint(&mut self.numbers, n);
        }
        self.buffer.clear();
        put_varint(&mut self.buffer, self.times.pages());
        self.pages.close()?;
        self.times.close()?;
        self.urls.close()?;
        self.forms.close()?;
        self.same_fold.close(self.forms.len() as u64)?;
        self.attrs.close()?;
        self.hrefs.close()?;
        self.others.close()
    }

    /// Bytes of the block, which is closed.
    pub(crate) fn length(&self) -> u64 {
        (self.buffer.len() + self.numbers.len()) as u64
            + self.pages.length()
            + self.times.length()
            + self.urls.length()
            + self.forms.length()
            + self.same_fold.length()
            + self.attrs.length()
            + self.hrefs.length()
            + self.others.length()
    }

    /// What the segment needs to know of the block, which is closed.
    pub(crate) fn shape(&self) -> BlockShape {
        BlockShape {
            length: self.length(),
            head: self.buffer.len() as u64 + self.pages.length(),
            links: self.counts(),
            copied_from: None,
        }
    }

    /// Bytes of memory held.
    pub(crate) fn memory(&self) -> usize {
        self.pages.memory()
            + self.times.memory()
            + self.urls.memory()
            + self.forms.memory()
            + self.same_fold.memory()
            + self.attrs.memory()
            + self.hrefs.memory()
            + self.others.memory()
    }

    /// Writes the block, which is closed, and begins a new one.
    pub(crate) fn write_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.buffer)?;
        self.pages.write_to(out)?;
        out.write_all(&self.numbers)?;
        self.times.write_to(out)?;
        self.urls.write_to(out)?;
        self.forms.write_to(out)?;
        self.same_fold.write_to(out)?;
        self.attrs.write_to(out)?;
        self.hrefs.write_to(out)?;
        self.others.write_to(out)?;
        Ok(())
    }

    /// Forgets what there is of a block.
    pub(crate) fn clear(&mut self) {
        self.pages.clear();
        self.times.clear();
        self.urls.clear();
        self.forms.clear();
        self.same_fold.clear();
        self.attrs.clear();
        self.hrefs.clear();
        self.others.clear();
    }
}

/// The links of one kind.
#[derive(Debug, Default)]
struct TableEncoder {
    n: u64,
    starts: ColumnBuilder,
    forms: ColumnBuilder,
    pages: ColumnBuilder,
    attrs: ColumnBuilder,
    exceptions: ListsBuilder,
}

impl TableEncoder {
    fn new(scratch: &Arc<Scratch>) -> Self {
        Self {
            n: 0,
            starts: ColumnBuilder::new(scratch),
            forms: ColumnBuilder::new(scratch),
            pages: ColumnBuilder::new(scratch),
            attrs: ColumnBuilder::new(scratch),
            exceptions: ListsBuilder::new(scratch),
        }
    }

    fn begin_url(&mut self) {
        self.starts.push(self.n as u32);
    }

    #[inline]
    fn link(&mut self, form: u32, page: u32, attr: u32) {
        self.forms.push(form);
        self.pages.push(page);
        self.attrs.push(attr);
        self.n += 1;
    }

    fn columns(&mut self) -> [&mut ColumnBuilder; 4] {
        [
            &mut self.starts,
            &mut self.forms,
            &mut self.pages,
            &mut self.attrs,
        ]
    }

    fn close(&mut self) -> Result<(), Corrupt> {
        if self.n == 0 {
            // A table without links takes no bytes.
            self.starts.clear();
            return Ok(());
        }
        for column in self.columns() {
            column.close()?;
        }
        self.exceptions.close()
    }

    fn length(&self) -> u64 {
        if self.n == 0 {
            return 0;
        }
        self.starts.length()
            + self.forms.length()
            + self.pages.length()
            + self.attrs.length()
            + self.exceptions.length()
    }

    fn memory(&self) -> usize {
        self.starts.memory()
            + self.forms.memory()
            + self.pages.memory()
            + self.attrs.memory()
            + self.exceptions.memory()
    }

    fn write_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.n > 0 {
            for column in self.columns() {
                column.write_to(out)?;
            }
            self.exceptions.write_to(out)?;
        }
        self.n = 0;
        Ok(())
    }

    fn clear(&mut self) {
        self.n = 0;
        for column in self.columns() {
            column.clear();
        }
        self.exceptions.clear();
    }
}
