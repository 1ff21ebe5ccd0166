//! The SURTs of a run, each with the site that it belongs to.

use std::hash::BuildHasher;
use std::hint::black_box;

use hashbrown::DefaultHashBuilder;
use windlass_links::surt::{host_of_key, host_part};
use windlass_links::{CanonicalUrl, PublicSuffixList, Surt};

use crate::intern::{Batch, Interner, Ranks};
use crate::order::Strings;
use crate::room::{filled, make_room};

/// How many hosts are remembered with their sites.
const HOSTS: usize = 1 << 16;
/// Bytes of the key of the longest of them. All that is known of one is in half a cache line.
const HOST_BYTES: usize = 27;

/// The key of a host, with the number of its site.
#[derive(Debug, Clone, Copy, Default)]
struct Host {
    site: u32,
    length: u8,
    text: [u8; HOST_BYTES],
}

impl Host {
    /// Nothing, where the key is too long.
    fn of(host: &[u8], site: u32) -> Option<Self> {
        let mut text = [0; HOST_BYTES];
        text.get_mut(..host.len())?.copy_from_slice(host);
        Some(Self {
            site,
            length: host.len() as u8,
            text,
        })
    }

    fn is(&self, host: &[u8]) -> bool {
        let text = self.text.get(..usize::from(self.length));
        !host.is_empty() && text == Some(host)
    }
}

/// Site keys: those of registrable domains, of pages and of targets.
#[derive(Debug, Default)]
pub(super) struct Sites {
    pub(super) keys: Interner,
    /// Hosts seen not long ago, each where its hash says.
    hosts: Vec<Host>,
    hasher: DefaultHashBuilder,
    /// Where the hosts of some SURTs would stand.
    places: Vec<usize>,
    /// The site keys of those that do not, with their numbers.
    missing: Batch,
    found: Vec<u32>,
}

/// The number of a site that is being looked up.
const UNKNOWN: u32 = u32::MAX;

impl Sites {
    /// Appends the number of the site of each of so many SURTs.
    fn of_all<'s>(
        &mut self,
        n: usize,
        surt: impl Fn(usize) -> &'s [u8],
        list: &PublicSuffixList,
        sites: &mut Vec<u32>,
    ) {
        if self.hosts.is_empty() {
            self.hosts.resize(HOSTS, Host::default());
        }
        let host = |n: usize| host_part(surt(n));
        self.places.clear();
        let hashes = (0..n).map(|n| self.hasher.hash_one(host(n)));
        self.places.extend(hashes.map(|hash| hash as usize % HOSTS));
        // All at once, as none waits for another.
        let hosts = self.places.iter().map(|place| self.hosts.get(*place));
        black_box(hosts.flatten().fold(0, |a, host| a ^ host.site));
        make_room(sites, n);
        let first = sites.len();
        self.missing.clear();
        for (n, place) in self.places.iter().enumerate() {
            let known = self.hosts.get(*place).filter(|known| known.is(host(n)));
            if known.is_none() {
                let host = host(n);
                // The key of a domain is the beginning of the key of a host in it.
                let length = list.registrable_domain(&host_of_key(host)).len();
                let domain = host.get(..length).unwrap_or(host);
                self.missing.push(|keys| keys.extend_from_slice(domain));
            }
            sites.push(known.map_or(UNKNOWN, |known| known.site));
        }
        self.found.clear();
        let missing = &self.missing;
        self.keys
            .intern_all(missing.len(), |n| missing.get(n), &mut self.found);
        let unknown = sites.iter_mut().skip(first).enumerate();
        let unknown = unknown.filter(|(_, site)| **site == UNKNOWN);
        for ((n, site), number) in unknown.zip(&self.found) {
            *site = *number;
            let slot = self
                .places
                .get(n)
                .and_then(|place| self.hosts.get_mut(*place));
            if let (Some(slot), Some(host)) = (slot, Host::of(host(n), *number)) {
                *slot = host;
            }
        }
    }
}

/// SURTs, each with its site.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) texts: Interner,
    /// The site of each, by its number.
    pub(super) sites: Vec<u32>,
    /// Those that have no number yet.
    waiting: Batch,
}

/// So many strings are fetched at a time.
pub(super) const FETCHED: usize = 256;

impl Keys {
    /// Adds a URL, which [`number`](Self::number) gives its number.
    pub(super) fn push(&mut self, url: &CanonicalUrl) {
        self.waiting.push(|bytes| Surt::write(url, bytes));
    }

