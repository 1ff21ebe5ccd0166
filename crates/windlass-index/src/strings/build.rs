//! Writing a list of strings.

use std::io::{self, Write};
use std::sync::Arc;

use integer_encoding::VarInt;

use super::{Coding, FAR, GROUP, OWN_TABLE, SAME_SHARED, Text};
use crate::bytes::{Corrupt, shared_prefix, varint_length, write_varint};
use crate::spool::{Scratch, Spool};
use crate::symbols::{ENTRY, SymbolTable};

/// So many bytes of a list show whether symbols make it shorter.
const SAMPLE_BYTES: usize = 1 << 14;

/// Encodes strings as they come. The order is the caller's business.
///
/// A list is written in symbols where that makes its beginning shorter, and else as it is.
#[derive(Debug)]
pub(crate) struct StringListBuilder {
    n: usize,
    last: Vec<u8>,
    /// What it is written in if that is shorter.
    coding: Coding,
    /// The beginning, before it is known what it is written in.
    sample: Sample,
    is_decided: bool,
    /// The same in the symbols of the format, where there are any for it.
    coded: Sample,
    /// The table of symbols, where the list is written in them.
    table: Option<Table>,
    codes: Vec<u8>,
    out: Groups,
}

/// The symbols that a list is written in.
#[derive(Debug)]
enum Table {
    Known(&'static SymbolTable),
    Own(Box<SymbolTable>),
}

impl Table {
    fn get(&self) -> &SymbolTable {
        match self {
            Self::Known(table) => table,
            Self::Own(table) => table,
        }
    }
}

/// The first strings of a list: length of the prefix that each shares with the one before, where its
/// rest ends, and the rests.
#[derive(Debug, Default)]
struct Sample {
    strings: Vec<(u32, u32)>,
    rests: Vec<u8>,
}

impl StringListBuilder {
    /// A list in memory.
    pub(crate) fn coded(coding: Coding) -> Self {
        Self::over(coding, Groups::default())
    }

    /// A list that may be larger than memory.
    pub(crate) fn new(coding: Coding, scratch: &Arc<Scratch>) -> Self {
        Self::over(
            coding,
            Groups {
                starts: Spool::new(scratch),
                data: Spool::new(scratch),
                ..Groups::default()
            },
        )
    }

    fn over(coding: Coding, out: Groups) -> Self {
        Self {
            n: 0,
            last: Vec::new(),
            coding,
            sample: Sample::default(),
            is_decided: false,
            coded: Sample::default(),
            table: None,
            codes: Vec::new(),
            out,
        }
    }

    pub(crate) fn push<'t>(&mut self, text: impl Into<Text<'t>>) {
        let Text { bytes: text, coded } = text.into();
        let shared = if self.n.is_multiple_of(GROUP) {
            0
        } else {
            shared_prefix(&self.last, text)
        };
        let rest = text.get(shared..).unwrap_or_default();
        self.last.truncate(shared);
        self.last.extend_from_slice(rest);
        self.n += 1;
        // The same rest has the same codes in all lists.
        let coded = coded.filter(|coded| coded.coding == self.coding && coded.shared == shared);
        if !self.is_decided {
            self.sample
                .push(shared, |rests| rests.extend_from_slice(rest));
            if let Some(known) = self.coding.table() {
                self.coded.push(shared, |codes| match coded {
                    Some(coded) => codes.extend_from_slice(coded.codes),
                    None => known.encode(rest, codes),
                });
            }
            if self.sample.rests.len() >= SAMPLE_BYTES {
                self.decide();
            }
            return;
        }
        match (&self.table, coded) {
            (Some(Table::Known(_)), Some(coded)) => self.out.put(shared, coded.codes),
            (Some(table), _) => {
                self.codes.clear();
                table.get().encode(rest, &mut self.codes);
                self.out.put(shared, &self.codes);
            }
            (None, _) => self.out.put(shared, rest),
        }
    }

    /// Decides what the list is written in, and writes the beginning.
    fn decide(&mut self) {
        if self.is_decided {
            return;
        }
        self.is_decided = true;
        let plain = self.sample.rests.len();
        if let Some(known) = self.coding.table()
            && self.coded.rests.len() < plain
        {
            self.table = Some(Table::Known(known));
        }
        if plain >= SAMPLE_BYTES {
            self.try_own_table();
        }
        let chosen = match self.table {
            Some(_) => &self.coded,
            None => &self.sample,
        };
        for (shared, rest) in chosen.iter() {
            self.out.put(shared, rest);
        }
        if plain >= SAMPLE_BYTES {
            // A block that is so large may wait, and there may be several.
            self.sample = Sample::default();
            self.coded = Sample::default();
        }
    }

