//! One pass over each table for everything that a report counts: business figures, days, months,
//! hours of the week, ids, references to seeded rows.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::stamp::{DAY, PLAUSIBLE_FROM, PLAUSIBLE_UNTIL, SECOND, Stamp, civil_from_days};
use crate::model::{Role, Row, RowVerdict, TableClass, TableId, Value, ValueRef, Verdict};
use crate::parallel;
use crate::snapshot::{CHUNK_ROWS, Case, Part, SnapshotError};

use super::decimal::Decimal;
use super::model::{Day, Edge, Figure, Figures, IdStrip, Month, TableHours, TableReport, Timeline, Train};
use super::redact::visible;

/// Bins of an id strip.
const STRIP_BINS: usize = 240;

/// Runs of ids that are listed.
const RUNS: usize = 6;

/// Cohorts whose trains are drawn.
const TRAINS: usize = 12;

/// Most bins of a train.
const TRAIN_BINS: i64 = 120;

/// Widths of a train's bin, in seconds.
const BIN_S: [i64; 9] = [1, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400];

/// Months that are shown one by one.
const MONTHS: usize = 36;

/// An account counts as active if it was in the days before the snapshot.
const ACTIVE_DAYS: i64 = 30;

/// What is known of every row of a table: its verdict and its cohort.
pub(super) struct Marks {
    by_table: Vec<Vec<u32>>,
}

/// How a mark says that a row is seeded.
const SEEDED: u32 = 3;

impl Marks {
    pub(super) fn new<'a>(case: &Case, verdicts: impl Iterator<Item = &'a RowVerdict>, cohorts: &BTreeMap<&str, usize>) -> Self {
        let mut by_table: Vec<Vec<u32>> = case.tables().iter().map(|_| Vec::new()).collect();
        for verdict in verdicts {
            let rows = &mut by_table[verdict.table.index()];
            if rows.is_empty() {
                rows.resize(case.table(verdict.table).rows as usize, 0);
            }
            let kind = match verdict.verdict {
                Verdict::Real => 0,
                Verdict::Protected => 1,
                Verdict::Review => 2,
                Verdict::Seeded => SEEDED,
            };
            let cohort = verdict.cohort.as_ref().and_then(|c| cohorts.get(c.0.as_str())).map_or(0, |c| *c as u32 + 1);
            if let Some(mark) = rows.get_mut(verdict.row as usize) {
                *mark = kind | cohort << 2;
            }
        }
        Self { by_table }
    }

    fn of(&self, table: TableId, row: u32) -> (Verdict, Option<usize>) {
        let mark = self.by_table[table.index()].get(row as usize).copied().unwrap_or(0);
        let verdict = [Verdict::Real, Verdict::Protected, Verdict::Review, Verdict::Seeded][(mark & 3) as usize];
        (verdict, (mark >> 2).checked_sub(1).map(|c| c as usize))
    }

    /// Lists the seeded rows of a table.
    fn seeded(&self, table: TableId) -> Vec<Row> {
        let rows = &self.by_table[table.index()];
        rows.iter().zip(0..).filter(|(mark, _)| **mark & 3 == SEEDED).map(|(_, row)| row).collect()
    }

    fn has_any(&self, table: TableId) -> bool {
        !self.by_table[table.index()].is_empty()
    }
}

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

/// Columns that a pass reads, as places in its list of cells.
struct Reads {
    columns: Vec<usize>,
    created: Option<usize>,
    active: Option<usize>,
    deleted: Option<usize>,
    amount: Option<usize>,
    currency: Option<usize>,
    key: Option<usize>,
    owner: Option<usize>,
    references: Vec<(usize, usize)>,
}

impl Reads {
    fn place(&mut self, column: Option<usize>) -> Option<usize> {
        let column = column?;
        Some(self.columns.iter().position(|c| *c == column).unwrap_or_else(|| {
            self.columns.push(column);
            self.columns.len() - 1
        }))
    }

