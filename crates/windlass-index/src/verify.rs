//! Checks that go beyond checksums: whether a structure agrees with itself.

use crate::bits::BitSet;
use crate::bytes::Corrupt;
use crate::column::BLOCK;
use crate::ready::{DateOrder, LoneLinks, Node, Ready};
use crate::segment::Segment;
use crate::site::{SiteBlock, Table, link_type};

/// Reads all of a site block: numbers in range, lists sorted. Pages that were never really captured show no links.
pub(crate) fn site_block(
    segment: &Segment,
    block: &[u8],
    uncaptured: &BitSet,
) -> Result<(), Corrupt> {
    let captures = segment.captures()?;
    let mut block = SiteBlock::read(&[], block, captures)?;
    let pages = segment.page_count();
    let (mut times, mut real) = (Vec::new(), Vec::new());
    let mut before = None;
    for place in 0..block.pages.len() {
        let page = block.pages.get(place)?;
        if page as usize >= pages
            || before.is_some_and(|before| before >= page)
            || uncaptured.contains(page)
        {
            return Err(Corrupt("a page number in a site block"));
        }
        before = Some(page);
        let place = place as u64 as u32;
        block.times(place, &mut times)?;
        let latest = captures.latest().get(page as usize)?;
        if block.page_times.own_up_to(latest, place, &mut times)? {
            // Some of its real captures, and not all of them.
            real.clear();
            real.push(latest);
            captures.append_earlier(page, latest, &mut real)?;
            real.reverse();
            let is_some = times.is_sorted_by(|a, b| a < b)
                && times.iter().all(|time| real.binary_search(time).is_ok());
            if !is_some || times.is_empty() || times.len() == real.len() {
                return Err(Corrupt("the times of a page"));
            }
        }
    }
    for (list, what) in [
        (block.urls, "the urls of a site block"),
        (block.attrs, "the attrs of a site block"),
    ] {
        let (mut text, mut last) = (Vec::new(), Vec::new());
        let mut iter = list.iter();
        let mut first = true;
        while iter.next_into(&mut text)? {
            if !first && last >= text {
                return Err(Corrupt(what));
            }
            last.clone_from(&text);
            first = false;
        }
    }
    let mut form = Vec::new();
    for place in 0..block.forms.len() {
        block.forms.get(place, &mut form)?;
        std::str::from_utf8(&form).map_err(|_| Corrupt("an anchor"))?;
        block.fold_of(place as u64 as u32)?;
    }
    let (forms, attrs, urls) = (block.forms.len(), block.attrs.len(), block.urls.len());
    table(&mut block.hrefs, urls, block.pages.len(), attrs, |form| {
        (form as usize) < forms
    })?;
    table(&mut block.others, urls, block.pages.len(), attrs, |form| {
        link_type(form).is_ok()
    })
}

/// Reads all that is ready-made of a site: numbers in range, lists sorted.
pub(crate) fn ready(block: &SiteBlock<'_>, mut ready: Ready<'_>) -> Result<(), Corrupt> {
    let wrong = Corrupt("the ready-made order of a site");
    let folds = block.fold_count();
    let live = ready.pages.len();
    if ready.starts.len() != folds || live > block.hrefs.len() {
        return Err(wrong);
    }
    let mut start = 0;
    for fold in 0..=folds {
        let end = ready.start(fold)?;
        if end < start || end > live {
            return Err(wrong);
        }
        let mut before = 0;
        for link in start..end {
            let page = ready.pages.get(link)?;
            if page < before || page as usize >= block.pages.len() {
                return Err(wrong);
            }
            before = page;
        }
        start = end;
    }
    let mut before = None;
    for at in 0..ready.dated.links.len() {
        let link = ready.dated.links.get(at)?;
        if link as usize >= live
            || before.is_some_and(|before| before >= link)
            || ready.dated.first_seen.get(at)? > ready.dated.last_visited.get(at)?
        {
            return Err(wrong);
        }
        before = Some(link);
    }
    let mut lone = LoneLinks::of(&ready, block);
    let mut groups_of = ready.all_nodes()?;
    for (urls, node) in &mut groups_of {
        let mut backlinks = 0;
        for i in 0..node.fold.len() {
            let of_group = u64::from(node.backlinks_of.get(i)?);
            let fold = node.fold.get(i)?;
            let is_right = (fold as usize) < folds
                && match i.checked_sub(node.dated()) {
                    None => several(node, i, of_group)?,
                    Some(at) => {
                        let links = ready.links_of(fold)?;
                        of_group == 1 && (node.lone.get(at)? as usize) < links.len()
                    }
                };
            if !is_right {
                return Err(Corrupt("a ready-made group"));
            }
            backlinks += of_group;
        }
        heads(node, &mut lone)?;
        if backlinks != node.backlinks || urls.end > block.urls.len() || urls.start >= urls.end {
            return Err(Corrupt("the ready-made groups of a range"));
        }
    }
    Ok(())
}

