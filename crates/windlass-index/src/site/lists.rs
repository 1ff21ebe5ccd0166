//! Lists of bytes, each known by a number: exceptions, further times.

use crate::bytes::{Bytes, Corrupt};
use crate::column::Column;
use crate::stretch::Stretch;

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
        let n = bytes.varint_usize()?;
        if n == 0 {
            return Ok(Self::empty());
        }
        Ok(Self {
            keys: Column::read(bytes, n)?,
            ends: Column::read(bytes, n)?,
            data: bytes.sized_stretch()?,
            hint: 0,
        })
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
