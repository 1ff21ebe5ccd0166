//! Ordered links of which a glance tells whether they are in the answer, and where: all are looked at, and
//! only those of the answer are read. Where the order begins with what many have in common, that is read
//! before (`glanced_parts.rs`).

use windlass_index::{Glance, Glances, LinkFilter, LinkId, LinkPart, LinkRow, Looks, Snapshot};
use windlass_links::{CaptureTime, History};

use super::AnswerError;
use super::glanced_parts::{Choice, Parts, first_part, part_of};
use super::order::Order;
use super::record::{ChangeRecord, LinkRecord, Named, OwnedRecord, Record, RecordFilter};
use super::sources::{Asked, changes_of};
use super::window::{Placed, Window};
use crate::filter::{Filter, Matcher};
use crate::report::Cell;
use crate::table::{Field, Source};

/// Links that are read at a time: pages and texts near each other are read together.
const READ_AT_ONCE: usize = 1 << 13;

/// What a glance tells.
const FIELDS: [Field; 6] = [
    Field::FirstSeen,
    Field::LastVisited,
    Field::LinkType,
    Field::Nofollow,
    Field::ChangeDate,
    Field::ChangeType,
];

/// A question that glances answer.
pub(super) struct Glanced<'a> {
    asked: Asked<'a>,
    glances: Glances<'a>,
    fields: Vec<Field>,
    order: Order,
    /// What the order begins with, where that is no glance's.
    part: Option<LinkPart>,
}

/// A link, or that it was found or lost.
struct GlanceRecord<'a> {
    glance: &'a Glance,
    change: Option<(CaptureTime, bool)>,
    /// What is known of its part.
    part: Option<Named<'a>>,
}

impl Record for GlanceRecord<'_> {
    fn cell(&self, field: Field) -> Cell<'_> {
        match (field, self.change) {
            (Field::FirstSeen, _) => Cell::Date(self.glance.first_seen),
            (Field::LastVisited, _) => Cell::Date(self.glance.last_visited),
            (Field::LinkType, _) => Cell::Text(self.glance.link_type.name()),
            (Field::Nofollow, _) => Cell::Boolean(self.glance.rel.is_nofollow()),
            (Field::ChangeDate, Some((date, _))) => Cell::Date(date),
            (Field::ChangeType, Some((_, is_new))) => Cell::Text(ChangeRecord::type_name(is_new)),
            (field, _) => self
                .part
                .as_ref()
                .map_or(Cell::Missing, |part| part.cell(field)),
        }
    }
}

impl<'a> Glanced<'a> {
    /// `None` where glances do not suffice: where a condition hangs on texts or pages, anchors in `where` apart,
    /// or the order on more than one of them, or not in the first place; or the index does not have them.
    pub(super) fn of(
        asked: &Asked<'a>,
        snapshot: &'a Snapshot,
    ) -> Result<Option<Self>, AnswerError> {
        let query = asked.query;
        let tells = |field: Field| FIELDS.contains(&field);
        let tells_all = |filter: &Filter, besides: Option<Field>| {
            let mut conditions = filter.conditions().iter();
            conditions.all(|c| tells(c.column().field) || Some(c.column().field) == besides)
        };
        let part = first_part(query);
        let orders = |field: Field| tells(field) || (part.is_some() && part_of(field) == part);
        if !matches!(query.table.source, Source::Backlinks | Source::Changes)
            || !query.order_by.iter().all(|key| orders(key.column.field))
            || !tells_all(&query.where_filter, Some(Field::Anchor))
            || !tells_all(&query.having, None)
        {
            return Ok(None);
        }
        let Some(glances) =
            snapshot.glances(&query.target, asked.limits.memory_max, asked.cancel)?
        else {
            return Ok(None);
        };
        // Only links of one site have common numbers for them, and only `href` links have anchors.
        if part.is_some() && !glances.is_one_site()?
            || part == Some(LinkPart::Anchor) && asked.wants_all_types()
        {
            return Ok(None);
        }
        let keys = query.order_by.iter();
        let fields: Vec<Field> = keys.map(|key| key.column.field).collect();
        Ok(Some(Self {
            asked: *asked,
            glances,
            order: Order::new(&query.order_by, &fields),
            fields,
            part,
        }))
    }

    /// As [`Ordered::window`](super::single) gives it, but of each row only what orders it, and what tells
    /// which it is.
    pub(super) fn window(
        &self,
        after: Option<&Placed>,
        rows_max: u64,
    ) -> Result<(Vec<Placed>, u64, bool), AnswerError> {
        let Asked { limits, .. } = self.asked;
        let parts = match self.part {
            Some(part) if rows_max > 0 => self.parts(part, after, rows_max)?,
            _ => Parts::default(),
        };
        let bytes_max = limits.kept_bytes_max.saturating_mul(8);
        let mut window = Window::new(&self.order, after, rows_max, bytes_max);
        let mut total = 0u64;
        let any_rows = self.for_each_passing(|record, place| {
            total += 1;
            let cells = match self.part {
                Some(_) => match parts.cells(record.glance.part) {
                    Some(cells) => Some(Named {
                        fields: &parts.fields,
                        record: cells,
                    }),
                    None => return,
                },
                None => None,
            };
            let record = GlanceRecord {
                part: cells,
                ..*record
            };
            if !window.drops(&record) {
                window.add((OwnedRecord::of_fields(&record, &self.fields), place));
            }
        })?;
        Ok((window.finish(), total, any_rows))
    }

