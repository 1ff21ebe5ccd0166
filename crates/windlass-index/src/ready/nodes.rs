//! Which ranges of a site's urls have so many live links that their groups are made ready.

use std::ops::Range;

use crate::bytes::Corrupt;
use crate::strings::StringList;

/// What ends the labels of a host's key, and the host in a URL's key (R6).
const LABEL_END: u8 = 0x02;
const HOST_END: u8 = 0x01;

/// The ranges that targets can ask for (R16) with at least `min` links, ordered, each once: all
/// urls that share a prefix, and a host with those below it. `live_before[u]` counts the links to
/// the urls before `u`; it has one entry more than there are urls.
///
/// O(bytes of all urls): the prefixes are the inner nodes of the trie of keys, found with a stack.
pub(super) fn ranges(
    urls: StringList<'_>,
    live_before: &[u32],
    min: usize,
) -> Result<Vec<Range<u32>>, Corrupt> {
    let mut found = Finder {
        live_before,
        min: min.max(1),
        ranges: Vec::new(),
    };
    // Open prefixes, each longer than the one before: (length, first url with it).
    let mut prefixes: Vec<(usize, u32)> = Vec::new();
    // Open host keys, likewise, each of the labels before it.
    let mut hosts: Vec<(usize, u32)> = Vec::new();
    let (mut key, mut before) = (Vec::new(), Vec::new());
    let mut iter = urls.iter();
    let mut url = 0u32;
    while iter.next_into(&mut key)? {
        let shared = key.iter().zip(&before).take_while(|(a, b)| a == b).count();
        let is_first = url == 0;
        if !is_first {
            // The URL before ends here, and so does each prefix that this one does not have.
            found.add(url - 1..url);
            let mut start = url - 1;
            while let Some(&(length, first)) = prefixes.last() {
                if length <= shared {
                    break;
                }
                prefixes.pop();
                found.add(first..url);
                start = first;
            }
            if prefixes.last().is_none_or(|(length, _)| *length < shared) {
                prefixes.push((shared, start));
            }
        }
        // A host ends where this URL is neither on it nor below it.
        while let Some(&(length, first)) = hosts.last() {
            let goes_on = matches!(key.get(length), Some(&(HOST_END | LABEL_END)));
            if !is_first && shared >= length && goes_on {
                break;
            }
            hosts.pop();
            found.add(first..url);
        }
        let open = hosts.last().map_or(0, |(length, _)| *length);
        for (at, byte) in key.iter().enumerate().skip(open + usize::from(open > 0)) {
            match *byte {
                LABEL_END => hosts.push((at, url)),
                HOST_END => {
                    hosts.push((at, url));
                    break;
                }
                _ => {}
            }
        }
        before.clone_from(&key);
        url = url.checked_add(1).ok_or(Corrupt("the number of urls"))?;
    }
    if url > 0 {
        found.add(url - 1..url);
    }
    for (_, first) in prefixes.into_iter().chain(hosts) {
        found.add(first..url);
    }
    let mut ranges = found.ranges;
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    ranges.dedup();
    Ok(ranges)
}

struct Finder<'a> {
    live_before: &'a [u32],
    min: usize,
    ranges: Vec<Range<u32>>,
}

impl Finder<'_> {
    fn add(&mut self, urls: Range<u32>) {
        let before = |url: u32| self.live_before.get(url as usize).copied().unwrap_or(0);
        let links = before(urls.end).saturating_sub(before(urls.start));
        if links as usize >= self.min {
            self.ranges.push(urls);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::bytes::Bytes;
    use crate::strings::{Coding, StringListBuilder};

    /// Every range of urls that share a prefix or are at or below a host, by looking at all of them.
    fn plain(keys: &[Vec<u8>], links: &[u32], min: usize) -> BTreeSet<(u32, u32)> {
        let mut prefixes: BTreeSet<Vec<u8>> = BTreeSet::new();
        let mut hosts: BTreeSet<Vec<u8>> = BTreeSet::new();
        for key in keys {
            for n in 0..=key.len() {
                prefixes.insert(key[..n].to_vec());
                if matches!(key.get(n), Some(1 | 2)) && !key[..n].contains(&1) {
                    hosts.insert(key[..n].to_vec());
                }
            }
        }
        let mut ranges = BTreeSet::new();
        let mut add = |matches: &dyn Fn(&[u8]) -> bool| {
            let places: Vec<usize> = (0..keys.len()).filter(|&i| matches(&keys[i])).collect();
            let total: u32 = places.iter().map(|&i| links[i]).sum();
            if total as usize >= min
                && let (Some(first), Some(last)) = (places.first(), places.last())
            {
                ranges.insert((*first as u32, *last as u32 + 1));
            }
        };
        for prefix in &prefixes {
            add(&|key| key.starts_with(prefix));
        }
        for host in &hosts {
            add(&|key| key.starts_with(host) && matches!(key.get(host.len()), Some(1 | 2)));
        }
        ranges
    }

    proptest! {
        #[test]
        fn all_ranges_that_can_be_asked_for(
            keys in prop::collection::btree_set("c\u{2}[ab-]{1,2}(\u{2}[ab-]{1,2}){0,2}\u{1}/[ab]{0,3} h", 1..30),
            counts in prop::collection::vec(0u32..4, 30),
            min in 1usize..8,
        ) {
            let keys: Vec<Vec<u8>> = keys.into_iter().map(String::into_bytes).collect();
            let mut builder = StringListBuilder::coded(Coding::Surt);
            keys.iter().for_each(|key| builder.push(key));
            let mut out = Vec::new();
            builder.finish(&mut out).unwrap();
            let list = StringList::read(&mut Bytes::new(&out), keys.len()).unwrap();
            let mut before = vec![0];
            for i in 0..keys.len() {
                before.push(before[i] + counts[i]);
            }
            let found: BTreeSet<(u32, u32)> =
                ranges(list, &before, min).unwrap().into_iter().map(|r| (r.start, r.end)).collect();
            prop_assert_eq!(found, plain(&keys, &counts, min));
        }
    }
}
