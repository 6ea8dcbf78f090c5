//! Unpacking on a thread of its own, some blocks ahead of who reads.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use super::{BLOCK, Lenient, Limits, QUEUE, RATIO_FROM, WrapError};

/// Counts what a decoder takes in.
pub(super) struct CountIn<R> {
    reader: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for CountIn<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.taken.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Unpacks on a thread of its own, some blocks ahead.
pub(super) fn unpack_ahead(
    name: &'static str,
    packed: Box<dyn Read + Send>,
    limits: &Limits,
    cut: &Arc<AtomicBool>,
    decoder: impl FnOnce(BufReader<CountIn<Box<dyn Read + Send>>>) -> io::Result<Box<dyn Read + Send>>,
) -> io::Result<Ahead> {
    let taken = Arc::new(AtomicU64::new(0));
    let counted = CountIn { reader: packed, taken: Arc::clone(&taken) };
    let mut decoder = decoder(BufReader::with_capacity(BLOCK, counted))?;
    if limits.lenient_end {
        decoder = Box::new(Lenient::new(decoder, Arc::clone(cut)));
    }
    let ratio = limits.ratio;
    let (to_reader, blocks) = sync_channel(QUEUE);
    let (give_back, recycled) = channel();
    thread::Builder::new().name(name.to_owned()).spawn(move || unpack(name, decoder, &taken, ratio, &to_reader, &recycled))?;
    Ok(Ahead { blocks, give_back, block: Vec::new(), given: 0, ended: false })
}

fn unpack(
    name: &'static str,
    mut decoder: Box<dyn Read + Send>,
    taken: &AtomicU64,
    ratio: u64,
    to_reader: &SyncSender<io::Result<Vec<u8>>>,
    recycled: &Receiver<Vec<u8>>,
) {
    let mut unpacked = 0_u64;
    loop {
        let mut block: Vec<u8> = recycled.try_recv().unwrap_or_default();
        block.resize(BLOCK, 0);
        let mut filled = 0;
        let mut failed = None;
        while filled < BLOCK {
            match decoder.read(&mut block[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        block.truncate(filled);
        unpacked += filled as u64;
        let packed = taken.load(Ordering::Relaxed);
        let ended = filled < BLOCK;
        // A reader that has stopped takes no more blocks.
        if to_reader.send(Ok(block)).is_err() {
            return;
        }
        if unpacked >= RATIO_FROM && unpacked / packed.max(1) > ratio {
            let what = format!("{name} data that unpacks to more than {ratio} times its size: {unpacked} bytes out of {packed} so far");
            let _ = to_reader.send(Err(WrapError::io(what, "this looks like a bomb; if it is none, raise --max-memory")));
            return;
        }
        if let Some(error) = failed {
            // Wrappers within this one tell their own story.
            let error = if error.get_ref().and_then(|e| e.downcast_ref::<WrapError>()).is_some() {
                error
            } else {
                let what = format!("the {name} data is damaged or cut off after {packed} packed, {unpacked} unpacked bytes: {error}");
                WrapError::io(what, "ask for the file again; a larger window needs a larger --max-memory")
            };
            let _ = to_reader.send(Err(error));
            return;
        }
        if ended {
            return;
        }
    }
}

/// The reader's end of an unpacking thread.
pub(super) struct Ahead {
    blocks: Receiver<io::Result<Vec<u8>>>,
    give_back: Sender<Vec<u8>>,
    block: Vec<u8>,
    given: usize,
    ended: bool,
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.block.len() {
            if self.ended {
                return Ok(0);
            }
            let _ = self.give_back.send(std::mem::take(&mut self.block));
            self.given = 0;
            match self.blocks.recv() {
                Ok(block) => self.block = block?,
                Err(_) => self.ended = true,
            }
        }
        let part = (self.block.len() - self.given).min(buffer.len());
        buffer[..part].copy_from_slice(&self.block[self.given..self.given + part]);
        self.given += part;
        Ok(part)
    }
}
