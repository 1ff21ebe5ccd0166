//! Where the captured pages of a target lie.

use std::ops::{ControlFlow, Range};

use windlass_links::Mode;
use windlass_links::surt::KeyRange;

use super::{LABEL_END, Question, suffixes};
use crate::bytes::Corrupt;
use crate::segment::Segment;

/// Pages of one registrable domain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PageRange {
    pub(crate) domain: u32,
    pub(crate) domain_key: Vec<u8>,
    pub(crate) pages: Range<u32>,
}

/// Calls `each` with the pages whose SURTs lie within bounds, at the target's host or, with `subdomains`, below it, by
/// registrable domain, ascending, until it breaks. Which of them have the target's port must be seen from their keys.
pub(crate) fn for_each_page_range(
    segment: &Segment,
    question: &Question<'_>,
    bounds: &KeyRange,
    mut each: impl FnMut(PageRange) -> Result<ControlFlow<()>, Corrupt>,
) -> Result<(), Corrupt> {
    let domains = segment.domains()?;
    let mut add = |domain: usize| {
        let (start, end) = domains.range(domain)?;
        let pages = segment.pages_in((start, end), bounds)?;
        if pages.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let domain = domain as u64 as u32;
        each(PageRange {
            domain,
            domain_key: domains.key(domain)?,
            pages,
        })
    };
    let host = question.target.host_key();
    for key in suffixes(&host) {
        let at = domains.lower_bound(key)?;
        if at < domains.len() && domains.key(at as u64 as u32)? == key && add(at)?.is_break() {
            return Ok(());
        }
    }
    if question.target.mode() == Mode::Subdomains {
        let mut below = host;
        below.push(LABEL_END);
        for at in domains.lower_bound(&below)?..domains.len() {
            if !domains.key(at as u64 as u32)?.starts_with(&below) || add(at)?.is_break() {
                break;
            }
        }
    }
    Ok(())
}