    /// A list that goes on may have symbols that suit it better; it is at least so much longer than its
    /// table that an eighth is worth it.
    fn try_own_table(&mut self) {
        if self.coding == Coding::Plain {
            return;
        }
        let rests = self.sample.iter().map(|(_, rest)| rest).collect();
        let own = SymbolTable::trained(&rests);
        let mut coded = Sample::default();
        coded.encode(&self.sample, &own);
        let best = match self.table {
            Some(_) => self.coded.rests.len(),
            None => self.sample.rests.len(),
        };
        if coded.rests.len() < best - best / 8 {
            self.table = Some(Table::Own(Box::new(own)));
            self.coded = coded;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.n
    }

    /// No more strings come: now the length is known.
    pub(crate) fn close(&mut self) -> Result<(), Corrupt> {
        self.decide();
        if u32::try_from(self.out.data.len()).is_err() {
            return Err(Corrupt("a list of strings over 4 GiB"));
        }
        if self.n <= GROUP {
            self.out.starts.clear();
        }
        Ok(())
    }

    /// The list's own table of symbols, with their number in front; empty where it has none.
    fn own_table(&self) -> Vec<u8> {
        match &self.table {
            Some(Table::Own(table)) => {
                let entries = table.entries();
                let symbols = (entries.len() / ENTRY) as u8;
                [&[symbols], entries].concat()
            }
            Some(Table::Known(_)) | None => Vec::new(),
        }
    }

    /// The length in bytes of what follows it, and the coding.
    fn head(&self) -> u64 {
        let (coding, own) = match &self.table {
            Some(Table::Known(_)) => (self.coding as u64, 0),
            Some(Table::Own(table)) => (OWN_TABLE, 1 + table.entries().len() as u64),
            None => (Coding::Plain as u64, 0),
        };
        (own + self.out.starts.len() + self.out.data.len()) * 4 + coding
    }

    /// Bytes of the list, which is closed.
    pub(crate) fn length(&self) -> u64 {
        varint_length(self.head()) + self.head() / 4
    }

    /// Bytes of memory held.
    pub(crate) fn memory(&self) -> usize {
        self.out.starts.memory()
            + self.out.data.memory()
            + self.last.capacity()
            + self.sample.memory()
            + self.coded.memory()
    }

    /// Writes the list, which is closed, and begins a new one.
    pub(crate) fn write_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        write_varint(out, self.head())?;
        out.write_all(&self.own_table())?;
        self.out.starts.write_to(out)?;
        self.out.data.write_to(out)?;
        self.clear();
        Ok(())
    }

    /// Begins a new one.
    pub(crate) fn clear(&mut self) {
        self.n = 0;
        self.last.clear();
        self.sample.clear();
        self.coded.clear();
        self.is_decided = false;
        self.table = None;
        self.out.clear();
    }

    /// Appends the list to `out`.
    #[cfg(test)]
    pub(crate) fn finish(mut self, out: &mut Vec<u8>) -> Result<(), Corrupt> {
        self.close()?;
        self.write_to(out)
            .map_err(|_| Corrupt("a list that was put aside"))
    }
}

impl Sample {
    fn push(&mut self, shared: usize, put_rest: impl FnOnce(&mut Vec<u8>)) {
        put_rest(&mut self.rests);
        let end = self.rests.len() as u64 as u32;
        self.strings.push((shared as u64 as u32, end));
    }

    /// Adds another one, in symbols.
    fn encode(&mut self, plain: &Self, table: &SymbolTable) {
        for (shared, rest) in plain.iter() {
            self.push(shared, |codes| table.encode(rest, codes));
        }
    }

    fn clear(&mut self) {
        self.strings.clear();
        self.rests.clear();
    }

    fn memory(&self) -> usize {
        self.rests.capacity() + 8 * self.strings.capacity()
    }

    fn iter(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let mut start = 0;
        self.strings.iter().map(move |(shared, end)| {
            let rest = start..*end as usize;
            start = rest.end;
            (*shared as usize, self.rests.get(rest).unwrap_or_default())
        })
    }
}

/// The groups of a list.
#[derive(Debug, Default)]
struct Groups {
    n: usize,
    /// Length of the prefix shared by the last string.
    shared: usize,
    starts: Spool,
    data: Spool,
}

impl Groups {
    fn put(&mut self, shared: usize, rest: &[u8]) {
        if self.n.is_multiple_of(GROUP) {
            self.starts.put(&(self.data.len() as u32).to_le_bytes());
            self.put_varint(rest.len());
        } else {
            let step = (shared + SAME_SHARED).checked_sub(self.shared);
            let near = step.filter(|step| *step < FAR);
            let token = 16 * near.unwrap_or(FAR) + rest.len().min(FAR);
            self.data.put(&[token as u8]);
            if near.is_none() {
                self.put_varint(shared);
            }
            if let Some(above) = rest.len().checked_sub(FAR) {
                self.put_varint(above);
            }
        }
        self.data.put(rest);
        self.shared = shared;
        self.n += 1;
    }

    fn put_varint(&mut self, value: usize) {
        let mut buffer = [0; 10];
        let n = value.encode_var(&mut buffer);
        self.data.put(buffer.get(..n).unwrap_or_default());
    }

    fn clear(&mut self) {
        self.n = 0;
        self.shared = 0;
        self.starts.clear();
        self.data.clear();
    }
}
