//! One pass over each table for everything that a report counts: business figures, days, months,
//! hours of the week, ids, references to seeded rows.

mod counts;
mod marks;
mod pictures;

use std::collections::BTreeMap;

use super::decimal::Decimal;
use super::model::{Edge, Figures, IdStrip, TableHours, TableReport, Timeline};
use super::redact::visible;
use crate::model::stamp::DAY;
use crate::model::{Role, Row, TableClass, TableId, Value, ValueRef};
use crate::parallel;
use crate::snapshot::{CHUNK_ROWS, Case, Part, SnapshotError};
use counts::{ACTIVE_DAYS, Counting, Counts, Reads, SeededKeys, Sums, stamp};
pub(super) use marks::Marks;
use pictures::months;

/// What the passes gave.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) figures: Figures,
    pub(super) timeline: Timeline,
    pub(super) usual_hours: Vec<TableHours>,
    /// By cohort.
    pub(super) hours: Vec<Option<TableHours>>,
    /// By cohort.
    pub(super) ids: Vec<Option<IdStrip>>,
}

/// A relation whose referring rows are counted: child column, parent and its key column, edge of the graph.
pub(super) struct Watched {
    pub(super) child: TableId,
    pub(super) column: usize,
    pub(super) parent: TableId,
    pub(super) parent_column: usize,
    pub(super) edge: usize,
}

/// Runs the passes. Counts, for each watched relation, the rows that stay and refer to a seeded row.
pub(super) fn tally(
    case: &Case,
    tables: &[TableReport],
    marks: &Marks,
    cohorts: &[&str],
    watched: &[Watched],
    edges: &mut [Edge],
) -> Result<Tally, SnapshotError> {
    let mut tally = Tally::default();
    tally.hours.resize_with(cohorts.len(), || None);
    tally.ids.resize_with(cohorts.len(), || None);
    let people = case
        .tables()
        .iter()
        .zip(tables)
        .filter(|(_, t)| t.class == TableClass::People)
        .max_by_key(|(i, t)| (t.rows, std::cmp::Reverse(i.id)));
    let people = people.map(|(info, _)| info.id);
    let mut keys: Vec<SeededKeys> = Vec::new();
    for relation in watched {
        let mut found = SeededKeys::default();
        if marks.has_any(relation.parent) {
            let seeded = marks.seeded(relation.parent);
            let key = |_: Row, cells: &[ValueRef<'_>]| Value::from(cells[0]);
            case.reader().pick(relation.parent, &seeded, &[relation.parent_column], key, |key| found.put(key))?;
        }
        keys.push(found);
    }
    let mut order: Vec<usize> = (0..tables.len()).collect();
    // People first, so that their figures lead.
    order.sort_by_key(|i| (case.tables()[*i].id != people.unwrap_or(TableId(u32::MAX)), tables[*i].class != TableClass::People, *i));
    let mut active_by_activity = false;
    for index in order {
        let pass = Pass { case, table: &tables[index], id: case.tables()[index].id, marks, people, cohorts };
        let own: Vec<usize> = (0..watched.len()).filter(|w| watched[*w].child == pass.id).collect();
        pass.run(&mut tally, watched, &own, &keys, edges, &mut active_by_activity)?;
    }
    Ok(tally)
}

struct Pass<'a> {
    case: &'a Case,
    table: &'a TableReport,
    id: TableId,
    marks: &'a Marks,
    people: Option<TableId>,
    cohorts: &'a [&'a str],
}