/// A group with several backlinks: its numbers fit together.
fn several(node: &mut Node<'_>, i: usize, backlinks: u64) -> Result<bool, Corrupt> {
    let repeats = u64::from(node.repeats.get(i)?);
    let siblings = u64::from(node.siblings.get(i)?);
    let last_visited = node.first_seen.get(i)?.checked_add(node.span.get(i)?);
    Ok(backlinks > 1 && repeats + siblings < backlinks && last_visited.is_some())
}

/// The first groups by date are the first ones, in their order.
fn heads(node: &mut Node<'_>, lone: &mut LoneLinks<'_>) -> Result<(), Corrupt> {
    const WRONG: Corrupt = Corrupt("the first groups by date");
    let groups = node.fold.len();
    let mut keys = Vec::with_capacity(BLOCK);
    for order in DateOrder::ALL {
        let places = node.heads.of(order)?;
        if places.is_empty() {
            continue;
        }
        if places.iter().any(|place| *place as usize >= groups) {
            return Err(WRONG);
        }
        date_keys(node, lone, order, places.iter().copied(), &mut keys)?;
        let (true, Some(&worst)) = (keys.is_sorted_by(|a, b| a < b), keys.last()) else {
            return Err(WRONG);
        };
        let mut count = 0;
        for start in (0..groups).step_by(BLOCK) {
            let some = start..groups.min(start + BLOCK);
            let some = some.map(|place| place as u64 as u32);
            date_keys(node, lone, order, some, &mut keys)?;
            count += keys.iter().filter(|key| **key <= worst).count();
        }
        if count != places.len() {
            return Err(WRONG);
        }
    }
    Ok(())
}

/// What orders groups, into `keys`.
fn date_keys(
    node: &mut Node<'_>,
    lone: &mut LoneLinks<'_>,
    order: DateOrder,
    places: impl Iterator<Item = u32> + Clone,
    keys: &mut Vec<(u32, u32)>,
) -> Result<(), Corrupt> {
    keys.clear();
    let dates = node.dates(places.clone(), |links, dates| lone.dates(links, dates))?;
    for (place, (first_seen, last_visited)) in places.zip(dates) {
        let fold = node.fold.at(place as usize)?;
        keys.push(order.key(first_seen, last_visited, fold));
    }
    Ok(())
}

fn table(
    table: &mut Table<'_>,
    urls: usize,
    pages: usize,
    attrs: usize,
    is_form: impl Fn(u32) -> bool,
) -> Result<(), Corrupt> {
    let mut end = 0;
    for url in 0..urls {
        let start = table.start(url)?;
        if start < end || start > table.len() {
            return Err(Corrupt("where the links of a url start"));
        }
        end = start;
    }
    for link in 0..table.len() {
        let number = u32::try_from(link).map_err(|_| Corrupt("a link's number"))?;
        if !is_form(table.forms.get(link)?)
            || table.pages.get(link)? as usize >= pages
            || table.attrs.get(link)? as usize >= attrs
        {
            return Err(Corrupt("a link"));
        }
        for (_, attr) in table.exception(number)?.unwrap_or_default() {
            if attr as usize >= attrs {
                return Err(Corrupt("a sighting"));
            }
        }
    }
    Ok(())
}
