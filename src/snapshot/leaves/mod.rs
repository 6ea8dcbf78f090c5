//! Reads the rows of an ingested table from its b-tree's pages, in order, each cell borrowed from the page.
//! Ingested tables are never written again, so that no lock and no transaction is needed, and several threads
//! may read at once; the case's own tables are read by SQLite alone.
//!
//! Source: SQLite file format, sections 1.3 (header), 1.6 (b-tree pages), 1.7 (overflow pages), 2.1 (records).

mod cell;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::SnapshotError;
use crate::model::{Row, ValueRef};
use cell::{Cell, LEAF, children, gather, key, pointer, read_record};

/// Bytes read from the file at a time: leaves lie behind each other.
const BLOCK: usize = 256 << 10;

/// Leaves of a part, at most: 16 MiB of rows, however long they are.
const MOST_LEAVES: usize = 1_024;

/// Levels of a tree above which the file is damaged: 4 KiB pages with 2^32 rows have five.
const DEEPEST: usize = 20;

/// A case file whose pages can be read. It stays open as long as the case: to close it would drop SQLite's locks.
#[derive(Debug)]
pub(super) struct PageFile {
    file: File,
    shown: String,
    page: usize,
    /// Bytes of a page less those reserved.
    usable: usize,
    pages: u64,
}

/// Some rows of a table that follow each other: whole leaves.
#[derive(Clone, Debug)]
pub struct Part {
    /// Rows of the table before it.
    before: u64,
    /// The same behind it.
    last: u64,
    leaves: Vec<u32>,
}

impl Part {
    /// Returns the ordinal of its first row.
    #[must_use]
    pub const fn first_row(&self) -> Row {
        self.before as Row
    }

    /// Returns the number of its rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        (self.last - self.before) as usize
    }
}

/// Some pages of the file that lie behind each other.
struct Block {
    first: u64,
    bytes: Vec<u8>,
}

/// What a walk over a tree has read so far.
struct Walk<'f> {
    file: &'f PageFile,
    /// Leaves; interior pages, of which there are few, are read by themselves.
    block: Block,
    /// Payload of a row that does not fit its page.
    payload: Vec<u8>,
    visited: u64,
}

