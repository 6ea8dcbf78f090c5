//! An archive's bytes, in its own numbers and texts.

use std::io::{self, BufReader, Read};

use super::toc::NEWEST;

/// What is not as an archive has it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct BadArchive(String);

pub(super) fn bad(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, BadArchive(what.into()))
}

/// The archive's bytes, with the sizes that its header tells.
pub(super) struct Stream {
    pub(super) reader: BufReader<Box<dyn Read + Send>>,
    /// Bytes read so far.
    pub(super) offset: u64,
    pub(super) int_size: u8,
    pub(super) off_size: u8,
    pub(super) version: u16,
    /// Whether the bytes ended where more should have followed.
    pub(super) ended: bool,
    /// Whether chunks of a block are being read, and what is left of the one at hand.
    pub(super) in_block: bool,
    pub(super) left: u64,
}

impl Stream {
    /// Starts before the header, which tells the sizes.
    pub(super) fn new(reader: Box<dyn Read + Send>) -> Self {
        let reader = BufReader::with_capacity(256 << 10, reader);
        Self { reader, offset: 0, int_size: 4, off_size: 8, version: NEWEST, ended: false, in_block: false, left: 0 }
    }

    pub(super) fn exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.reader.read_exact(buffer)?;
        self.offset += buffer.len() as u64;
        Ok(())
    }

    pub(super) fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.exact(&mut byte)?;
        Ok(byte[0])
    }

    /// Reads a sign and little-endian bytes.
    pub(super) fn int(&mut self) -> io::Result<i64> {
        let negative = self.byte()? != 0;
        let mut value = 0_i64;
        for place in 0..u32::from(self.int_size) {
            let byte = self.byte()?;
            match i64::from(byte).checked_shl(8 * place).filter(|_| place < 7 || byte == 0) {
                Some(part) => value |= part,
                None if byte == 0 => {}
                None => return Err(bad("a number beyond 56 bits")),
            }
        }
        Ok(if negative { -value } else { value })
    }

    /// Reads a text with its length; `None` is NULL. `room` is what all texts may still take.
    pub(super) fn text(&mut self, room: &mut usize) -> io::Result<Option<Vec<u8>>> {
        let len = self.int()?;
        if len < 0 {
            return Ok(None);
        }
        let len = usize::try_from(len).ok().filter(|len| len <= room);
        let len = len.ok_or_else(|| bad("a table of contents larger than the limit; raise it with --max-memory if the file is whole"))?;
        *room -= len;
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(len as u64).read_to_end(&mut bytes)?;
        self.offset += read as u64;
        if read < len { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(Some(bytes)) }
    }

    pub(super) fn words(&mut self, room: &mut usize) -> io::Result<String> {
        Ok(String::from_utf8_lossy(&self.text(room)?.unwrap_or_default()).into_owned())
    }

    pub(super) fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let passed = io::copy(&mut self.reader.by_ref().take(bytes), &mut io::sink())?;
        self.offset += passed;
        if passed == bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Reads the length of a block's next chunk; 0 is the end.
    pub(super) fn chunk(&mut self) -> io::Result<u64> {
        u64::try_from(self.int()?).map_err(|_| bad("a data chunk of negative length"))
    }

    /// Passes the chunks that are left of a block.
    pub(super) fn skip_chunks(&mut self) -> io::Result<()> {
        loop {
            match self.chunk()? {
                0 => return Ok(()),
                len => self.skip(len)?,
            }
        }
    }
}