    /// Bytes of the SURTs that have no number yet.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting.bytes()
    }

    /// The numbers of the URLs that were added since the last time.
    pub(super) fn number(
        &mut self,
        sites: &mut Sites,
        list: &PublicSuffixList,
        numbers: &mut Vec<u32>,
    ) {
        numbers.clear();
        let waiting = &self.waiting;
        self.texts
            .intern_all(waiting.len(), |n| waiting.get(n), numbers);
        let first_new = self.sites.len();
        let n = self.texts.len() - first_new;
        let new = |n: usize| self.texts.get((first_new + n) as u64 as u32);
        sites.of_all(n, new, list, &mut self.sites);
        self.waiting.clear();
    }

    /// Touches SURTs, and their sites, that are wanted soon: see [`Interner::fetch`].
    pub(super) fn fetch(&self, numbers: &[u32]) {
        let sites = numbers.iter().map(|number| self.site(*number));
        black_box(sites.fold(0, |a, b| a ^ b));
        self.texts.fetch(numbers);
    }

    /// Takes the SURTs of another run over, whose sites have these numbers here: the number here of each,
    /// by its number there.
    pub(super) fn absorb(&mut self, other: &Self, site_numbers: &[u32]) -> Vec<u32> {
        let numbers = self.texts.absorb(&other.texts);
        for (number, site) in numbers.iter().zip(&other.sites) {
            // New ones are numbered as they come.
            if *number as usize == self.sites.len() {
                let site = site_numbers.get(*site as usize).copied();
                self.sites.push(site.unwrap_or(u32::MAX));
            }
        }
        numbers
    }

    /// The number of the site that a URL belongs to.
    pub(super) fn site(&self, number: u32) -> u32 {
        self.sites.get(number as usize).copied().unwrap_or(u32::MAX)
    }

    /// In the order of segments: (site key, SURT). Distributed by site, then each site's by what comes
    /// behind its key.
    pub(super) fn ranks(&self, sites: &Sites, site_ranks: &Ranks) -> Ranks {
        let mut ends = filled(0u32, sites.keys.len() + 1);
        for site in &self.sites {
            if let Some(count) = ends.get_mut(site_ranks.rank(*site) as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        // `ends[r]` is where rank r starts, and moves to where it ends.
        let mut order = filled(0u32, self.sites.len());
        for (number, site) in (0u32..).zip(&self.sites) {
            if let Some(at) = ends.get_mut(site_ranks.rank(*site) as usize) {
                if let Some(slot) = order.get_mut(*at as usize) {
                    *slot = number;
                }
                *at += 1;
            }
        }
        let mut strings = Strings::new(|number| self.texts.get(number), |a, b| a.cmp(&b));
        let (mut start, mut fetched) = (0, 0);
        for (rank, end) in (0u32..).zip(ends) {
            let end = end as usize;
            if end > fetched {
                // Most sites have a few.
                fetched = order.len().min(start + FETCHED);
                let soon = order.get(start..fetched);
                self.texts.fetch(soon.unwrap_or_default());
            }
            if let Some(of_site) = order.get_mut(start..end)
                && of_site.len() > 1
            {
                let depth = sites.keys.get(site_ranks.number(rank)).len();
                strings.sort(of_site, depth);
            }
            start = end;
        }
        Ranks::of_order(order)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use windlass_links::surt::host_key;

    use super::*;

    proptest! {
        #[test]
        fn urls_have_numbers_and_the_sites_of_their_hosts(
            batches in prop::collection::vec(
                prop::collection::vec(
                    "http://(((www\\.|a\\.b\\.|[a-c]{30}\\.)?[a-d]{1,2}\\.)?(com|co\\.uk|ck|github\\.io)|1\\.2\\.3\\.[1-4]|\\[::[1-3]\\])(:8080)?/[xy]?",
                    0..40,
                ),
                1..5,
            ),
        ) {
            let list = PublicSuffixList::bundled();
            let (mut sites, mut keys) = (Sites::default(), Keys::default());
            let mut known: HashMap<CanonicalUrl, u32> = HashMap::new();
            let mut numbers = Vec::new();
            for batch in batches {
                let urls: Vec<_> = batch.iter().map(|url| CanonicalUrl::parse(url).unwrap()).collect();
                urls.iter().for_each(|url| keys.push(url));
                keys.number(&mut sites, &list, &mut numbers);
                prop_assert_eq!(numbers.len(), urls.len());
                for (url, number) in urls.into_iter().zip(&numbers) {
                    let domain = host_key(list.registrable_domain(url.host()));
                    prop_assert_eq!(sites.keys.get(keys.site(*number)), &domain[..]);
                    let surt = Surt::of(&url);
                    prop_assert_eq!(keys.texts.get(*number), surt.as_bytes());
                    let next = known.len() as u32;
                    prop_assert_eq!(*known.entry(url).or_insert(next), *number);
                }
            }
            prop_assert_eq!(keys.sites.len(), known.len());
        }
    }
}
