//! Links looked up one by one: about 50 ns each, nothing prepared.

use std::ops::Range;

use windlass_links::History;

use super::LinkDates;
use crate::bytes::Corrupt;
use crate::segment::Segment;
use crate::sink::Hit;
use crate::site::SiteBlock;

/// Links from which on it is worth asking for what they need before it is read.
const FEW: usize = 8;

/// Appends those backlinks among a range of links that the history keeps and whose folds are wanted, in
/// the order of the block. Pages are numbered by their place in the block.
pub(super) fn append(
    segment: &Segment,
    block: &SiteBlock<'_>,
    history: History,
    links: Range<usize>,
    wants: &dyn Fn(u32) -> bool,
    hits: &mut Vec<Hit>,
) -> Result<(), Corrupt> {
    let mut block = block.clone();
    if links.len() >= FEW {
        let (mut places, mut pages) = (block.hrefs.pages.clone(), block.pages.clone());
        let pages = links.clone().map(|link| {
            let place = places.get(link)?;
            pages.at(place as usize)
        });
        segment.will_need_latest_of(pages)?;
    }
    let domains = segment.domains()?;
    let mut dates = LinkDates::new(segment, history);
    let mut times = Vec::new();
    let mut exception = block.hrefs.next_exception(links.start)?;
    for link in links {
        let fold = {
            let form = block.hrefs.forms.get(link)?;
            block.fold_of(form)?
        };
        let place = block.hrefs.pages.get(link)?;
        let is_exception = exception == Some(link);
        if is_exception {
            exception = block.hrefs.next_exception(link + 1)?;
        }
        if !wants(fold) {
            continue;
        }
        let page = block.pages.at(place as usize)?;
        let found = if is_exception {
            let seen = block.hrefs.exception(link as u64 as u32)?;
            times.clear();
            times.extend(seen.unwrap_or_default().iter().map(|(time, _)| *time));
            dates.of(page, &times)?
        } else {
            let (first, last) = block.page_times.first_and_last(place, page)?;
            if first == last {
                dates.of(page, &[first])?
            } else {
                block.page_times.of(place, page, &mut times)?;
                dates.of(page, &times)?
            }
        };
        if let Some(found) = found {
            hits.push(Hit {
                fold,
                page: place,
                domain: domains.of_page(page)?,
                first_seen: found.first_seen,
                last_visited: found.last_visited,
            });
        }
    }
    Ok(())
}
