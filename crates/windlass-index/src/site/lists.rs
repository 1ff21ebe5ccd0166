//! Lists of bytes, each known by a number: exceptions, further times.

use crate::bytes::{Bytes, Corrupt};
use crate::column::Column;

/// A few lists of bytes, each known by a number.
#[derive(Debug, Clone)]
pub(super) struct Lists<'a> {
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
            data: bytes.sized()?,
            hint: 0,
            places: None,
        })
    }

    pub(super) fn empty() -> Self {
        Self {
            keys: Column::empty(),
            ends: Column::empty(),
            data: &[],
            hint: 0,
            places: None,
        }
    }

    /// Makes ready for keys below `n` in any order.
    pub(super) fn load_all(&mut self, n: usize) -> Result<(), Corrupt> {
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
            self.ends.get(at - 1)? as usize
        };
        let end = self.ends.get(at)? as usize;
        self.data
            .get(start..end)
            .map(|data| Some(Bytes::new(data)))
            .ok_or(Corrupt("a list"))
    }
}
