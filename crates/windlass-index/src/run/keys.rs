//! The SURTs of a run, each with the site that it belongs to.

use std::hint::black_box;

use windlass_links::surt::{host_of_key, host_part};
use windlass_links::{CanonicalUrl, PublicSuffixList, Surt};

use super::hosts::Hosts;
use crate::arena::Arena;
use crate::fetch::Fetching;
use crate::intern::{Interner, Ranks};
use crate::order::Strings;
use crate::room::{filled, make_room};

/// Site keys: those of registrable domains, of pages and of targets.
#[derive(Debug, Default)]
pub(super) struct Sites {
    pub(super) keys: Interner,
    hosts: Hosts,
    /// Of the hosts of some SURTs.
    hashes: Vec<u64>,
    /// The site keys of those that are not remembered, which SURTs have them, and their numbers.
    missing: Arena,
    missing_of: Vec<usize>,
    found: Vec<u32>,
}

impl Sites {
    /// Appends the number of the site of each of the SURTs from a number on.
    fn append(
        &mut self,
        surts: &Interner,
        first: usize,
        list: &PublicSuffixList,
        sites: &mut Vec<u32>,
    ) {
        let host = |n: usize| host_part(surts.get((first + n) as u64 as u32));
        let n = surts.len() - first;
        self.hashes.clear();
        self.hashes.extend((0..n).map(|n| self.hosts.hash(host(n))));
        self.hosts.fetch(&self.hashes);
        self.missing.clear();
        self.missing_of.clear();
        let mut last: (&[u8], usize) = (&[], 0);
        let start = sites.len();
        make_room(sites, n);
        for (n, hash) in self.hashes.iter().enumerate() {
            let host = host(n);
            let known = self.hosts.get(*hash, host);
            if known.is_none() {
                // New URLs often have one new host.
                if last.0 != host {
                    last = (host, list.registrable_domain(&host_of_key(host)).len());
                }
                // The key of a domain is the beginning of the key of a host in it.
                self.missing.push(host.get(..last.1).unwrap_or(host));
                self.missing_of.push(n);
            }
            sites.push(known.unwrap_or_default());
        }
        self.found.clear();
        self.keys.intern_all(&self.missing, &mut self.found);
        for (n, number) in self.missing_of.iter().zip(&self.found) {
            if let (Some(site), Some(hash)) = (sites.get_mut(start + n), self.hashes.get(*n)) {
                *site = *number;
                self.hosts.put(*hash, host(*n), *number);
            }
        }
    }

    /// From now on nothing is added.
    pub(super) fn forget_hashes(&mut self) {
        self.keys.forget_hashes();
        self.hosts = Hosts::default();
    }

    /// Bytes of memory that finding the sites of hosts takes.
    pub(super) fn hosts_memory(&self) -> usize {
        self.hosts.memory()
    }
}

/// SURTs, each with its site.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) texts: Interner,
    /// The site of each, by its number.
    pub(super) sites: Vec<u32>,
    /// Those that have no number yet.
    waiting: Arena,
}

impl Keys {
    /// Adds a URL, which [`number`](Self::number) gives its number.
    pub(super) fn push(&mut self, url: &CanonicalUrl) {
        self.waiting.push_with(|bytes| Surt::write(url, bytes));
    }

    /// The SURTs that have no number yet.
    pub(super) fn waiting(&self) -> &Arena {
        &self.waiting
    }

    /// The numbers of the URLs that were added since the last time.
    pub(super) fn number(
        &mut self,
        sites: &mut Sites,
        list: &PublicSuffixList,
        numbers: &mut Vec<u32>,
    ) {
        numbers.clear();
        self.texts.intern_all(&self.waiting, numbers);
        self.waiting.clear();
        sites.append(&self.texts, self.sites.len(), list, &mut self.sites);
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
        let (mut start, mut fetching) = (0, Fetching::default());
        for (rank, end) in (0u32..).zip(ends) {
            let end = end as usize;
            // Most sites have a few.
            if let Some(soon) = fetching.before(start..end, order.len()) {
                self.texts.fetch(order.get(soon).unwrap_or_default());
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
