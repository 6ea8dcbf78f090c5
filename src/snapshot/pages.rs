//! Writes table b-trees page by page, in one pass and in file order, behind the pages that SQLite made.
//! Knows nothing of names, types or SQL; what it writes, SQLite checks afterwards.
//!
//! Source: SQLite file format, sections 1.2 (pages), 1.5 (lock-byte page), 1.6 (b-tree pages),
//! 1.7 (overflow pages). The arithmetic below is that of section 1.6 for a usable size of [`PAGE`].

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

use super::record::{varint_len, write_varint};

/// Bytes of a page; no byte of it is reserved.
///
/// Larger ones than SQLite's own choice make the check of the finished file, and every scan of a table, cheaper
/// by the reads they save: `quick_check` of 430 MB took 0.34 s with 4 KiB, 0.23 s with 16 KiB, 0.19 s with 64 KiB;
/// the largest would make each look at one row dear.
pub(super) const PAGE: usize = 16 << 10;

/// File offset of the bytes that SQLite locks; the page that holds them stays empty.
pub(super) const PENDING_BYTE: u64 = 0x4000_0000;

/// Bytes of a leaf's header, and of an interior page's.
const LEAF_HEADER: usize = 8;
const INTERIOR_HEADER: usize = 12;

/// Longest payload that stays on its leaf.
const MAX_LOCAL: usize = PAGE - 35;

/// Least that stays on the leaf of a longer one.
const MIN_LOCAL: usize = (PAGE - 12) * 32 / 255 - 23;

/// Payload bytes of an overflow page; the first four bytes are the next page's number.
const OVERFLOW: usize = PAGE - 4;

/// Bytes handed to the disk at a time.
const BLOCK: usize = 1 << 20;

/// Blocks on their way to the disk.
const QUEUE: usize = 4;

/// Bytes after which the system is asked to write what it holds back, so that the last sync is short.
const FLUSH_EVERY: u64 = 64 << 20;

/// Writes the pages of several tables into one file, rows of the tables in any order.
pub(super) struct PageWriter {
    disk: Disk,
    /// Number of the next page, from 1.
    next: u32,
    lock_page: u32,
    trees: Vec<Tree>,
}

/// A table's b-tree as far as it is written.
struct Tree {
    leaf: Box<Leaf>,
    rows: u64,
    /// Interior levels, the lowest first.
    levels: Vec<Level>,
}

/// A leaf that is being filled: pointers grow from the header, cells from the end.
struct Leaf {
    page: [u8; PAGE],
    cells: usize,
    content: usize,
}

/// Children that no interior page holds yet: page number and largest rowid.
#[derive(Default)]
struct Level {
    children: Vec<(u32, u64)>,
    /// Bytes of the cells and pointers of all children but the last two.
    bytes: usize,
    written: bool,
}

impl PageWriter {
    /// Appends to `file`, whose first `pages` pages SQLite wrote.
    ///
    /// # Errors
    /// Returns what the system says.
    pub(super) fn new(file: File, pages: u32, pending_byte: u64) -> io::Result<Self> {
        let lock_page = (pending_byte / PAGE as u64) as u32 + 1;
        Ok(Self { disk: Disk::new(file)?, next: pages + 1, lock_page, trees: Vec::new() })
    }

    /// Begins a table; tables are numbered from 0.
    pub(super) fn add_table(&mut self) {
        let leaf = Box::new(Leaf { page: [0; PAGE], cells: 0, content: PAGE });
        self.trees.push(Tree { leaf, rows: 0, levels: Vec::new() });
    }

    /// Appends a row, given as its record; rowids count from 1.
    ///
    /// # Errors
    /// Returns what the system says.
    pub(super) fn append(&mut self, table: usize, record: &[u8]) -> io::Result<()> {
        let rowid = self.trees[table].rows + 1;
        let local = local_len(record.len());
        let spills = local < record.len();
        let size = varint_len(record.len() as u64) + varint_len(rowid) + local + if spills { 4 } else { 0 };
        if !self.trees[table].leaf.has_room(size) {
            self.write_leaf(table)?;
        }
        let first_overflow = if spills { Some(self.write_overflow(&record[local..])?) } else { None };
        let tree = &mut self.trees[table];
        tree.rows = rowid;
        tree.leaf.push(size, record.len(), rowid, &record[..local], first_overflow);
        Ok(())
    }

    /// Writes what is left of every table; returns the root pages. A dropped table without rows has no page,
    /// and 0 for a root.
    ///
    /// # Errors
    /// Returns what the system says.
    pub(super) fn finish_tables(&mut self, dropped: &[bool]) -> io::Result<Vec<u32>> {
        let mut roots = Vec::with_capacity(self.trees.len());
        for table in 0..self.trees.len() {
            if self.trees[table].rows == 0 && dropped.get(table) == Some(&true) {
                roots.push(0);
                continue;
            }
            // An empty table is one empty leaf.
            if self.trees[table].leaf.cells > 0 || self.trees[table].rows == 0 {
                self.write_leaf(table)?;
            }
            roots.push(self.write_root(table)?);
        }
        Ok(roots)
    }

