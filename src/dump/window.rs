//! A sliding view over an input's bytes that grows while an item does not fit, and knows offset and line.

use std::fs::File;
use std::io::{self, Read};

use super::{DumpError, InputFile, Position};

/// Bytes asked for at a time.
const READ_BYTES: usize = 1 << 20;

/// The bytes of an input that were read and not yet consumed.
pub struct Window {
    reader: Box<dyn Read>,
    file: String,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    eof: bool,
    at: Position,
    limit: usize,
}

impl Window {
    /// Opens a file and reads its first bytes.
    ///
    /// # Errors
    /// Returns what the system says when the file cannot be opened or read.
    pub fn open(input: &InputFile) -> Result<Self, DumpError> {
        let io_error = |source| DumpError::Io { file: input.shown.clone(), source };
        let file = File::open(&input.path).map_err(io_error)?;
        Self::new(Box::new(file), &input.shown, input.max_cell_bytes)
    }

    /// Reads from `reader`; `file` is how messages call it, `limit` the most bytes an item may have.
    ///
    /// # Errors
    /// Returns what the reader says.
    pub fn new(reader: Box<dyn Read>, file: &str, limit: usize) -> Result<Self, DumpError> {
        let mut window = Self {
            reader,
            file: file.to_owned(),
            buffer: Vec::new(),
            start: 0,
            end: 0,
            eof: false,
            at: Position { offset: 0, line: 1 },
            limit,
        };
        window.fill()?;
        Ok(window)
    }

    /// Returns the bytes at hand.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Returns whether the input has no bytes beyond those at hand.
    #[must_use]
    pub const fn at_end(&self) -> bool {
        self.eof
    }

    /// Returns where the bytes at hand begin.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.at
    }

    /// Returns how messages call the input.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns the place `ahead` bytes into the bytes at hand.
    #[must_use]
    pub fn position_ahead(&self, ahead: usize) -> Position {
        let passed = &self.data()[..ahead.min(self.end - self.start)];
        Position { offset: self.at.offset + passed.len() as u64, line: self.at.line + memchr::memchr_iter(b'\n', passed).count() as u64 }
    }

    /// Passes `bytes` of the bytes at hand.
    pub fn consume(&mut self, bytes: usize) {
        self.at = self.position_ahead(bytes);
        self.start += bytes;
    }

    /// Reads more bytes behind those at hand, at least as many again; returns whether there were any.
    ///
    /// # Errors
    /// Returns what the reader says, or that the item at hand is larger than allowed.
    pub fn fill(&mut self) -> Result<bool, DumpError> {
        if self.eof {
            return Ok(false);
        }
        let held = self.end - self.start;
        if held > self.limit {
            return Err(DumpError::TooLarge { file: self.file.clone(), at: self.at, limit: self.limit });
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.start = 0;
            self.end = held;
        }
        let wanted = held.max(READ_BYTES);
        if self.buffer.len() < held + wanted {
            self.buffer.resize(held + wanted, 0);
        }
        let before = self.end;
        while self.end < self.buffer.len() {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => {
                    self.eof = true;
                    break;
                }
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(DumpError::Io { file: self.file.clone(), source }),
            }
        }
        Ok(self.end > before)
    }
}
