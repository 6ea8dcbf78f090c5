//! A sink whose account of bytes somebody else keeps.

use crate::dump::{ByteKind, Charset, DumpError, Note, Position, Reject, RowBatch, RowSource, SchemaChange, Sink};
use crate::model::QualifiedName;

/// Hands on everything but the account of bytes: those of a custom archive are packed, and accounted for so.
pub(super) struct Muted<'s>(pub(super) &'s mut dyn Sink);

impl Sink for Muted<'_> {
    fn schema(&mut self, change: SchemaChange, at: Position) -> Result<(), DumpError> {
        self.0.schema(change, at)
    }

    fn open(
        &mut self,
        table: &QualifiedName,
        columns: Option<&[String]>,
        declare: bool,
        at: Position,
    ) -> Result<(RowSource, usize), DumpError> {
        self.0.open(table, columns, declare, at)
    }

    fn declared(&self, table: &QualifiedName) -> Option<Vec<String>> {
        self.0.declared(table)
    }

    fn charset(&mut self, charset: Charset) {
        self.0.charset(charset);
    }

    fn rows(&mut self, batch: &mut RowBatch) -> Result<(), DumpError> {
        self.0.rows(batch)
    }

    fn reject(&mut self, reject: Reject<'_>) -> Result<(), DumpError> {
        self.0.reject(reject)
    }

    fn account(&mut self, _kind: ByteKind, _bytes: u64) {}

    fn note(&mut self, note: Note) -> Result<(), DumpError> {
        self.0.note(note)
    }
}
