//! Indexes over a column whose integers ascend from row to row, as serial keys do: known from the rows as
//! they came, so that neither reading the table again nor sorting is needed.

use std::io;

use super::index_pages::IndexPages;
use super::pages::PageWriter;
use crate::model::ValueRef;

/// Most runs that are kept of a column: a megabyte.
const MAX_RUNS: usize = 64 << 10;

/// The integers of a column in row order, as long as each is larger than the one before.
#[derive(Clone, Debug, Default)]
pub(super) struct Ascending {
    /// Runs without a gap: first integer and how many.
    runs: Vec<(i64, u64)>,
    next: i64,
    broken: bool,
}

impl Ascending {
    /// Starts a column that has rows already, about which nothing is known.
    pub(super) fn unknown() -> Self {
        Self { broken: true, ..Self::default() }
    }

    /// Takes the next row's value.
    #[inline]
    pub(super) fn add(&mut self, value: ValueRef<'_>) {
        if self.broken {
            return;
        }
        match value {
            ValueRef::Integer(n) => self.integer(n),
            _ => self.give_up(),
        }
    }

    /// Takes the next row's value, which is no integer.
    #[inline]
    pub(super) fn other(&mut self) {
        if !self.broken {
            self.give_up();
        }
    }

    fn integer(&mut self, n: i64) {
        let full = self.runs.len() == MAX_RUNS;
        match self.runs.last_mut() {
            Some(run) if n == self.next => run.1 += 1,
            Some(_) if n < self.next || full => return self.give_up(),
            _ => self.runs.push((n, 1)),
        }
        match n.checked_add(1) {
            Some(next) => self.next = next,
            None => self.give_up(),
        }
    }

    #[cold]
    fn give_up(&mut self) {
        *self = Self::unknown();
    }

    /// Returns whether an index can be written from it.
    pub(super) const fn is_known(&self) -> bool {
        !self.broken && !self.runs.is_empty()
    }

    /// Value and rowid, in order.
    fn entries(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.runs.iter().flat_map(|(first, count)| (0..*count).map(move |n| first.wrapping_add_unsigned(n))).zip(1..)
    }

    /// Writes the index; returns its root page.
    ///
    /// # Errors
    /// Returns what the system says.
    pub(super) fn write(&self, pages: &mut PageWriter) -> io::Result<u32> {
        let mut index = IndexPages::default();
        for (value, rowid) in self.entries() {
            index.push(ValueRef::Integer(value), rowid, pages)?;
        }
        index.finish(pages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ascends_is_known() {
        let known = |values: &[i64]| {
            let mut column = Ascending::default();
            values.iter().for_each(|n| column.add(ValueRef::Integer(*n)));
            column.is_known().then(|| column.entries().map(|e| e.0).collect::<Vec<_>>())
        };
        for values in [&[1, 2, 3][..], &[-5, -4, 0, 7, 8, 100], &[i64::MIN, 0], &[9]] {
            assert_eq!(known(values).as_deref(), Some(values));
        }
        for values in [&[1, 1][..], &[2, 1], &[1, 2, 3, 3], &[0, i64::MAX, 5], &[]] {
            assert_eq!(known(values), None, "{values:?}");
        }
        let mut column = Ascending::default();
        column.add(ValueRef::Integer(1));
        column.add(ValueRef::Null);
        assert!(!column.is_known());
    }
}
