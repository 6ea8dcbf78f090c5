//! Rows that lie where their dates do not say, each with the time of its place.

use crate::model::Row;

/// Some rows with a time each, UTC microseconds. That a row is none of them, as most are, is told by one bit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Elsewhere {
    /// By row.
    rows: Vec<(Row, i64)>,
    /// A bit for each row of the table up to the last of them.
    marks: Vec<u64>,
}

impl Elsewhere {
    /// Returns a row's time.
    #[inline]
    pub(crate) fn get(&self, row: Row) -> Option<i64> {
        let word = self.marks.get(row as usize / 64)?;
        if word >> (row % 64) & 1 == 0 {
            return None;
        }
        self.rows.binary_search_by_key(&row, |r| r.0).ok().map(|place| self.rows[place].1)
    }

    /// Returns whether there are none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl FromIterator<(Row, i64)> for Elsewhere {
    fn from_iter<T: IntoIterator<Item = (Row, i64)>>(rows: T) -> Self {
        let mut rows: Vec<(Row, i64)> = rows.into_iter().collect();
        rows.sort_unstable();
        rows.dedup_by_key(|r| r.0);
        rows.shrink_to_fit();
        let mut marks = vec![0; rows.last().map_or(0, |last| last.0 as usize / 64 + 1)];
        for (row, _) in &rows {
            marks[*row as usize / 64] |= 1 << (row % 64);
        }
        Self { rows, marks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_it_holds() {
        let some: Elsewhere = [(70, 7), (3, -1), (64, 2)].into_iter().collect();
        let found: Vec<Option<i64>> = [3, 64, 70, 0, 63, 65, 71, 1_000].into_iter().map(|row| some.get(row)).collect();
        assert_eq!(found, [Some(-1), Some(2), Some(7), None, None, None, None, None]);
        assert!(!some.is_empty() && Elsewhere::default().is_empty());
    }
}
