//! Rows that were inserted by themselves, where their date says, on later days than the row that they hang on.
//! A program that ran once leaves none, whatever dates it writes: it inserts all its rows in one run.

use super::{NO_ROW, TableFacts};
use crate::model::Row;
use crate::model::stamp::{DAY, SECOND};

/// Rows of several owners inserted within this, microseconds, are a job's: a nightly notice to everybody.
pub(super) const BATCH: i64 = SECOND;

/// A row lies where its date says when the two differ by at most this, microseconds.
const IN_PLACE: i64 = 60 * SECOND;

/// Such a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaterRow {
    /// The row.
    pub(super) row: Row,
    /// The row that it hangs on.
    pub(super) owner: Row,
    /// When it was inserted; UTC microseconds.
    pub(super) inserted: i64,
}

impl LaterRow {
    /// Returns the day on which it was inserted, since 1970.
    pub(super) const fn day(&self) -> i32 {
        self.inserted.div_euclid(DAY) as i32
    }
}

/// Walks the rows of a table that were inserted on a later day than their owner, in the order of insertion; none
/// where that order cannot be told. `owner_of` gives each row's owner.
pub(super) fn later_rows<'t>(
    child: &'t TableFacts,
    owners: &'t TableFacts,
    owner_of: &'t [Row],
) -> impl Iterator<Item = LaterRow> + use<'t> {
    let spot = move |place: usize| {
        let row = child.order.get(place)?;
        Some(Spot { row, owner: owner_of[row as usize], inserted: child.inserted(row), in_place: child.in_place(row, IN_PLACE) })
    };
    // Each row is looked up once, and stays for its two neighbours.
    let (mut own, mut next) = (None, spot(0));
    (0..child.order.len()).filter_map(move |place| {
        let before = std::mem::replace(&mut own, next);
        next = spot(place + 1);
        let Spot { row, owner, inserted, .. } = own?;
        let inserted = inserted?;
        // Of a block of made-up dates some lie where they say by chance, but not their neighbours.
        let in_place = [before, own, next].iter().flatten().all(|spot| spot.in_place);
        let in_batch = [before, next]
            .iter()
            .flatten()
            .any(|beside| beside.owner != owner && beside.inserted.is_some_and(|t| (t - inserted).abs() <= BATCH));
        if owner == NO_ROW || !in_place || in_batch {
            return None;
        }
        let later = LaterRow { row, owner, inserted };
        (later.day() > owners.inserted(owner)?.div_euclid(DAY) as i32).then_some(later)
    })
}

/// A row at its place in the order of insertion.
#[derive(Clone, Copy)]
struct Spot {
    row: Row,
    owner: Row,
    inserted: Option<i64>,
    /// Whether it lies where its date says.
    in_place: bool,
}

/// Counts days that only rise, up to 255.
#[derive(Clone, Copy, Debug)]
pub(super) struct Days {
    last: i32,
    count: u8,
}

impl Days {
    /// No day yet.
    pub(super) const NONE: Self = Self { last: i32::MIN, count: 0 };

    /// Counts a day that is later than all before.
    pub(super) const fn note(&mut self, day: i32) {
        if day > self.last {
            self.last = day;
            self.count = self.count.saturating_add(1);
        }
    }

    /// Returns how many there were.
    pub(super) const fn count(self) -> u8 {
        self.count
    }
}

/// Returns, by row, by when it was inserted at the latest: when the next row that lies where its date says was;
/// `None` where nothing tells.
pub(super) fn inserted_by(facts: &TableFacts) -> Vec<Option<i64>> {
    let mut by = vec![None; facts.rows];
    let mut next = None;
    for row in facts.order.iter().rev() {
        if facts.in_place(row, 0) {
            next = facts.created.get(row);
        }
        by[row as usize] = next;
    }
    by
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{Order, ParentLink, Times};
    use crate::model::TableId;
    use crate::model::stamp::HOUR;

    #[test]
    fn made_up_dates_after_their_run_lie_nowhere() {
        let people = table(&[HOUR], Vec::new());
        // Between rows of the second day and the third: dates of the fifth, the fourth and the ninth.
        let at = [2 * DAY, 2 * DAY + HOUR, 5 * DAY, 4 * DAY, 9 * DAY, 2 * DAY + 2 * HOUR, 3 * DAY];
        let rows = TableFacts { ahead: (2..5).map(|row| (row, 2 * DAY + 2 * HOUR)).collect(), ..table(&at, Vec::new()) };
        let found: Vec<Row> = later_rows(&rows, &people, &[0; 7]).map(|l| l.row).collect();
        assert_eq!(found, [0, 6]);
    }

    fn table(created: &[i64], moved: Vec<(Row, i64)>) -> TableFacts {
        let created: Times = created.iter().map(|t| Some(*t)).collect();
        let rows = created.iter().count();
        TableFacts {
            rows,
            created: created.into(),
            moved: moved.into_iter().collect(),
            order: (0..rows as Row).collect(),
            ..TableFacts::default()
        }
    }

    #[test]
    fn counts_what_was_inserted_alone_on_later_days() {
        let people = table(&[HOUR, 2 * HOUR], Vec::new());
        let link = ParentLink { relation: 0, parent: TableId(0), rows: vec![0, 0, 0, 0, 1, 0] };
        // The same day; a later one; two of different people at once; one that says another time than its place.
        let at = [3 * HOUR, 2 * DAY, 5 * DAY, 6 * DAY, 6 * DAY + BATCH / 2, 4 * DAY];
        let rows = table(&at, vec![(5, 6 * DAY + BATCH / 2)]);
        let found: Vec<Row> = later_rows(&rows, &people, &link.rows).map(|l| l.row).collect();
        assert_eq!(found, [1, 2]);
        // Where no order can be told, nothing is.
        let unordered = TableFacts { order: Order::Unknown, ..rows };
        assert_eq!(later_rows(&unordered, &people, &link.rows).count(), 0);
    }

    #[test]
    fn a_back_dated_row_was_inserted_before_the_next_one_in_place() {
        let facts = table(&[10 * DAY, DAY, 20 * DAY, 2 * DAY], vec![(1, 10 * DAY), (3, 20 * DAY)]);
        assert_eq!(inserted_by(&facts), [Some(10 * DAY), Some(20 * DAY), Some(20 * DAY), None]);
    }
}
