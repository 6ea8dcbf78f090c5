//! The chunks of a custom archive's blocks.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::stream::{Stream, bad};

/// The chunks of one block of a custom archive, as one stream.
pub(super) struct Chunks {
    pub(super) stream: Arc<Mutex<Stream>>,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut stream = locked(&self.stream);
        if !stream.in_block || buffer.is_empty() {
            return Ok(0);
        }
        if stream.left == 0 {
            match stream.chunk() {
                Ok(0) => {
                    stream.in_block = false;
                    return Ok(0);
                }
                Ok(len) => stream.left = len,
                Err(error) => {
                    stream.ended |= error.kind() == io::ErrorKind::UnexpectedEof;
                    return Err(error);
                }
            }
        }
        let most = usize::try_from(stream.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = stream.reader.read(&mut buffer[..most])?;
        if read == 0 {
            stream.ended = true;
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        stream.offset += read as u64;
        stream.left -= read as u64;
        Ok(read)
    }
}

pub(super) fn locked(stream: &Mutex<Stream>) -> MutexGuard<'_, Stream> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Passes the end of a block: the decoder stops at its own.
pub(super) fn finish_block(stream: &mut Stream) -> io::Result<()> {
    if !stream.in_block {
        return Ok(());
    }
    stream.in_block = false;
    match (stream.left, stream.chunk()?) {
        (0, 0) => Ok(()),
        _ => Err(bad("a data block with bytes behind the end of its compressed data")),
    }
}