impl Pass<'_> {
    fn run(
        &self,
        tally: &mut Tally,
        watched: &[Watched],
        own: &[usize],
        keys: &[SeededKeys],
        edges: &mut [Edge],
        active_by_activity: &mut bool,
    ) -> Result<(), SnapshotError> {
        let info = self.case.table(self.id);
        let roles = self.case.roles(self.id)?;
        let role = |role: Role| roles.iter().position(|r| *r == role);
        let (is_people, is_money) = (self.table.class == TableClass::People, self.table.class == TableClass::Money);
        let is_main = self.people == Some(self.id);
        let flagged = self.marks.has_any(self.id);
        let mut reads = Reads {
            columns: Vec::new(),
            created: None,
            active: None,
            deleted: None,
            amount: None,
            currency: None,
            key: None,
            owner: None,
            references: Vec::new(),
        };
        if flagged || is_main {
            reads.created = reads.place(role(Role::CreatedAt));
            reads.key = reads.place(Some(info.key()).filter(|k| k.len() == 1).map(|k| k[0]));
        }
        if is_people {
            reads.active = reads.place(role(Role::ActivityAt));
            reads.deleted = reads.place(role(Role::DeletedAt));
        }
        if is_money {
            reads.amount = reads.place(role(Role::Amount));
            reads.currency = reads.place(role(Role::Currency));
        }
        // Who was active, from what people did, where their own table does not tell.
        if self.table.class == TableClass::Activity && *active_by_activity {
            let owner = info
                .table
                .foreign_keys
                .iter()
                .find(|k| k.columns.len() == 1 && self.people.is_some_and(|p| self.case.table(p).table.name == k.parent));
            if let (Some(owner), Some(created)) = (owner, role(Role::CreatedAt)) {
                reads.owner = reads.place(Some(owner.columns[0]));
                reads.created = reads.place(Some(created));
                *active_by_activity = false;
            }
        }
        for watch in own.iter().filter(|w| !keys[**w].numbers.is_empty() || !keys[**w].texts.is_empty()) {
            let place = reads.place(Some(watched[*watch].column));
            reads.references.extend(place.map(|p| (p, *watch)));
        }
        let snapshot_at = self.case.facts().taken_at.micros();
        let name = &self.table.name;
        reads.rise();
        let mut counts = Counts::new(watched.len());
        if !reads.columns.is_empty() || is_people || is_money {
            let counting = Counting { marks: self.marks, id: self.id, reads: &reads, keys, is_main, flagged, snapshot_at };
            let reader = self.case.reader();
            let of_part = |part: &Part| {
                let mut counts = Counts::new(watched.len());
                reader.visit_part(part, &reads.columns, |row, cells| {
                    counts.add(&counting, row, cells);
                    Ok::<(), SnapshotError>(())
                })?;
                counts.close_day();
                Ok(counts)
            };
            parallel::in_order(&reader.parts(self.id, CHUNK_ROWS)?, of_part, |later: Result<Counts, SnapshotError>| {
                counts.merge(later?);
                Ok::<(), SnapshotError>(())
            })?;
        }
        for (watch, holding) in watched.iter().zip(&counts.holding) {
            edges[watch.edge].holding += holding;
        }
        let Counts { rows, active, kept, amounts, unreadable, days, usual, members, others, bounds, .. } = counts;
        let amounts: BTreeMap<String, (Sums, Sums)> = amounts.into_iter().collect();
        if is_main {
            tally.figures.people = name.clone();
            tally.figures.base = rows.figure("Accounts".to_owned(), name, "");
            months(&days, &mut tally.figures);
            *active_by_activity = reads.active.is_none();
        }
        if is_people {
            tally.figures.figures.push(rows.figure("Accounts".to_owned(), name, ""));
            if reads.deleted.is_some() {
                tally.figures.figures.push(kept.figure("Accounts that are not marked as deleted".to_owned(), name, ""));
            }
            if reads.active.is_some() && snapshot_at.is_some() {
                tally.figures.figures.push(active.figure(format!("Active in the {ACTIVE_DAYS} days before the snapshot"), name, ""));
            }
        }
        if let (Some(owner), Some(created), Some(now)) = (reads.owner, reads.created, snapshot_at) {
            self.active_owners(tally, &reads, owner, created, now)?;
        }
        if is_money {
            tally.figures.figures.push(rows.figure(format!("Rows of {name}"), name, ""));
            for (currency, (_, sum)) in &amounts {
                let column = reads.amount.map(|a| visible(&info.table.columns[reads.columns[a]].name)).unwrap_or_default();
                if sum.overflow {
                    tally.figures.notes.push(format!("{name}.{column}: the sum in {currency} is too large to be exact and is left out"));
                } else {
                    tally.figures.figures.push(sum.figure(format!("Sum of {name}.{column}"), name, currency));
                }
            }
            if unreadable > 0 {
                tally.figures.notes.push(format!("{name}: {unreadable} amounts are no decimal numbers and are left out of the sums"));
            }
        }
        self.pictures(tally, &reads, days, usual, members, &others, bounds);
        Ok(())
    }

    /// Counts the people who did something lately, from a table of what people do.
    fn active_owners(&self, tally: &mut Tally, reads: &Reads, owner: usize, created: usize, now: i64) -> Result<(), SnapshotError> {
        let Some(people) = self.people else { return Ok(()) };
        let mut lately = SeededKeys::default();
        self.case.visit(self.id, &reads.columns, |_, cells| {
            if stamp(cells[created]).is_some_and(|t| t > now - ACTIVE_DAYS * DAY && t <= now) {
                lately.put(cells[owner].into());
            }
        })?;
        let Some(key) = Some(self.case.table(people).key()).filter(|k| k.len() == 1) else { return Ok(()) };
        let mut sums = Sums::default();
        self.case.visit(people, key, |row, cells| {
            if lately.has(cells[0]) {
                sums.add(self.marks.of(people, row).0, Decimal::whole(1));
            }
        })?;
        let title = format!("Accounts with a row of {} in the {ACTIVE_DAYS} days before the snapshot", self.table.name);
        tally.figures.figures.push(sums.figure(title, &tally.figures.people.clone(), ""));
        Ok(())
    }
}
