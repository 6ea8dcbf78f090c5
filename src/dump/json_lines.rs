//! JSON lines: an object a line, a file a table, its stem the name. Keeps numbers and nested values as they
//! are written; columns come in the order in which their keys first appear.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::{
    ByteKind, CellKind, Charset, DumpError, DumpFormat, FormatMeta, Input, Note, Position, Reject, RowBatch, RowSource, Sink, Window,
};
use crate::model::{Engine, QualifiedName};

/// JSON lines.
pub struct JsonLines;

const META: FormatMeta = FormatMeta {
    id: "json-lines",
    title: "JSON lines (an object a line)",
    engine: Engine::Csv,
    source: "jsonlines.org; RFC 8259; outputs of mongoexport, jq -c and Postgres' row_to_json",
};

impl DumpFormat for JsonLines {
    fn meta(&self) -> &'static FormatMeta {
        &META
    }

    fn sniff(&self, head: &[u8]) -> bool {
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        let mut lines = head.split(|b| *b == b'\n');
        let first = lines.next().unwrap_or_default();
        if head.len() == first.len() {
            // The whole head is one line: it may go on behind it.
            return first.starts_with(b"{\"") || object(first).is_ok_and(|pairs| !pairs.is_empty());
        }
        object(first).is_ok_and(|pairs| !pairs.is_empty())
    }

    fn read(&self, input: &Input, sink: &mut dyn Sink) -> Result<(), DumpError> {
        let part = input.only();
        let window = input.window(part)?;
        sink.charset(Charset::Utf8);
        let table = QualifiedName::new("", part.stem());
        sink.note(Note::Dialect(format!("{}: JSON lines; a key that a line lacks is NULL", part.shown)))?;
        Reader { window, sink, table, batch: RowBatch::new(), keys: Vec::new(), source: None, pos: 0 }.run()
    }
}

/// A value's bytes within its line, or its text.
#[derive(Debug, PartialEq, Eq)]
enum Field<'a> {
    Null,
    /// Text without escapes, between its quotes.
    Plain(&'a [u8]),
    /// Text with its escapes undone.
    Unescaped(String),
    /// A number or a truth value, as written.
    Bare(&'a [u8]),
    /// An object or array, as written.
    Nested(&'a [u8]),
}

/// Splits an object into keys and values.
///
/// Source: RFC 8259; `serde_json` checks each part.
fn object(line: &[u8]) -> Result<Vec<(Cow<'_, str>, Field<'_>)>, &'static str> {
    let mut rest = line.trim_ascii().strip_prefix(b"{").ok_or("it is no object")?.trim_ascii_start();
    let mut pairs = Vec::new();
    if rest == b"}" {
        return Ok(pairs);
    }
    loop {
        let (key, len) = text(rest)?;
        let key = match key {
            Field::Plain(bytes) => Cow::Borrowed(std::str::from_utf8(bytes).map_err(|_| "a key is no UTF-8")?),
            Field::Unescaped(text) => Cow::Owned(text),
            _ => return Err("a key is no text"),
        };
        rest = rest[len..].trim_ascii_start().strip_prefix(b":").ok_or("a key without a value")?.trim_ascii_start();
        let (value, len) = value(rest)?;
        pairs.push((key, value));
        rest = rest[len..].trim_ascii_start();
        match rest.split_first() {
            Some((b',', more)) => rest = more.trim_ascii_start(),
            Some((b'}', [])) => return Ok(pairs),
            Some((b'}', _)) => return Err("something stands behind the object"),
            _ => return Err("a value without a comma behind it"),
        }
    }
}

/// Reads a text at the start; returns its length with the quotes.
fn text(bytes: &[u8]) -> Result<(Field<'_>, usize), &'static str> {
    if bytes.first() != Some(&b'"') {
        return Err("a text does not begin with a quote");
    }
    let mut at = 1;
    let mut escaped = false;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()).ok_or("a text does not end")?;
        if bytes[at] == b'"' {
            break;
        }
        escaped = true;
        at += 2;
    }
    let inner = &bytes[1..at];
    if inner.iter().any(|b| *b < 0x20) {
        return Err("a control character within a text");
    }
    if !escaped {
        return Ok((Field::Plain(inner), at + 1));
    }
    let undone: String =
        serde_json::from_slice(&bytes[..=at]).map_err(|_| "an escape that JSON does not know, or text that is no UTF-8")?;
    Ok((Field::Unescaped(undone), at + 1))
}

fn value(bytes: &[u8]) -> Result<(Field<'_>, usize), &'static str> {
    match bytes.first() {
        None => Err("a key without a value"),
        Some(b'"') => text(bytes),
        Some(b'{' | b'[') => {
            let len = nested_len(bytes).ok_or("an object or array does not end")?;
            serde_json::from_slice::<IgnoredAny>(&bytes[..len]).map_err(|_| "a malformed object or array")?;
            Ok((Field::Nested(&bytes[..len]), len))
        }
        Some(_) => {
            let len = bytes.iter().position(|b| matches!(b, b',' | b'}' | b']') || b.is_ascii_whitespace()).unwrap_or(bytes.len());
            let word = &bytes[..len];
            if word == b"null" {
                return Ok((Field::Null, len));
            }
            serde_json::from_slice::<IgnoredAny>(word).map_err(|_| "a value that JSON does not know")?;
            Ok((Field::Bare(word), len))
        }
    }
}

/// Returns the length of the object or array at the start.
fn nested_len(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b'"' => at += text_len(&bytes[at..])? - 1,
            _ => {}
        }
        at += 1;
    }
}

