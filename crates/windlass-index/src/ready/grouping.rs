//! Grouping the links of a pass for all nodes at once.

use super::groups::Group;
use super::links::Link;
use super::nest::Nest;
use super::runs::NodeGroup;

/// A group of a node, or what a pass has of it: the next one may have more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) node: u32,
    pub(super) group: Group,
    /// The page of the last link, and the registrable domains of the first and the last one.
    page: u32,
    first_domain: u32,
    domain: u32,
}

impl Part {
    fn of(node: u32, link: &Link) -> Self {
        Self {
            node,
            group: Group {
                anchor: link.fold,
                backlinks: 1,
                refpages: 1,
                refdomains: 1,
                first_seen: link.first_seen,
                last_visited: link.last_visited,
                link: link.number,
            },
            page: link.place,
            first_domain: link.domain,
            domain: link.domain,
        }
    }

    /// Takes the next link of the same anchor: pages ascend, and those of one domain lie side by side.
    #[inline]
    fn link(&mut self, link: &Link) {
        let group = &mut self.group;
        group.backlinks += 1;
        group.refpages += u32::from(self.page != link.place);
        group.refdomains += u32::from(self.domain != link.domain);
        group.first_seen = group.first_seen.min(link.first_seen);
        group.last_visited = group.last_visited.max(link.last_visited);
        self.page = link.place;
        self.domain = link.domain;
    }

    /// Takes the part of the next pass, which has other pages.
    fn append(&mut self, next: &Self) {
        let group = &mut self.group;
        group.backlinks += next.group.backlinks;
        group.refpages += next.group.refpages;
        group.refdomains += next.group.refdomains - u32::from(self.domain == next.first_domain);
        group.first_seen = group.first_seen.min(next.group.first_seen);
        group.last_visited = group.last_visited.max(next.group.last_visited);
        self.page = next.page;
        self.domain = next.domain;
    }

    /// So many links of its anchor came in the passes before.
    pub(super) fn begin_behind(&mut self, links: u32) {
        self.group.link += links;
    }

    /// Puts together parts, in the order of their passes, that are of the same groups.
    pub(super) fn unite(mut parts: Vec<Self>) -> Vec<NodeGroup> {
        parts.sort_by_key(|part| (part.node, part.group.anchor));
        parts.dedup_by(|next, before| {
            let is_same = (next.node, next.group.anchor) == (before.node, before.group.anchor);
            if is_same {
                before.append(next);
            }
            is_same
        });
        parts.iter().map(Self::done).collect()
    }

    fn done(&self) -> NodeGroup {
        NodeGroup {
            node: self.node,
            group: self.group,
        }
    }
}

/// Groups the links of a pass, which come by (anchor, page), for each node that has them.
pub(super) struct Grouping<'a> {
    nest: &'a Nest,
    /// The group of each node that is not at its end.
    open: Vec<Option<Part>>,
    /// The first and the last anchor: links of the one may be in the pass before, of the other in the one behind.
    first_anchor: Option<u32>,
    last_anchor: u32,
    /// What is at its end, of other anchors.
    pub(super) groups: Vec<NodeGroup>,
    /// And of these.
    parts: Vec<Part>,
}

impl<'a> Grouping<'a> {
    /// For nodes that are nested so.
    pub(super) fn new(nest: &'a Nest) -> Self {
        Self {
            nest,
            open: vec![None; nest.nodes()],
            first_anchor: None,
            last_anchor: 0,
            groups: Vec::new(),
            parts: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn link(&mut self, link: &Link) {
        let first_anchor = *self.first_anchor.get_or_insert(link.fold);
        self.last_anchor = link.fold;
        for node in self.nest.from(link.node) {
            let Some(open) = self.open.get_mut(node as usize) else {
                return;
            };
            match open {
                Some(part) if part.group.anchor == link.fold => part.link(link),
                _ => {
                    let done = open.replace(Part::of(node, link));
                    match done {
                        Some(done) if done.group.anchor == first_anchor => self.parts.push(done),
                        Some(done) => self.groups.push(done.done()),
                        None => {}
                    }
                }
            }
        }
    }

    /// No more links come: what is left, and what the passes before and behind may have links of.
    pub(super) fn finish(mut self) -> (Vec<NodeGroup>, Vec<Part>) {
        for part in self.open.into_iter().flatten() {
            let anchor = part.group.anchor;
            if Some(anchor) == self.first_anchor || anchor == self.last_anchor {
                self.parts.push(part);
            } else {
                self.groups.push(part.done());
            }
        }
        (self.groups, self.parts)
    }
}
