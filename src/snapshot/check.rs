//! Whether a new file is whole: SQLite looks at every page of it while the system brings it to the disk.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, OpenFlags};

use super::SnapshotError;
use super::leaves::PageFile;
use crate::timing::timed;

/// When a new file is checked and brought to the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// Before it gets its name.
    #[default]
    First,
    /// By its only reader: see [`super::Case::open_unchecked`].
    ByReader,
}

/// A check under way on a thread of its own.
pub(super) struct Checking(JoinHandle<Result<(), SnapshotError>>);

impl Checking {
    /// Begins to check the file that `pages` reads.
    pub(super) fn begin(path: &Path, pages: Arc<PageFile>) -> Self {
        let path = path.to_owned();
        Self(thread::spawn(move || timed(|| "ingest: check and sync", || whole(&path, pages.file()))))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// Returns what the check does.
    pub(super) fn end(self) -> Result<(), SnapshotError> {
        self.0.join().unwrap_or_else(|_| Err(SnapshotError::Damaged("the checking thread ended abnormally".to_owned())))
    }
}

/// Checks a file that nobody writes to; `file` is the same.
///
/// # Errors
/// Returns that it is damaged, or what SQLite or the system says.
pub(super) fn whole(path: &Path, file: &File) -> Result<(), SnapshotError> {
    let shown = || path.display().to_string();
    let check = || -> rusqlite::Result<String> {
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        // Each page is looked at once or twice and never again: a cache that outgrows the processor's is only slower.
        db.execute_batch("PRAGMA cache_size = -1024; PRAGMA trusted_schema = OFF")?;
        db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
    };
    thread::scope(|scope| {
        let syncing = scope.spawn(|| file.sync_all());
        let check = check().map_err(|source| SnapshotError::Sqlite { file: shown(), source })?;
        match syncing.join() {
            Ok(synced) => synced.map_err(|source| SnapshotError::Io { file: shown(), source })?,
            Err(_) => return Err(SnapshotError::Damaged("the syncing thread ended abnormally".to_owned())),
        }
        if check == "ok" { Ok(()) } else { Err(SnapshotError::Damaged(check)) }
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use super::*;

    #[test]
    fn finds_a_page_that_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.db");
        let db = Connection::open(&path).expect("a database");
        db.execute_batch("PRAGMA page_size = 512; CREATE TABLE t (a);").expect("a table");
        for n in 0..200 {
            db.execute("INSERT INTO t VALUES (?1)", ["x".repeat(n)]).expect("a row");
        }
        drop(db);
        let check = || Checking::begin(&path, Arc::new(PageFile::open(&path).expect("a header"))).end();
        check().expect("a whole file");
        let file = File::options().write(true).open(&path).expect("a file");
        file.write_all_at(&[0xff; 512], 512 * 20).expect("written");
        assert!(matches!(check(), Err(SnapshotError::Damaged(_))));
    }
}
