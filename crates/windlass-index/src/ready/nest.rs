//! How the ranges of a site's urls lie in each other: two have urls in common only where one is within the
//! other.

use super::nodes::NodeUrls;

/// Which nodes each url is in.
#[derive(Debug)]
pub(super) struct Nest {
    /// For each node the one right around it, or a number that none has.
    around: Vec<u32>,
    /// First url of each stretch of urls that are in the same nodes, and the innermost of these, or a number
    /// that none has.
    stretches: Vec<(u32, u32)>,
}

impl Nest {
    /// Of nodes that are numbered in this order.
    pub(super) fn of(nodes: &[NodeUrls]) -> Self {
        let none = nodes.len() as u64 as u32;
        let mut outermost_first: Vec<(u32, &NodeUrls)> = (0u32..).zip(nodes).collect();
        outermost_first
            .sort_by_key(|(_, node)| (node.urls.start, std::cmp::Reverse(node.urls.end)));
        let mut nest = Self {
            around: vec![none; nodes.len()],
            stretches: vec![(0, none)],
        };
        let mut open: Vec<(u32, u32)> = Vec::new();
        for (number, node) in outermost_first {
            while let Some((_, end)) = open.pop_if(|(_, end)| *end <= node.urls.start) {
                nest.begin(end, open.last().map_or(none, |(around, _)| *around));
            }
            if let (Some((outer, _)), Some(around)) =
                (open.last(), nest.around.get_mut(number as usize))
            {
                *around = *outer;
            }
            nest.begin(node.urls.start, number);
            open.push((number, node.urls.end));
        }
        while let Some((_, end)) = open.pop() {
            nest.begin(end, open.last().map_or(none, |(around, _)| *around));
        }
        nest
    }

    /// From this url on, a node is the innermost one.
    fn begin(&mut self, url: u32, node: u32) {
        match self.stretches.last_mut() {
            Some(last) if last.0 == url => last.1 = node,
            _ => self.stretches.push((url, node)),
        }
    }

    /// How many nodes there are.
    pub(super) fn nodes(&self) -> usize {
        self.around.len()
    }

    /// A node, the one right around it, and so on: those that have all that it has.
    #[inline]
    pub(super) fn from(&self, node: u32) -> impl Iterator<Item = u32> {
        let exists = |node: &u32| (*node as usize) < self.around.len();
        std::iter::successors(Some(node).filter(exists), move |node| {
            self.around.get(*node as usize).copied().filter(exists)
        })
    }

    /// First url and innermost node of each stretch, in the order of urls.
    pub(super) fn stretches(&self) -> &[(u32, u32)] {
        &self.stretches
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Ranges within one another, made of a range by cutting it.
    fn arb_nodes() -> impl Strategy<Value = Vec<NodeUrls>> {
        prop::collection::vec((0u32..40, 0u32..40), 0..30).prop_map(|all| {
            let mut nodes: Vec<NodeUrls> = Vec::new();
            for (a, b) in all {
                let urls = a.min(b)..a.max(b) + 1;
                let fits = nodes.iter().all(|node| {
                    let (start, end) = (node.urls.start, node.urls.end);
                    urls.end <= start
                        || end <= urls.start
                        || (urls.start <= start && end <= urls.end)
                        || (start <= urls.start && urls.end <= end)
                });
                if fits && nodes.iter().all(|node| node.urls != urls) {
                    nodes.push(NodeUrls { urls, links: 1 });
                }
            }
            nodes.sort_by_key(|node| (node.urls.start, node.urls.end));
            nodes
        })
    }

    proptest! {
        #[test]
        fn each_url_is_in_the_nodes_that_have_it(nodes in arb_nodes()) {
            let nest = Nest::of(&nodes);
            prop_assert!(nest.stretches().is_sorted_by(|a, b| a.0 < b.0));
            for url in 0..45 {
                let stretch = nest.stretches().iter().rev().find(|(first, _)| *first <= url);
                let mut found: Vec<u32> = nest.from(stretch.unwrap().1).collect();
                // From the innermost to the outermost.
                let sizes = found.iter().map(|node| nodes[*node as usize].urls.len());
                prop_assert!(sizes.is_sorted());
                found.sort_unstable();
                let expected: Vec<u32> = (0u32..).zip(&nodes)
                    .filter(|(_, node)| node.urls.contains(&url))
                    .map(|(number, _)| number)
                    .collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