impl PageFile {
    /// Opens a file that SQLite has found to be a database.
    ///
    /// # Errors
    /// Returns what the system says, or that the header is none.
    pub(super) fn open(path: &Path) -> Result<Self, SnapshotError> {
        let shown = path.display().to_string();
        let io = |source| SnapshotError::Io { file: shown.clone(), source };
        let file = File::open(path).map_err(io)?;
        let mut header = [0; 100];
        file.read_exact_at(&mut header, 0).map_err(io)?;
        let page = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size => usize::from(size),
        };
        let usable = page.saturating_sub(usize::from(header[20]));
        if !page.is_power_of_two() || usable < 480 {
            return Err(SnapshotError::Damaged(format!("{shown}: no page size")));
        }
        let pages = file.metadata().map_err(io)?.len() / page as u64;
        Ok(Self { file, shown, page, usable, pages })
    }

    /// Returns the file, for what is no reading.
    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    /// Hands the cells of `columns`, which rise, of every row of the tree at page `root` to `take`.
    ///
    /// # Errors
    /// Returns what the system says or `take` does, or that the file is damaged.
    pub(super) fn rows<E: From<SnapshotError>>(
        &self,
        root: u32,
        columns: &[usize],
        mut take: impl FnMut(&[ValueRef<'_>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut walk = Walk { file: self, block: Block { first: 0, bytes: Vec::new() }, payload: Vec::new(), visited: 0 };
        walk.tree(root, 0, &mut |walk, leaf| walk.leaf(leaf, columns, &mut take))
    }

    /// Divides the tree at page `root`, which has `rows` rows, into parts of at most `most` rows; a page that has more
    /// is a part by itself.
    ///
    /// # Errors
    /// Returns what the system says, or that the file is damaged.
    pub(super) fn parts(&self, root: u32, rows: u64, most: u64) -> Result<Vec<Part>, SnapshotError> {
        let mut leaves: Vec<(u32, u64)> = Vec::new();
        let mut visited = 0;
        self.leaves(root, rows, 0, &mut visited, &mut leaves)?;
        let mut parts: Vec<Part> = Vec::new();
        let mut before = 0;
        for (page, last) in leaves {
            if last < before || last > rows {
                return Err(self.damaged("the rows of a table are out of order"));
            }
            match parts.last_mut() {
                Some(part) if last - part.before <= most && part.leaves.len() < MOST_LEAVES => {
                    part.leaves.push(page);
                    part.last = last;
                }
                _ => parts.push(Part { before, last, leaves: vec![page] }),
            }
            before = last;
        }
        Ok(parts)
    }

    /// Lists the leaves below a page, each with its last row's number, from the pages above them.
    fn leaves(&self, page: u32, last: u64, depth: usize, visited: &mut u64, found: &mut Vec<(u32, u64)>) -> Result<(), SnapshotError> {
        *visited += 1;
        if depth > DEEPEST || *visited > self.pages {
            return Err(self.damaged("pages refer to each other in a circle"));
        }
        let mut bytes = Vec::new();
        self.read(u64::from(page), self.page, &mut bytes)?;
        if bytes[0] == LEAF {
            found.push((page, last));
            return Ok(());
        }
        let broken = || self.damaged("a page of a table is none");
        let children = children(&bytes).ok_or_else(broken)?;
        // All leaves are as deep as each other, so that one child tells of all.
        let mut first = Vec::new();
        self.read(u64::from(children[0]), self.page, &mut first)?;
        for (index, child) in children.iter().enumerate() {
            let last = if index + 1 == children.len() { last } else { key(&bytes, index).ok_or_else(broken)? };
            if first[0] == LEAF {
                found.push((*child, last));
            } else {
                self.leaves(*child, last, depth + 1, visited, found)?;
            }
        }
        // Each page is found once in a whole file.
        if found.len() as u64 > self.pages { Err(self.damaged("pages refer to each other in a circle")) } else { Ok(()) }
    }

    /// Hands the cells of `columns`, which rise, of every row of a part to `take`.
    ///
    /// # Errors
    /// Returns what the system says or `take` does, or that the file is damaged.
    pub(super) fn rows_of_part<E: From<SnapshotError>>(
        &self,
        part: &Part,
        columns: &[usize],
        mut take: impl FnMut(&[ValueRef<'_>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut walk = Walk { file: self, block: Block { first: 0, bytes: Vec::new() }, payload: Vec::new(), visited: 0 };
        let mut rows = 0;
        for leaf in &part.leaves {
            if walk.page(u64::from(*leaf))?[0] != LEAF {
                return Err(self.damaged("a page of a table is none").into());
            }
            walk.leaf(u64::from(*leaf), columns, &mut |cells: &[ValueRef<'_>]| {
                rows += 1;
                if rows > part.rows() { Err(self.damaged("a table has more rows than it should").into()) } else { take(cells) }
            })?;
        }
        if rows == part.rows() { Ok(()) } else { Err(self.damaged("a table has fewer rows than it should").into()) }
    }

    /// Hands the cells of `columns`, which rise, of some rows of a part, which rise too, to `take`.
    ///
    /// # Errors
    /// Returns what the system says or `take` does, or that the file is damaged.
    pub(super) fn pick<E: From<SnapshotError>>(
        &self,
        part: &Part,
        rows: &[Row],
        columns: &[usize],
        mut take: impl FnMut(Row, &[ValueRef<'_>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut wanted = rows.iter().copied().peekable();
        let mut row = part.first_row();
        let (mut page, mut payload) = (Vec::new(), Vec::new());
        for leaf in &part.leaves {
            self.read(u64::from(*leaf), self.page, &mut page)?;
            let broken = || self.damaged("a row does not lie on its page");
            if page[0] != LEAF {
                return Err(self.damaged("a page of a table is none").into());
            }
            for index in 0..usize::from(u16::from_be_bytes([page[3], page[4]])) {
                if wanted.next_if_eq(&row).is_some() {
                    let cell = pointer(&page, 8 + 2 * index).and_then(|at| Cell::at(&page, at, self.usable)).ok_or_else(broken)?;
                    let mut cells: Vec<ValueRef<'_>> = Vec::with_capacity(columns.len());
                    let record = if cell.overflow == 0 {
                        cell.local
                    } else {
                        gather(self, &cell, &mut payload)?;
                        &payload
                    };
                    if !read_record(record, columns, &mut cells) {
                        return Err(broken().into());
                    }
                    take(row, &cells)?;
                }
                row += 1;
            }
            if wanted.peek().is_none() {
                return Ok(());
            }
        }
        Err(self.damaged("a table has fewer rows than it should").into())
    }

    fn damaged(&self, what: &str) -> SnapshotError {
        SnapshotError::Damaged(format!("{}: {what}", self.shown))
    }

    /// Reads some bytes from page `number` on, at least a page of them.
    fn read(&self, number: u64, bytes: usize, into: &mut Vec<u8>) -> Result<(), SnapshotError> {
        if number == 0 || number > self.pages {
            return Err(self.damaged("a page lies behind the end of the file"));
        }
        let left = (self.pages - (number - 1)) * self.page as u64;
        into.resize((bytes as u64).min(left) as usize, 0);
        let read = self.file.read_exact_at(into, (number - 1) * self.page as u64);
        read.map_err(|source: io::Error| SnapshotError::Io { file: self.shown.clone(), source })
    }
}

/// What is done with a leaf.
type OnLeaf<'t, 'f, E> = &'t mut dyn FnMut(&mut Walk<'f>, u64) -> Result<(), E>;

impl<'f> Walk<'f> {
    fn tree<E: From<SnapshotError>>(&mut self, number: u32, depth: usize, on_leaf: OnLeaf<'_, 'f, E>) -> Result<(), E> {
        self.visited += 1;
        if depth > DEEPEST || self.visited > self.file.pages {
            return Err(self.file.damaged("pages refer to each other in a circle").into());
        }
        let number = u64::from(number);
        if self.page(number)?[0] == LEAF {
            return on_leaf(self, number);
        }
        let children = children(self.page(number)?).ok_or_else(|| self.file.damaged("a page of a table is none"))?;
        children.into_iter().try_for_each(|child| self.tree(child, depth + 1, on_leaf))
    }

    /// Returns a page, from the block at hand if it holds it.
    fn page(&mut self, number: u64) -> Result<&[u8], SnapshotError> {
        let size = self.file.page;
        let held = self.block.first..self.block.first + (self.block.bytes.len() / size) as u64;
        if !held.contains(&number) {
            self.block.first = 0;
            self.file.read(number, BLOCK.max(size), &mut self.block.bytes)?;
            self.block.first = number;
        }
        let start = (number - self.block.first) as usize * size;
        Ok(&self.block.bytes[start..start + size])
    }

    fn leaf<E: From<SnapshotError>>(
        &mut self,
        number: u64,
        columns: &[usize],
        take: &mut impl FnMut(&[ValueRef<'_>]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.page(number)?;
        let (file, payload) = (self.file, &mut self.payload);
        let start = (number - self.block.first) as usize * file.page;
        let page = &self.block.bytes[start..start + file.page];
        let broken = || file.damaged("a row does not lie on its page");
        let mut cells: Vec<ValueRef<'_>> = Vec::with_capacity(columns.len());
        for index in 0..usize::from(u16::from_be_bytes([page[3], page[4]])) {
            let cell = pointer(page, 8 + 2 * index).and_then(|at| Cell::at(page, at, file.usable)).ok_or_else(broken)?;
            cells.clear();
            if cell.overflow != 0 && !read_record(cell.local, columns, &mut cells) {
                // What is asked for lies behind the page's end.
                gather(file, &cell, payload)?;
                let mut whole: Vec<ValueRef<'_>> = Vec::with_capacity(columns.len());
                if !read_record(payload, columns, &mut whole) {
                    return Err(broken().into());
                }
                take(&whole)?;
                continue;
            }
            if cell.overflow == 0 && !read_record(cell.local, columns, &mut cells) {
                return Err(broken().into());
            }
            take(&cells)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;

    fn root_of(path: &Path, table: &str) -> u32 {
        let db = rusqlite::Connection::open(path).expect("a database");
        db.query_row("SELECT rootpage FROM sqlite_schema WHERE name = ?1", [table], |row| row.get(0)).expect("a table")
    }

    fn read(path: &Path, table: &str, columns: &[usize]) -> Result<Vec<Vec<Value>>, SnapshotError> {
        let root = root_of(path, table);
        let mut rows = Vec::new();
        PageFile::open(path)?.rows(root, columns, |cells| {
            rows.push(cells.iter().map(|c| Value::from(*c)).collect());
            Ok::<(), SnapshotError>(())
        })?;
        Ok(rows)
    }

    #[test]
    fn reads_what_sqlite_wrote() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.db");
        for page in [512, 4_096, 65_536] {
            let _ = std::fs::remove_file(&path);
            let db = rusqlite::Connection::open(&path).expect("a database");
            db.execute_batch(&format!("PRAGMA page_size = {page}; CREATE TABLE t (a, b, c);")).expect("a table");
            let integers = [0, 1, -1, 127, -128, 40_000, -9_000_000, 1 << 40, i64::MIN, i64::MAX];
            let mut expected = Vec::new();
            for n in 0..600_usize {
                let (a, b) = (integers[n % integers.len()], "x\u{e9}".repeat(n * n % 3_000));
                db.execute("INSERT INTO t VALUES (?1, ?2, ?3)", rusqlite::params![a, b, n as f64 / 7.0]).expect("a row");
                expected.push(vec![Value::Integer(a), Value::Text(b), Value::Real(n as f64 / 7.0), Value::Null]);
            }
            db.execute_batch("ALTER TABLE t ADD COLUMN d").expect("a column");
            db.execute("INSERT INTO t VALUES (x'00ff', CAST(x'ff' AS TEXT), NULL, 'd')", []).expect("a row");
            expected.push(vec![Value::Blob(vec![0, 255]), Value::Blob(vec![255]), Value::Null, Value::Text("d".into())]);
            drop(db);
            assert!(read(&path, "t", &[0, 1, 2, 3]).expect("rows") == expected, "page size {page}");
            // Parts of any size are the whole, and single rows are found in them.
            for most in [1, 7, 100, 10_000] {
                let file = PageFile::open(&path).expect("a header");
                let root = root_of(&path, "t");
                let parts = file.parts(root, expected.len() as u64, most).expect("parts");
                let mut rows = Vec::new();
                for part in &parts {
                    assert_eq!(part.first_row() as usize, rows.len(), "page size {page}");
                    let picked = [part.first_row(), part.first_row() + part.rows() as Row - 1];
                    let mut ends: Vec<Vec<Value>> = Vec::new();
                    let mut wanted = picked.to_vec();
                    wanted.dedup();
                    file.pick(part, &wanted, &[0, 1, 2, 3], |_, cells| {
                        ends.push(cells.iter().map(|c| Value::from(*c)).collect());
                        Ok::<(), SnapshotError>(())
                    })
                    .expect("two rows");
                    assert!(ends.first() == expected.get(picked[0] as usize) && ends.last() == expected.get(picked[1] as usize));
                    file.rows_of_part(part, &[0, 1, 2, 3], |cells| {
                        rows.push(cells.iter().map(|c| Value::from(*c)).collect::<Vec<Value>>());
                        Ok::<(), SnapshotError>(())
                    })
                    .expect("rows");
                }
                assert!(rows == expected, "page size {page}, parts of {most}");
            }
            // A table that should have other rows than it has is damaged.
            let file = PageFile::open(&path).expect("a header");
            let fewer = file
                .parts(root_of(&path, "t"), expected.len() as u64 - 1, 100)
                .and_then(|parts| parts.iter().try_for_each(|part| file.rows_of_part(part, &[0], |_| Ok::<(), SnapshotError>(()))));
            assert!(fewer.is_err());
            let some: Vec<Vec<Value>> = expected.iter().map(|row| vec![row[0].clone(), row[2].clone()]).collect();
            assert!(read(&path, "t", &[0, 2]).expect("rows") == some, "page size {page}");
        }
    }

    #[test]
    fn damage_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.db");
        let db = rusqlite::Connection::open(&path).expect("a database");
        db.execute_batch("PRAGMA page_size = 512; CREATE TABLE t (a, b);").expect("a table");
        for n in 0..300 {
            db.execute("INSERT INTO t VALUES (?1, ?2)", rusqlite::params![n, "y".repeat(n * 5)]).expect("a row");
        }
        drop(db);
        let whole = std::fs::read(&path).expect("bytes");
        let root = 2;
        let mut random = 88_172_645_463_325_252_u64;
        for _ in 0..2_000 {
            let mut bytes = whole.clone();
            for _ in 0..4 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let at = 512 + random as usize % (bytes.len() - 512);
                bytes[at] = (random >> 40) as u8;
            }
            std::fs::write(&path, &bytes).expect("written");
            let mut count = 0_u64;
            // Whatever comes of it, it ends and does not panic.
            let file = PageFile::open(&path).expect("a header");
            let _ = file.parts(root, 300, 50).and_then(|parts| {
                parts.iter().try_for_each(|part| {
                    let _ = file.pick(part, &[part.first_row()], &[0, 1], |_, _| Ok::<(), SnapshotError>(()));
                    file.rows_of_part(part, &[0, 1], |_| Ok::<(), SnapshotError>(()))
                })
            });
            let _ = PageFile::open(&path).expect("a header").rows(root, &[0, 1], |_| {
                count += 1;
                Ok::<(), SnapshotError>(())
            });
            assert!(count < 100_000);
        }
    }
}
