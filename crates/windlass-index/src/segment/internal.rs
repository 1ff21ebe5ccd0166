//! Links within registrable domains, where the index keeps them: site blocks of their own, apart from the
//! backlinks, which are the same with them and without (R11).

use std::sync::atomic::AtomicBool;

use super::layout::Side;
use super::reader::Segment;
use crate::bits::BitSet;
use crate::bytes::{Bytes, Corrupt};
use crate::error::{IndexError, check};
use crate::site::{self, SiteBlock};

const WRONG: Corrupt = Corrupt("the internal links");

impl Segment {
    /// The links within a registrable domain, verified where they are touched: its block has pages of that
    /// domain alone. `None` where there are none, or the index does not keep them.
    pub(crate) fn internal_site(&self, site_key: &[u8]) -> Result<Option<SiteBlock<'_>>, Corrupt> {
        let Some(directory) = self.whole_directory(Side::Internal)? else {
            return Ok(None);
        };
        match directory.get(site_key)? {
            Some(offset) => {
                let block = self.stretch_of(Side::Internal, offset)?;
                SiteBlock::open(site_key, block, self.captures()?).map(Some)
            }
            None => Ok(None),
        }
    }

    /// Reads all internal links.
    pub(super) fn verify_internal(
        &self,
        uncaptured: &BitSet,
        cancel: &AtomicBool,
    ) -> Result<(), IndexError> {
        let wrong = |corrupt| self.corrupt(corrupt);
        let directory = self.whole_directory(Side::Internal).map_err(wrong)?;
        let (Some(directory), Some(all)) = (directory, self.blocks(Side::Internal)) else {
            return if self.counts().internal_links == 0 {
                Ok(())
            } else {
                Err(wrong(WRONG))
            };
        };
        let mut sites = directory.sites().map_err(wrong)?;
        let mut blocks = Bytes::over(all);
        let mut links = 0;
        while let Some(offset) = sites.advance().map_err(wrong)? {
            check(cancel)?;
            let at = all.len() - blocks.rest().len();
            let block = blocks.sized().map_err(wrong)?;
            if offset != at as u64 {
                return Err(wrong(WRONG));
            }
            links += self
                .verify_internal_block(sites.key(), block, uncaptured)
                .map_err(wrong)?;
        }
        if blocks.is_empty() && links == self.counts().internal_links {
            Ok(())
        } else {
            Err(wrong(WRONG))
        }
    }

    /// Reads a block, whose pages must be of its own domain. Returns the number of its links.
    fn verify_internal_block(
        &self,
        key: &[u8],
        block: &[u8],
        uncaptured: &BitSet,
    ) -> Result<u64, Corrupt> {
        crate::verify::site_block(self, block, uncaptured)?;
        let (start, end) = self.domains()?.range_of(key)?.ok_or(WRONG)?;
        let mut pages = site::pages_of(block)?;
        let last = pages.len().checked_sub(1).ok_or(WRONG)?;
        if pages.get(0)? < start || pages.get(last)? >= end {
            return Err(WRONG);
        }
        let (hrefs, others) = site::counts(block)?;
        Ok(hrefs + others)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use windlass_links::surt::write_host_key;
    use windlass_links::{
        CanonicalUrl, Capture, CaptureTime, Link, LinkType, PublicSuffixList, Rel,
    };

    use super::*;
    use crate::run::Run;
    use crate::spool::Scratch;

    fn segment(keep_internal: bool) -> Segment {
        let list = Arc::new(PublicSuffixList::bundled());
        let url = |text: &str| CanonicalUrl::parse(text).unwrap();
        let mut run = Run::new(keep_internal, &list);
        for page in [
            "http://a.example/1",
            "http://a.example/2",
            "http://b.example/",
        ] {
            let link = |target: &str, external| Link {
                link_type: LinkType::Href,
                target: url(target),
                anchor: "anchor".to_owned(),
                alt: String::new(),
                rel: Rel::NONE,
                external,
            };
            let links = if page == "http://b.example/" {
                vec![link("http://c.example/", true)]
            } else {
                vec![
                    link("http://a.example/", false),
                    link("http://c.example/x", true),
                ]
            };
            let capture = Capture::html(url(page), CaptureTime::from_unix(10), links);
            run.add(&capture, 0, 0);
        }
        let scratch = Scratch::new(std::path::PathBuf::new(), usize::MAX);
        let (bytes, _) = run
            .write(Vec::new(), "", (&scratch, usize::MAX), 2, &())
            .unwrap();
        Segment::from_bytes(bytes).unwrap()
    }

    fn key(domain: &str) -> Vec<u8> {
        let mut key = Vec::new();
        write_host_key(domain, &mut key);
        key
    }

    #[test]
    fn a_domain_has_its_internal_links_where_they_are_kept() {
        for keep in [false, true] {
            let segment = segment(keep);
            segment.verify(&AtomicBool::new(false)).unwrap();
            let links = |domain: &str| {
                let site = segment.internal_site(&key(domain)).unwrap();
                site.map(|site| site.hrefs.len())
            };
            assert_eq!(links("a.example"), keep.then_some(2));
            assert_eq!(links("b.example"), None);
            assert_eq!(links("c.example"), None);
            assert_eq!(segment.counts().internal_links, if keep { 2 } else { 0 });
        }
    }

    #[test]
    fn a_domain_knows_the_sites_that_its_pages_link_to() {
        let segment = segment(true);
        let domains = segment.domains().unwrap();
        let offset = segment.directory().unwrap().get(&key("c.example"));
        let offset = offset.unwrap().unwrap();
        for domain in ["a.example", "b.example"] {
            let number = domains.number_of(&key(domain)).unwrap().unwrap();
            let mut sites = Vec::new();
            segment
                .for_each_site_linked_from(number, |key, offset| {
                    sites.push((key.to_owned(), offset));
                    Ok::<_, Corrupt>(())
                })
                .unwrap();
            assert_eq!(sites, [(key("c.example"), offset)]);
        }
        assert_eq!(domains.number_of(&key("c.example")).unwrap(), None);
        let site = segment.site_at(&key("c.example"), offset).unwrap();
        assert_eq!(site.pages.len(), 3);
    }
}
