//! Putting two runs together.

use std::thread;

use super::Run;
use super::captures::Numbers;
use super::links::{LinkNote, OTHER};
use crate::intern::Interner;
use crate::room::make_room;

impl Run {
    /// Whether another one fits in, with all of it numbered.
    pub(crate) fn has_room_for(&self, other: &Self) -> bool {
        let sums = [
            self.link_count() + other.link_count(),
            self.forms.len() + other.forms.len(),
            self.captures.len() + other.captures.len(),
        ];
        sums.into_iter().all(|n| n < OTHER as usize)
    }

    /// Takes all over that another run holds. That costs a look at each of its different strings, and is
    /// much less than to write both and to merge what was written. It must [fit
    /// in](Self::has_room_for).
    pub(crate) fn absorb(&mut self, mut other: Self) {
        self.look_up();
        other.look_up();
        other.forget_hashes();
        let files = other.files.iter().map(|digest| self.file(*digest));
        let files: Vec<u32> = files.collect();
        let sites = self.sites.keys.absorb(&other.sites.keys);
        let attrs = self.attrs.absorb(&other.attrs);
        let titles = self.titles.absorb(&other.titles);
        let absorb = |of: &mut Interner, other: Interner| of.absorb(&other);
        let (forms, others_forms) = (&mut self.forms, std::mem::take(&mut other.forms));
        let (pages, others_pages) = (&mut self.pages, std::mem::take(&mut other.pages));
        let others_urls = std::mem::take(&mut other.urls);
        let urls = self.urls.iter_mut().zip(others_urls);
        let (forms, pages, urls) = thread::scope(|scope| {
            let forms = scope.spawn(|| absorb(forms, others_forms));
            let pages = scope.spawn(|| pages.absorb(&others_pages, &sites));
            let urls: Vec<_> = urls
                .map(|(urls, others)| urls.absorb(&others, &sites))
                .collect();
            (join(forms), join(pages), urls)
        });

        let links_before = self.links.each_ref().map(|links| links.len() as u64 as u32);
        for ((links, others), urls) in self.links.iter_mut().zip(&mut other.links).zip(&urls) {
            make_room(links, others.len());
            links.extend(others.drain(..).map(|link| LinkNote {
                url: moved(urls, link.url),
                form: match link.form & OTHER {
                    0 => moved(&forms, link.form),
                    _ => link.form,
                },
                attr: moved(&attrs, link.attr),
            }));
        }
        let numbers = Numbers {
            pages: &pages,
            files: &files,
            titles: &titles,
            links_before,
        };
        make_room(&mut self.captures, other.captures.len());
        let captures = other.captures.into_iter();
        self.captures
            .extend(captures.map(|note| note.moved(&numbers)));
    }
}

fn moved(numbers: &[u32], number: u32) -> u32 {
    numbers.get(number as usize).copied().unwrap_or(u32::MAX)
}

/// What another thread has made.
pub(super) fn join<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    let made = thread.join();
    made.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
