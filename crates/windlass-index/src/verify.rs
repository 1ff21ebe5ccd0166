//! Checks that go beyond checksums: whether a structure agrees with itself.

use crate::bytes::Corrupt;
use crate::ready::{DateOrder, Node, Ready};
use crate::segment::Segment;
use crate::site::{SiteBlock, Table, link_type};

/// Reads all of a site block: numbers in range, lists sorted.
pub(crate) fn site_block(segment: &Segment, block: &[u8]) -> Result<(), Corrupt> {
    let mut block = SiteBlock::read(&[], block, segment.latest_times())?;
    let pages = segment.page_count();
    let mut times = Vec::new();
    let mut before = None;
    for place in 0..block.pages.len() {
        let page = block.pages.get(place)?;
        if page as usize >= pages || before.is_some_and(|before| before >= page) {
            return Err(Corrupt("a page number in a site block"));
        }
        before = Some(page);
        block.times(place as u64 as u32, &mut times)?;
        if !times.is_sorted() {
            return Err(Corrupt("the times of a page"));
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
    let mut groups_of = ready.all_nodes()?;
    for (urls, node) in &mut groups_of {
        let mut backlinks = 0;
        for i in 0..node.fold.len() {
            let of_group = u64::from(node.backlinks_of.get(i)?);
            let repeats = u64::from(node.repeats.get(i)?);
            let siblings = u64::from(node.siblings.get(i)?);
            if node.fold.get(i)? as usize >= folds
                || repeats + siblings >= of_group
                || node
                    .first_seen
                    .get(i)?
                    .checked_add(node.span.get(i)?)
                    .is_none()
            {
                return Err(Corrupt("a ready-made group"));
            }
            backlinks += of_group;
        }
        heads(node)?;
        if backlinks != node.backlinks || urls.end > block.urls.len() || urls.start >= urls.end {
            return Err(Corrupt("the ready-made groups of a range"));
        }
    }
    Ok(())
}

/// The first groups by date are the first ones, in their order.
fn heads(node: &mut Node<'_>) -> Result<(), Corrupt> {
    const WRONG: Corrupt = Corrupt("the first groups by date");
    for order in DateOrder::ALL {
        let places = node.heads.of(order)?;
        let Some(last) = places.last() else {
            continue;
        };
        let key = |node: &mut Node<'_>, i: usize| {
            let first_seen = node.first_seen.get(i)?;
            let last_visited = first_seen.saturating_add(node.span.get(i)?);
            Ok::<_, Corrupt>(order.key(first_seen, last_visited, node.fold.get(i)?))
        };
        let last = key(node, *last as usize)?;
        let mut before = None;
        for place in &places {
            let next = key(node, *place as usize)?;
            if before.replace(next).is_some_and(|before| before >= next) {
                return Err(WRONG);
            }
        }
        let mut count = 0;
        for i in 0..node.fold.len() {
            count += usize::from(key(node, i)? <= last);
        }
        if count != places.len() {
            return Err(WRONG);
        }
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
