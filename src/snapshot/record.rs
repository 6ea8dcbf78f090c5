//! SQLite's record format: rows as the bytes that a table's leaf cells hold. Encodes; never decides
//! how a value is stored.
//!
//! Source: SQLite file format, section 2.1 (record format) and 1.6 (varints).

use crate::model::ValueRef;

/// Appends `value` as a SQLite varint: big-endian groups of seven bits, the ninth byte whole.
#[inline]
pub(super) fn push_varint(out: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        out.push(value as u8);
        return;
    }
    if value < 0x4000 {
        out.extend_from_slice(&[(value >> 7) as u8 | 0x80, value as u8 & 0x7f]);
        return;
    }
    let mut bytes = [0; 9];
    let len = write_varint(&mut bytes, value);
    out.extend_from_slice(&bytes[..len]);
}

/// Writes a varint at the start of `out`, which has room for nine bytes; returns its length.
pub(super) fn write_varint(out: &mut [u8; 9], value: u64) -> usize {
    let len = varint_len(value);
    let low = |group: u32| (value >> (7 * group)) as u8 & 0x7f;
    // Rowids and lengths of rows.
    match len {
        1 => {
            out[0] = value as u8;
            return 1;
        }
        2 => {
            [out[0], out[1]] = [low(1) | 0x80, low(0)];
            return 2;
        }
        3 => {
            [out[0], out[1], out[2]] = [low(2) | 0x80, low(1) | 0x80, low(0)];
            return 3;
        }
        _ => {}
    }
    if len == 9 {
        out[8] = value as u8;
        for (place, byte) in out[..8].iter_mut().enumerate() {
            *byte = (value >> (8 + 7 * (7 - place))) as u8 | 0x80;
        }
        return 9;
    }
    for (place, byte) in out[..len].iter_mut().enumerate() {
        let more = if place + 1 < len { 0x80 } else { 0 };
        *byte = (value >> (7 * (len - 1 - place))) as u8 & 0x7f | more;
    }
    len
}

/// Returns how many bytes a varint takes.
pub(super) const fn varint_len(value: u64) -> usize {
    let bits = 64 - value.leading_zeros() as usize;
    match bits {
        0..=7 => 1,
        8..=14 => 2,
        15..=21 => 3,
        57.. => 9,
        _ => bits.div_ceil(7),
    }
}

/// Returns an integer's serial type, and its bytes with the number of those, from the end, that its body has:
/// the shortest two's complement that holds it; 0 and 1 have no body.
pub(super) const fn integer_body(n: i64) -> (u8, ([u8; 8], usize)) {
    let magnitude = if n < 0 { !n } else { n };
    let (serial, len) = match magnitude {
        _ if n == 0 => (8, 0),
        _ if n == 1 => (9, 0),
        0..=0x7f => (1, 1),
        0x80..=0x7fff => (2, 2),
        0x8000..=0x7f_ffff => (3, 3),
        0x80_0000..=0x7fff_ffff => (4, 4),
        0x8000_0000..=0x7fff_ffff_ffff => (5, 6),
        _ => (6, 8),
    };
    (serial, (n.to_be_bytes(), len))
}

/// Rows on their way into pages, one record behind the other.
#[derive(Debug, Default)]
pub(super) struct Records {
    bytes: Vec<u8>,
    header: Vec<u8>,
    start: usize,
    /// Bytes left free for the header of the row at hand: those that the last row's took.
    room: usize,
}

impl Records {
    /// Begins a row.
    pub(super) fn begin(&mut self) {
        self.start = self.bytes.len();
        self.header.clear();
        self.bytes.resize(self.start + self.room, 0);
    }

    /// Adds the next column's value.
    pub(super) fn push(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.header.push(0),
            ValueRef::Integer(n) => self.integer(n),
            ValueRef::Real(x) => {
                self.header.push(7);
                self.bytes.extend_from_slice(&x.to_bits().to_be_bytes());
            }
            ValueRef::Text(bytes) => self.text(bytes),
            ValueRef::Blob(bytes) => {
                push_varint(&mut self.header, bytes.len() as u64 * 2 + 12);
                self.bytes.extend_from_slice(bytes);
            }
        }
    }

    /// Adds the next column's value, a text.
    #[inline]
    pub(super) fn text(&mut self, bytes: &[u8]) {
        push_varint(&mut self.header, bytes.len() as u64 * 2 + 13);
        self.bytes.extend_from_slice(bytes);
    }

    fn integer(&mut self, n: i64) {
        let (serial, (bytes, len)) = integer_body(n);
        self.header.push(serial);
        self.bytes.extend_from_slice(&bytes[8 - len..]);
    }

    /// Ends the row and returns its record.
    pub(super) fn end(&mut self) -> &[u8] {
        let types = self.header.len() as u64;
        // The header's length counts itself.
        let mut total = types + 1;
        while varint_len(total) as u64 + types > total {
            total += 1;
        }
        let header = total as usize;
        let body = self.start + self.room;
        let body_len = self.bytes.len() - body;
        if header > self.room {
            self.bytes.resize(self.bytes.len() + header - self.room, 0);
            self.bytes.copy_within(body..body + body_len, self.start + header);
        } else if header < self.room {
            self.bytes.copy_within(body..body + body_len, self.start + header);
            self.bytes.truncate(self.start + header + body_len);
        }
        self.room = header;
        let mut length = [0; 9];
        let length_len = write_varint(&mut length, total);
        self.bytes[self.start..self.start + length_len].copy_from_slice(&length[..length_len]);
        self.bytes[self.start + length_len..self.start + header].copy_from_slice(&self.header);
        &self.bytes[self.start..]
    }

    /// Returns the records since the last [`Self::clear`], one behind the other. Each tells its own length.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets the records.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_sqlites() {
        for (value, bytes) in [
            (0, &[0][..]),
            (127, &[0x7f]),
            (128, &[0x81, 0]),
            (16_383, &[0xff, 0x7f]),
            (16_384, &[0x81, 0x80, 0]),
            ((1 << 56) - 1, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
            (1 << 56, &[0x80, 0xc0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0]),
            (u64::MAX, &[0xff; 9]),
        ] {
            let mut out = Vec::new();
            push_varint(&mut out, value);
            assert_eq!(out, bytes, "{value}");
            assert_eq!(varint_len(value), bytes.len(), "{value}");
        }
    }

    #[test]
    fn headers_may_grow_and_shrink_between_rows() {
        let mut records = Records::default();
        let long = vec![b'x'; 300];
        for text in [&b"a"[..], &long, b"b"] {
            records.begin();
            records.push(ValueRef::Integer(-2));
            records.push(ValueRef::Text(text));
            let record = records.end().to_vec();
            assert_eq!(usize::from(record[0]), record.len() - 1 - text.len());
            assert!(record.ends_with(text));
        }
        // 126 one-byte types and the length itself still fit one byte of length; one more does not.
        for (columns, header) in [(126, 127), (127, 129)] {
            records.begin();
            for _ in 0..columns {
                records.push(ValueRef::Null);
            }
            assert_eq!(records.end().len(), header);
        }
    }
}
