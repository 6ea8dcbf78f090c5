//! Indexes over one column of NULLs, integers and texts, in any order: read back from the finished table on
//! two threads, sorted in memory and written as pages. What has other values, long ones, or more than fits
//! the memory is left to SQLite.
//!
//! Source of the order: SQLite, "Datatypes", section 4.1: NULL, integers by value, texts by memcmp; equal
//! ones by rowid.

use std::path::Path;
use std::thread;

use rusqlite::types::ValueRef as SqlRef;
use rusqlite::{Connection, OpenFlags};

use super::index_pages::{IndexPages, MAX_TEXT};
use super::pages::PageWriter;
use super::stats::ColumnStats;
use crate::model::ValueRef;

/// Memory that the entries of an index may take, in bytes; with it a process stays well below 256 MiB.
const MOST_BYTES: u64 = 128 << 20;

/// Steps in which texts are given room: a doubling would take what the budget does not have.
const GROWTH: usize = 4 << 20;

/// Groups up to this size are sorted by comparing whole texts.
const SMALL: usize = 12;

/// Threads that read and sort.
const THREADS: u64 = 2;

/// A column to index.
pub(super) struct Column<'a> {
    /// Quoted name of its table.
    pub(super) table: &'a str,
    /// Quoted name of the column.
    pub(super) column: &'a str,
    /// Rows of the table; rowids count from 1.
    pub(super) rows: u64,
}

/// A text of the column.
#[derive(Clone, Copy, Debug)]
struct Text {
    /// Eight bytes of it, from the place that is being sorted by; zeros behind its end.
    prefix: u64,
    start: u32,
    len: u32,
    rowid: i64,
}

/// The sorted entries of some rows.
#[derive(Default)]
struct Run {
    nulls: Vec<i64>,
    integers: Vec<(i64, i64)>,
    texts: Vec<Text>,
    bytes: Vec<u8>,
}

/// Returns whether a column's values are such that the index is written here.
pub(super) fn fits(stats: &ColumnStats) -> bool {
    let entries = stats.texts * size_of::<Text>() as u64 + stats.integers * 16 + stats.nulls * 8;
    stats.reals == 0 && stats.blobs == 0 && stats.longest().unwrap_or(0) as usize <= MAX_TEXT && entries + stats.bytes <= MOST_BYTES
}

/// Writes the index; returns its root page, or `None` if the column turns out to hold something else.
///
/// # Errors
/// Returns what SQLite or the system says.
pub(super) fn write(path: &Path, column: &Column<'_>, pages: &mut PageWriter) -> rusqlite::Result<std::io::Result<Option<u32>>> {
    let share = column.rows.div_ceil(THREADS);
    let runs = thread::scope(|scope| {
        let reading: Vec<_> = (0..THREADS)
            .map(|part| scope.spawn(move || Run::read(path, column, part * share, ((part + 1) * share).min(column.rows))))
            .collect();
        reading.into_iter().map(|thread| thread.join().unwrap_or(Err(rusqlite::Error::InvalidQuery))).collect::<Result<Vec<_>, _>>()
    })?;
    let Some(runs) = runs.into_iter().collect::<Option<Vec<Run>>>() else { return Ok(Ok(None)) };
    Ok(merge(&runs, pages).map(Some))
}

impl Run {
    /// Reads the rows behind `after` up to `last` and sorts them; `None` if a value is of another kind.
    fn read(path: &Path, column: &Column<'_>, after: u64, last: u64) -> rusqlite::Result<Option<Self>> {
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        let sql =
            format!("SELECT {}, rowid FROM {} NOT INDEXED WHERE rowid > ?1 AND rowid <= ?2 ORDER BY rowid", column.column, column.table);
        let mut statement = db.prepare(&sql)?;
        let mut rows = statement.query([after as i64, last as i64])?;
        let mut run = Self::default();
        while let Some(row) = rows.next()? {
            let rowid: i64 = row.get(1)?;
            match row.get_ref(0)? {
                SqlRef::Null => run.nulls.push(rowid),
                SqlRef::Integer(n) => run.integers.push((n, rowid)),
                SqlRef::Text(text) if text.len() <= MAX_TEXT && run.bytes.len() < u32::MAX as usize - MAX_TEXT => run.text(text, rowid),
                _ => return Ok(None),
            }
        }
        run.integers.sort_unstable();
        sort(&run.bytes, &mut run.texts, 0);
        Ok(Some(run))
    }