    /// Puts the columns in the order in which pages hold them.
    fn rise(&mut self) {
        let mut rising = self.columns.clone();
        rising.sort_unstable();
        let at = |place: &mut usize, columns: &[usize]| *place = rising.binary_search(&columns[*place]).unwrap_or_default();
        let single =
            [&mut self.created, &mut self.active, &mut self.deleted, &mut self.amount, &mut self.currency, &mut self.key, &mut self.owner];
        single.into_iter().flatten().chain(self.references.iter_mut().map(|r| &mut r.0)).for_each(|place| at(place, &self.columns));
        self.columns = rising;
    }
}

/// Sums of a figure over all rows, seeded ones, those in review.
#[derive(Default)]
struct Sums {
    all: Decimal,
    seeded: Decimal,
    review: Decimal,
    overflow: bool,
}

impl Sums {
    fn merge(&mut self, later: &Self) {
        self.overflow |= later.overflow;
        let sums = [(&mut self.all, later.all), (&mut self.seeded, later.seeded), (&mut self.review, later.review)];
        for (sum, more) in sums {
            match sum.plus(more) {
                Some(both) => *sum = both,
                None => self.overflow = true,
            }
        }
    }

    fn add(&mut self, verdict: Verdict, value: Decimal) {
        let own = match verdict {
            Verdict::Seeded => Some(&mut self.seeded),
            Verdict::Review => Some(&mut self.review),
            Verdict::Real | Verdict::Protected => None,
        };
        for sum in std::iter::once(&mut self.all).chain(own) {
            match sum.plus(value) {
                Some(more) => *sum = more,
                None => self.overflow = true,
            }
        }
    }

    fn figure(&self, title: String, table: &str, unit: &str) -> Figure {
        Figure { title, table: table.to_owned(), unit: unit.to_owned(), before: self.all, seeded: self.seeded, review: self.review }
    }
}

/// The keys of seeded rows that a relation may name.
#[derive(Default)]
pub(super) struct SeededKeys {
    numbers: HashSet<i64>,
    texts: HashSet<Vec<u8>>,
}

impl SeededKeys {
    fn put(&mut self, value: Value) {
        match value {
            Value::Integer(n) => {
                self.numbers.insert(n);
            }
            Value::Text(text) => {
                self.texts.insert(text.into_bytes());
            }
            Value::Blob(bytes) => {
                self.texts.insert(bytes);
            }
            Value::Null | Value::Real(_) => {}
        }
    }

    fn has(&self, value: ValueRef<'_>) -> bool {
        match value {
            ValueRef::Integer(n) => self.numbers.contains(&n),
            ValueRef::Text(text) => self.texts.contains(text),
            ValueRef::Blob(bytes) => self.texts.contains(bytes),
            ValueRef::Null | ValueRef::Real(_) => false,
        }
    }
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

/// What a pass counts by.
struct Counting<'a> {
    marks: &'a Marks,
    id: TableId,
    reads: &'a Reads,
    keys: &'a [SeededKeys],
    is_main: bool,
    flagged: bool,
    snapshot_at: Option<i64>,
}

/// Currencies that are told apart; a column that is no currency after all must not make a figure a value.
const CURRENCIES: usize = 40;

/// Currencies whose bytes are known again without looking at their letters.
const KNOWN_CURRENCIES: usize = 8;

/// What was counted of some rows that follow each other.
struct Counts {
    rows: Sums,
    active: Sums,
    kept: Sums,
    /// By currency, in the order in which they appeared: rows and sum.
    amounts: Vec<(String, (Sums, Sums))>,
    places: HashMap<String, usize>,
    known: Vec<(Vec<u8>, usize)>,
    unreadable: u64,
    days: BTreeMap<i64, Day>,
    /// The last row's day and what it has since it came up: the next row's is often the same.
    day: (i64, Day),
    usual: Vec<u64>,
    members: BTreeMap<usize, Members>,
    others: Vec<i64>,
    bounds: Option<(i64, i64)>,
    /// By watched relation.
    holding: Vec<u64>,
}

impl Counts {
    fn new(watched: usize) -> Self {
        Self {
            rows: Sums::default(),
            active: Sums::default(),
            kept: Sums::default(),
            amounts: Vec::new(),
            places: HashMap::new(),
            known: Vec::new(),
            unreadable: 0,
            days: BTreeMap::new(),
            day: (0, Day::default()),
            usual: vec![0; 168],
            members: BTreeMap::new(),
            others: Vec::new(),
            bounds: None,
            holding: vec![0; watched],
        }
    }

