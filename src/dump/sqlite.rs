//! SQLite database files. Reads a private copy, with the write-ahead log beside it, so that the
//! user's file is never touched; reads tables and never views.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::sql::lexer::Flavor;
use super::{
    ByteKind, CellKind, DumpError, DumpFormat, ForeignKeyDdl, FormatMeta, Input, Note, Part, Position, RowBatch, SchemaChange, Sink,
};
use crate::model::{Column, Engine, OnDelete, QualifiedName};

/// SQLite files.
pub struct Sqlite;

const META: FormatMeta = FormatMeta {
    id: "sqlite",
    title: "SQLite database file",
    engine: Engine::Sqlite,
    source: "SQLite file format, section 1.3 (magic string); PRAGMA table_list, table_xinfo, foreign_key_list",
};

impl DumpFormat for Sqlite {
    fn meta(&self) -> &'static FormatMeta {
        &META
    }

    fn sniff(&self, head: &[u8]) -> bool {
        head.starts_with(b"SQLite format 3\0")
    }

    fn read(&self, input: &Input, sink: &mut dyn Sink) -> Result<(), DumpError> {
        let part = input.only();
        let scratch = tempfile::tempdir_in(&input.limits.scratch).map_err(|source| DumpError::Io { file: part.shown.clone(), source })?;
        let (copy, bytes) = private_copy(input, part, scratch.path(), sink)?;
        let broken = |error: rusqlite::Error| {
            let help = "the file is damaged or was copied while it was written; ask for a copy made with .backup or VACUUM INTO";
            DumpError::malformed(&part.shown, Position { offset: 0, line: 1 }, format!("SQLite cannot read it: {error}"), help)
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&copy, flags).map_err(broken)?;
        db.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA query_only = ON;").map_err(broken)?;
        let check: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(broken)?;
        if check != "ok" {
            let help = "ask for a copy made with .backup or VACUUM INTO";
            return Err(DumpError::malformed(
                &part.shown,
                Position { offset: 0, line: 1 },
                format!("the database is damaged: {check}"),
                help,
            ));
        }
        sink.note(Note::Written { engine: Engine::Sqlite, version: String::new() })?;
        read_all(&db, sink).map_err(|failure| match failure {
            Failure::Database(error) => broken(error),
            Failure::Sink(error) => error,
        })?;
        sink.account(ByteKind::Data, bytes);
        Ok(())
    }
}

