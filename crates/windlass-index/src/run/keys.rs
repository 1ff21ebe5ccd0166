//! The SURTs of a run, each with the site that it belongs to.

use std::hash::BuildHasher;
use std::hint::black_box;

use hashbrown::DefaultHashBuilder;
use windlass_links::surt::write_host_key;
use windlass_links::{CanonicalUrl, PublicSuffixList, Surt};

use crate::intern::{Interner, Ranks, Upcoming};
use crate::order::Strings;
use crate::room::{filled, make_room};

/// How many hosts are remembered with their sites.
const HOSTS: usize = 1 << 14;
/// Bytes of the longest of them. All that is known of one is in half a cache line.
const HOST_BYTES: usize = 27;

/// A host, with the number of its site.
#[derive(Debug, Clone, Copy, Default)]
struct Host {
    site: u32,
    length: u8,
    text: [u8; HOST_BYTES],
}

impl Host {
    /// Nothing, where the host is too long.
    fn of(host: &str, site: u32) -> Option<Self> {
        let mut text = [0; HOST_BYTES];
        text.get_mut(..host.len())?.copy_from_slice(host.as_bytes());
        Some(Self {
            site,
            length: host.len() as u8,
            text,
        })
    }

    fn is(&self, host: &str) -> bool {
        let text = self.text.get(..usize::from(self.length));
        !host.is_empty() && text == Some(host.as_bytes())
    }
}

/// Site keys: those of registrable domains, of pages and of targets.
#[derive(Debug, Default)]
pub(super) struct Sites {
    pub(super) keys: Interner,
    /// Hosts seen not long ago, each where its hash says.
    hosts: Vec<Host>,
    hasher: DefaultHashBuilder,
    buffer: Vec<u8>,
}

impl Sites {
    /// The number of the site of a host.
    fn of(&mut self, host: &str, list: &PublicSuffixList) -> u32 {
        if self.hosts.is_empty() {
            self.hosts.resize(HOSTS, Host::default());
        }
        let at = self.hasher.hash_one(host) as usize % HOSTS;
        if let Some(known) = self.hosts.get(at)
            && known.is(host)
        {
            return known.site;
        }
        self.buffer.clear();
        write_host_key(list.registrable_domain(host), &mut self.buffer);
        let (number, _) = self.keys.intern(&self.buffer);
        if let (Some(slot), Some(host)) = (self.hosts.get_mut(at), Host::of(host, number)) {
            *slot = host;
        }
        number
    }
}

/// SURTs, each with its site.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) texts: Interner,
    /// The site of each, by its number.
    pub(super) sites: Vec<u32>,
    buffer: Vec<u8>,
    /// Where each of the SURTs in the buffer ends that were announced, and how many of them came.
    ends: Vec<usize>,
    came: usize,
    upcoming: Upcoming,
}

/// So many strings are fetched at a time.
pub(super) const FETCHED: usize = 256;

impl Keys {
    /// Says that the number of a URL will be asked for soon.
    pub(super) fn announce(&mut self, url: &CanonicalUrl) {
        let start = self.buffer.len();
        Surt::write(url, &mut self.buffer);
        let surt = self.buffer.get(start..).unwrap_or_default();
        self.texts.announce(surt, &mut self.upcoming);
        self.ends.push(self.buffer.len());
    }

    /// Fetches what the announced ones need.
    pub(super) fn fetch_announced(&mut self) {
        self.texts.fetch_announced(&mut self.upcoming);
    }

    /// The number of the next URL that was announced.
    pub(super) fn next_number(
        &mut self,
        url: &CanonicalUrl,
        sites: &mut Sites,
        list: &PublicSuffixList,
    ) -> u32 {
        let end = |at: usize| self.ends.get(at).copied().unwrap_or_default();
        let surt = self.came.checked_sub(1).map_or(0, end)..end(self.came);
        self.came += 1;
        let surt = self.buffer.get(surt).unwrap_or_default();
        let (number, is_new) = self.texts.intern_announced(surt, &mut self.upcoming);
        if is_new {
            make_room(&mut self.sites, 1);
            self.sites.push(sites.of(url.host(), list));
        }
        number
    }

    /// All that were announced have come.
    pub(super) fn clear_announced(&mut self) {
        self.buffer.clear();
        self.ends.clear();
        self.came = 0;
        self.upcoming.clear();
    }

    /// Touches SURTs, and their sites, that are wanted soon: see [`Interner::fetch`].
    pub(super) fn fetch(&self, numbers: &[u32]) {
        let sites = numbers.iter().map(|number| self.site(*number));
        black_box(sites.fold(0, |a, b| a ^ b));
        self.texts.fetch(numbers);
    }

    /// The number of a URL.
    pub(super) fn number(
        &mut self,
        url: &CanonicalUrl,
        sites: &mut Sites,
        list: &PublicSuffixList,
    ) -> u32 {
        self.buffer.clear();
        Surt::write(url, &mut self.buffer);
        let (number, is_new) = self.texts.intern(&self.buffer);
        if is_new {
            make_room(&mut self.sites, 1);
            self.sites.push(sites.of(url.host(), list));
        }
        number
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
