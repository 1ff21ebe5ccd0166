//! Numbers within one site, of what has numbers within a run.

use crate::room::{filled, make_room};

/// Numbers within a run, and the places that those of them have which one site needs.
#[derive(Debug)]
pub(super) struct Places {
    /// By number; [`NOWHERE`] for those that the site does not need.
    pub(super) place: Vec<u32>,
    pub(super) needed: Vec<u32>,
}

const NOWHERE: u32 = u32::MAX;

impl Places {
    pub(super) fn of(n: usize) -> Self {
        Self {
            place: filled(NOWHERE, n),
            needed: Vec::new(),
        }
    }

    /// The site needs that number.
    #[inline]
    pub(super) fn need(&mut self, number: u32) {
        if let Some(place) = self.place.get_mut(number as usize)
            && *place == NOWHERE
        {
            *place = 0;
            make_room(&mut self.needed, 1);
            self.needed.push(number);
        }
    }

    /// Gives all that are needed their places, in order.
    pub(super) fn number(&mut self) {
        if self.needed.len() > self.place.len() / 64 {
            // Looking at all is faster than sorting many.
            self.needed.clear();
            let all = (0u32..).zip(&self.place);
            let needed = all.filter(|(_, place)| **place != NOWHERE);
            for (number, _) in needed {
                make_room(&mut self.needed, 1);
                self.needed.push(number);
            }
        } else {
            self.needed.sort_unstable();
        }
        for (place, number) in (0u32..).zip(&self.needed) {
            if let Some(slot) = self.place.get_mut(*number as usize) {
                *slot = place;
            }
        }
    }

    #[inline]
    pub(super) fn place(&self, number: u32) -> u32 {
        self.place.get(number as usize).copied().unwrap_or(NOWHERE)
    }

    pub(super) fn clear(&mut self) {
        for number in self.needed.drain(..) {
            if let Some(place) = self.place.get_mut(number as usize) {
                *place = NOWHERE;
            }
        }
    }
}