/// What ends the reading: the database itself, or whoever takes the rows.
enum Failure {
    Database(rusqlite::Error),
    Sink(DumpError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<DumpError> for Failure {
    fn from(error: DumpError) -> Self {
        Self::Sink(error)
    }
}

fn read_all(db: &Connection, sink: &mut dyn Sink) -> Result<(), Failure> {
    let tables = tables(db, sink)?;
    for table in &tables {
        declare(db, table, sink)?;
    }
    hooks(db, sink)?;
    for table in &tables {
        rows(db, table, sink)?;
    }
    Ok(())
}

/// Copies the file and its `-wal` into `folder`; returns the copy and the bytes of both.
fn private_copy(input: &Input, part: &Part, folder: &Path, sink: &mut dyn Sink) -> Result<(PathBuf, u64), DumpError> {
    let io_error = |source| DumpError::Io { file: part.shown.clone(), source };
    let copy = folder.join("copy.db");
    let mut file = fs::File::create(&copy).map_err(io_error)?;
    let mut bytes = io::copy(&mut input.open(part)?, &mut file).map_err(|e| DumpError::from_read(&part.shown, e))?;
    let wal = part.path().map(|path| {
        let mut name: OsString = path.as_os_str().to_owned();
        name.push("-wal");
        PathBuf::from(name)
    });
    if let Some(wal) = wal.filter(|w| w.is_file()) {
        let log = fs::copy(&wal, folder.join("copy.db-wal")).map_err(io_error)?;
        input.given.fetch_add(log, std::sync::atomic::Ordering::Relaxed);
        bytes += log;
    } else {
        // Bytes 18 and 19 of the header are 2 in write-ahead mode: rows may still be in a log left behind.
        let mut head = [0; 20];
        let read = fs::File::open(&copy).and_then(|mut f| io::Read::read(&mut f, &mut head)).map_err(io_error)?;
        if read == head.len() && head[18] == 2 {
            let warning =
                format!("{}: written in WAL mode, but no -wal file lies beside it; rows not yet checkpointed are missing", part.shown);
            sink.note(Note::Warning(warning))?;
        }
    }
    Ok((copy, bytes))
}

struct SourceTable {
    name: String,
    without_rowid: bool,
}

fn tables(db: &Connection, sink: &mut dyn Sink) -> Result<Vec<SourceTable>, Failure> {
    let mut statement = db.prepare("SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' ORDER BY name")?;
    let mut found = Vec::new();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (name, kind, without_rowid): (String, String, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if name.starts_with("sqlite_") {
            continue;
        }
        match kind.as_str() {
            "table" => found.push(SourceTable { name, without_rowid }),
            "view" => {}
            other => {
                sink.note(Note::Warning(format!("{other} table {name} was not read")))?;
            }
        }
    }
    Ok(found)
}

fn declare(db: &Connection, table: &SourceTable, sink: &mut dyn Sink) -> Result<(), Failure> {
    let name = QualifiedName::new("main", &table.name);
    let mut changes = Vec::new();
    let mut columns = Vec::new();
    let mut key: Vec<(i64, String)> = Vec::new();
    let mut statement = db.prepare("SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1) ORDER BY cid")?;
    let mut rows = statement.query([&table.name])?;
    while let Some(row) = rows.next()? {
        let column: String = row.get(0)?;
        let hidden: i64 = row.get(5)?;
        if hidden == 1 {
            continue;
        }
        let pk: i64 = row.get(4)?;
        if pk > 0 {
            key.push((pk, column.clone()));
        }
        columns.push(Column {
            name: column,
            type_text: row.get(1)?,
            not_null: row.get(2)?,
            default: row.get(3)?,
            generated: hidden == 2 || hidden == 3,
            identity: false,
        });
    }
    key.sort();
    if key.len() == 1
        && !table.without_rowid
        && let Some(column) = columns.iter_mut().find(|c| c.name == key[0].1 && c.type_text.eq_ignore_ascii_case("integer"))
    {
        column.identity = true;
    }
    changes.push(SchemaChange::Table {
        name: name.clone(),
        columns,
        parents: Vec::new(),
        partitioned: false,
        storage_engine: String::new(),
    });
    if !key.is_empty() {
        changes.push(SchemaChange::PrimaryKey { table: name.clone(), columns: key.into_iter().map(|k| k.1).collect() });
    }
    changes.extend(indexes(db, table, &name)?);
    changes.extend(relations(db, table, &name)?);
    for change in changes {
        sink.schema(change, Position::default())?;
    }
    Ok(())
}

fn indexes(db: &Connection, table: &SourceTable, name: &QualifiedName) -> Result<Vec<SchemaChange>, rusqlite::Error> {
    let mut changes = Vec::new();
    let mut list = db.prepare("SELECT name, \"unique\", origin, partial FROM pragma_index_list(?1) ORDER BY seq DESC")?;
    let mut info = db.prepare("SELECT name FROM pragma_index_info(?1) ORDER BY seqno")?;
    let mut rows = list.query([&table.name])?;
    while let Some(row) = rows.next()? {
        let (index, unique, origin, partial): (String, bool, String, bool) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        if partial || origin == "pk" {
            continue;
        }
        let columns: Vec<Option<String>> = info.query_map([&index], |r| r.get(0))?.collect::<Result<_, _>>()?;
        let Some(columns) = columns.into_iter().collect::<Option<Vec<_>>>() else { continue };
        let table = name.clone();
        changes.push(if unique { SchemaChange::Unique { table, columns } } else { SchemaChange::Index { table, columns } });
    }
    Ok(changes)
}

fn relations(db: &Connection, table: &SourceTable, name: &QualifiedName) -> Result<Vec<SchemaChange>, rusqlite::Error> {
    let mut keys: Vec<(i64, ForeignKeyDdl)> = Vec::new();
    let mut list = db.prepare("SELECT id, \"table\", \"from\", \"to\", on_delete FROM pragma_foreign_key_list(?1) ORDER BY id, seq")?;
    let mut rows = list.query([&table.name])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let (parent, from, to, action): (String, String, Option<String>, String) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
        if keys.last().is_none_or(|k| k.0 != id) {
            keys.push((
                id,
                ForeignKeyDdl {
                    name: String::new(),
                    columns: Vec::new(),
                    parent: QualifiedName::new("main", parent),
                    parent_columns: Vec::new(),
                    on_delete: OnDelete::parse(&action).unwrap_or(OnDelete::NoAction),
                },
            ));
        }
        if let Some((_, key)) = keys.last_mut() {
            key.columns.push(from);
            key.parent_columns.extend(to);
        }
    }
    Ok(keys.into_iter().map(|(_, key)| SchemaChange::ForeignKey { table: name.clone(), key }).collect())
}

fn hooks(db: &Connection, sink: &mut dyn Sink) -> Result<(), Failure> {
    let mut statement = db.prepare("SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND sql IS NOT NULL ORDER BY name")?;
    let texts: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for text in texts {
        for change in super::sql::ddl::parse(text.as_bytes(), Flavor::SQLITE, "main").map(|d| d.changes).unwrap_or_default() {
            sink.schema(change, Position::default())?;
        }
    }
    Ok(())
}

fn rows(db: &Connection, table: &SourceTable, sink: &mut dyn Sink) -> Result<(), Failure> {
    let name = QualifiedName::new("main", &table.name);
    let mut columns = db.prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid")?;
    let names: Vec<String> = columns.query_map([&table.name], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let (source, width) = sink.open(&name, Some(&names), false, Position::default())?;
    let list: Vec<String> = names.iter().map(|n| quote(n)).collect();
    let mut statement = db.prepare(&format!("SELECT {} FROM main.{} NOT INDEXED", list.join(", "), quote(&table.name)))?;
    let mut batch = RowBatch::new();
    batch.reset(source);
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for index in 0..width {
            match row.get_ref(index)? {
                ValueRef::Null => batch.push_null(),
                ValueRef::Integer(n) => batch.push(CellKind::Integer, &n.to_le_bytes()),
                ValueRef::Real(x) => batch.push(CellKind::Real, &x.to_le_bytes()),
                ValueRef::Text(text) => batch.push(CellKind::Text, text),
                ValueRef::Blob(bytes) => batch.push(CellKind::Bytes, bytes),
            }
        }
        batch.end_row();
        if batch.is_full() {
            sink.rows(&mut batch)?;
        }
    }
    if !batch.is_empty() {
        sink.rows(&mut batch)?;
    }
    Ok(())
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
