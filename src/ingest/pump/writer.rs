//! The thread that stores rows.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use crate::dump::{Charset, RowBatch};
use crate::ingest::convert::Conversion;
use crate::model::{QualifiedName, TableId, ValueRef};
use crate::snapshot::{BulkWriter, SnapshotError};

/// Where a source's cells go.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) table: usize,
    /// For each column of the table: which cell it takes, if any, and how.
    pub(super) columns: Vec<(Option<usize>, Conversion)>,
    pub(super) width: usize,
    pub(super) charset: Charset,
}

/// What the reader tells the writer.
pub(super) enum Message {
    Create { name: QualifiedName, columns: Vec<String> },
    Widen { table: usize, column: String },
    Drop { table: usize },
    Rows { route: Arc<Route>, batch: RowBatch },
}

/// What the writer thread gives back.
pub(super) struct Written {
    pub(super) writer: BulkWriter,
    pub(super) invalid_utf8: Vec<Vec<u64>>,
}

/// Stores what the reader sends, until it ends; gives batches back.
pub(super) fn write(mut writer: BulkWriter, messages: &Receiver<Message>, give_back: &Sender<RowBatch>) -> Result<Written, SnapshotError> {
    let mut ids: Vec<TableId> = Vec::new();
    let mut invalid_utf8: Vec<Vec<u64>> = Vec::new();
    for message in messages {
        match message {
            Message::Create { name, columns } => {
                ids.push(writer.create_table(&name, &columns)?);
                invalid_utf8.push(vec![0; columns.len()]);
            }
            Message::Widen { table, column } => {
                writer.add_column(ids[table], &column)?;
                invalid_utf8[table].push(0);
            }
            Message::Drop { table } => writer.drop_table(ids[table])?,
            Message::Rows { route, batch } => {
                store(&mut writer, ids[route.table], &route, &batch, &mut invalid_utf8[route.table])?;
                // Nobody takes it back once the reader has ended.
                let _ = give_back.send(batch);
            }
        }
    }
    Ok(Written { writer, invalid_utf8 })
}

fn store(writer: &mut BulkWriter, table: TableId, route: &Route, batch: &RowBatch, invalid: &mut [u64]) -> Result<(), SnapshotError> {
    let mut scratch = Vec::new();
    let mut rows = writer.rows_of(table);
    let decoded = !route.charset.needs_decoding();
    for index in 0..batch.len() {
        let cells = batch.row(index);
        rows.begin();
        for ((cell, conversion), invalid) in route.columns.iter().zip(invalid.iter_mut()) {
            let (value, broken) = match cell.map(|place| cells.get(place)) {
                Some(cell) if decoded && conversion.keeps(cell) => {
                    rows.push_text(cell.bytes);
                    continue;
                }
                Some(cell) => conversion.store(cell, route.charset, &mut scratch),
                None => (ValueRef::Null, false),
            };
            *invalid += u64::from(broken);
            rows.push(value);
        }
        rows.end()?;
    }
    Ok(())
}
