//! The two threads of an ingest: a reader that splits rows, a writer that stores them.

mod finish;
mod sink;
mod writer;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;

use super::catalog::Catalog;
use super::inputs::Recognised;
use super::{IngestError, Options, Summary};
use crate::dump::{Charset, DumpError, Note, Position, RowBatch, Sink as _};
use crate::model::{Engine, QualifiedName};
use crate::progress::Progress;
use crate::snapshot::{BulkWriter, Partial, SnapshotError};
use crate::timing::timed;
use writer::{Message, Route, write};

/// Batches on their way between the threads: enough that neither waits for the other's hiccups.
const QUEUE: usize = 8;

/// Bytes of a batch from which the reader waits until it is stored: such batches do not pile up.
const HUGE_BYTES: usize = 4 << 20;

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
}
