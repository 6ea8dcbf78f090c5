//! Character sets that dumps and exports are written in, and their names in SQL. Decodes exactly or not
//! at all: bytes that a set does not know stay bytes.
//!
//! Source: PostgreSQL manual, 24.3 Character Set Support; MySQL manual, 12.10 Supported Character Sets
//! (its `latin1` is Windows-1252); WHATWG Encoding, which `encoding_rs` implements.

use std::io::{self, Read};

use encoding_rs::{DecoderResult, Encoding};

use super::wrap::WrapError;

/// A character set in which ASCII bytes are always ASCII, or UTF-16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8, and its subset ASCII.
    Utf8,
    /// Bytes of no known set: valid UTF-8 is taken as text, all else stays bytes.
    Bytes,
    /// ISO 8859-1 as standardised, with the C1 controls.
    Latin1,
    /// ISO 8859 and others whose C1 controls WHATWG has as it should.
    Other(&'static Encoding),
    /// UTF-16, little-endian.
    Utf16Le,
    /// UTF-16, big-endian.
    Utf16Be,
}

/// Postgres' and MySQL's names, with those of WHATWG.
const NAMES: &[(&str, &str)] = &[
    ("LATIN2", "iso-8859-2"),
    ("ISO88592", "iso-8859-2"),
    ("LATIN3", "iso-8859-3"),
    ("LATIN4", "iso-8859-4"),
    ("ISO88595", "iso-8859-5"),
    ("ISO88596", "iso-8859-6"),
    ("ISO88597", "iso-8859-7"),
    ("GREEK", "iso-8859-7"),
    ("ISO88598", "iso-8859-8"),
    ("HEBREW", "iso-8859-8"),
    ("LATIN6", "iso-8859-10"),
    ("LATIN7", "iso-8859-13"),
    ("LATIN8", "iso-8859-14"),
    ("LATIN9", "iso-8859-15"),
    ("ISO885915", "iso-8859-15"),
    ("LATIN10", "iso-8859-16"),
    ("KOI8R", "koi8-r"),
    ("KOI8", "koi8-r"),
    ("KOI8U", "koi8-u"),
    ("WIN866", "ibm866"),
    ("CP866", "ibm866"),
    ("WIN874", "windows-874"),
    ("WIN1250", "windows-1250"),
    ("CP1250", "windows-1250"),
    ("WIN1251", "windows-1251"),
    ("CP1251", "windows-1251"),
    ("WIN1252", "windows-1252"),
    ("CP1252", "windows-1252"),
    ("WIN1253", "windows-1253"),
    ("WIN1254", "windows-1254"),
    ("WIN1255", "windows-1255"),
    ("WIN1256", "windows-1256"),
    ("CP1256", "windows-1256"),
    ("WIN1257", "windows-1257"),
    ("CP1257", "windows-1257"),
    ("WIN1258", "windows-1258"),
    ("MACROMAN", "macintosh"),
    ("EUCJP", "euc-jp"),
    ("UJIS", "euc-jp"),
    ("EUCJPMS", "euc-jp"),
    ("EUCKR", "euc-kr"),
    ("EUCCN", "gbk"),
    ("GB2312", "gbk"),
];

impl Charset {
    /// Finds a set by the name that Postgres (`client_encoding`) gives it.
    #[must_use]
    pub fn postgres(name: &str) -> Option<Self> {
        match plain(name).as_str() {
            "LATIN1" | "ISO88591" => Some(Self::Latin1),
            other => Self::named(other),
        }
    }

    /// Finds a set by the name that MySQL (`SET NAMES`) gives it.
    #[must_use]
    pub fn mysql(name: &str) -> Option<Self> {
        match plain(name).as_str() {
            "LATIN1" => Some(Self::Other(encoding_rs::WINDOWS_1252)),
            "LATIN5" => Some(Self::Other(encoding_rs::WINDOWS_1254)),
            "LATIN7" => Some(Self::Other(encoding_rs::ISO_8859_13)),
            "BINARY" => Some(Self::Bytes),
            other => Self::named(other),
        }
    }

    /// Finds a set by the name that a person would type.
    #[must_use]
    pub fn label(name: &str) -> Option<Self> {
        Self::postgres(name)
            .or_else(|| Encoding::for_label(name.as_bytes()).filter(|e| e.is_ascii_compatible() && e.is_single_byte()).map(Self::Other))
    }

    fn named(plain: &str) -> Option<Self> {
        match plain {
            "UTF8" | "UTF8MB3" | "UTF8MB4" | "UNICODE" | "ASCII" | "USASCII" => Some(Self::Utf8),
            "SQLASCII" | "MULEINTERNAL" => Some(Self::Bytes),
            "UTF16" | "UTF16LE" => Some(Self::Utf16Le),
            "UTF16BE" => Some(Self::Utf16Be),
            other => {
                let (_, label) = NAMES.iter().find(|n| n.0 == other)?;
                Encoding::for_label(label.as_bytes()).map(Self::Other)
            }
        }
    }

