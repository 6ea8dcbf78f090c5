//! What fuzzing runs: an input read by one format, or by the program as a whole, with everything that must
//! hold of it. Shared by the tests, which change seeds for a time, and by `fuzz/`, which lets coverage lead.

use std::collections::BTreeMap;
use std::path::Path;

use unseed::dump::{
    ByteKind, Charset, DumpError, FORMATS, Input, Limits, MAX_MEMORY_BYTES, Note, Part, Position, Reject, RowBatch, RowSource,
    SchemaChange, Sink,
};
use unseed::ingest::{BadRows, Options, ingest};
use unseed::model::QualifiedName;
use unseed::progress::Silent;

/// Reads an input as `target` says; returns whether it was read to its end. Panics where a promise is broken.
pub fn run(folder: &Path, target: &str, bytes: &[u8]) -> bool {
    if matches!(target, "wrappers" | "archives" | "folders") { all(folder, bytes) } else { one(folder, target, bytes) }
}

/// Reads an input with one format; returns whether it was read to its end.
fn one(folder: &Path, target: &str, bytes: &[u8]) -> bool {
    let path = folder.join("input");
    std::fs::write(&path, bytes).expect("a file");
    let format = FORMATS.iter().find(|f| f.meta().id == target).expect("a format");
    let _ = format.sniff(&bytes[..bytes.len().min(64 << 10)]);
    let limits = Limits::of_memory(MAX_MEMORY_BYTES, folder);
    let input = Input::new("input".to_owned(), vec![Part::file(&path, "input".to_owned(), "input".to_owned())], limits);
    let mut sink = Collector::default();
    let done = format.read(&input, &mut sink).is_ok();
    if done {
        assert_eq!(sink.accounted, input.given.load(std::sync::atomic::Ordering::Relaxed), "{target}: bytes unaccounted");
    }
    done
}

/// Reads an input as the program does, into a case file.
fn all(folder: &Path, bytes: &[u8]) -> bool {
    let path = folder.join("input");
    std::fs::write(&path, bytes).expect("a file");
    let case = folder.join("case.db");
    let options = Options { allow_truncated: bytes.len().is_multiple_of(2), bad_rows: BadRows::Quarantine, ..Options::default() };
    let done = ingest(&[path], &case, &options, &Silent);
    if let Err(error) = &done {
        assert!(!error.to_string().contains("accounted for"), "{error}");
    }
    let left: Vec<_> =
        std::fs::read_dir(folder).expect("a folder").flatten().map(|e| e.file_name()).filter(|n| n != "input" && n != "case.db").collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    let _ = std::fs::remove_file(case);
    done.is_ok()
}

/// Takes everything, holds the reader to its promises, keeps nothing.
#[derive(Default)]
struct Collector {
    tables: BTreeMap<QualifiedName, Vec<String>>,
    widths: Vec<usize>,
    accounted: u64,
}

impl Sink for Collector {
    fn schema(&mut self, change: SchemaChange, _at: Position) -> Result<(), DumpError> {
        match change {
            SchemaChange::Table { name, columns, .. } => {
                self.tables.insert(name, columns.into_iter().map(|c| c.name).collect());
            }
            SchemaChange::Drop { table } => {
                self.tables.remove(&table);
            }
            _ => {}
        }
        Ok(())
    }

    fn open(
        &mut self,
        table: &QualifiedName,
        columns: Option<&[String]>,
        declare: bool,
        _at: Position,
    ) -> Result<(RowSource, usize), DumpError> {
        let width = match (columns, self.tables.get(table)) {
            (Some(columns), Some(_)) => columns.len(),
            (Some(columns), None) if declare => {
                self.tables.insert(table.clone(), columns.to_vec());
                columns.len()
            }
            (None, Some(own)) => own.len(),
            _ => return Err(DumpError::Store("an unknown table".to_owned())),
        };
        self.widths.push(width);
        Ok((self.widths.len() as RowSource - 1, width))
    }

    fn declared(&self, table: &QualifiedName) -> Option<Vec<String>> {
        self.tables.get(table).cloned()
    }

    fn charset(&mut self, _charset: Charset) {}

    fn rows(&mut self, batch: &mut RowBatch) -> Result<(), DumpError> {
        let width = self.widths[batch.source() as usize];
        for row in batch.rows() {
            assert_eq!(row.len(), width, "cells of a row");
            for cell in row.iter() {
                assert!(!cell.valid || std::str::from_utf8(cell.bytes).is_ok(), "a cell that is said to be UTF-8");
            }
        }
        let source = batch.source();
        batch.reset(source);
        Ok(())
    }

    fn reject(&mut self, reject: Reject<'_>) -> Result<(), DumpError> {
        assert!(!reject.raw.is_empty());
        Ok(())
    }

    fn account(&mut self, _kind: ByteKind, bytes: u64) {
        self.accounted += bytes;
    }

    fn note(&mut self, _note: Note) -> Result<(), DumpError> {
        Ok(())
    }
}