    /// The parts of links that can be in a window.
    fn parts(
        &self,
        part: LinkPart,
        after: Option<&Placed>,
        rows_max: u64,
    ) -> Result<Parts, AnswerError> {
        let mut rows = vec![0u32; self.glances.part_limit(part)?];
        self.for_each_passing(|record, _| {
            if let Some(rows) = rows.get_mut(record.glance.part as usize) {
                *rows = rows.saturating_add(1);
            }
        })?;
        let choice = Choice {
            asked: self.asked,
            part,
            after,
            rows_max,
        };
        choice.of(&self.glances, &rows)
    }

    /// Calls `each` with the rows that pass both clauses, and their places; whether there were rows before.
    fn for_each_passing(
        &self,
        mut each: impl FnMut(&GlanceRecord<'_>, u64),
    ) -> Result<bool, AnswerError> {
        let query = self.asked.query;
        let filters = [
            RecordFilter::besides(&query.where_filter, Field::Anchor),
            RecordFilter::new(&query.having),
        ];
        let mut any_rows = false;
        let mut row = |glance: &Glance, change: Option<(CaptureTime, bool)>, place: u64| {
            any_rows = true;
            let record = GlanceRecord {
                glance,
                change,
                part: None,
            };
            if filters.iter().all(|filter| filter.passes(&record)) {
                each(&record, place);
            }
        };
        self.for_each(|glance| {
            let place = glance.id.as_u64() << 1;
            if query.table.source != Source::Changes {
                row(glance, None, place);
                return;
            }
            for change in changes_of(glance.first_seen, glance.lost, query.history) {
                row(glance, Some(change), place | u64::from(!change.1));
            }
        })?;
        Ok(any_rows)
    }

    fn for_each(&self, mut each: impl FnMut(&Glance)) -> Result<(), AnswerError> {
        let Asked { query, cancel, .. } = self.asked;
        let anchors = Matcher::new(&query.where_filter);
        let wants_anchor = |folded: &str| anchors.passes_string(Field::Anchor, folded);
        let wants_anchor: Option<&dyn Fn(&str) -> bool> = match anchors.tests(Field::Anchor) {
            true => Some(&wants_anchor),
            false => None,
        };
        let filter = LinkFilter {
            history: match query.table.source {
                Source::Changes => History::AllTime,
                _ => query.history,
            },
            all_types: self.asked.wants_all_types(),
        };
        let looks = Looks {
            rel: self.asked.names(Field::Nofollow),
            refdomain: false,
            part: self.part,
        };
        let each = |glance: &Glance| {
            each(glance);
            Ok::<_, AnswerError>(std::ops::ControlFlow::Continue(()))
        };
        self.glances
            .for_each(filter, looks, wants_anchor, cancel, each)
    }

    /// Calls `each` with the selected cells of rows of a window, in their order.
    pub(super) fn read<E: From<AnswerError>>(
        &self,
        rows: &[Placed],
        mut each: impl FnMut(&OwnedRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let Asked { query, cancel, .. } = self.asked;
        for rows in rows.chunks(READ_AT_ONCE) {
            // By their places in the index.
            let mut places: Vec<(u64, usize)> = Vec::with_capacity(rows.len());
            places.extend(rows.iter().zip(0..).map(|((_, place), at)| (*place, at)));
            places.sort_unstable();
            let ids: Vec<LinkId> = places
                .iter()
                .map(|(place, _)| LinkId::from_u64(place >> 1))
                .collect();
            let mut records: Vec<Option<OwnedRecord>> = vec![None; rows.len()];
            self.glances.read(&ids, cancel, |at, row: &LinkRow<'_>| {
                let link = LinkRecord(row);
                let place = places.get(at).copied();
                let record = match place {
                    Some((place, _)) if query.table.source == Source::Changes => {
                        let is_new = place & 1 == 0;
                        let lost = row.lost.filter(|_| !is_new);
                        let date = lost.unwrap_or(row.first_seen);
                        let change = ChangeRecord { link, date, is_new };
                        OwnedRecord::of(&change, &query.select)
                    }
                    _ => OwnedRecord::of(&link, &query.select),
                };
                if let Some(slot) = place.and_then(|(_, to)| records.get_mut(to)) {
                    *slot = Some(record);
                }
                Ok::<_, AnswerError>(())
            })?;
            records.iter().flatten().try_for_each(&mut each)?;
        }
        Ok(())
    }
}
