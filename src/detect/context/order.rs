//! The order in which rows were inserted. Most tables lie in it as they are, and take no room for it.

use std::ops::Range;

use crate::model::Row;

/// Rows in the order in which they were inserted.
#[derive(Clone, Debug, Default)]
pub enum Order {
    /// It cannot be told.
    #[default]
    Unknown,
    /// So many rows, as they lie in the table.
    AsTheyLie(usize),
    /// Another order of all rows.
    Listed(Vec<Row>),
}

impl Order {
    /// Takes rows in order; without any, none can be told.
    #[must_use]
    pub fn of(rows: Vec<Row>) -> Self {
        if rows.is_empty() {
            Self::Unknown
        } else if rows.iter().zip(0..).all(|(row, place)| *row == place) {
            Self::AsTheyLie(rows.len())
        } else {
            Self::Listed(rows)
        }
    }

    /// Returns the number of rows, 0 where the order cannot be told.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Unknown => 0,
            Self::AsTheyLie(rows) => *rows,
            Self::Listed(rows) => rows.len(),
        }
    }

    /// Returns whether the order cannot be told.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether rows lie in the table as they were inserted.
    #[must_use]
    pub fn is_sorted(&self) -> bool {
        match self {
            Self::Unknown | Self::AsTheyLie(_) => true,
            Self::Listed(rows) => rows.is_sorted(),
        }
    }

    /// Returns the row at a place.
    #[must_use]
    #[inline]
    pub fn get(&self, place: usize) -> Option<Row> {
        match self {
            Self::Unknown => None,
            Self::AsTheyLie(rows) => (place < *rows).then_some(place as Row),
            Self::Listed(rows) => rows.get(place).copied(),
        }
    }

    /// Walks the rows in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Row> + ExactSizeIterator {
        (0..self.len()).map(|place| self.get(place).unwrap_or_default())
    }

    /// Lists the rows at some places, sorted.
    ///
    /// # Panics
    /// Where there are no such places.
    #[must_use]
    pub fn sorted(&self, places: Range<usize>) -> Vec<Row> {
        match self {
            Self::Listed(rows) => {
                let mut rows = rows[places].to_vec();
                rows.sort_unstable();
                rows
            }
            Self::Unknown | Self::AsTheyLie(_) => {
                assert!(places.end <= self.len(), "places behind the last row");
                (places.start as Row..places.end as Row).collect()
            }
        }
    }

    /// Returns each row's place.
    #[must_use]
    pub fn ranks(&self) -> Ranks {
        let Self::Listed(rows) = self else { return Ranks::AsTheyLie(self.len()) };
        let mut ranks = vec![0; rows.len()];
        for (rank, row) in rows.iter().enumerate() {
            ranks[*row as usize] = rank as Row;
        }
        Ranks::Listed(ranks)
    }
}

impl FromIterator<Row> for Order {
    fn from_iter<T: IntoIterator<Item = Row>>(rows: T) -> Self {
        Self::of(rows.into_iter().collect())
    }
}

/// By row: its place in the order of insertion.
#[derive(Clone, Debug)]
pub enum Ranks {
    /// So many rows lie as they were inserted; none where the order cannot be told.
    AsTheyLie(usize),
    /// Another place for each row.
    Listed(Vec<Row>),
}

impl Ranks {
    /// Returns a row's place, `None` where the order cannot be told.
    #[must_use]
    #[inline]
    pub fn get(&self, row: Row) -> Option<Row> {
        match self {
            Self::AsTheyLie(rows) => ((row as usize) < *rows).then_some(row),
            Self::Listed(ranks) => ranks.get(row as usize).copied(),
        }
    }

    /// Returns the number of rows, 0 where the order cannot be told.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::AsTheyLie(rows) => *rows,
            Self::Listed(ranks) => ranks.len(),
        }
    }

    /// Returns whether the order cannot be told.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_as_rows_lie_is_like_one_that_is_listed() {
        let listed = Order::Listed((0..9).collect());
        let lying: Order = (0..9).collect();
        assert!(matches!(lying, Order::AsTheyLie(9)));
        for order in [&listed, &lying] {
            assert_eq!(order.iter().rev().collect::<Vec<Row>>(), (0..9).rev().collect::<Vec<Row>>());
            assert_eq!((order.sorted(2..5), order.get(8), order.get(9)), (vec![2, 3, 4], Some(8), None));
            assert_eq!((order.ranks().get(7), order.ranks().get(9), order.is_sorted()), (Some(7), None, true));
        }
        let other: Order = [2, 0, 1].into_iter().collect();
        assert_eq!((other.sorted(0..2), other.get(0), other.ranks().get(0)), (vec![0, 2], Some(2), Some(1)));
        assert!(!other.is_sorted() && Order::default().is_empty() && Order::default().ranks().is_empty());
    }
}
