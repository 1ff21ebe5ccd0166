//! Rows of any table, as their fields.

use windlass_index::{LinkRow, Page};
use windlass_links::CaptureTime;

use crate::filter::{Filter, Matcher, Subject};
use crate::report::Cell;
use crate::table::{Column, Field};

/// A row or a result.
pub(super) trait Record {
    /// What an answer shows.
    fn cell(&self, field: Field) -> Cell<'_>;

    /// What a filter compares; differs for anchors, which are compared folded (R9a).
    fn compared(&self, field: Field) -> Cell<'_> {
        self.cell(field)
    }
}

/// Lets numbers of a record be compared.
struct Numbers<'a, R: ?Sized>(&'a R);

impl<R: Record + ?Sized> Subject for Numbers<'_, R> {
    fn integer(&self, field: Field) -> Option<u64> {
        match self.0.compared(field) {
            Cell::Integer(number) => Some(number),
            _ => None,
        }
    }

    fn date(&self, field: Field) -> Option<CaptureTime> {
        match self.0.compared(field) {
            Cell::Date(time) => Some(time),
            _ => None,
        }
    }

    fn boolean(&self, field: Field) -> Option<bool> {
        match self.0.compared(field) {
            Cell::Boolean(value) => Some(value),
            _ => None,
        }
    }
}

/// A filter over records. What the index does not know of a record passes no condition.
pub(super) struct RecordFilter<'a> {
    matcher: Matcher<'a>,
    /// The string columns that it looks at.
    strings: Vec<Field>,
}

impl<'a> RecordFilter<'a> {
    pub(super) fn new(filter: &'a Filter) -> Self {
        let matcher = Matcher::new(filter);
        let mut strings: Vec<Field> = Vec::new();
        for condition in filter.conditions() {
            let field = condition.column().field;
            if matcher.tests(field) && !strings.contains(&field) {
                strings.push(field);
            }
        }
        Self { matcher, strings }
    }

    /// Of the conditions that are not about a field, which were looked at elsewhere.
    pub(super) fn besides(filter: &'a Filter, field: Field) -> Self {
        let mut others = Self::new(filter);
        others.strings.retain(|string| *string != field);
        others
    }

    pub(super) fn passes(&self, record: &(impl Record + ?Sized)) -> bool {
        self.matcher.passes_numbers(&Numbers(record))
            && self
                .strings
                .iter()
                .all(|field| match record.compared(*field) {
                    Cell::Text(text) => self.matcher.passes_string(*field, text),
                    _ => false,
                })
    }
}

/// A link to or from the target.
pub(super) struct LinkRecord<'a>(pub(super) &'a LinkRow<'a>);

impl Record for LinkRecord<'_> {
    fn cell(&self, field: Field) -> Cell<'_> {
        let LinkRow { page, .. } = self.0;
        match field {
            Field::UrlFrom => Cell::Text(&page.url),
            Field::UrlTo => Cell::Text(self.0.target),
            Field::Refdomain | Field::DomainFrom => Cell::Text(&page.refdomain),
            Field::DomainTo => Cell::Text(self.0.site),
            Field::Anchor => Cell::Text(self.0.anchor),
            Field::Alt => Cell::Text(self.0.alt),
            Field::LinkType => Cell::Text(self.0.link_type.name()),
            Field::Nofollow => Cell::Boolean(self.0.rel.is_nofollow()),
            Field::FirstSeen => Cell::Date(self.0.first_seen),
            Field::LastVisited => Cell::Date(self.0.last_visited),
            Field::LinksInternal => Cell::Integer(page.internal_links.into()),
            Field::LinksExternal => Cell::Integer(page.external_links.into()),
            Field::Title => page.title.as_deref().map_or(Cell::Missing, Cell::Text),
            Field::HttpCode => page
                .status
                .map_or(Cell::Missing, |code| Cell::Integer(code.into())),
            _ => Cell::Missing,
        }
    }

    fn compared(&self, field: Field) -> Cell<'_> {
        match field {
            Field::Anchor => Cell::Text(self.0.folded_anchor),
            field => self.cell(field),
        }
    }
}

/// A link that was found or lost.
pub(super) struct ChangeRecord<'a> {
    pub(super) link: LinkRecord<'a>,
    pub(super) date: CaptureTime,
    pub(super) is_new: bool,
}

impl ChangeRecord<'_> {
    /// What it is called.
    pub(super) const fn type_name(is_new: bool) -> &'static str {
        if is_new { "new" } else { "lost" }
    }
}

