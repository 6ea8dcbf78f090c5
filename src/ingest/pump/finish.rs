//! What a case file says of its inputs, written after the last row.

use std::path::Path;
use std::sync::atomic::Ordering;

use rusqlite::params;

use super::Pump;
use super::writer::Written;
use crate::dump::ByteKind;
use crate::ingest::inputs::Recognised;
use crate::ingest::{IngestError, Summary};
use crate::model::{Engine, TakenAt};
use crate::snapshot::{BulkTable, Finished};

impl Pump<'_> {
    /// Settles the tables and writes what is known of the inputs.
    pub(super) fn finish(mut self, written: Written, inputs: &[Recognised]) -> Result<Summary, IngestError> {
        let mut tables = Vec::new();
        // Tables that stood in for views go; the others move up.
        let mut ids: Vec<Option<usize>> = Vec::new();
        let mut kept = 0;
        for (index, settled) in std::mem::take(&mut self.catalog).finish().into_iter().enumerate() {
            let rejected = self.rejects.iter().filter(|r| r.table == index).count() as u64;
            let invalid_utf8 = written.invalid_utf8.get(index).cloned().unwrap_or_default();
            let rows = written.writer.rows(index);
            let dropped = settled.gone || (settled.view && rows == 0 && rejected == 0);
            if settled.gone && rows + rejected > 0 {
                let name = &settled.table.name;
                self.warnings
                    .push(format!("the input drops table {name} after {rows} rows; they are gone, as they would be in its database"));
            }
            ids.push((!dropped).then_some(kept));
            kept += usize::from(!dropped);
            let (table, declared) = (settled.table, settled.declared);
            tables.push(BulkTable { table, declared, rejected, truncated: self.truncated, invalid_utf8, dropped });
        }
        let taken_at = match (self.options.taken_at, self.taken_at) {
            (Some(micros), _) => TakenAt::Given(micros),
            (None, Some(micros)) => TakenAt::Dump(micros),
            (None, None) => TakenAt::Unknown,
        };
        let database = if self.databases.len() == 1 { self.databases[0].clone() } else { String::new() };
        let meta = [
            ("engine", self.engine.unwrap_or(Engine::Csv).as_str().to_owned()),
            ("database", database),
            ("taken_at", serde_json::to_string(&taken_at).unwrap_or_default()),
            ("truncated", if self.truncated { "1" } else { "0" }.to_owned()),
            ("tool_version", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        let (ledger, rejects, warnings) = (&self.ledger, &self.rejects, &self.warnings);
        let dialects = &self.dialects;
        let bytes: Vec<u64> = inputs.iter().map(|i| i.input.given.load(Ordering::Relaxed)).collect();
        self.progress.begin("check", None);
        let finished: Finished = written.writer.finish(&tables, &meta, |db| {
            for (ordinal, recognised) in inputs.iter().enumerate() {
                let name = Path::new(&recognised.input.shown).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                let name = if name.is_empty() { recognised.input.shown.clone() } else { name };
                db.execute(
                    "INSERT INTO unseed_inputs (ordinal, name, format, bytes, stored_bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![ordinal, name, recognised.format.meta().id, bytes[ordinal] as i64, recognised.input.stored_bytes() as i64],
                )?;
                for (kind, bytes) in ByteKind::ALL.iter().zip(ledger[ordinal]) {
                    db.execute("INSERT INTO unseed_byte_ledger VALUES (?1, ?2, ?3)", params![ordinal, kind.as_str(), bytes as i64])?;
                }
            }
            for reject in rejects.iter().filter(|r| ids[r.table].is_some()) {
                db.execute(
                    "INSERT INTO unseed_rejects VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![ids[reject.table], reject.input, reject.at.line as i64, reject.at.offset as i64, reject.why, reject.raw],
                )?;
            }
            for dialect in dialects {
                db.execute("INSERT INTO unseed_dialects (dialect) VALUES (?1)", [dialect])?;
            }
            for warning in warnings {
                db.execute("INSERT INTO unseed_warnings (layer, warning) VALUES ('ingest', ?1)", [warning])?;
            }
            Ok(())
        })?;
        self.progress.end();
        let listed = tables.iter().zip(&finished.rows).filter(|t| !t.0.dropped);
        let listed = listed.map(|(t, rows)| (t.table.name.to_string(), *rows, t.rejected)).collect();
        Ok(Summary { id: finished.id, tables: listed, bytes: bytes.iter().sum(), dialects: self.dialects, warnings: self.warnings })
    }
}
