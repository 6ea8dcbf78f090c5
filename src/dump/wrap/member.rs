//! Members of tars and zips: where they lie, how they are packed, and that they are whole.

use std::fs::File;
use std::io::{self, BufReader, Read};

use super::{BLOCK, WrapError};

/// How an archive's member is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Bytes that it takes in the archive.
    pub stored_bytes: u64,
    /// Bytes that it has.
    pub bytes: u64,
    /// How a zip packed it; 0 as it is.
    pub method: u16,
    /// Checksum of its bytes, where the archive tells.
    pub crc: Option<u32>,
}

impl Member {
    /// Reads the member, whose stored bytes come next in `file`.
    pub(in crate::dump) fn reader(self, file: File) -> io::Result<Box<dyn Read + Send>> {
        let stored = BufReader::with_capacity(BLOCK, file).take(self.stored_bytes);
        let plain: Box<dyn Read + Send> = match self.method {
            0 => Box::new(stored),
            8 => Box::new(flate2::bufread::DeflateDecoder::new(stored)),
            12 => Box::new(bzip2::bufread::BzDecoder::new(stored)),
            93 => Box::new(zstd::Decoder::with_buffer(stored)?),
            95 => Box::new(liblzma::bufread::XzDecoder::new(stored)),
            other => {
                return Err(WrapError::io(
                    format!("a zip member packed by method {other}"),
                    "pack it again with deflate, or give the file inside",
                ));
            }
        };
        Ok(Box::new(Checked { reader: plain, left: self.bytes, crc: self.crc, seen: flate2::Crc::new() }))
    }
}

/// Holds a member to its size and checksum.
struct Checked {
    reader: Box<dyn Read + Send>,
    left: u64,
    crc: Option<u32>,
    seen: flate2::Crc,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let damaged = |what: &str| WrapError::io(format!("the archive's member {what}"), "the archive is damaged; ask for it again");
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| damaged("is longer than the archive says"))?;
        if self.crc.is_some() {
            self.seen.update(&buffer[..read]);
        }
        if read == 0 && !buffer.is_empty() {
            if self.left > 0 {
                return Err(damaged("is shorter than the archive says"));
            }
            if self.crc.is_some_and(|crc| crc != self.seen.sum()) {
                return Err(damaged("does not match its checksum"));
            }
        }
        Ok(read)
    }
}

/// A member of an archive, with its name and where its stored bytes begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) start: u64,
    pub(crate) member: Member,
}

/// Refuses names that point out of their archive.
pub(super) fn inside(name: &str) -> io::Result<()> {
    let outside = name.starts_with('/') || name.contains('\\') || name.split('/').any(|part| part == "..");
    if outside || name.contains('\0') {
        let what = format!("the archive holds the name \"{}\", which points out of it", name.escape_default());
        return Err(WrapError::io(what, "nothing was unpacked; ask where the archive comes from"));
    }
    Ok(())
}