impl Record for ChangeRecord<'_> {
    fn cell(&self, field: Field) -> Cell<'_> {
        match field {
            Field::ChangeDate => Cell::Date(self.date),
            Field::ChangeType => Cell::Text(Self::type_name(self.is_new)),
            field => self.link.cell(field),
        }
    }

    fn compared(&self, field: Field) -> Cell<'_> {
        match field {
            Field::Anchor => self.link.compared(field),
            field => self.cell(field),
        }
    }
}

/// A link on one of the target's own pages, as a row before grouping.
pub(super) struct OutgoingRecord<'a>(pub(super) LinkRecord<'a>);

impl OutgoingRecord<'_> {
    pub(super) fn is_internal(&self) -> bool {
        self.0.0.page.refdomain == self.0.0.site
    }
}

impl Record for OutgoingRecord<'_> {
    fn cell(&self, field: Field) -> Cell<'_> {
        match field {
            Field::Anchor => Cell::Text(self.0.0.folded_anchor),
            Field::LinksInternal => Cell::Integer(self.is_internal().into()),
            Field::LinksExternal => Cell::Integer((!self.is_internal()).into()),
            field => self.0.cell(field),
        }
    }
}

impl Record for Page {
    fn cell(&self, field: Field) -> Cell<'_> {
        match field {
            Field::UrlFrom => Cell::Text(&self.url),
            Field::Refdomain => Cell::Text(&self.refdomain),
            Field::FirstSeen => Cell::Date(self.first_seen),
            Field::LastVisited => Cell::Date(self.last_visited),
            Field::LinksInternal => Cell::Integer(self.internal_links.into()),
            Field::LinksExternal => Cell::Integer(self.external_links.into()),
            Field::Title => self.title.as_deref().map_or(Cell::Missing, Cell::Text),
            Field::HttpCode => self
                .status
                .map_or(Cell::Missing, |code| Cell::Integer(code.into())),
            _ => Cell::Missing,
        }
    }
}

/// A value of one's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OwnedCell {
    Missing,
    Boolean(bool),
    Integer(u64),
    Date(CaptureTime),
    Text(Box<str>),
}

impl OwnedCell {
    pub(crate) fn as_cell(&self) -> Cell<'_> {
        match self {
            Self::Missing => Cell::Missing,
            Self::Boolean(value) => Cell::Boolean(*value),
            Self::Integer(number) => Cell::Integer(*number),
            Self::Date(time) => Cell::Date(*time),
            Self::Text(text) => Cell::Text(text),
        }
    }
}

impl OwnedCell {
    /// A cell beside one that is owned, as if it were owned too.
    pub(crate) fn compare_from(cell: Cell<'_>, owned: &Self) -> std::cmp::Ordering {
        match (cell, owned) {
            (Cell::Text(cell), Self::Text(owned)) => cell.cmp(owned),
            (cell, owned) => Self::from(cell).cmp(owned),
        }
    }
}

impl From<Cell<'_>> for OwnedCell {
    fn from(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Missing => Self::Missing,
            Cell::Boolean(value) => Self::Boolean(value),
            Cell::Integer(number) => Self::Integer(number),
            Cell::Date(time) => Self::Date(time),
            Cell::Text(text) => Self::Text(text.into()),
        }
    }
}

/// The cells of some columns, of one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnedRecord(pub(crate) Box<[OwnedCell]>);

impl OwnedRecord {
    pub(super) fn of(record: &(impl Record + ?Sized), columns: &[&Column]) -> Self {
        let cells = columns.iter().map(|column| record.cell(column.field));
        Self(cells.map(OwnedCell::from).collect())
    }

    pub(super) fn of_fields(record: &(impl Record + ?Sized), fields: &[Field]) -> Self {
        let cells = fields.iter().map(|field| record.cell(*field));
        Self(cells.map(OwnedCell::from).collect())
    }

    /// Bytes of memory, about.
    pub(super) fn memory(&self) -> usize {
        let texts: usize = self
            .0
            .iter()
            .map(|cell| match cell {
                OwnedCell::Text(text) => text.len() + 16,
                _ => 0,
            })
            .sum();
        64 + self.0.len() * size_of::<OwnedCell>() + texts
    }
}

/// An [`OwnedRecord`] with the names of its cells.
pub(super) struct Named<'a> {
    pub(super) fields: &'a [Field],
    pub(super) record: &'a OwnedRecord,
}

impl Record for Named<'_> {
    fn cell(&self, field: Field) -> Cell<'_> {
        self.fields
            .iter()
            .position(|known| *known == field)
            .and_then(|at| self.record.0.get(at))
            .map_or(Cell::Missing, OwnedCell::as_cell)
    }
}
