//! What one pass counts: rows by verdict, sums by currency, days, hours, ids, references to seeded rows; in parts that
//! follow each other, which are merged.

use std::collections::{BTreeMap, HashMap, HashSet};

use foldhash::fast::RandomState;

use super::Marks;
use super::pictures::hour_of_week;
use crate::model::stamp::{DAY, PLAUSIBLE_FROM, PLAUSIBLE_UNTIL, Stamp};
use crate::model::{Row, TableId, Value, ValueRef, Verdict};
use crate::report::decimal::Decimal;
use crate::report::model::{Day, Figure};
use crate::report::redact::visible;

/// An account counts as active if it was in the days before the snapshot.
pub(super) const ACTIVE_DAYS: i64 = 30;

/// Columns that a pass reads, as places in its list of cells.
pub(super) struct Reads {
    pub(super) columns: Vec<usize>,
    pub(super) created: Option<usize>,
    pub(super) active: Option<usize>,
    pub(super) deleted: Option<usize>,
    pub(super) amount: Option<usize>,
    pub(super) currency: Option<usize>,
    pub(super) key: Option<usize>,
    pub(super) owner: Option<usize>,
    pub(super) references: Vec<(usize, usize)>,
}

impl Reads {
    pub(super) fn place(&mut self, column: Option<usize>) -> Option<usize> {
        let column = column?;
        Some(self.columns.iter().position(|c| *c == column).unwrap_or_else(|| {
            self.columns.push(column);
            self.columns.len() - 1
        }))
    }

    /// Puts the columns in the order in which pages hold them.
    pub(super) fn rise(&mut self) {
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
pub(super) struct Sums {
    pub(super) all: Decimal,
    pub(super) seeded: Decimal,
    pub(super) review: Decimal,
    pub(super) overflow: bool,
}

impl Sums {
    pub(super) fn merge(&mut self, later: &Self) {
        self.overflow |= later.overflow;
        let sums = [(&mut self.all, later.all), (&mut self.seeded, later.seeded), (&mut self.review, later.review)];
        for (sum, more) in sums {
            match sum.plus(more) {
                Some(both) => *sum = both,
                None => self.overflow = true,
            }
        }
    }

    pub(super) fn add(&mut self, verdict: Verdict, value: Decimal) {
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

    pub(super) fn figure(&self, title: String, table: &str, unit: &str) -> Figure {
        Figure { title, table: table.to_owned(), unit: unit.to_owned(), before: self.all, seeded: self.seeded, review: self.review }
    }
}

/// The keys of seeded rows that a relation may name.
#[derive(Default)]
pub(super) struct SeededKeys {
    pub(super) numbers: HashSet<i64, RandomState>,
    pub(super) texts: HashSet<Vec<u8>, RandomState>,
}

impl SeededKeys {
    pub(super) fn put(&mut self, value: Value) {
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

    pub(super) fn has(&self, value: ValueRef<'_>) -> bool {
        match value {
            ValueRef::Integer(n) => self.numbers.contains(&n),
            ValueRef::Text(text) => self.texts.contains(text),
            ValueRef::Blob(bytes) => self.texts.contains(bytes),
            ValueRef::Null | ValueRef::Real(_) => false,
        }
    }
}

/// What a pass counts by.
pub(super) struct Counting<'a> {
    pub(super) marks: &'a Marks,
    pub(super) id: TableId,
    pub(super) reads: &'a Reads,
    pub(super) keys: &'a [SeededKeys],
    pub(super) is_main: bool,
    pub(super) flagged: bool,
    pub(super) snapshot_at: Option<i64>,
}

/// Currencies that are told apart; a column that is no currency after all must not make a figure a value.
const CURRENCIES: usize = 40;

/// Currencies whose bytes are known again without looking at their letters.
const KNOWN_CURRENCIES: usize = 8;

/// What was counted of some rows that follow each other.
pub(super) struct Counts {
    pub(super) rows: Sums,
    pub(super) active: Sums,
    pub(super) kept: Sums,
    /// By currency, in the order in which they appeared: rows and sum.
    pub(super) amounts: Vec<(String, (Sums, Sums))>,
    pub(super) places: HashMap<String, usize>,
    pub(super) known: Vec<(Vec<u8>, usize)>,
    pub(super) unreadable: u64,
    pub(super) days: BTreeMap<i64, Day>,
    /// The last row's day and what it has since it came up: the next row's is often the same.
    pub(super) day: (i64, Day),
    pub(super) usual: Vec<u64>,
    pub(super) members: BTreeMap<usize, Members>,
    pub(super) others: Vec<i64>,
    pub(super) bounds: Option<(i64, i64)>,
    /// By watched relation.
    pub(super) holding: Vec<u64>,
}

impl Counts {
    pub(super) fn new(watched: usize) -> Self {
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
    pub(super) fn close_day(&mut self) {
        let (date, counts) = std::mem::take(&mut self.day);
        if counts.stay + counts.seeded + counts.review > 0 {
            let own = self.days.entry(date).or_default();
            own.stay += counts.stay;
            own.seeded += counts.seeded;
            own.review += counts.review;
        }
    }

    pub(super) fn add(&mut self, of: &Counting<'_>, row: Row, cells: &[ValueRef<'_>]) {
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
    pub(super) fn currency(&mut self, cell: Option<ValueRef<'_>>) -> usize {
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

    pub(super) fn place(&mut self, currency: String) -> usize {
        if let Some(place) = self.places.get(&currency) {
            return *place;
        }
        self.places.insert(currency.clone(), self.amounts.len());
        self.amounts.push((currency, Default::default()));
        self.amounts.len() - 1
    }

    /// Adds what was counted of the rows behind these.
    pub(super) fn merge(&mut self, later: Self) {
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

/// What a cohort's rows in a table showed.
#[derive(Default)]
pub(super) struct Members {
    pub(super) times: Vec<i64>,
    pub(super) ids: Vec<i64>,
}

pub(super) fn stamp(value: ValueRef<'_>) -> Option<i64> {
    Stamp::of(value).map(|s| s.micros).filter(|t| (PLAUSIBLE_FROM..PLAUSIBLE_UNTIL).contains(t))
}
