//! What a format hands over while it is read: tables, rows, rows set aside, bytes, notes.

use std::sync::Arc;

use super::writer::{Message, Route};
use super::{HUGE_BYTES, Pump, StoredReject};
use crate::dump::{ByteKind, Charset, DumpError, Note, Position, Reject, RowBatch, RowSource, SchemaChange, Sink};
use crate::ingest::BadRows;
use crate::ingest::catalog::{Effect, Origin};
use crate::ingest::convert::Conversion;
use crate::model::{Engine, QualifiedName};
use crate::progress::interrupted;

impl Sink for Pump<'_> {
    fn schema(&mut self, change: SchemaChange, at: Position) -> Result<(), DumpError> {
        if matches!(change, SchemaChange::Table { .. }) {
            self.name_database();
        }
        let from = Origin { engine: self.input_engine, input: self.input };
        match self.catalog.apply(change, &self.database, from) {
            Effect::None => Ok(()),
            Effect::Refused(what) => {
                let help = "unseed executes nothing, so the rows would differ from the database's; restore the file to a scratch server and \
                            dump that with the engine's own tool";
                Err(DumpError::malformed(&self.file, at, what, help))
            }
            Effect::Dropped(tables) => tables.into_iter().try_for_each(|table| self.send(Message::Drop { table })),
            Effect::Created(index) => self.create(index),
            Effect::Widened(index) => {
                let table = &self.catalog.tables()[index];
                let Some(column) = table.table.columns.last().map(|c| c.name.clone()) else { return Ok(()) };
                if table.opened {
                    let help =
                        "the rows before it would need its default; a dump as the engine's own tool writes it declares every column first";
                    let what = format!("a column is added to table {} after its rows", table.table.name);
                    return Err(DumpError::malformed(&self.file, at, what, help));
                }
                self.send(Message::Widen { table: index, column })
            }
        }
    }

    fn open(
        &mut self,
        table: &QualifiedName,
        columns: Option<&[String]>,
        declare: bool,
        at: Position,
    ) -> Result<(RowSource, usize), DumpError> {
        let name = self.placed(table);
        let index = match (self.catalog.find(&name), columns) {
            (Some(index), _) => index,
            (None, Some(columns)) if declare => {
                let index = self.catalog.add_undeclared(&name, columns, Origin { engine: self.input_engine, input: self.input });
                self.create(index)?;
                index
            }
            _ => {
                let help = "give the file with its CREATE TABLE first: unseed scan schema.sql data.sql";
                return Err(DumpError::malformed(&self.file, at, format!("rows for table {name}, which nothing declares"), help));
            }
        };
        self.catalog.opened(index);
        if declare
            && !self.catalog.tables()[index].declared
            && let Some(names) = columns
        {
            for name in names {
                if self.catalog.add_column(index, name) {
                    self.send(Message::Widen { table: index, column: name.clone() })?;
                }
            }
        }
        let pending = &self.catalog.tables()[index];
        // Rows go by the types of whoever declared the table; a SQLite file stores what it stores.
        let types = if self.input_engine == Engine::Sqlite { Engine::Sqlite } else { pending.engine };
        let conversions = pending.table.columns.iter().map(|c| Conversion::of(types, &c.type_text));
        let mut routed: Vec<(Option<usize>, Conversion)> = conversions.map(|c| (None, c)).collect();
        let width = match columns {
            None => {
                // SQLite's statements leave out what it computes; others write DEFAULT there.
                let computed = |place: usize| self.input_engine == Engine::Sqlite && pending.table.columns[place].generated;
                let given = (0..routed.len()).filter(|place| !computed(*place)).collect::<Vec<_>>();
                for (cell, place) in given.iter().enumerate() {
                    routed[*place].0 = Some(cell);
                }
                given.len()
            }
            Some(names) => {
                for (place, name) in names.iter().enumerate() {
                    let Some(column) = pending.table.column(name).filter(|c| routed[*c].0.is_none()) else {
                        let help = "the columns of the rows and of the table's DDL must agree; check that both come from one database";
                        return Err(DumpError::malformed(
                            &self.file,
                            at,
                            format!("table {} has no column {name}, or it is named twice", pending.table.name),
                            help,
                        ));
                    };
                    routed[column].0 = Some(place);
                }
                names.len()
            }
        };
        if self.engine.is_none_or(|e| e == Engine::Csv) {
            self.engine = Some(self.input_engine);
        }
        let route = Route { table: index, columns: routed, width, charset: self.charset };
        // One route a table and column list, however many statements bring rows.
        let same = |r: &Arc<Route>| r.table == route.table && r.columns == route.columns && r.charset == route.charset;
        if let Some(known) = self.routes.iter().rposition(same) {
            return Ok((known as RowSource, width));
        }
        self.routes.push(Arc::new(route));
        Ok((self.routes.len() as RowSource - 1, width))
    }

    fn declared(&self, table: &QualifiedName) -> Option<Vec<String>> {
        let name = self.placed(table);
        let pending = self.catalog.find(&name).map(|index| &self.catalog.tables()[index]).filter(|p| p.declared)?;
        Some(pending.table.columns.iter().filter(|c| !c.generated).map(|c| c.name.clone()).collect())
    }

    fn charset(&mut self, charset: Charset) {
        self.charset = charset;
    }

    fn rows(&mut self, batch: &mut RowBatch) -> Result<(), DumpError> {
        if interrupted() {
            return Err(DumpError::Interrupted);
        }
        let route = Arc::clone(&self.routes[batch.source() as usize]);
        debug_assert!(batch.rows().all(|row| row.len() == route.width));
        self.rows_done += batch.len() as u64;
        self.tell();
        let mut empty = RowBatch::default();
        while let Ok(back) = self.recycled.try_recv() {
            self.out -= 1;
            empty = back;
        }
        let full = std::mem::replace(batch, empty);
        batch.reset(full.source());
        let huge = full.bytes() > HUGE_BYTES;
        self.out += 1;
        self.send(Message::Rows { route, batch: full })?;
        while huge && self.out > 0 {
            // The writer's own error, if it has stopped, is told when it is asked for.
            if self.recycled.recv().is_err() {
                break;
            }
            self.out -= 1;
        }
        Ok(())
    }

    fn reject(&mut self, reject: Reject<'_>) -> Result<(), DumpError> {
        let table = self.routes[reject.source as usize].table;
        let name = &self.catalog.tables()[table].table.name;
        if self.options.bad_rows == BadRows::Refuse {
            let help = "nothing was imported; repair the export, or set such rows aside with --bad-rows quarantine";
            return Err(DumpError::malformed(reject.file, reject.at, format!("table {name}: {}", reject.why), help));
        }
        self.rejects.push(StoredReject { table, input: self.input, at: reject.at, why: reject.why, raw: reject.raw.to_owned() });
        Ok(())
    }

    fn account(&mut self, kind: ByteKind, bytes: u64) {
        let place = ByteKind::ALL.iter().position(|k| *k == kind).unwrap_or_default();
        if let Some(entry) = self.ledger.last_mut() {
            entry[place] += bytes;
        }
    }

    fn note(&mut self, note: Note) -> Result<(), DumpError> {
        match note {
            // One format, two engines: only the dump itself tells which wrote it.
            Note::Written { engine: Engine::Mariadb, .. } if self.input_engine == Engine::Mysql => self.input_engine = Engine::Mariadb,
            Note::Written { .. } => {}
            Note::Database(name) => self.database = name,
            Note::TakenAt(micros) => self.taken_at = Some(self.taken_at.map_or(micros, |t| t.max(micros))),
            Note::Truncated { missing, at } => {
                if !self.options.allow_truncated {
                    let help = "nothing was imported; ask for a complete dump, or look at what is there with --allow-truncated";
                    return Err(DumpError::malformed(&self.file, at, format!("the file is cut off: {missing} is missing"), help));
                }
                self.truncated = true;
                self.warnings.push(format!("the input is cut off at line {}: {missing} is missing", at.line));
            }
            Note::Dialect(dialect) => self.dialects.push(dialect),
            Note::Warning(warning) => self.warnings.push(warning),
        }
        Ok(())
    }
}
