//! The sites of all inputs, each once.

use super::Damage;
use super::heap::Heap;
use crate::segment::{SiteDirectory, SiteWalk};

/// Goes through several directories at once, in the order of keys.
pub(super) struct Union<'d> {
    heads: Vec<Head<'d>>,
    /// Which of them comes first, of those that are not at their end.
    heap: Heap,
    key: Vec<u8>,
    places: Vec<Place>,
}

/// Where the directory of an input is.
struct Head<'d> {
    input: usize,
    walk: SiteWalk<'d>,
    offset: u64,
}

/// An input, and the offset of the block that it has of a site.
pub(super) type Place = (usize, u64);

/// A site's key, and the inputs that have it.
pub(super) type Site<'u> = (&'u [u8], &'u [Place]);

impl<'d> Union<'d> {
    /// Of directories, each with the number of its input.
    pub(super) fn new(
        directories: impl Iterator<Item = (usize, &'d SiteDirectory<'d>)>,
    ) -> Result<Self, Damage> {
        let mut union = Self {
            heads: Vec::new(),
            heap: Heap::default(),
            key: Vec::new(),
            places: Vec::new(),
        };
        for (input, directory) in directories {
            let walk = directory.sites().map_err(Damage::of(input))?;
            let number = union.heads.len() as u64 as u32;
            let offset = 0;
            union.heads.push(Head {
                input,
                walk,
                offset,
            });
            union.advance(number)?;
        }
        Ok(union)
    }

    /// Goes to the next site of a directory, which is not in the heap.
    fn advance(&mut self, number: u32) -> Result<(), Damage> {
        let Some(head) = self.heads.get_mut(number as usize) else {
            return Ok(());
        };
        let next = head.walk.advance().map_err(Damage::of(head.input))?;
        if let Some(offset) = next {
            head.offset = offset;
            let heads = &self.heads;
            self.heap.push(number, |a, b| is_less(heads, a, b));
        }
        Ok(())
    }

    /// The next site. Inputs are in the order in which they were given.
    pub(super) fn next_site(&mut self) -> Result<Option<Site<'_>>, Damage> {
        self.places.clear();
        while let Some(first) = self.heap.first()
            && let Some(head) = self.heads.get(first as usize)
        {
            if self.places.is_empty() {
                self.key.clear();
                self.key.extend_from_slice(head.walk.key());
            } else if head.walk.key() != self.key {
                break;
            }
            self.places.push((head.input, head.offset));
            let heads = &self.heads;
            self.heap.pop(|a, b| is_less(heads, a, b));
            self.advance(first)?;
        }
        let is_site = !self.places.is_empty();
        Ok(is_site.then_some((self.key.as_slice(), self.places.as_slice())))
    }
}

/// Whether one comes before another: by key, then by number.
fn is_less(heads: &[Head<'_>], a: u32, b: u32) -> bool {
    let key = |number: u32| heads.get(number as usize).map(|head| head.walk.key());
    (key(a), a) < (key(b), b)
}