    /// Adds what the day at hand has to the days.
    fn close_day(&mut self) {
        let (date, counts) = std::mem::take(&mut self.day);
        if counts.stay + counts.seeded + counts.review > 0 {
            let own = self.days.entry(date).or_default();
            own.stay += counts.stay;
            own.seeded += counts.seeded;
            own.review += counts.review;
        }
    }

    fn add(&mut self, of: &Counting<'_>, row: Row, cells: &[ValueRef<'_>]) {
        let reads = of.reads;
        let (verdict, cohort) = of.marks.of(of.id, row);
        let one = Decimal::whole(1);
        // Protected members stay: the pictures are of what may go.
        let goes = matches!(verdict, Verdict::Seeded | Verdict::Review);
        self.rows.add(verdict, one);
        let created = reads.created.and_then(|c| stamp(cells[c]));
        if let Some(time) = created {
            match cohort.filter(|_| goes) {
                Some(cohort) => self.members.entry(cohort).or_default().times.push(time),
                None => {
                    self.usual[hour_of_week(time)] += 1;
                    if of.is_main {
                        self.others.push(time);
                    }
                }
            }
            if of.is_main {
                let date = time.div_euclid(DAY);
                if self.day.0 != date {
                    self.close_day();
                    self.day.0 = date;
                }
                let day = &mut self.day.1;
                match verdict {
                    Verdict::Seeded => day.seeded += 1,
                    Verdict::Review => day.review += 1,
                    Verdict::Real | Verdict::Protected => day.stay += 1,
                }
            }
        }
        if of.flagged {
            let id = match reads.key.map(|k| cells[k]) {
                Some(ValueRef::Integer(n)) => Some(n),
                Some(_) => None,
                None => Some(i64::from(row) + 1),
            };
            if let Some(id) = id {
                self.bounds = Some(self.bounds.map_or((id, id), |(low, high)| (low.min(id), high.max(id))));
                if let Some(cohort) = cohort.filter(|_| goes) {
                    self.members.entry(cohort).or_default().ids.push(id);
                }
            }
        }
        if let (Some(active_at), Some(now)) = (reads.active, of.snapshot_at)
            && stamp(cells[active_at]).is_some_and(|t| t > now - ACTIVE_DAYS * DAY && t <= now)
        {
            self.active.add(verdict, one);
        }
        if reads.deleted.is_some_and(|d| matches!(cells[d], ValueRef::Null)) {
            self.kept.add(verdict, one);
        }
        if let Some(amount) = reads.amount {
            match Decimal::of(cells[amount]) {
                Some(value) => {
                    let place = self.currency(reads.currency.map(|c| cells[c]));
                    let sums = &mut self.amounts[place].1;
                    sums.0.add(verdict, one);
                    sums.1.add(verdict, value);
                }
                None if matches!(cells[amount], ValueRef::Null) => {}
                None => self.unreadable += 1,
            }
        }
        if verdict != Verdict::Seeded {
            for (place, watch) in &reads.references {
                self.holding[*watch] += u64::from(of.keys[*watch].has(cells[*place]));
            }
        }
    }

    /// Returns the place of a currency's sums.
    fn currency(&mut self, cell: Option<ValueRef<'_>>) -> usize {
        let Some(ValueRef::Text(text)) = cell else { return self.place(String::new()) };
        if let Some((_, place)) = self.known.iter().find(|k| k.0 == text) {
            return *place;
        }
        let place = self.place(visible(&String::from_utf8_lossy(text).chars().take(12).collect::<String>()));
        if self.known.len() < KNOWN_CURRENCIES {
            self.known.push((text.to_vec(), place));
        }
        place
    }

    fn place(&mut self, currency: String) -> usize {
        if let Some(place) = self.places.get(&currency) {
            return *place;
        }
        self.places.insert(currency.clone(), self.amounts.len());
        self.amounts.push((currency, Default::default()));
        self.amounts.len() - 1
    }

    /// Adds what was counted of the rows behind these.
    fn merge(&mut self, later: Self) {
        self.rows.merge(&later.rows);
        self.active.merge(&later.active);
        self.kept.merge(&later.kept);
        for (currency, sums) in later.amounts {
            let many = self.amounts.len() >= CURRENCIES && !self.places.contains_key(&currency);
            let place = self.place(if many { "other".to_owned() } else { currency });
            let own = &mut self.amounts[place].1;
            own.0.merge(&sums.0);
            own.1.merge(&sums.1);
        }
        self.unreadable += later.unreadable;
        for (day, counts) in later.days {
            let own = self.days.entry(day).or_default();
            own.stay += counts.stay;
            own.seeded += counts.seeded;
            own.review += counts.review;
        }
        self.usual.iter_mut().zip(later.usual).for_each(|(own, more)| *own += more);
        for (cohort, mut members) in later.members {
            let own = self.members.entry(cohort).or_default();
            own.times.append(&mut members.times);
            own.ids.append(&mut members.ids);
        }
        self.others.extend(later.others);
        if let Some((low, high)) = later.bounds {
            self.bounds = Some(self.bounds.map_or((low, high), |own| (own.0.min(low), own.1.max(high))));
        }
        self.holding.iter_mut().zip(later.holding).for_each(|(own, more)| *own += more);
    }
}

