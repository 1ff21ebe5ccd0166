//! The attrs of sightings that several blocks have (R12).

use std::collections::HashMap;

use super::Source;
use crate::bytes::Corrupt;
use crate::intern::Interner;
use crate::merge::Damage;
use crate::sighting::unite_attrs;

/// The attrs of a loose block: those of its sources by their new places, and behind them what uniting
/// two makes new.
#[derive(Debug, Default)]
pub(super) struct UnitedAttrs {
    /// Where each of the first ones is found: the source, and its old place there.
    origins: Vec<(u32, u32)>,
    new: Interner,
    /// What was united before.
    known: HashMap<(u32, u32), u32>,
}

impl UnitedAttrs {
    /// For sources that have `n` different attrs.
    pub(super) fn new(n: u32, sources: &[Source<'_>]) -> Self {
        let mut origins = vec![(0, 0); n as usize];
        for (at, source) in (0u32..).zip(sources) {
            for (old, new) in (0u32..).zip(&source.attrs) {
                if let Some(origin) = origins.get_mut(*new as usize) {
                    *origin = (at, old);
                }
            }
        }
        Self {
            origins,
            ..Self::default()
        }
    }

    /// The attr of a link that two copies of a capture show with these.
    pub(super) fn unite(&mut self, a: u32, b: u32, sources: &[Source<'_>]) -> Result<u32, Damage> {
        let pair = (a.min(b), a.max(b));
        if a == b {
            return Ok(a);
        }
        if let Some(known) = self.known.get(&pair) {
            return Ok(*known);
        }
        let united = unite_attrs(&self.text(a, sources)?, &self.text(b, sources)?);
        let number = match find(&united, sources)? {
            Some(number) => number,
            None => self.origins.len() as u64 as u32 + self.new.intern(&united).0,
        };
        self.known.insert(pair, number);
        Ok(number)
    }

    fn text(&self, attr: u32, sources: &[Source<'_>]) -> Result<Vec<u8>, Damage> {
        let Some((at, old)) = self.origins.get(attr as usize) else {
            let new = attr.wrapping_sub(self.origins.len() as u64 as u32);
            return Ok(self.new.get(new).to_owned());
        };
        let mut text = Vec::new();
        if let Some(source) = sources.get(*at as usize) {
            let read = source.block.attrs.get(*old as usize, &mut text);
            read.map_err(Damage::of(*at as usize))?;
        }
        Ok(text)
    }

    /// The new ones, each with its number, in the order of bytes.
    pub(super) fn new_ones(&self) -> Vec<(&[u8], u32)> {
        let first = self.origins.len() as u64 as u32;
        let numbers = 0..self.new.len() as u64 as u32;
        let mut all: Vec<_> = numbers.map(|n| (self.new.get(n), first + n)).collect();
        all.sort_unstable();
        all
    }
}

/// The number of an attr that a source has.
fn find(text: &[u8], sources: &[Source<'_>]) -> Result<Option<u32>, Damage> {
    let mut found = Vec::new();
    for (at, source) in sources.iter().enumerate() {
        let list = source.block.attrs;
        let mut look = || -> Result<Option<u32>, Corrupt> {
            let place = list.lower_bound(text)?;
            if place == list.len() {
                return Ok(None);
            }
            list.get(place, &mut found)?;
            if found != text {
                return Ok(None);
            }
            let new = source.attrs.get(place).copied();
            new.map(Some).ok_or(Corrupt("an attr"))
        };
        if let Some(new) = look().map_err(Damage::of(at))? {
            return Ok(Some(new));
        }
    }
    Ok(None)
}
