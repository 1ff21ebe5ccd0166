//! Adding captures to a run.
//!
//! Each link is looked up by its target and its anchor, which lie anywhere in memory: so links wait until there are
//! some hundreds, and what looking them up reads is fetched for all of them at once.

use windlass_links::{Capture, Link, LinkType, Rel};

use super::Run;
use super::captures::CaptureNote;
use super::links::{LinkNote, OTHER};
use crate::arena::Arena;
use crate::room::make_room;
use crate::segment::Side;
use crate::sighting::{put_attr, split_attr};

/// So many links of a side, or pages, wait at most; or so many bytes of what they are looked up by, and one more
/// of each kind. That is below a megabyte, and counts for no bound of memory.
const WAITING: usize = 512;
const WAITING_BYTES: usize = 1 << 16;
/// The number of what has none yet.
pub(super) const UNKNOWN: u32 = u32::MAX;

/// What waits beside the URLs of the last pages, and of the last links of each side, which their dictionaries
/// have.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// The anchors of those links whose form is [`UNKNOWN`].
    forms: [Arena; 2],
    numbers: Vec<u32>,
}

impl Run {
    /// Adds a capture that was read at `offset` of a file (see [`file`](Self::file)). Internal links
    /// are passed over (R11), unless the run keeps them.
    pub(crate) fn add(&mut self, capture: &Capture, file: u32, offset: u64) {
        for link in &capture.links {
            if link.external || self.keep_internal {
                self.add_link(link);
            }
        }
        let title = capture.title.as_deref().filter(|title| !title.is_empty());
        let title = title.map(|title| self.titles.intern(title.as_bytes()).0);
        make_room(&mut self.captures, 1);
        self.captures.push(CaptureNote::of(
            capture,
            title,
            (file, offset),
            self.links.each_ref().map(Vec::len),
        ));
        self.pages.push(&capture.page);
        let waiting = self.pages.waiting();
        if waiting.len() >= WAITING || waiting.bytes() >= WAITING_BYTES {
            self.look_up();
        }
    }

    fn add_link(&mut self, link: &Link) {
        let anchor = link.anchor.as_bytes();
        let form = if link.link_type != LinkType::Href {
            OTHER | link.link_type as u32
        } else if anchor.is_empty() {
            let forms = &mut self.forms;
            *self.empty_form.get_or_insert_with(|| forms.intern(&[]).0)
        } else {
            UNKNOWN
        };
        let attr = self.attr(link.rel, link.alt.as_bytes());
        let side = side_of(link);
        let urls = side.pick(self.urls.each_mut());
        urls.push(&link.target);
        let forms = side.pick(self.waiting.forms.each_mut());
        if form == UNKNOWN {
            forms.push(anchor);
        }
        let links = side.pick(self.links.each_mut());
        make_room(links, 1);
        links.push(LinkNote {
            url: UNKNOWN,
            form,
            attr,
        });
        let waiting = urls.waiting();
        if waiting.len() >= WAITING || waiting.bytes() + forms.bytes() >= WAITING_BYTES {
            self.look_up();
        }
    }

    /// Gives all that waits its numbers.
    pub(super) fn look_up(&mut self) {
        let Waiting { forms, numbers } = &mut self.waiting;
        let (sites, list) = (&mut self.sites, &self.list);
        self.pages.number(sites, list, numbers);
        let captures = last(&mut self.captures, numbers.len());
        for (capture, page) in captures.iter_mut().zip(&*numbers) {
            capture.set_page(*page);
        }
        for side in Side::ALL {
            let urls = side.pick(self.urls.each_mut());
            urls.number(sites, list, numbers);
            let links = side.pick(self.links.each_mut());
            let links = last(links, numbers.len());
            for (link, url) in links.iter_mut().zip(&*numbers) {
                link.url = *url;
            }
            let anchors = side.pick(forms.each_mut());
            numbers.clear();
            self.forms.intern_all(anchors, numbers);
            anchors.clear();
            let unknown = links.iter_mut().filter(|link| link.form == UNKNOWN);
            for (link, form) in unknown.zip(&*numbers) {
                link.form = *form;
            }
        }
    }

    fn attr(&mut self, rel: Rel, alt: &[u8]) -> u32 {
        // The first one of all has no number yet.
        if self.attr_number == UNKNOWN || split_attr(&self.attr) != (rel, alt) {
            self.attr.clear();
            put_attr(rel, alt, &mut self.attr);
            self.attr_number = self.attrs.intern(&self.attr).0;
        }
        self.attr_number
    }
}

fn side_of(link: &Link) -> Side {
    if link.external {
        Side::External
    } else {
        Side::Internal
    }
}

/// The last so many.
fn last<T>(all: &mut [T], n: usize) -> &mut [T] {
    let first = all.len().saturating_sub(n);
    all.get_mut(first..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use windlass_links::{CanonicalUrl, CaptureTime, PublicSuffixList, Rel};

    use super::*;
    use crate::spool::Scratch;

    fn arb_url() -> impl Strategy<Value = CanonicalUrl> {
        (
            0..60u32,
            0..9u32,
            prop_oneof![99 => Just(0), 1 => Just(7000)],
        )
            .prop_map(|(host, path, length)| {
                let path = format!("{path}{}", "x".repeat(length));
                CanonicalUrl::parse(&format!("http://h{host}.example/{path}")).unwrap()
            })
    }

    prop_compose! {
        fn arb_link()(
            link_type in prop::sample::select(vec![LinkType::Href, LinkType::Href, LinkType::Form]),
            target in arb_url(),
            anchor in prop_oneof![199 => "[ab]{0,2}", 1 => "x{60000}"],
            alt in "[ab]?",
            external in any::<bool>(),
        ) -> Link {
            Link { link_type, target, anchor, alt, rel: Rel::NONE, external }
        }
    }

    prop_compose! {
        fn arb_capture()(
            page in arb_url(),
            time in 0..50u32,
            links in prop_oneof![
                3 => prop::collection::vec(arb_link(), 0..20),
                1 => prop::collection::vec(arb_link(), 0..900),
            ],
        ) -> Capture {
            Capture::html(page, CaptureTime::from_unix(time), links)
        }
    }

    fn written(mut run: Run) -> Vec<u8> {
        let scratch = Scratch::new(std::path::PathBuf::new(), usize::MAX);
        run.write(Vec::new(), "", (&scratch, usize::MAX), 2, &())
            .unwrap()
            .0
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn when_links_are_looked_up_changes_nothing(
            captures in prop::collection::vec(arb_capture(), 1..24),
            other in any::<prop::sample::Index>(),
        ) {
            let list = Arc::new(PublicSuffixList::bundled());
            let new = || {
                let mut run = Run::new(true, &list);
                run.file([0; 32]);
                run
            };
            let (mut at_once, mut as_they_come, mut first, mut second) = (new(), new(), new(), new());
            let other = other.index(captures.len());
            for (n, capture) in captures.iter().enumerate() {
                let mut part = capture.clone();
                at_once.add(capture, 0, n as u64);
                // Its links one by one, each looked up before the next one comes.
                let links = std::mem::take(&mut part.links);
                for link in &links {
                    as_they_come.add_link(link);
                    as_they_come.look_up();
                }
                as_they_come.add(&part, 0, n as u64);
                as_they_come.look_up();
                let run = if n < other { &mut first } else { &mut second };
                run.add(capture, 0, n as u64);
            }
            first.absorb(second);
            let expected = written(as_they_come);
            prop_assert!(written(at_once) == expected);
            prop_assert!(written(first) == expected);
        }
    }
}