struct Pass<'a> {
    case: &'a Case,
    table: &'a TableReport,
    id: TableId,
    marks: &'a Marks,
    people: Option<TableId>,
    cohorts: &'a [&'a str],
}

/// What a cohort's rows in a table showed.
#[derive(Default)]
struct Members {
    times: Vec<i64>,
    ids: Vec<i64>,
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

    fn pictures(
        &self,
        tally: &mut Tally,
        reads: &Reads,
        days: BTreeMap<i64, Day>,
        usual: Vec<u64>,
        members: BTreeMap<usize, Members>,
        others: &[i64],
        bounds: Option<(i64, i64)>,
    ) {
        let name = &self.table.name;
        if self.people == Some(self.id) && !days.is_empty() {
            let mut largest: Vec<(&usize, &Members)> = members.iter().filter(|(_, m)| m.times.len() > 1).collect();
            largest.sort_by_key(|(cohort, m)| (std::cmp::Reverse(m.times.len()), **cohort));
            tally.timeline = Timeline {
                table: name.clone(),
                days: days.into_iter().map(|(day, d)| Day { day, ..d }).collect(),
                trains: largest.into_iter().take(TRAINS).map(|(c, m)| train(self.cohorts[*c], &m.times, others)).collect(),
            };
        }
        if members.values().any(|m| !m.times.is_empty()) {
            tally.usual_hours.push(TableHours { table: name.clone(), rows: usual.iter().sum(), hours: usual });
        }
        let column = reads.key.map_or("row".to_owned(), |k| visible(&self.case.table(self.id).table.columns[reads.columns[k]].name));
        for (cohort, found) in members {
            let more = |had: Option<u64>| had.is_none_or(|n| n < found.times.len() as u64);
            if !found.times.is_empty() && more(tally.hours[cohort].as_ref().map(|h| h.rows)) {
                let mut hours = vec![0; 168];
                for time in &found.times {
                    hours[hour_of_week(*time)] += 1;
                }
                tally.hours[cohort] = Some(TableHours { table: name.clone(), rows: found.times.len() as u64, hours });
            }
            let had: u64 = tally.ids[cohort].as_ref().map_or(0, |i| i.bins.iter().sum());
            if let Some((low, high)) = bounds
                && found.ids.len() as u64 > had
            {
                tally.ids[cohort] = Some(strip(name, &column, low, high, found.ids));
            }
        }
    }
}

fn stamp(value: ValueRef<'_>) -> Option<i64> {
    Stamp::of(value).map(|s| s.micros).filter(|t| (PLAUSIBLE_FROM..PLAUSIBLE_UNTIL).contains(t))
}

/// Returns the hour of the week from Monday 00:00 UTC; 1970-01-01 was a Thursday.
fn hour_of_week(time: i64) -> usize {
    ((time.div_euclid(3_600 * SECOND) + 3 * 24).rem_euclid(168)) as usize
}