    /// Appends a page that somebody else built; returns its number.
    ///
    /// # Errors
    /// Returns what the system says.
    pub(super) fn write_page(&mut self, page: &[u8; PAGE]) -> io::Result<u32> {
        let number = self.take_page()?;
        self.disk.write(page)?;
        Ok(number)
    }

    /// Hands the last pages to the system; returns the number of pages.
    ///
    /// # Errors
    /// Returns what the system says.
    pub(super) fn finish(self) -> io::Result<u32> {
        let pages = self.next - 1;
        self.disk.finish()?;
        Ok(pages)
    }

    fn take_page(&mut self) -> io::Result<u32> {
        if self.next == self.lock_page {
            self.disk.write(&[0; PAGE])?;
            self.next += 1;
        }
        let page = self.next;
        self.next = page.checked_add(1).ok_or_else(|| io::Error::new(io::ErrorKind::FileTooLarge, "more pages than SQLite can count"))?;
        Ok(page)
    }

    fn write_leaf(&mut self, table: usize) -> io::Result<()> {
        let number = self.take_page()?;
        let tree = &mut self.trees[table];
        self.disk.write(tree.leaf.close())?;
        tree.leaf.clear();
        self.add_child(table, 0, (number, self.trees[table].rows))
    }

    /// Writes `rest` as a chain of overflow pages; returns the first one's number.
    fn write_overflow(&mut self, rest: &[u8]) -> io::Result<u32> {
        let first = self.take_page()?;
        let mut pieces = rest.chunks(OVERFLOW).peekable();
        while let Some(piece) = pieces.next() {
            // The chain's pages follow each other, but for the lock-byte page.
            let next = match pieces.peek() {
                None => 0,
                Some(_) if self.next == self.lock_page => self.next + 1,
                Some(_) => self.next,
            };
            self.disk.write(&next.to_be_bytes())?;
            self.disk.write(piece)?;
            self.disk.zeros(OVERFLOW - piece.len())?;
            if next != 0 {
                self.take_page()?;
            }
        }
        Ok(first)
    }

    fn add_child(&mut self, table: usize, level: usize, child: (u32, u64)) -> io::Result<()> {
        let levels = &mut self.trees[table].levels;
        if levels.len() == level {
            levels.push(Level::default());
        }
        let open = &mut levels[level];
        if let Some((_, key)) = open.children.len().checked_sub(2).map(|place| open.children[place]) {
            open.bytes += interior_cell_len(key);
        }
        open.children.push(child);
        // All but the last two children are cells of a page, the last but one its right pointer, so that
        // no page is ever left with a right pointer alone.
        let next = open.children.len().checked_sub(2).map_or(0, |place| interior_cell_len(open.children[place].1));
        if open.bytes + next <= PAGE - INTERIOR_HEADER {
            return Ok(());
        }
        let kept = open.children.split_off(open.children.len() - 2);
        let full = std::mem::replace(&mut open.children, kept);
        open.bytes = 0;
        open.written = true;
        self.write_interior(table, level, &full)
    }

    /// Writes an interior page of these children and hands it to the level above.
    fn write_interior(&mut self, table: usize, level: usize, children: &[(u32, u64)]) -> io::Result<()> {
        let number = self.take_page()?;
        self.disk.write(&interior_page(children))?;
        let largest = children.last().map_or(0, |c| c.1);
        self.add_child(table, level + 1, (number, largest))
    }

    fn write_root(&mut self, table: usize) -> io::Result<u32> {
        let mut level = 0;
        loop {
            let open = &mut self.trees[table].levels[level];
            let children = std::mem::take(&mut open.children);
            match children.as_slice() {
                [only] if !open.written => return Ok(only.0),
                _ => self.write_interior(table, level, &children)?,
            }
            level += 1;
        }
    }
}

/// Returns how much of a payload stays on its leaf.
const fn local_len(payload: usize) -> usize {
    if payload <= MAX_LOCAL {
        return payload;
    }
    let fitted = MIN_LOCAL + (payload - MIN_LOCAL) % OVERFLOW;
    if fitted <= MAX_LOCAL { fitted } else { MIN_LOCAL }
}

/// Bytes of an interior cell with its pointer.
const fn interior_cell_len(key: u64) -> usize {
    4 + varint_len(key) + 2
}

fn interior_page(children: &[(u32, u64)]) -> [u8; PAGE] {
    let mut page = [0; PAGE];
    page[0] = 5;
    let mut content = PAGE;
    let (right, cells) = match children.split_last() {
        Some((right, cells)) => (right.0, cells),
        None => (0, children),
    };
    for (place, (child, key)) in cells.iter().enumerate() {
        let mut varint = [0; 9];
        let len = write_varint(&mut varint, *key);
        content -= 4 + len;
        page[content..content + 4].copy_from_slice(&child.to_be_bytes());
        page[content + 4..content + 4 + len].copy_from_slice(&varint[..len]);
        let pointer = INTERIOR_HEADER + 2 * place;
        page[pointer..pointer + 2].copy_from_slice(&(content as u16).to_be_bytes());
    }
    page[3..5].copy_from_slice(&(cells.len() as u16).to_be_bytes());
    page[5..7].copy_from_slice(&(content as u16).to_be_bytes());
    page[8..12].copy_from_slice(&right.to_be_bytes());
    page
}

