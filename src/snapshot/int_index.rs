//! Indexes over a column whose integers ascend from row to row, as serial keys do: written as pages in one
//! pass, without reading the table again and without sorting. Anything else is left to SQLite.
//!
//! Source: SQLite file format, sections 1.6 (index b-tree pages) and 2.4 (representation of indices).

use std::io;

use super::pages::{PAGE, PageWriter};
use super::record::integer_body;
use crate::model::ValueRef;

/// Most runs that are kept of a column: a megabyte.
const MAX_RUNS: usize = 64 << 10;

/// Bytes of a leaf's header, and of an interior page's.
const LEAF_HEADER: usize = 8;
const INTERIOR_HEADER: usize = 12;

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

    fn give_up(&mut self) {
        *self = Self::unknown();
    }

    /// Returns whether an index can be written from it.
    pub(super) const fn is_known(&self) -> bool {
        !self.broken && !self.runs.is_empty()
    }

    fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let integers = self.runs.iter().flat_map(|(first, count)| (0..*count).map(move |n| first.wrapping_add_unsigned(n)));
        integers.zip(1..).map(|(value, rowid)| Entry { value, rowid })
    }

    /// Writes the index; returns its root page.
    ///
    /// # Errors
    /// Returns what the system says.
    pub(super) fn write(&self, pages: &mut PageWriter) -> io::Result<u32> {
        let count: u64 = self.runs.iter().map(|r| r.1).sum();
        let last = self.runs.last().map_or(0, |r| r.0.wrapping_add_unsigned(r.1 - 1));
        // The widest cell that can come: integers grow away from zero on both sides.
        let ends = self.runs.first().into_iter().map(|r| r.0).chain([last]);
        let widest = ends.map(|value| Entry { value, rowid: count as i64 }.cell().len()).max().unwrap_or(0);
        let mut entries = self.entries();
        // Every page but the last of a level is followed by an entry that its parent holds.
        let room = (PAGE - LEAF_HEADER) / (widest + 2);
        let leaves = (count + 1).div_ceil(room as u64 + 1);
        let mut level: Vec<(u32, Option<Entry>)> = Vec::new();
        for place in 0..leaves {
            let cells: Vec<Entry> = entries.by_ref().take(share(count - (leaves - 1), leaves, place) as usize).collect();
            let number = pages.write_page(&page(&cells.iter().map(|e| (0, *e)).collect::<Vec<_>>(), None))?;
            level.push((number, entries.next().filter(|_| place + 1 < leaves)));
        }
        let room = (PAGE - INTERIOR_HEADER) / (widest + 6);
        while level.len() > 1 {
            let parents = (level.len() as u64).div_ceil(room as u64 + 1);
            let mut above = Vec::new();
            let mut children = level.into_iter();
            let all = children.len() as u64;
            for place in 0..parents {
                let own: Vec<(u32, Option<Entry>)> = children.by_ref().take(share(all, parents, place) as usize).collect();
                let Some((right, divider)) = own.last().copied() else { break };
                let cells: Vec<(u32, Entry)> =
                    own.iter().take(own.len() - 1).filter_map(|(child, entry)| Some((*child, (*entry)?))).collect();
                above.push((pages.write_page(&page(&cells, Some(right)))?, divider));
            }
            level = above;
        }
        Ok(level.first().map_or(0, |l| l.0))
    }
}

/// Returns how many of `all` the page at `place` of `pages` takes, so that none takes more than one above another.
const fn share(all: u64, pages: u64, place: u64) -> u64 {
    all / pages + if place < all % pages { 1 } else { 0 }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    value: i64,
    rowid: i64,
}

impl Entry {
    /// Returns the cell without its child: the record's length, header and integers.
    fn cell(self) -> Vec<u8> {
        let (value_type, value) = integer_body(self.value);
        let (rowid_type, rowid) = integer_body(self.rowid);
        let (value, rowid) = (&value.0[8 - value.1..], &rowid.0[8 - rowid.1..]);
        let mut cell = vec![(3 + value.len() + rowid.len()) as u8, 3, value_type, rowid_type];
        cell.extend_from_slice(value);
        cell.extend_from_slice(rowid);
        cell
    }
}

/// Builds a page of these cells: a leaf, or an interior page with its right child.
fn page(cells: &[(u32, Entry)], right: Option<u32>) -> [u8; PAGE] {
    let mut page = [0; PAGE];
    let header = if right.is_some() { INTERIOR_HEADER } else { LEAF_HEADER };
    page[0] = if right.is_some() { 2 } else { 10 };
    let mut content = PAGE;
    for (place, (child, entry)) in cells.iter().enumerate() {
        let cell = entry.cell();
        content -= cell.len();
        page[content..content + cell.len()].copy_from_slice(&cell);
        if right.is_some() {
            content -= 4;
            page[content..content + 4].copy_from_slice(&child.to_be_bytes());
        }
        let pointer = header + 2 * place;
        page[pointer..pointer + 2].copy_from_slice(&(content as u16).to_be_bytes());
    }
    page[3..5].copy_from_slice(&(cells.len() as u16).to_be_bytes());
    page[5..7].copy_from_slice(&(content as u16).to_be_bytes());
    if let Some(right) = right {
        page[8..12].copy_from_slice(&right.to_be_bytes());
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ascends_is_known() {
        let known = |values: &[i64]| {
            let mut column = Ascending::default();
            values.iter().for_each(|n| column.add(ValueRef::Integer(*n)));
            column.is_known().then(|| column.entries().map(|e| e.value).collect::<Vec<_>>())
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

    #[test]
    fn shares_are_even() {
        assert_eq!((0..3).map(|p| share(8, 3, p)).collect::<Vec<_>>(), [3, 3, 2]);
    }
}