fn months(days: &BTreeMap<i64, Day>, figures: &mut Figures) {
    let mut months: BTreeMap<(i64, i64), Month> = BTreeMap::new();
    for (day, counts) in days {
        let (year, month, _) = civil_from_days(*day);
        let entry = months.entry((year, month)).or_insert_with(|| Month { name: format!("{year:04}-{month:02}"), ..Month::default() });
        entry.stay += counts.stay;
        entry.seeded += counts.seeded;
        entry.review += counts.review;
    }
    let mut list: Vec<Month> = months.into_values().collect();
    let earlier = list.len().saturating_sub(MONTHS);
    for month in list.drain(..earlier) {
        figures.earlier.stay += month.stay;
        figures.earlier.seeded += month.seeded;
        figures.earlier.review += month.review;
        figures.earlier.name = format!("until {}", month.name);
    }
    figures.months = list;
}

/// Bins a cohort's times finely enough to see single statements, with a margin on both sides.
fn train(cohort: &str, times: &[i64], others: &[i64]) -> Train {
    let (first, last) = (times.iter().min().copied().unwrap_or_default(), times.iter().max().copied().unwrap_or_default());
    let width = BIN_S
        .iter()
        .copied()
        .find(|s| (last - first) / (s * SECOND) < TRAIN_BINS * 2 / 3)
        .unwrap_or_else(|| ((last - first) / SECOND / (TRAIN_BINS * 2 / 3) / BIN_S[8] + 1) * BIN_S[8]);
    let bin_us = width * SECOND;
    let span = (last.div_euclid(bin_us) - first.div_euclid(bin_us) + 1).max(1);
    let margin = (span / 4).clamp(3, TRAIN_BINS / 6);
    let start = (first.div_euclid(bin_us) - margin) * bin_us;
    let count = (span + 2 * margin) as usize;
    let bins = |times: &[i64]| {
        let mut bins = vec![0_u64; count];
        for time in times {
            let place = (time - start).div_euclid(bin_us);
            if let Some(bin) = usize::try_from(place).ok().and_then(|p| bins.get_mut(p)) {
                *bin += 1;
            }
        }
        bins
    };
    Train { cohort: cohort.to_owned(), start, bin_us, members: bins(times), others: bins(others) }
}

fn strip(table: &str, column: &str, low: i64, high: i64, mut ids: Vec<i64>) -> IdStrip {
    ids.sort_unstable();
    let span = i128::from(high) - i128::from(low) + 1;
    let mut bins = vec![0_u64; STRIP_BINS];
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for id in &ids {
        let place = (i128::from(*id) - i128::from(low)) * STRIP_BINS as i128 / span;
        bins[place as usize] += 1;
        match runs.last_mut() {
            Some(run) if *id <= run.1.saturating_add(1) => run.1 = *id,
            _ => runs.push((*id, *id)),
        }
    }
    let runs_total = runs.len();
    runs.sort_by_key(|(first, last)| (std::cmp::Reverse(i128::from(*last) - i128::from(*first)), *first));
    runs.truncate(RUNS);
    runs.sort_unstable();
    IdStrip { table: table.to_owned(), column: column.to_owned(), low, high, bins, runs, runs_total }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_week_begins_on_monday() {
        let at = |text: &str| hour_of_week(Stamp::parse(text.as_bytes()).expect(text).micros);
        assert_eq!(at("2026-01-12 00:30:00"), 0, "a Monday");
        assert_eq!(at("2026-01-18 23:59:59"), 167, "a Sunday");
    }

    #[test]
    fn runs_are_ids_without_a_gap() {
        let strip = strip("users", "id", 1, 1000, vec![5, 6, 7, 20, 900, 901]);
        assert_eq!(strip.runs, [(5, 7), (20, 20), (900, 901)]);
        assert_eq!(strip.bins.iter().sum::<u64>(), 6);
        let wide = super::strip("users", "id", i64::MIN, i64::MAX, vec![i64::MIN, i64::MAX]);
        assert_eq!((wide.bins[0], wide.bins[STRIP_BINS - 1]), (1, 1));
    }

    #[test]
    fn trains_are_cut_into_seconds() {
        let times: Vec<i64> = (0..100).map(|i| 1_700_000_000 * SECOND + i * 95_000).collect();
        let train = train("c1", &times, &[]);
        assert_eq!(train.bin_us, SECOND);
        assert_eq!(train.members.iter().sum::<u64>(), 100);
    }
}
