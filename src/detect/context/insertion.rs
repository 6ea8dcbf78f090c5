//! When each row of a table was made and in which order rows were inserted, and which rows lie where their dates do
//! not say.

use std::sync::Arc;

use super::{Elsewhere, Life, Order, SnapshotError, TableFacts};
use crate::model::{Minted, Role, Row, TableId};
use crate::profile::{InsertionClock, Packed, Profile, agreement, rising_line};
use crate::snapshot::{CHUNK_ROWS, ColumnRead, Reader, scan};

/// Fills in what the clocks of a table tell.
pub(super) fn times_and_order(reader: Reader<'_>, profile: &Profile, id: TableId, facts: &mut TableFacts) -> Result<(), SnapshotError> {
    let table = profile.table(id);
    facts.created = Arc::clone(&table.created);
    let key = match table.clock {
        InsertionClock::Key { column, .. } if !table.lies_by_key => Some(ColumnRead::Integer(column)),
        _ => None,
    };
    let ids = table.ids;
    let mut reads: Vec<ColumnRead> = key.into_iter().chain(ids.map(|i| ColumnRead::Text(i.column))).collect();
    reads.sort_unstable();
    reads.dedup();
    let mut keys = Packed::default();
    let mut minted: Vec<Option<Minted>> = Vec::new();
    if !reads.is_empty() {
        scan(reader, id, &reads, CHUNK_ROWS, |chunk| {
            if let Some(read) = key {
                keys.extend(chunk.frame.column(&read.name()).and_then(|c| c.i64()).map_err(SnapshotError::Frame)?.iter());
            }
            if let Some(ids) = ids {
                let texts = chunk.frame.column(&ColumnRead::Text(ids.column).name()).and_then(|c| c.str()).map_err(SnapshotError::Frame)?;
                minted.extend(texts.iter().map(|t| t.and_then(|t| ids.scheme.read(t))));
            }
            Ok::<(), SnapshotError>(())
        })?;
    }
    let distances: Vec<i64> = facts.created.iter().zip(&minted).filter_map(|(c, m)| Some(c? - (*m)?.micros)).collect();
    let (offset, _) = agreement(&distances);
    facts.minted = minted.iter().map(|m| m.map(|m| m.micros + offset)).collect();
    // A row without a date of its own was made when its id was.
    facts.by_ids = matches!(table.clock, InsertionClock::Minted { .. });
    if table.column(Role::CreatedAt).is_none() && facts.by_ids {
        facts.created = Arc::new(facts.minted.clone());
    }
    facts.order = match table.clock {
        InsertionClock::Minted { .. } => in_order_of(&filled(&minted)),
        InsertionClock::Key { .. } if table.lies_by_key => Order::AsTheyLie(facts.rows),
        InsertionClock::Key { .. } => by_keys(&keys),
        InsertionClock::RowOrder { .. } => Order::AsTheyLie(facts.rows),
        InsertionClock::NotApplicable(_) => Order::Unknown,
    };
    drop((keys, minted));
    if !facts.by_ids {
        (facts.moved, facts.ahead) = off_the_line(facts);
    }
    facts.life = Life::of(facts.created.known().collect());
    Ok(())
}

/// Orders rows by their keys; those of one key stay as they lie.
fn by_keys(keys: &Packed) -> Order {
    let mut keyed: Vec<(Option<i64>, Row)> = keys.iter().zip(0..).collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, row)| row).collect()
}

/// Gives a row whose id has no clock that of the row before it.
fn filled(minted: &[Option<Minted>]) -> Vec<Option<Minted>> {
    let mut last = None;
    let latest = |id: &Option<Minted>| {
        last = id.or(last);
        last
    };
    minted.iter().map(latest).collect()
}

/// Orders rows by their ids' clocks.
fn in_order_of(minted: &[Option<Minted>]) -> Order {
    let mut rows: Vec<Row> = (0..minted.len() as Row).collect();
    if !minted.is_sorted() {
        rows.sort_unstable_by_key(|row| (minted[*row as usize], *row));
    }
    Order::of(rows)
}

/// Dates rows by their place: who lies behind the rising line was inserted when the line says, and who is ahead of it
/// before the line goes on.
fn off_the_line(facts: &TableFacts) -> (Elsewhere, Elsewhere) {
    let dated = || facts.order.iter().filter_map(|row| Some((row, facts.created.get(row)?)));
    let times: Vec<i64> = dated().map(|d| d.1).collect();
    let on_line = rising_line(&times);
    drop(times);
    let (mut moved, mut ahead) = (Vec::new(), Vec::new());
    let mut line = None;
    for ((row, time), on) in dated().zip(&on_line) {
        if *on {
            line = Some(time);
        } else if let Some(line) = line.filter(|line| *line > time) {
            moved.push((row, line));
        }
    }
    let mut line = None;
    for ((row, time), on) in dated().rev().zip(on_line.iter().rev()) {
        if *on {
            line = Some(time);
        } else if let Some(line) = line.filter(|line| *line < time) {
            ahead.push((row, line));
        }
    }
    (moved.into_iter().collect(), ahead.into_iter().collect())
}