impl Leaf {
    const fn has_room(&self, size: usize) -> bool {
        LEAF_HEADER + 2 * (self.cells + 1) + size <= self.content
    }

    fn push(&mut self, size: usize, payload: usize, rowid: u64, local: &[u8], overflow: Option<u32>) {
        self.content -= size;
        let mut at = self.content;
        let pointer = LEAF_HEADER + 2 * self.cells;
        self.page[pointer..pointer + 2].copy_from_slice(&(at as u16).to_be_bytes());
        self.cells += 1;
        for number in [payload as u64, rowid] {
            let mut varint = [0; 9];
            let len = write_varint(&mut varint, number);
            self.page[at..at + len].copy_from_slice(&varint[..len]);
            at += len;
        }
        self.page[at..at + local.len()].copy_from_slice(local);
        if let Some(first) = overflow {
            at += local.len();
            self.page[at..at + 4].copy_from_slice(&first.to_be_bytes());
        }
    }

    /// Writes the header, blanks the gap and returns the page.
    fn close(&mut self) -> &[u8; PAGE] {
        self.page[..LEAF_HEADER].copy_from_slice(&[13, 0, 0, 0, 0, 0, 0, 0]);
        self.page[3..5].copy_from_slice(&(self.cells as u16).to_be_bytes());
        self.page[5..7].copy_from_slice(&(self.content as u16).to_be_bytes());
        self.page[LEAF_HEADER + 2 * self.cells..self.content].fill(0);
        &self.page
    }

    fn clear(&mut self) {
        self.cells = 0;
        self.content = PAGE;
    }
}

/// The file's end, written by a thread of its own; another one keeps the disk busy meanwhile.
struct Disk {
    block: Vec<u8>,
    to_disk: Option<SyncSender<Vec<u8>>>,
    recycled: Receiver<Vec<u8>>,
    writing: Option<JoinHandle<io::Result<()>>>,
}

impl Disk {
    fn new(file: File) -> io::Result<Self> {
        let (to_disk, blocks) = sync_channel::<Vec<u8>>(QUEUE);
        let (give_back, recycled) = channel();
        let flushed = file.try_clone()?;
        let writing = thread::Builder::new().name("disk".to_owned()).spawn(move || {
            let (ask, asked) = sync_channel::<()>(1);
            thread::Builder::new().name("flush".to_owned()).spawn(move || {
                for () in asked {
                    // Only hurries the system; what counts is the sync of the finished file.
                    let _ = flushed.sync_data();
                }
            })?;
            // A flush under way ends by itself: the sync of the finished file waits for what it writes.
            write_blocks(file, &blocks, &give_back, &ask)
        })?;
        Ok(Self { block: Vec::with_capacity(BLOCK), to_disk: Some(to_disk), recycled, writing: Some(writing) })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.block.extend_from_slice(bytes);
        if self.block.len() >= BLOCK { self.hand_on() } else { Ok(()) }
    }

    fn zeros(&mut self, count: usize) -> io::Result<()> {
        self.block.resize(self.block.len() + count, 0);
        Ok(())
    }

    fn hand_on(&mut self) -> io::Result<()> {
        let mut empty = self.recycled.try_recv().unwrap_or_else(|_| Vec::with_capacity(BLOCK + PAGE));
        empty.clear();
        let full = std::mem::replace(&mut self.block, empty);
        let sent = self.to_disk.as_ref().is_some_and(|to_disk| to_disk.send(full).is_ok());
        // The thread ends early only with an error, and tells it here.
        if sent { Ok(()) } else { self.join() }
    }

    fn join(&mut self) -> io::Result<()> {
        self.to_disk = None;
        match self.writing.take().map(JoinHandle::join) {
            Some(Ok(done)) => done,
            _ => Err(io::Error::other("the disk thread ended abnormally")),
        }
    }

    fn finish(mut self) -> io::Result<()> {
        if !self.block.is_empty() {
            self.hand_on()?;
        }
        self.join()
    }
}

fn write_blocks(mut file: File, blocks: &Receiver<Vec<u8>>, give_back: &Sender<Vec<u8>>, ask_flush: &SyncSender<()>) -> io::Result<()> {
    let mut unflushed = 0;
    for block in blocks {
        file.write_all(&block)?;
        unflushed += block.len() as u64;
        // Nobody takes blocks back once the last one is on its way; a flush under way is enough.
        let _ = give_back.send(block);
        if unflushed >= FLUSH_EVERY && ask_flush.try_send(()).is_ok() {
            unflushed = 0;
        }
    }
    Ok(())
}