fn text_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

struct Reader<'s> {
    window: Window,
    sink: &'s mut dyn Sink,
    table: QualifiedName,
    batch: RowBatch,
    /// Keys of the lines of the batch.
    keys: Vec<String>,
    source: Option<RowSource>,
    /// Bytes at hand that belong to the rows of the batch.
    pos: usize,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), DumpError> {
        let mark = if self.window.data().starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        self.sink.account(ByteKind::Comment, self.window.source_bytes(mark));
        self.window.consume(mark);
        loop {
            let rest = &self.window.data()[self.pos..];
            let line = match memchr::memchr(b'\n', rest) {
                Some(end) => end + 1,
                None if !self.window.at_end() => {
                    self.hand_on()?;
                    self.window.fill()?;
                    continue;
                }
                None if rest.is_empty() => return self.hand_on(),
                None => rest.len(),
            };
            self.line(line)?;
            if self.batch.is_full() {
                self.hand_on()?;
            }
        }
    }

    fn line(&mut self, len: usize) -> Result<(), DumpError> {
        let start = self.pos;
        if self.window.data()[start..start + len].iter().all(u8::is_ascii_whitespace) {
            self.pos += len;
            return Ok(());
        }
        let same = match object(&self.window.data()[start..start + len]) {
            Ok(pairs) => pairs.len() == self.keys.len() && self.source.is_some() && pairs.iter().zip(&self.keys).all(|(p, k)| p.0 == *k),
            Err(why) => return self.bad_line(len, why),
        };
        if !same {
            self.hand_on()?;
            let pairs = object(&self.window.data()[..len]).unwrap_or_default();
            let keys: Vec<String> = pairs.iter().map(|p| p.0.clone().into_owned()).collect();
            let mut sorted = keys.clone();
            sorted.sort_unstable();
            sorted.dedup();
            if sorted.len() < keys.len() {
                return self.bad_line(len, "a key stands there twice");
            }
            let at = self.window.position();
            let (source, _) = self.sink.open(&self.table, Some(&keys), true, at)?;
            self.keys = keys;
            self.source = Some(source);
            self.batch.reset(source);
        }
        let data = self.window.data();
        let line = &data[self.pos..self.pos + len];
        for (_, field) in object(line).unwrap_or_default() {
            let place = |bytes: &[u8]| bytes.as_ptr() as usize - data.as_ptr() as usize;
            match field {
                Field::Null => self.batch.push_null(),
                Field::Plain(bytes) | Field::Nested(bytes) => self.batch.push_raw(CellKind::Text, place(bytes), place(bytes) + bytes.len()),
                Field::Bare(bytes) => self.batch.push_raw(CellKind::Bare, place(bytes), place(bytes) + bytes.len()),
                Field::Unescaped(text) => self.batch.push(CellKind::Text, text.as_bytes()),
            }
        }
        self.batch.end_row();
        self.pos += len;
        Ok(())
    }

    fn bad_line(&mut self, len: usize, why: &str) -> Result<(), DumpError> {
        let at = self.window.position_ahead(self.pos);
        let raw = self.window.data()[self.pos..self.pos + len].to_vec();
        let Some(source) = self.source else {
            return Err(DumpError::malformed(
                self.window.file(),
                at,
                format!("no JSON object: {why}"),
                "check that each line is one object",
            ));
        };
        self.sink.reject(Reject {
            source,
            file: self.window.file(),
            at: Position { ..at },
            raw: &raw,
            why: format!("no JSON object: {why}"),
        })?;
        self.pos += len;
        Ok(())
    }

    fn hand_on(&mut self) -> Result<(), DumpError> {
        if self.pos == 0 {
            return Ok(());
        }
        self.sink.account(ByteKind::Data, self.window.source_bytes(self.pos));
        let raw = self.window.detach(self.pos);
        self.pos = 0;
        let source = self.batch.source();
        // Quotes, colons and commas stand on both sides of every cell.
        self.window.give_back(self.batch.adopt(raw, true));
        if self.batch.is_empty() {
            self.batch.reset(source);
            return Ok(());
        }
        self.sink.rows(&mut self.batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_split_and_kept_as_written() {
        let pairs = object(br#" {"a": 1.10, "b":"x", "c\u00e9":"q\"\n", "d":null,"e":[1,{"f":"]"}], "g":true } "#).expect("an object");
        let keys: Vec<&str> = pairs.iter().map(|p| p.0.as_ref()).collect();
        assert_eq!(keys, ["a", "b", "c\u{e9}", "d", "e", "g"]);
        let fields: Vec<Field<'_>> = pairs.into_iter().map(|p| p.1).collect();
        assert_eq!(
            fields,
            [
                Field::Bare(b"1.10"),
                Field::Plain(b"x"),
                Field::Unescaped("q\"\n".to_owned()),
                Field::Null,
                Field::Nested(br#"[1,{"f":"]"}]"#),
                Field::Bare(b"true")
            ]
        );
        assert_eq!(object(b"{}"), Ok(Vec::new()));
        for bad in
            [&b"[1]"[..], b"{\"a\":1", b"{\"a\":01}", b"{\"a\":1}x", b"{\"a\" 1}", b"{\"a\":\"\\q\"}", b"{a:1}", b"{\"a\":[1}", b"{\"\\"]
        {
            assert!(object(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