    /// Recognises UTF-16 by its mark, or by the zero bytes of its Latin letters; the flag tells whether there is a mark.
    #[must_use]
    pub fn utf16(head: &[u8]) -> Option<(Self, bool)> {
        if head.starts_with(b"\xff\xfe") && !head.starts_with(b"\xff\xfe\0\0") {
            return Some((Self::Utf16Le, true));
        }
        if head.starts_with(b"\xfe\xff") {
            return Some((Self::Utf16Be, true));
        }
        let sample = &head[..head.len().min(512) / 2 * 2];
        let zeros = |odd: usize| sample.iter().skip(odd).step_by(2).filter(|b| **b == 0).count();
        let (even, odd, pairs) = (zeros(0), zeros(1), sample.len() / 2);
        if pairs < 8 {
            return None;
        }
        // Text in Latin letters has nearly every high byte zero and no low one.
        if even == 0 && odd * 10 >= pairs * 9 {
            Some((Self::Utf16Le, false))
        } else if odd == 0 && even * 10 >= pairs * 9 {
            Some((Self::Utf16Be, false))
        } else {
            None
        }
    }

    /// Returns the name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Bytes => "bytes of no character set",
            Self::Latin1 => "ISO-8859-1",
            Self::Other(encoding) => encoding.name(),
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
        }
    }

    /// Returns whether text in it must be decoded cell by cell.
    #[must_use]
    pub const fn needs_decoding(self) -> bool {
        matches!(self, Self::Latin1 | Self::Other(_))
    }

    /// Appends the bytes as UTF-8; returns whether the set knows all of them.
    pub fn decode(self, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        match self {
            Self::Latin1 => {
                for byte in bytes {
                    out.extend_from_slice(char::from(*byte).encode_utf8(&mut [0; 2]).as_bytes());
                }
                true
            }
            Self::Other(encoding) => match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
                Some(text) => {
                    out.extend_from_slice(text.as_bytes());
                    true
                }
                None => false,
            },
            Self::Utf8 | Self::Bytes | Self::Utf16Le | Self::Utf16Be => {
                out.extend_from_slice(bytes);
                simdutf8::basic::from_utf8(bytes).is_ok()
            }
        }
    }

    /// Reads UTF-16 as UTF-8; half a character is an error.
    pub(super) fn utf16_reader(self, reader: impl Read + Send + 'static) -> Box<dyn Read + Send> {
        let encoding = if self == Self::Utf16Be { encoding_rs::UTF_16BE } else { encoding_rs::UTF_16LE };
        let decoder = encoding.new_decoder_without_bom_handling();
        Box::new(Utf16Reader { reader: Box::new(reader), decoder, raw: Vec::new(), text: Vec::new(), given: 0, done: false })
    }
}

fn plain(name: &str) -> String {
    name.trim_matches(['\'', '"', '`', ' ']).to_ascii_uppercase().replace(['-', '_', ' '], "")
}

struct Utf16Reader {
    reader: Box<dyn Read + Send>,
    decoder: encoding_rs::Decoder,
    raw: Vec<u8>,
    text: Vec<u8>,
    given: usize,
    done: bool,
}

impl Read for Utf16Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            if self.done {
                return Ok(0);
            }
            self.raw.clear();
            let read = self.reader.by_ref().take(64 << 10).read_to_end(&mut self.raw)?;
            self.done = read == 0;
            let room = self.decoder.max_utf8_buffer_length_without_replacement(read).unwrap_or(read * 3 + 16);
            self.text.resize(room, 0);
            let (result, _, written) = self.decoder.decode_to_utf8_without_replacement(&self.raw, &mut self.text, self.done);
            if let DecoderResult::Malformed(..) = result {
                let what = "the UTF-16 text holds half a character".to_owned();
                return Err(WrapError::io(what, "it is damaged or cut off; ask for the export again, in UTF-8"));
            }
            self.text.truncate(written);
            self.given = 0;
        }
        let part = (self.text.len() - self.given).min(buffer.len());
        buffer[..part].copy_from_slice(&self.text[self.given..self.given + part]);
        self.given += part;
        Ok(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_engines() {
        assert_eq!(Charset::postgres("'UTF8'"), Some(Charset::Utf8));
        assert_eq!(Charset::postgres("LATIN1"), Some(Charset::Latin1));
        assert_eq!(Charset::postgres("SQL_ASCII"), Some(Charset::Bytes));
        assert_eq!(Charset::mysql("latin1"), Some(Charset::Other(encoding_rs::WINDOWS_1252)));
        assert_eq!(Charset::mysql("utf8mb4"), Some(Charset::Utf8));
        // Their second bytes may be quotes and backslashes.
        for unsafe_set in ["SJIS", "BIG5", "GB18030", "GBK", "UHC"] {
            assert_eq!(Charset::postgres(unsafe_set), None, "{unsafe_set}");
        }
        for (_, label) in NAMES {
            assert!(Encoding::for_label(label.as_bytes()).is_some(), "{label}");
        }
    }

    #[test]
    fn decodes_exactly_or_not_at_all() {
        let decode = |set: Charset, bytes: &[u8]| {
            let mut out = Vec::new();
            set.decode(bytes, &mut out).then(|| String::from_utf8_lossy(&out).into_owned())
        };
        assert_eq!(decode(Charset::Latin1, b"\x80\xe9").as_deref(), Some("\u{80}\u{e9}"));
        assert_eq!(decode(Charset::Other(encoding_rs::WINDOWS_1252), b"\x80\xe9").as_deref(), Some("\u{20ac}\u{e9}"));
        assert_eq!(decode(Charset::Other(encoding_rs::EUC_JP), b"\xa4\xa2").as_deref(), Some("\u{3042}"));
        assert_eq!(decode(Charset::Other(encoding_rs::EUC_JP), b"\xa4"), None);
    }
}