    fn text(&mut self, text: &[u8], rowid: i64) {
        if self.bytes.capacity() - self.bytes.len() < text.len() {
            self.bytes.reserve_exact(GROWTH);
        }
        self.texts.push(Text { prefix: 0, start: self.bytes.len() as u32, len: text.len() as u32, rowid });
        self.bytes.extend_from_slice(text);
    }

    fn bytes_of(&self, text: Text) -> &[u8] {
        text.of(&self.bytes)
    }
}

impl Text {
    fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.start as usize + self.len as usize]
    }
}

/// Sorts texts that are equal before `depth`: by eight bytes at a time, and those that agree in them by the next.
fn sort(bytes: &[u8], texts: &mut [Text], depth: usize) {
    if texts.len() <= SMALL {
        texts.sort_unstable_by(|a, b| a.of(bytes).cmp(b.of(bytes)).then(a.rowid.cmp(&b.rowid)));
        return;
    }
    for text in texts.iter_mut() {
        let rest = text.of(bytes).get(depth..).unwrap_or_default();
        text.prefix = match rest.first_chunk::<8>() {
            Some(eight) => u64::from_be_bytes(*eight),
            None => rest.iter().enumerate().fold(0, |sum, (place, byte)| sum | u64::from(*byte) << (56 - 8 * place)),
        };
    }
    texts.sort_unstable_by_key(|t| t.prefix);
    for equal in texts.chunk_by_mut(|a, b| a.prefix == b.prefix) {
        if equal.len() == 1 {
            continue;
        }
        // Those that end here are the beginnings of the longer ones, so they come first; as long ones are equal.
        let next = depth + 8;
        equal.sort_unstable_by_key(|t| ((t.len as usize).min(next + 1), t.rowid));
        let ended = equal.partition_point(|t| t.len as usize <= next);
        sort(bytes, &mut equal[ended..], next);
    }
}

/// Writes the entries of all runs in order.
fn merge(runs: &[Run], pages: &mut PageWriter) -> std::io::Result<u32> {
    let mut index = IndexPages::default();
    // The runs' rows follow each other, so their NULLs do.
    for rowid in runs.iter().flat_map(|r| &r.nulls) {
        index.push(ValueRef::Null, *rowid, pages)?;
    }
    let mut places = vec![0; runs.len()];
    while let Some((run, entry)) =
        runs.iter().enumerate().filter_map(|(run, r)| Some((run, *r.integers.get(places[run])?))).min_by_key(|(_, entry)| *entry)
    {
        places[run] += 1;
        index.push(ValueRef::Integer(entry.0), entry.1, pages)?;
    }
    places.fill(0);
    let at = |run: usize, place: usize| runs[run].texts.get(place).map(|t| (runs[run].bytes_of(*t), t.rowid, run));
    while let Some((text, rowid, run)) = (0..runs.len()).filter_map(|run| at(run, places[run])).min() {
        places[run] += 1;
        index.push(ValueRef::Text(text), rowid, pages)?;
    }
    index.finish(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_sort_as_memcmp_does() {
        let mut numbers = 1_u64;
        for width in [1, 2, 200] {
            let mut run = Run::default();
            for rowid in 1..4000 {
                numbers = numbers.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                // Few different bytes, NUL among them, and long common beginnings.
                let len = (numbers >> 33) as usize % 30;
                let text: Vec<u8> = (0..len).map(|place| if place < 12 { 0 } else { ((numbers >> place) % width) as u8 }).collect();
                run.text(&text, rowid);
            }
            let mut wanted: Vec<(Vec<u8>, i64)> = run.texts.iter().map(|t| (run.bytes_of(*t).to_vec(), t.rowid)).collect();
            wanted.sort();
            sort(&run.bytes, &mut run.texts, 0);
            let sorted: Vec<(Vec<u8>, i64)> = run.texts.iter().map(|t| (run.bytes_of(*t).to_vec(), t.rowid)).collect();
            assert!(sorted == wanted, "width {width}");
        }
    }
}
