//! Which row of a parent table each row of a child hangs on: by an integer key, else by a digest of the key's texts.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::cells::{cell_text, text_hash};
use super::{NO_ROW, SnapshotError};
use crate::model::{Row, TableId, ValueRef};
use crate::parallel;
use crate::profile::Relation;
use crate::snapshot::{CHUNK_ROWS, Part, Reader};

/// Finds each child row's parent by the text of its key.
pub(super) fn link(reader: Reader<'_>, relation: &Relation) -> Result<Vec<Row>, SnapshotError> {
    let by_integer = match (relation.child_columns.as_slice(), relation.parent_columns.as_slice()) {
        ([child], [parent]) => link_integers(reader, (relation.child, *child), (relation.parent, *parent))?,
        _ => None,
    };
    let mut rows = match by_integer {
        Some(rows) => rows,
        None => link_texts(reader, relation)?,
    };
    if let Some(only) = &relation.only {
        reader.visit(relation.child, &[only.column], |row, cells| {
            if cells[0] != ValueRef::Text(only.value.as_bytes()) {
                rows[row as usize] = NO_ROW;
            }
            Ok::<(), SnapshotError>(())
        })?;
    }
    Ok(rows)
}

/// Finds them by a digest of the key's texts.
fn link_texts(reader: Reader<'_>, relation: &Relation) -> Result<Vec<Row>, SnapshotError> {
    let mut parents: HashMap<u64, Row, BuildHasherDefault<Digest>> = HashMap::default();
    each_key(reader, relation.parent, &relation.parent_columns, |row, key| {
        if let Some(key) = key {
            parents.entry(key).or_insert(row);
        }
    })?;
    let mut rows = Vec::with_capacity(reader.table(relation.child).rows as usize);
    each_key(reader, relation.child, &relation.child_columns, |_, key| {
        rows.push(key.and_then(|key| parents.get(&key).copied()).unwrap_or(NO_ROW));
    })?;
    Ok(rows)
}

/// Rows by an integer key: a place for each number where they lie close to each other, else sorted.
enum RowsByKey {
    Dense { first: i64, rows: Vec<Row> },
    Sorted(Vec<(i64, Row)>),
}

/// Places of a dense table for each of its keys, at most: a sorted one takes sixteen bytes a key, a place four.
const SPARSE: u64 = 4;

impl RowsByKey {
    /// Takes the keys of all rows in order; of rows with one key the first counts.
    fn new(mut keys: Vec<(i64, Row)>) -> Self {
        let bounds = keys.iter().map(|k| k.0).min().zip(keys.iter().map(|k| k.0).max());
        let Some((first, last)) = bounds else { return Self::Sorted(keys) };
        let span = last.abs_diff(first);
        if span / SPARSE >= keys.len() as u64 {
            keys.sort_unstable();
            keys.dedup_by_key(|k| k.0);
            return Self::Sorted(keys);
        }
        let mut rows = vec![NO_ROW; span as usize + 1];
        for (key, row) in keys {
            let place = &mut rows[key.abs_diff(first) as usize];
            *place = (*place).min(row);
        }
        Self::Dense { first, rows }
    }

    fn row(&self, key: i64) -> Row {
        match self {
            Self::Dense { first, rows } if key >= *first => {
                usize::try_from(key.abs_diff(*first)).ok().and_then(|place| rows.get(place)).copied().unwrap_or(NO_ROW)
            }
            Self::Dense { .. } => NO_ROW,
            Self::Sorted(keys) => keys.binary_search_by_key(&key, |k| k.0).map_or(NO_ROW, |place| keys[place].1),
        }
    }
}

/// Finds them by the integers of one column; `None` where a parent's key is none.
fn link_integers(reader: Reader<'_>, child: (TableId, usize), parent: (TableId, usize)) -> Result<Option<Vec<Row>>, SnapshotError> {
    let mut keys: Vec<(i64, Row)> = Vec::new();
    let mut integers = true;
    let turn = |part: &Part| {
        let mut found: Vec<(i64, Row)> = Vec::with_capacity(part.rows());
        let mut integers = true;
        reader.visit_part(part, &[parent.1], |row, cells| {
            match cells[0] {
                ValueRef::Integer(n) => found.push((n, row)),
                ValueRef::Null => {}
                _ => integers = false,
            }
            Ok::<(), SnapshotError>(())
        })?;
        Ok(integers.then_some(found))
    };
    let parts = reader.parts(parent.0, CHUNK_ROWS)?;
    parallel::in_order(&parts, turn, |found: Result<_, SnapshotError>| {
        match found? {
            Some(found) if integers => keys.extend(found),
            _ => integers = false,
        }
        Ok::<(), SnapshotError>(())
    })?;
    if !integers {
        return Ok(None);
    }
    let parents = RowsByKey::new(keys);
    let turn = |part: &Part| {
        let mut digits = String::new();
        let mut found: Vec<Row> = Vec::with_capacity(part.rows());
        reader.visit_part(part, &[child.1], |_, cells| {
            let key = match cells[0] {
                ValueRef::Integer(n) => Some(n),
                cell => integer_of(cell, &mut digits),
            };
            found.push(key.map_or(NO_ROW, |key| parents.row(key)));
            Ok::<(), SnapshotError>(())
        })?;
        Ok(found)
    };
    let mut rows = Vec::with_capacity(reader.table(child.0).rows as usize);
    parallel::in_order(&reader.parts(child.0, CHUNK_ROWS)?, turn, |found: Result<Vec<Row>, SnapshotError>| {
        rows.extend(found?);
        Ok::<(), SnapshotError>(())
    })?;
    Ok(Some(rows))
}

/// Returns the integer that is written as a cell's text is.
fn integer_of(cell: ValueRef<'_>, digits: &mut String) -> Option<i64> {
    let text = cell_text(cell, digits)?;
    text.parse::<i64>().ok().filter(|n| n.to_string() == text)
}

/// Digests the texts of each row's key, `None` where a part of it is NULL.
fn each_key(reader: Reader<'_>, table: TableId, columns: &[usize], mut take: impl FnMut(Row, Option<u64>)) -> Result<(), SnapshotError> {
    let mut digits = String::new();
    reader.visit(table, columns, |row, cells| {
        let mut key = Some(0);
        for cell in cells {
            key = key.zip(cell_text(*cell, &mut digits)).map(|(seed, text)| text_hash(seed, &text));
        }
        take(row, key);
        Ok::<(), SnapshotError>(())
    })
}

/// Takes digests as they are.
#[derive(Default)]
struct Digest(u64);

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.0 = self.0.rotate_left(8) ^ u64::from(*b));
    }

    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_keys_near_and_far() {
        for keys in [vec![5, 3, 9, 3], vec![i64::MIN, i64::MAX, 0, i64::MAX], vec![-7], vec![]] {
            let by_key = RowsByKey::new(keys.iter().copied().zip(0..).collect());
            for key in [i64::MIN, -8, -7, 0, 3, 4, 5, 9, 10, i64::MAX] {
                let first = keys.iter().position(|k| *k == key).map_or(NO_ROW, |row| row as Row);
                assert_eq!(by_key.row(key), first, "{key} in {keys:?}");
            }
        }
        let mut digits = String::new();
        let of = |text: &'static str, digits: &mut String| integer_of(ValueRef::Text(text.as_bytes()), digits);
        assert_eq!(of("17", &mut digits), Some(17));
        for other in ["+17", "017", "-0", "17.0", "", "x"] {
            assert_eq!(of(other, &mut digits), None, "{other}");
        }
    }
}
