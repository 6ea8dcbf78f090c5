//! A sliding view over an input's bytes that grows while an item does not fit, knows offset and line,
//! and gives its buffer away with the rows that lie in it.

use std::io::{ErrorKind, Read};

use super::charset::Charset;
use super::{DumpError, Position};

/// Bytes asked for at a time: a chunk, its cells and its records fit the processor's second cache together.
const READ_BYTES: usize = 256 << 10;

/// Largest buffer that is kept for another chunk; a huge cell's is given back to the system.
const KEEP_BYTES: usize = 4 << 20;

/// The bytes of an input that were read and not yet consumed.
pub struct Window {
    reader: Box<dyn Read + Send>,
    file: String,
    /// What was read lies between `start` and `end`; behind it is room that once held other chunks.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    eof: bool,
    at: Position,
    limit: usize,
    spare: Vec<u8>,
    utf16: bool,
}

impl Window {
    /// Reads from `reader`; `file` is how messages call it, `limit` the most bytes an item may have.
    ///
    /// Text in UTF-16 is seen as UTF-8; offsets are those of the input nonetheless.
    ///
    /// # Errors
    /// Returns what the reader says.
    pub fn new(reader: Box<dyn Read + Send>, file: &str, limit: usize) -> Result<Self, DumpError> {
        let mut window = Self {
            reader,
            file: file.to_owned(),
            buffer: Vec::new(),
            start: 0,
            end: 0,
            eof: false,
            at: Position { offset: 0, line: 1 },
            limit,
            spare: Vec::new(),
            utf16: false,
        };
        window.fill()?;
        if let Some((charset, bom)) = Charset::utf16(window.data()) {
            // What was read goes through the decoder with the rest.
            let mut read = std::mem::take(&mut window.buffer);
            read.truncate(std::mem::take(&mut window.end));
            let read = std::io::Cursor::new(read);
            let rest = std::mem::replace(&mut window.reader, Box::new(std::io::empty()));
            window.reader = charset.utf16_reader(read.chain(rest));
            window.utf16 = true;
            window.eof = false;
            window.fill()?;
            debug_assert!(!bom || window.data().starts_with("\u{feff}".as_bytes()) || window.data().is_empty());
        }
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

    /// Returns whether the input is UTF-16, seen as UTF-8.
    #[must_use]
    pub const fn is_utf16(&self) -> bool {
        self.utf16
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

    /// Returns how many bytes of the input the first `ahead` bytes at hand are.
    #[must_use]
    pub fn source_bytes(&self, ahead: usize) -> u64 {
        let passed = &self.data()[..ahead];
        if self.utf16 { utf16_bytes(passed) } else { ahead as u64 }
    }

    /// Returns the place `ahead` bytes into the bytes at hand.
    #[must_use]
    pub fn position_ahead(&self, ahead: usize) -> Position {
        let ahead = ahead.min(self.data().len());
        let lines = memchr::memchr_iter(b'\n', &self.data()[..ahead]).count() as u64;
        Position { offset: self.at.offset + self.source_bytes(ahead), line: self.at.line + lines }
    }

    /// Passes `bytes` of the bytes at hand.
    pub fn consume(&mut self, bytes: usize) {
        self.at = self.position_ahead(bytes);
        self.start += bytes;
    }

    /// Passes `bytes` of the bytes at hand and gives them away.
    #[must_use]
    pub fn detach(&mut self, bytes: usize) -> Vec<u8> {
        self.at = self.position_ahead(bytes);
        let mut rest = std::mem::take(&mut self.spare);
        let behind = &self.data()[bytes..];
        let left = behind.len();
        if rest.len() < left {
            rest.resize(left, 0);
        }
        rest[..left].copy_from_slice(behind);
        let mut given = std::mem::replace(&mut self.buffer, rest);
        given.truncate(self.start + bytes);
        given.drain(..self.start);
        (self.start, self.end) = (0, left);
        given
    }

    /// Takes a buffer for later chunks.
    pub fn give_back(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() <= KEEP_BYTES {
            self.spare = buffer;
        }
    }

    /// Reads more bytes behind those at hand, at least as many again; returns whether there were any.
    ///
    /// # Errors
    /// Returns what the reader says, or that the item at hand is larger than allowed.
    pub fn fill(&mut self) -> Result<bool, DumpError> {
        if self.eof {
            return Ok(false);
        }
        let held = self.data().len();
        if held > self.limit {
            return Err(DumpError::TooLarge { file: self.file.clone(), at: self.at, limit: self.limit });
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, held);
        }
        let full = held + held.min(self.limit - held).max(READ_BYTES);
        if self.buffer.len() < full {
            self.buffer.resize(full, 0);
        }
        while self.end < full && !self.eof {
            match self.reader.read(&mut self.buffer[self.end..full]) {
                Ok(0) => self.eof = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(DumpError::from_read(&self.file, error)),
            }
        }
        Ok(self.end > held)
    }
}

/// Returns how many bytes a text in UTF-8 has in UTF-16.
fn utf16_bytes(text: &[u8]) -> u64 {
    // Two for each character, two more for those that take four bytes in UTF-8.
    text.iter().map(|b| if b & 0xc0 == 0x80 { 0 } else { 2 + 2 * u64::from(*b >= 0xf0) }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_keeps_the_offsets_of_the_input() {
        let text = "\u{feff}a\u{e9}\u{20ac}\u{1f600}\nb";
        for big in [false, true] {
            let bytes: Vec<u8> = text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect();
            let total = bytes.len() as u64;
            let mut window = Window::new(Box::new(std::io::Cursor::new(bytes)), "t", 100).expect("reads");
            assert_eq!(window.data(), text.as_bytes());
            window.consume(text.len() - 1);
            assert_eq!(window.position(), Position { offset: total - 2, line: 2 });
        }
    }

    #[test]
    fn what_is_given_away_is_gone() {
        let mut window = Window::new(Box::new(&b"ddl;rows\nrest"[..]), "t", 100).expect("reads");
        window.consume(4);
        assert_eq!(window.detach(5), b"rows\n");
        assert_eq!(window.data(), b"rest");
        assert_eq!(window.position(), Position { offset: 9, line: 2 });
    }
}
