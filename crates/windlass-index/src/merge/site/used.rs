//! What of a loose block's forms and attrs is used, and the places that this leaves for them.

use super::links::LinkSink;
use crate::site::SiteEncoder;
use crate::strings::Text;

/// Tells which folded anchors are those of the form before.
#[derive(Debug, Default)]
pub(super) struct Folds(Option<Vec<u8>>);

impl Folds {
    /// Whether this one is the same as the last.
    pub(super) fn is_same(&mut self, folded: &[u8]) -> bool {
        if self.0.as_deref() == Some(folded) {
            return true;
        }
        let last = self.0.get_or_insert_default();
        last.clear();
        last.extend_from_slice(folded);
        false
    }
}

/// Forms and attrs that links have. Takes links, and only looks at them.
#[derive(Debug)]
pub(super) struct Used {
    forms: Vec<bool>,
    attrs: Vec<bool>,
}

impl Used {
    /// For so many forms and attrs of the sources.
    pub(super) fn new(forms: u32, attrs: u32) -> Self {
        Self {
            forms: vec![false; forms as usize],
            attrs: vec![false; attrs as usize],
        }
    }

    pub(super) fn has_form(&self, form: u32) -> bool {
        self.forms.get(form as usize) == Some(&true)
    }

    pub(super) fn has_attr(&self, attr: u32) -> bool {
        self.attrs.get(attr as usize) == Some(&true)
    }

    fn use_form(&mut self, is_other: bool, form: u32) {
        if !is_other && let Some(used) = self.forms.get_mut(form as usize) {
            *used = true;
        }
    }

    fn use_attr(&mut self, attr: u32) {
        let at = attr as usize;
        if at >= self.attrs.len() {
            self.attrs.resize(at + 1, false);
        }
        if let Some(used) = self.attrs.get_mut(at) {
            *used = true;
        }
    }

    /// Takes the same links again, and gives them to the encoder with the places that are left: those
    /// of forms, and those of attrs in `attr_order`.
    pub(super) fn translating<'e>(
        &self,
        attr_order: &[u32],
        encoder: &'e mut SiteEncoder,
    ) -> Translating<'e> {
        let mut place = 0;
        let forms = self.forms.iter().map(|is_used| {
            let here = place;
            place += u32::from(*is_used);
            here
        });
        let forms = forms.collect();
        let mut attrs = vec![0; self.attrs.len()];
        for (place, attr) in (0u32..).zip(attr_order) {
            if let Some(slot) = attrs.get_mut(*attr as usize) {
                *slot = place;
            }
        }
        Translating {
            forms,
            attrs,
            encoder,
            sightings: Vec::new(),
        }
    }
}

impl LinkSink for Used {
    fn url(&mut self, _key: Text<'_>) {}

    fn link(&mut self, is_other: bool, form: u32, _page: u32, attr: u32) {
        self.use_form(is_other, form);
        self.use_attr(attr);
    }

    fn exception(&mut self, is_other: bool, form: u32, _page: u32, sightings: &[(u32, u32)]) {
        self.use_form(is_other, form);
        for (_, attr) in sightings {
            self.use_attr(*attr);
        }
    }
}

/// Gives links to an encoder, with other places of forms and attrs.
#[derive(Debug)]
pub(super) struct Translating<'e> {
    forms: Vec<u32>,
    attrs: Vec<u32>,
    encoder: &'e mut SiteEncoder,
    sightings: Vec<(u32, u32)>,
}

impl Translating<'_> {
    fn form(&self, is_other: bool, form: u32) -> u32 {
        if is_other {
            return form;
        }
        self.forms.get(form as usize).copied().unwrap_or_default()
    }

    fn attr(&self, attr: u32) -> u32 {
        self.attrs.get(attr as usize).copied().unwrap_or_default()
    }
}

impl LinkSink for Translating<'_> {
    fn url(&mut self, key: Text<'_>) {
        self.encoder.url(key);
    }

    fn link(&mut self, is_other: bool, form: u32, page: u32, attr: u32) {
        let (form, attr) = (self.form(is_other, form), self.attr(attr));
        self.encoder.link(is_other, form, page, attr);
    }

    fn exception(&mut self, is_other: bool, form: u32, page: u32, sightings: &[(u32, u32)]) {
        let mut translated = std::mem::take(&mut self.sightings);
        translated.clear();
        translated.extend(
            sightings
                .iter()
                .map(|(time, attr)| (*time, self.attr(*attr))),
        );
        let form = self.form(is_other, form);
        self.encoder.exception(is_other, form, page, &translated);
        self.sightings = translated;
    }
}
