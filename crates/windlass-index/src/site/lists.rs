//! Lists of bytes, each known by a number: exceptions, further times.

use std::io::{self, Write};
use std::sync::Arc;

use crate::bytes::{Bytes, Corrupt, sized_length, varint_length, write_varint};
use crate::column::{Column, ColumnBuilder};
use crate::spool::{Scratch, Spool};
use crate::stretch::Stretch;

/// Encodes lists as they come, in order of their numbers.
#[derive(Debug, Default)]
pub(super) struct ListsBuilder {
    n: u64,
    keys: ColumnBuilder,
    ends: ColumnBuilder,
    data: Spool,
}

impl ListsBuilder {
    /// For lists that may be larger than memory.
    pub(super) fn new(scratch: &Arc<Scratch>) -> Self {
        Self {
            n: 0,
            keys: ColumnBuilder::new(scratch),
            ends: ColumnBuilder::new(scratch),
            data: Spool::new(scratch),
        }
    }

    pub(super) fn push(&mut self, key: u32, list: &[u8]) {
        self.n += 1;
        self.keys.push(key);
        self.data.put(list);
        // Over 4 GiB is refused by `close`.
        self.ends.push(self.data.len() as u32);
    }

    /// No more lists come: now the length is known.
    pub(super) fn close(&mut self) -> Result<(), Corrupt> {
        if u32::try_from(self.data.len()).is_err() {
            return Err(Corrupt("times of links over 4 GiB"));
        }
        self.keys.close()?;
        self.ends.close()
    }

    /// Bytes of the lists, which are closed.
    pub(super) fn length(&self) -> u64 {
        if self.n == 0 {
            return 1;
        }
        varint_length(self.n)
            + self.keys.length()
            + self.ends.length()
            + sized_length(self.data.len())
    }

    /// Bytes of memory held.
    pub(super) fn memory(&self) -> usize {
        self.keys.memory() + self.ends.memory() + self.data.memory()
    }

    /// Writes the lists, which are closed, and begins new ones.
    pub(super) fn write_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        write_varint(out, self.n)?;
        if self.n > 0 {
            self.keys.write_to(out)?;
            self.ends.write_to(out)?;
            write_varint(out, self.data.len())?;
            self.data.write_to(out)?;
        }
        self.n = 0;
        Ok(())
    }

    /// Begins new ones.
    pub(super) fn clear(&mut self) {
        self.n = 0;
        self.keys.clear();
        self.ends.clear();
        self.data.clear();
    }
}

/// A few lists of bytes, each known by a number.
#[derive(Debug, Clone)]
pub(super) struct Lists<'a> {
    keys: Column<'a>,
    ends: Column<'a>,
    data: Stretch<'a>,
    /// Place of the key found last, or where it would be.
    hint: usize,
}

impl<'a> Lists<'a> {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.len() == 0
    }

    pub(super) fn read(bytes: &mut Bytes<'a>) -> Result<Self, Corrupt> {
        let mut lists = Self::empty();
        lists.read_again(bytes)?;
        Ok(lists)
    }

    /// Becomes other lists. What is allocated is used again.
    pub(super) fn read_again(&mut self, bytes: &mut Bytes<'a>) -> Result<(), Corrupt> {
        self.clear();
        let n = bytes.varint_usize()?;
        if n > 0 {
            self.keys.read_again(bytes, n)?;
            self.ends.read_again(bytes, n)?;
            self.data = bytes.sized_stretch()?;
        }
        Ok(())
    }

    /// Becomes no lists.
    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.ends.clear();
        self.data = Stretch::trusted(&[]);
        self.hint = 0;
    }

    pub(super) fn empty() -> Self {
        Self {
            keys: Column::empty(),
            ends: Column::empty(),
            data: Stretch::trusted(&[]),
            hint: 0,
        }
    }

    /// The first key that is not below `key`.
    pub(super) fn next_key(&mut self, key: u32) -> Result<Option<u32>, Corrupt> {
        self.seek(key)?;
        if self.hint < self.keys.len() {
            self.keys.at(self.hint).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Moves to the first key that is not below `key`. Ascending keys cost little each.
    fn seek(&mut self, key: u32) -> Result<(), Corrupt> {
        let n = self.keys.len();
        let is_behind = self.hint > 0 && self.keys.at(self.hint - 1)? >= key;
        if !is_behind && self.hint < n && self.keys.at(self.hint)? < key {
            self.hint += 1;
        }
        if is_behind || (self.hint < n && self.keys.at(self.hint)? < key) {
            self.hint = self.keys.lower_bound(key)?;
        }
        Ok(())
    }

    /// The place of a key.
    fn place(&mut self, key: u32) -> Result<Option<usize>, Corrupt> {
        self.seek(key)?;
        Ok((self.hint < self.keys.len() && self.keys.at(self.hint)? == key).then_some(self.hint))
    }

    pub(super) fn get(&mut self, key: u32) -> Result<Option<Bytes<'a>>, Corrupt> {
        if self.keys.len() == 0 {
            return Ok(None);
        }
        let Some(at) = self.place(key)? else {
            return Ok(None);
        };
        let start = if at == 0 {
            0
        } else {
            self.ends.at(at - 1)? as usize
        };
        let end = self.ends.at(at)? as usize;
        if end < start {
            return Err(Corrupt("a list"));
        }
        self.data.get(start..end).map(|data| Some(Bytes::new(data)))
    }
}
