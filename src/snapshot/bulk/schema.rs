//! Enters finished b-trees into the file's schema, by hand.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use rusqlite::{Connection, params};

use super::Open;
use super::indexes::Index;

/// Tells the header how many pages there are.
///
/// Source: SQLite file format, section 1.3.8: the count at 28 holds where the change counters at 24 and 92 agree.
pub(super) fn set_page_count(path: &Path, pages: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut counter = [0; 4];
    file.seek(SeekFrom::Start(24))?;
    file.read_exact(&mut counter)?;
    file.seek(SeekFrom::Start(28))?;
    file.write_all(&pages.to_be_bytes())?;
    file.seek(SeekFrom::Start(92))?;
    file.write_all(&counter)
}

/// Enters finished b-trees into the schema.
pub(super) fn adopt(db: &Connection, tables: &[Open], roots: &[u32], indexes: &[Index]) -> rusqlite::Result<()> {
    enter(db, |db| {
        let mut insert = db.prepare("INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ('table', ?1, ?1, ?2, ?3)")?;
        for (table, root) in tables.iter().zip(roots) {
            // A dropped table has no page.
            if *root > 0 {
                insert.execute(params![table.physical, root, table.ddl()])?;
            }
        }
        indexes.iter().filter(|i| i.root > 0).try_for_each(|index| enter_index(db, tables, index))
    })
}

pub(super) fn enter_index(db: &Connection, tables: &[Open], index: &Index) -> rusqlite::Result<()> {
    let mut insert =
        db.prepare_cached("INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ('index', ?1, ?2, ?3, ?4)")?;
    insert.execute(params![index.name, tables[index.table].physical, index.root, index.ddl])?;
    Ok(())
}

/// Changes the schema by hand.
pub(super) fn enter(db: &Connection, change: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> rusqlite::Result<()> {
    db.execute_batch("PRAGMA writable_schema = ON; BEGIN;")?;
    change(db)?;
    db.execute_batch("COMMIT; PRAGMA writable_schema = RESET;")
}
