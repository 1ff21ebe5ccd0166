//! What a WAT record says, in the words of a document.

use windlass_archive::{WatLink, WatPage};

use super::page::link_type;
use super::raw::{RawLink, RawPage};
use super::robots;
use super::text::Collapsed;
use crate::capture::{LinkType, Rel};

/// The references of a WAT record. Anchors are as the WAT has them: cut at 128 UTF-16 units (R9).
pub(super) fn read(wat: &WatPage) -> RawPage {
    let mut page = RawPage {
        base: wat.base.clone(),
        title: wat.title.as_deref().and_then(Collapsed::title),
        ..RawPage::default()
    };
    for (name, content) in &wat.metas {
        match name.trim() {
            "robots" => page.nofollow |= robots::says_nofollow(content),
            "refresh" => {
                if let Some(url) = robots::refresh_url(content) {
                    page.links.push(plain(LinkType::Refresh, url));
                }
            }
            _ => {}
        }
    }
    for link in &wat.links {
        if let Some(raw) = raw(link) {
            page.links.push(raw);
        }
    }
    page
}

fn plain(link_type: LinkType, href: &str) -> RawLink {
    RawLink {
        link_type,
        href: href.to_owned(),
        anchor: String::new(),
        alt: String::new(),
        rel: Rel::NONE,
    }
}

fn raw(link: &WatLink) -> Option<RawLink> {
    let rel = link.rel.as_deref().unwrap_or_default();
    let link_type = match link.path.as_str() {
        "A@/href" | "AREA@/href" => LinkType::Href,
        "LINK@/href" => link_type(rel)?,
        "FORM@/action" => LinkType::Form,
        "IFRAME@/src" | "FRAME@/src" => LinkType::Frame,
        _ => return None,
    };
    let mut raw = plain(link_type, &link.url);
    if matches!(
        link_type,
        LinkType::Href | LinkType::Canonical | LinkType::Alternate
    ) {
        raw.rel = Rel::parse(rel);
    }
    if link_type == LinkType::Href {
        raw.alt = collapsed(link.alt.as_deref());
        // Text behind an `area` is none of it.
        if link.path != "AREA@/href" {
            raw.anchor = collapsed(link.text.as_deref());
        }
    }
    Some(raw)
}

fn collapsed(text: Option<&str>) -> String {
    Collapsed::of(text.unwrap_or_default()).into_text()
}
