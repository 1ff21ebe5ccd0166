//! The hosts that were looked up not long ago, each with its site.

use std::hash::BuildHasher;
use std::hint::black_box;

use hashbrown::DefaultHashBuilder;

use crate::room::filled;

/// How many hosts are remembered: at first, and at most.
const FIRST: usize = 1 << 10;
const MOST: usize = 1 << 16;
/// Bytes of the key of the longest of them. All that is known of one is in half a cache line.
const KEY_BYTES: usize = 27;

/// The key of a host, with the number of its site.
#[derive(Debug, Clone, Copy, Default)]
struct Host {
    site: u32,
    length: u8,
    key: [u8; KEY_BYTES],
}

impl Host {
    /// Nothing, where the key is too long.
    fn new(key: &[u8], site: u32) -> Option<Self> {
        let mut bytes = [0; KEY_BYTES];
        bytes.get_mut(..key.len())?.copy_from_slice(key);
        Some(Self {
            site,
            length: key.len() as u8,
            key: bytes,
        })
    }

    fn key(&self) -> &[u8] {
        self.key.get(..usize::from(self.length)).unwrap_or_default()
    }
}

/// A host has one place, where the next one with that place takes over. The table grows with what comes.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    /// Their number is a power of two, or 0.
    places: Vec<Host>,
    /// How many were remembered since it grew last.
    put: usize,
    hasher: DefaultHashBuilder,
}

impl Hosts {
    /// What a host is found by.
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }

    fn place(&self, hash: u64) -> usize {
        hash as usize & self.places.len().wrapping_sub(1)
    }

    /// Touches what is known of hosts that are asked for next: see [`fetch`](crate::fetch).
    pub(super) fn fetch(&self, hashes: &[u64]) {
        let hosts = hashes.iter().map(|hash| self.places.get(self.place(*hash)));
        black_box(hosts.flatten().fold(0, |a, host| a ^ host.site));
    }

    /// The site of a host, where it is remembered.
    pub(super) fn get(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let host = self.places.get(self.place(hash))?;
        (host.key() == key && !key.is_empty()).then_some(host.site)
    }

    /// Remembers a host.
    pub(super) fn put(&mut self, hash: u64, key: &[u8], site: u32) {
        let Some(host) = Host::new(key, site) else {
            return;
        };
        if self.put >= self.places.len() && self.places.len() < MOST {
            self.grow();
        }
        self.put += 1;
        let place = self.place(hash);
        if let Some(slot) = self.places.get_mut(place) {
            *slot = host;
        }
    }

    fn grow(&mut self) {
        let n = (self.places.len() * 4).clamp(FIRST, MOST);
        let old = std::mem::replace(&mut self.places, filled(Host::default(), n));
        for host in old.into_iter().filter(|host| host.length > 0) {
            let place = self.place(self.hash(host.key()));
            if let Some(slot) = self.places.get_mut(place) {
                *slot = host;
            }
        }
        self.put = 0;
    }

    /// Bytes of memory in use.
    pub(super) fn memory(&self) -> usize {
        self.places.len() * size_of::<Host>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_right() {
        let mut hosts = Hosts::default();
        let key = |n: usize| format!("com\u{2}{}{n}", "x".repeat(n % 30)).into_bytes();
        assert_eq!(hosts.get(hosts.hash(b""), b""), None);
        for n in 0..3 * MOST {
            let key = key(n);
            let hash = hosts.hash(&key);
            assert_eq!(hosts.get(hash, &key), None);
            hosts.put(hash, &key, n as u32);
            let known = hosts.get(hash, &key);
            assert_eq!(known, (key.len() <= KEY_BYTES).then_some(n as u32));
        }
        assert_eq!(hosts.memory(), MOST * 32);
        let known = (0..3 * MOST).filter_map(|n| {
            let key = key(n);
            let known = hosts.get(hosts.hash(&key), &key)?;
            assert_eq!(known, n as u32);
            Some(())
        });
        assert!(known.count() > MOST / 2);
    }
}
