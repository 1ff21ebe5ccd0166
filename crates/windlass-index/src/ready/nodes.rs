//! Which ranges of a site's urls have so many live links that their groups are made ready.

use std::ops::Range;

use crate::bytes::Corrupt;
use crate::strings::StringList;

/// What ends the labels of a host's key, and the host in a URL's key (R6).
const LABEL_END: u8 = 0x02;
const HOST_END: u8 = 0x01;

/// A range of urls of which the groups are made ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodeUrls {
    pub(super) urls: Range<u32>,
    /// How many live links lead to them.
    pub(super) links: u32,
}

/// Something that urls have in common, from the first one that has it on.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// Bytes of a key that it takes.
    length: usize,
    first: u32,
    /// The live links to the urls before the first.
    before: u32,
}

/// Of a site with that key, whose urls have these SURTs behind it, the ranges that targets can ask for (R16) with at
/// least `min` live links, ordered, each once: all urls that share a prefix, and a host with those below it; and the number of all live links. `live`
/// counts those to a url, and is asked once for each, in order; `wrong` says where damage was found.
///
/// O(bytes of all urls): the prefixes are the inner nodes of the trie of keys, found with a stack. Memory
/// does not grow with the number of urls.
pub(super) fn ranges<E>(
    (site_key, urls): (&[u8], StringList<'_>),
    mut live: impl FnMut(usize) -> Result<u32, E>,
    min: usize,
    wrong: impl Fn(Corrupt) -> E,
) -> Result<(Vec<NodeUrls>, u32), E> {
    let mut found = Finder {
        min: min.max(1),
        ranges: Vec::new(),
    };
    // Open prefixes, each longer than the one before, and open host keys, each of the labels before it.
    let (mut prefixes, mut hosts): (Vec<Open>, Vec<Open>) = (Vec::new(), Vec::new());
    let (mut rest, mut key, mut before) = (Vec::new(), Vec::new(), Vec::new());
    let mut iter = urls.iter();
    let mut url = 0u32;
    // The live links to all urls before this one, and to those before the last one.
    let (mut sum, mut last_sum) = (0u32, 0u32);
    while iter.next_into(&mut rest).map_err(&wrong)? {
        key.clear();
        key.extend_from_slice(site_key);
        key.extend_from_slice(&rest);
        let shared = key.iter().zip(&before).take_while(|(a, b)| a == b).count();
        let is_first = url == 0;
        if !is_first {
            // The URL before ends here, and so does each prefix that this one does not have.
            let mut last = Open {
                length: shared,
                first: url - 1,
                before: last_sum,
            };
            found.add(last, (url, sum));
            while let Some(open) = prefixes.pop_if(|open| open.length > shared) {
                found.add(open, (url, sum));
                (last.first, last.before) = (open.first, open.before);
            }
            if prefixes.last().is_none_or(|open| open.length < shared) {
                prefixes.push(last);
            }
        }
        // A host ends where this URL is neither on it nor below it.
        while let Some(open) = hosts.pop_if(|open| {
            let goes_on = matches!(key.get(open.length), Some(&(HOST_END | LABEL_END)));
            is_first || shared < open.length || !goes_on
        }) {
            found.add(open, (url, sum));
        }
        let open = hosts.last().map_or(0, |open| open.length);
        for (length, byte) in key.iter().enumerate().skip(open + usize::from(open > 0)) {
            if matches!(*byte, LABEL_END | HOST_END) {
                hosts.push(Open {
                    length,
                    first: url,
                    before: sum,
                });
            }
            if *byte == HOST_END {
                break;
            }
        }
        before.clone_from(&key);
        last_sum = sum;
        let more = live(url as usize)?;
        sum = sum
            .checked_add(more)
            .ok_or_else(|| wrong(Corrupt("more than 2^32 links to one site")))?;
        let next = url.checked_add(1);
        url = next.ok_or_else(|| wrong(Corrupt("the number of urls")))?;
    }
    if url > 0 {
        let last = Open {
            length: 0,
            first: url - 1,
            before: last_sum,
        };
        found.add(last, (url, sum));
    }
    for open in prefixes.into_iter().chain(hosts) {
        found.add(open, (url, sum));
    }
    let mut ranges = found.ranges;
    ranges.sort_unstable_by_key(|range| (range.urls.start, range.urls.end));
    ranges.dedup();
    Ok((ranges, sum))
}

struct Finder {
    min: usize,
    ranges: Vec<NodeUrls>,
}

impl Finder {
    /// What is open ends before a url, before which there are so many live links.
    fn add(&mut self, open: Open, (end, sum): (u32, u32)) {
        let links = sum.saturating_sub(open.before);
        if links as usize >= self.min {
            self.ranges.push(NodeUrls {
                urls: open.first..end,
                links,
            });
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
            let site = b"c\x02";
            keys.iter().for_each(|key| builder.push(key.strip_prefix(site).unwrap()));
            let mut out = Vec::new();
            builder.finish(&mut out).unwrap();
            let list = StringList::read(&mut Bytes::new(&out), keys.len()).unwrap();
            let live = |url: usize| Ok::<_, Corrupt>(counts[url]);
            let (found, sum) = ranges((site, list), live, min, |corrupt| corrupt).unwrap();
            prop_assert_eq!(sum, counts[..keys.len()].iter().sum::<u32>());
            for node in &found {
                let urls = node.urls.start as usize..node.urls.end as usize;
                prop_assert_eq!(node.links, counts[urls].iter().sum::<u32>());
            }
            let found: BTreeSet<(u32, u32)> =
                found.into_iter().map(|node| (node.urls.start, node.urls.end)).collect();
            prop_assert_eq!(found, plain(&keys, &counts, min));
        }
    }
}
