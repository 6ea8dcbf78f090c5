//! The two threads of an ingest: a reader that splits rows, a writer that stores them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use rusqlite::params;

use super::catalog::{Catalog, Effect, Origin};
use super::convert::Conversion;
use super::inputs::Recognised;
use super::{BadRows, IngestError, Options, Summary};
use crate::dump::{ByteKind, Charset, DumpError, Note, Position, Reject, RowBatch, RowSource, SchemaChange, Sink};
use crate::model::{Engine, QualifiedName, TableId, TakenAt, ValueRef};
use crate::progress::{Progress, interrupted};
use crate::snapshot::{BulkTable, BulkWriter, Finished, Partial, SnapshotError};
use crate::timing::timed;

/// Batches on their way between the threads: enough that neither waits for the other's hiccups.
const QUEUE: usize = 8;

/// Bytes of a batch from which the reader waits until it is stored: such batches do not pile up.
const HUGE_BYTES: usize = 4 << 20;

/// Where a source's cells go.
#[derive(Debug)]
struct Route {
    table: usize,
    /// For each column of the table: which cell it takes, if any, and how.
    columns: Vec<(Option<usize>, Conversion)>,
    width: usize,
    charset: Charset,
}

enum Message {
    Create { name: QualifiedName, columns: Vec<String> },
    Widen { table: usize, column: String },
    Drop { table: usize },
    Rows { route: Arc<Route>, batch: RowBatch },
}

#[derive(Debug)]
struct StoredReject {
    table: usize,
    input: usize,
    at: Position,
    why: String,
    raw: Vec<u8>,
}

struct Pump<'a> {
    options: &'a Options,
    progress: &'a dyn Progress,
    catalog: Catalog,
    routes: Vec<Arc<Route>>,
    to_writer: Option<SyncSender<Message>>,
    recycled: Receiver<RowBatch>,
    input: usize,
    file: String,
    input_engine: Engine,
    engine: Option<Engine>,
    database: String,
    databases: Vec<String>,
    taken_at: Option<i64>,
    truncated: bool,
    charset: Charset,
    rejects: Vec<StoredReject>,
    warnings: Vec<String>,
    dialects: Vec<String>,
    ledger: Vec<[u64; 4]>,
    fetched: Arc<std::sync::atomic::AtomicU64>,
    fetched_before: u64,
    rows_done: u64,
    /// Batches that the writer has not given back.
    out: usize,
}

/// What the writer thread gives back.
struct Written {
    writer: BulkWriter,
    invalid_utf8: Vec<Vec<u64>>,
}

pub(super) fn run(inputs: &[Recognised], partial: Partial, options: &Options, progress: &dyn Progress) -> Result<Summary, IngestError> {
    let writer = BulkWriter::create(partial, options.method)?.checked(options.check);
    let total: u64 = inputs.iter().map(|i| i.input.stored_bytes()).sum();
    progress.begin("ingest", Some(total).filter(|t| *t > 0));
    let (to_writer, messages) = sync_channel(QUEUE);
    let (give_back, recycled) = channel();
    let mut pump = Pump {
        options,
        progress,
        catalog: Catalog::default(),
        routes: Vec::new(),
        to_writer: Some(to_writer),
        recycled,
        input: 0,
        file: String::new(),
        input_engine: Engine::Csv,
        engine: None,
        database: String::new(),
        databases: Vec::new(),
        taken_at: None,
        truncated: false,
        charset: Charset::Utf8,
        rejects: Vec::new(),
        warnings: Vec::new(),
        dialects: Vec::new(),
        ledger: Vec::new(),
        fetched: Arc::default(),
        fetched_before: 0,
        rows_done: 0,
        out: 0,
    };
    let written = timed(
        || "ingest: read and write",
        || {
            thread::scope(|scope| {
                let writing = scope.spawn(move || write(writer, &messages, &give_back));
                let read = pump.read_all(inputs);
                // Without its sender the writer comes to its end.
                pump.to_writer = None;
                let written =
                    writing.join().unwrap_or_else(|_| Err(SnapshotError::Damaged("the writing thread ended abnormally".to_owned())));
                match (read, written) {
                    // A writer that failed makes the reader fail too; its own error is the cause.
                    (_, Err(error)) => Err(IngestError::from(error)),
                    (Err(error), _) => Err(IngestError::from(error)),
                    (Ok(()), Ok(written)) => Ok(written),
                }
            })
        },
    )?;
    progress.end();
    pump.finish(written, inputs)
}

fn write(mut writer: BulkWriter, messages: &Receiver<Message>, give_back: &Sender<RowBatch>) -> Result<Written, SnapshotError> {
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

impl Pump<'_> {
    fn read_all(&mut self, inputs: &[Recognised]) -> Result<(), DumpError> {
        for (index, recognised) in inputs.iter().enumerate() {
            self.input = index;
            self.file.clone_from(&recognised.input.shown);
            self.input_engine = recognised.format.meta().engine;
            self.ledger.push([0; 4]);
            self.database.clear();
            self.charset = Charset::Utf8;
            self.fetched = Arc::clone(&recognised.input.fetched);
            recognised.format.read(&recognised.input, self)?;
            if recognised.input.cut.load(Ordering::Relaxed) {
                self.note(Note::Truncated { missing: "the end of its packed data".to_owned(), at: Position::default() })?;
            }
            self.fetched_before += recognised.input.stored_bytes();
            let accounted: u64 = self.ledger[index].iter().sum();
            let bytes = recognised.input.given.load(Ordering::Relaxed);
            if accounted != bytes {
                return Err(DumpError::Unaccounted { file: self.file.clone(), accounted, bytes });
            }
        }
        Ok(())
    }

    fn send(&mut self, message: Message) -> Result<(), DumpError> {
        let sent = self.to_writer.as_ref().is_some_and(|writer| writer.send(message).is_ok());
        if sent { Ok(()) } else { Err(DumpError::Store("the writing thread has stopped".to_owned())) }
    }

    /// Returns a name within the database at hand, unless it tells its own.
    fn placed(&self, table: &QualifiedName) -> QualifiedName {
        let mut name = table.clone();
        if name.database.is_empty() {
            name.database.clone_from(&self.database);
        }
        name
    }

    /// Notes that the database at hand holds tables.
    fn name_database(&mut self) {
        if !self.databases.contains(&self.database) {
            self.databases.push(self.database.clone());
        }
    }

    fn create(&mut self, index: usize) -> Result<(), DumpError> {
        let table = &self.catalog.tables()[index].table;
        let name = table.name.clone();
        let columns = table.columns.iter().map(|c| c.name.clone()).collect();
        self.send(Message::Create { name, columns })
    }

    /// Tells how far the reading is: in bytes as they lie on disk.
    fn tell(&self) {
        self.progress.advance(self.fetched_before + self.fetched.load(Ordering::Relaxed), self.rows_done);
    }

    fn finish(mut self, written: Written, inputs: &[Recognised]) -> Result<Summary, IngestError> {
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
