//! The header and the table of contents.

use std::io;

use super::MAGIC;
use super::stream::{Stream, bad};
use crate::dump::wrap::Packing;

/// Oldest and newest archive version that is read, as `1 << 8 | minor`.
const OLDEST: u16 = 0x010b;
pub(super) const NEWEST: u16 = 0x0110;

/// Versions that changed the layout.
const V1_14: u16 = 0x010e;
const V1_15: u16 = 0x010f;
const V1_16: u16 = 0x0110;

/// An entry's mark that no data follows.
const OFFSET_NO_DATA: u8 = 3;

/// What the header tells.
pub(super) struct Head {
    pub(super) custom: bool,
    pub(super) packing: Option<Packing>,
    pub(super) database: String,
    pub(super) server: String,
    pub(super) entries: i64,
}

pub(super) fn read_head(stream: &mut Stream) -> io::Result<Head> {
    let mut magic = [0; 5];
    stream.exact(&mut magic)?;
    if magic != *MAGIC {
        return Err(bad("the table of contents does not begin with PGDMP"));
    }
    let (major, minor, _) = (stream.byte()?, stream.byte()?, stream.byte()?);
    let version = u16::from(major) << 8 | u16::from(minor);
    if !(OLDEST..=NEWEST).contains(&version) {
        return Err(bad(format!("an archive of version {major}.{minor}, where unseed reads 1.11 to 1.16")));
    }
    stream.version = version;
    stream.int_size = stream.byte()?;
    stream.off_size = stream.byte()?;
    if !(1..=8).contains(&stream.int_size) || !(1..=8).contains(&stream.off_size) {
        return Err(bad("numbers of more than 64 bits"));
    }
    let custom = match stream.byte()? {
        1 => true,
        3 | 5 => false,
        other => return Err(bad(format!("an archive of the unknown kind {other}"))),
    };
    let packing = if version >= V1_15 {
        match stream.byte()? {
            0 => None,
            1 => Some(Packing::Zlib),
            2 => Some(Packing::Lz4),
            3 => Some(Packing::Zstd),
            other => return Err(bad(format!("the unknown compression {other}"))),
        }
    } else {
        (stream.int()? != 0).then_some(Packing::Zlib)
    };
    // Second to year and daylight saving time: local, of an unknown zone.
    for _ in 0..7 {
        stream.int()?;
    }
    let mut room = 1 << 20;
    let database = stream.words(&mut room)?;
    let server = stream.words(&mut room)?;
    stream.text(&mut room)?;
    let entries = stream.int()?;
    Ok(Head { custom, packing, database, server, entries })
}

/// An entry of the table of contents, as far as it matters.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) dump_id: i64,
    pub(super) desc: String,
    pub(super) tag: String,
    pub(super) section: i64,
    pub(super) definition: Vec<u8>,
    pub(super) copy: Vec<u8>,
    /// Name of the data's file in folders and tars.
    pub(super) file: String,
    pub(super) has_data: bool,
}

pub(super) fn read_toc(stream: &mut Stream, custom: bool, count: i64, limit: usize) -> io::Result<Vec<Entry>> {
    let mut room = limit;
    let mut entries = Vec::new();
    for _ in 0..count {
        let dump_id = stream.int()?;
        if dump_id <= 0 {
            return Err(bad("an entry without a number"));
        }
        let had_dumper = stream.int()? != 0;
        stream.text(&mut room)?;
        stream.text(&mut room)?;
        let tag = stream.words(&mut room)?;
        let desc = stream.words(&mut room)?;
        let section = stream.int()?;
        let definition = stream.text(&mut room)?.unwrap_or_default();
        stream.text(&mut room)?;
        let copy = stream.text(&mut room)?.unwrap_or_default();
        stream.text(&mut room)?;
        stream.text(&mut room)?;
        if stream.version >= V1_14 {
            stream.text(&mut room)?;
        }
        if stream.version >= V1_16 {
            stream.int()?;
        }
        stream.text(&mut room)?;
        stream.text(&mut room)?;
        while stream.text(&mut room)?.is_some() {}
        let (mut file, mut has_data) = (String::new(), had_dumper);
        if custom {
            has_data &= stream.byte()? != OFFSET_NO_DATA;
            stream.skip(u64::from(stream.off_size))?;
        } else {
            file = stream.words(&mut room)?;
            has_data &= !file.is_empty();
        }
        // An entry takes more memory than its texts; a count that lies must not exhaust it.
        room = room.checked_sub(64).ok_or_else(|| bad("a table of contents larger than the limit; raise it with --max-memory"))?;
        entries.push(Entry { dump_id, desc, tag, section, definition, copy, file, has_data });
    }
    Ok(entries)
}
