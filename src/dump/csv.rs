//! CSV and TSV: a file a table, its stem the name. Tells a quoted empty field from an unquoted one,
//! which decides between the empty string and NULL. Guesses neither types nor missing fields.

use super::{ByteKind, CellKind, DumpError, DumpFormat, FormatMeta, InputFile, Note, Position, Reject, RowBatch, RowSource, Sink, Window};
use crate::model::{Engine, QualifiedName};

/// Delimited text.
pub struct Csv;

const META: FormatMeta = FormatMeta {
    id: "csv",
    title: "CSV or TSV with a header line",
    engine: Engine::Csv,
    source: "RFC 4180; PostgreSQL manual, COPY (CSV format: an unquoted empty field is NULL, a quoted one is not)",
};

/// Separators that are tried, the most common first.
const SEPARATORS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// Records of the input's beginning that decide on the separator.
const SNIFF_RECORDS: usize = 200;

impl DumpFormat for Csv {
    fn meta(&self) -> &'static FormatMeta {
        &META
    }

    fn sniff(&self, head: &[u8]) -> bool {
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        let text = head.iter().all(|b| *b >= 0x20 || matches!(b, b'\t' | b'\n' | b'\r' | 0x0c));
        text && !head.is_empty() && separator(head).is_some()
    }

    fn read(&self, input: &InputFile, sink: &mut dyn Sink) -> Result<(), DumpError> {
        let mut window = Window::open(input)?;
        if window.data().starts_with(b"\xef\xbb\xbf") {
            sink.account(ByteKind::Comment, 3);
            window.consume(3);
        }
        let at = window.position();
        let help = "check that the file is a CSV export with one record a line";
        let Some(separator) = separator(&window.data()[..window.data().len().min(super::HEAD_BYTES)]) else {
            return Err(DumpError::malformed(window.file(), at, "no separator gives the same number of fields on each line", help));
        };
        let mut reader = Reader { window, sink, separator, batch: RowBatch::new() };
        reader.run(&QualifiedName::new("", input.stem()))
    }
}

/// Returns the separator that gives the first records equal numbers of fields, if one does.
///
/// A single column passes only under a header that is one plain word, so that prose is no table.
fn separator(head: &[u8]) -> Option<u8> {
    let score = |separator: u8| -> Option<(usize, usize)> {
        let mut batch = RowBatch::new();
        let mut rest = head;
        let mut widths = Vec::new();
        while widths.len() < SNIFF_RECORDS {
            match record(rest, separator, false, &mut batch) {
                Ok(Some(len)) => {
                    widths.push(batch.open_cells());
                    rest = &rest[len..];
                }
                Ok(None) if widths.is_empty() => {
                    // The head is all there is: a header without a line end, or one record larger than the head.
                    record(rest, separator, true, &mut batch).ok()??;
                    widths.push(batch.open_cells());
                    break;
                }
                _ => break,
            }
            batch.abandon_row();
        }
        let width = *widths.first()?;
        let equal = widths.iter().filter(|w| **w == width).count();
        // A few bad records are for the reader to refuse, with their place, under a line that is plainly a header.
        let enough = if plain_header(head, separator) { equal * 2 >= widths.len() } else { equal * 10 >= widths.len() * 9 };
        (width > 1 && enough).then_some((equal, width))
    };
    let best = SEPARATORS.into_iter().rev().filter_map(|s| Some((score(s)?, s))).max_by_key(|found| found.0);
    if let Some((_, separator)) = best {
        return Some(separator);
    }
    let line = head.split(|b| *b == b'\n').next()?;
    let word = line.strip_suffix(b"\r").unwrap_or(line);
    let word = word.strip_prefix(b"\"").and_then(|w| w.strip_suffix(b"\"")).unwrap_or(word);
    let plain = word.len() <= 63 && word.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_');
    (plain && word.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')).then_some(b',')
}

/// Returns whether the first line is names of columns: short, few words, no sentence.
fn plain_header(head: &[u8], separator: u8) -> bool {
    let line = head.split(|b| *b == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    line.split(|b| *b == separator).all(|field| {
        let field = field.trim_ascii();
        let words = field.split(|b| *b == b' ').count();
        !field.is_empty() && field.len() <= 40 && words <= 3 && !field.ends_with(b".")
    })
}

/// Why a record cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AfterQuote {
    /// Bytes from the record's start to the offending byte.
    ahead: usize,
}

/// Splits the record at the start of `text` into cells of the batch's row at hand; returns its length
/// with the line end, `None` where the text does not hold all of it.
fn record(text: &[u8], separator: u8, at_end: bool, batch: &mut RowBatch) -> Result<Option<usize>, AfterQuote> {
    let mut pos = 0;
    loop {
        if text.get(pos) == Some(&b'"') {
            let Some(len) = quoted_field(&text[pos..], at_end, batch) else { return Ok(None) };
            pos += len;
            match text.get(pos) {
                None if at_end => return Ok(Some(pos)),
                None => return Ok(None),
                Some(b'\n') => return Ok(Some(pos + 1)),
                Some(b'\r') if text.get(pos + 1) == Some(&b'\n') => return Ok(Some(pos + 2)),
                Some(b'\r') if pos + 1 == text.len() => return Ok(if at_end { Some(pos + 1) } else { None }),
                Some(byte) if *byte == separator => pos += 1,
                Some(_) => return Err(AfterQuote { ahead: pos }),
            }
            continue;
        }
        let rest = &text[pos..];
        let Some(len) = memchr::memchr2(separator, b'\n', rest) else {
            if !at_end {
                return Ok(None);
            }
            push_plain(rest.strip_suffix(b"\r").unwrap_or(rest), batch);
            return Ok(Some(text.len()));
        };
        if rest[len] == separator {
            push_plain(&rest[..len], batch);
            pos += len + 1;
        } else {
            let field = &rest[..len];
            push_plain(field.strip_suffix(b"\r").unwrap_or(field), batch);
            return Ok(Some(pos + len + 1));
        }
    }
}

fn push_plain(field: &[u8], batch: &mut RowBatch) {
    batch.push(if field.is_empty() { CellKind::Null } else { CellKind::Text }, field);
}

/// Reads a quoted field; returns its length with both quotes, `None` where it does not end.
fn quoted_field(text: &[u8], at_end: bool, batch: &mut RowBatch) -> Option<usize> {
    let mut pos = 1;
    loop {
        let quote = pos + memchr::memchr(b'"', &text[pos..])?;
        batch.buffer().extend_from_slice(&text[pos..quote]);
        match text.get(quote + 1) {
            Some(b'"') => {
                batch.buffer().push(b'"');
                pos = quote + 2;
            }
            None if !at_end => return None,
            _ => {
                batch.end_cell(CellKind::Text);
                return Some(quote + 1);
            }
        }
    }
}

struct Reader<'s> {
    window: Window,
    sink: &'s mut dyn Sink,
    separator: u8,
    batch: RowBatch,
}

impl Reader<'_> {
    fn run(&mut self, table: &QualifiedName) -> Result<(), DumpError> {
        let at = self.window.position();
        let Some(len) = self.record()? else {
            return Err(DumpError::malformed(
                self.window.file(),
                at,
                "the file is empty",
                "remove it, or export the table again with a header line",
            ));
        };
        self.batch.end_row(at);
        let first: Vec<String> =
            self.batch.rows().flat_map(|(_, cells)| cells.map(|c| String::from_utf8_lossy(c.bytes).into_owned())).collect();
        let (columns, header) = header(&first);
        if !header {
            let warning = format!(
                "{}: the first line looks like data, so the columns are called {} to {}",
                self.window.file(),
                columns[0],
                columns[columns.len() - 1]
            );
            self.sink.note(Note::Warning(warning))?;
        }
        let (source, width) = self.sink.open(table, Some(&columns), true, at)?;
        self.batch.reset(source);
        if header {
            self.pass(len, ByteKind::Ddl);
        }
        loop {
            let at = self.window.position();
            let Some(len) = self.record()? else { break };
            let cells = self.batch.open_cells();
            if cells == width {
                self.batch.end_row(at);
            } else {
                self.misfit(source, width, cells, at, len)?;
            }
            self.pass(len, ByteKind::Data);
            if self.batch.is_full() {
                self.hand_on(source)?;
            }
        }
        self.hand_on(source)
    }

    fn pass(&mut self, bytes: usize, kind: ByteKind) {
        self.sink.account(kind, bytes as u64);
        self.window.consume(bytes);
    }

    fn hand_on(&mut self, source: RowSource) -> Result<(), DumpError> {
        if !self.batch.is_empty() {
            self.sink.rows(&mut self.batch)?;
        }
        self.batch.reset(source);
        Ok(())
    }

    /// Splits the record at hand into the batch's open row; returns its length, `None` at the end.
    fn record(&mut self) -> Result<Option<usize>, DumpError> {
        loop {
            if self.window.data().is_empty() && !self.window.fill()? {
                return Ok(None);
            }
            match record(self.window.data(), self.separator, self.window.at_end(), &mut self.batch) {
                Ok(Some(len)) => return Ok(Some(len)),
                Ok(None) => {
                    self.batch.abandon_row();
                    if !self.window.fill()? {
                        let at = self.window.position();
                        let help = "the quote that opens here never closes: the file is cut off, or a quote inside a field is not doubled";
                        return Err(DumpError::malformed(self.window.file(), at, "the file ends inside a quoted field", help));
                    }
                }
                Err(AfterQuote { ahead }) => {
                    let at = self.window.position_ahead(ahead);
                    let help = "a quote inside a quoted field must be doubled; export the table again";
                    return Err(DumpError::malformed(self.window.file(), at, "text between a closing quote and the separator", help));
                }
            }
        }
    }

    /// Rejects a record of another width; blank lines at the end of the file are no records.
    fn misfit(&mut self, source: RowSource, width: usize, cells: usize, at: Position, len: usize) -> Result<(), DumpError> {
        self.batch.abandon_row();
        let raw = self.window.data()[..len].to_vec();
        let blank = |bytes: &[u8]| bytes.iter().all(|b| matches!(b, b'\r' | b'\n'));
        if blank(&raw) && self.window.at_end() && blank(self.window.data()) {
            return Ok(());
        }
        let why = format!("the record has {cells} fields, the header has {width}");
        self.sink.reject(Reject { source, at, raw: &raw, why })
    }
}

/// Returns the column names and whether the first record is a header.
///
/// A header's fields are neither empty nor equal nor numbers nor addresses.
fn header(first: &[String]) -> (Vec<String>, bool) {
    let name_like = |field: &String| {
        let field = field.trim();
        !field.is_empty()
            && field.len() <= 128
            && !field.contains('@')
            && !field.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '{' | '\\'))
    };
    let mut sorted: Vec<&String> = first.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() == first.len() && first.iter().all(name_like) {
        (first.to_vec(), true)
    } else {
        ((1..=first.len()).map(|n| format!("column_{n}")).collect(), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<(CellKind, String)> {
        let mut batch = RowBatch::new();
        let len = record(text.as_bytes(), b',', true, &mut batch).expect("splits");
        assert_eq!(len, Some(text.len()));
        batch.end_row(Position::default());
        let (_, cells) = batch.rows().next().expect("a row");
        cells.map(|c| (c.kind, String::from_utf8_lossy(c.bytes).into_owned())).collect()
    }

    #[test]
    fn quoted_empty_is_not_null() {
        let text = |s: &str| (CellKind::Text, s.to_owned());
        let null = (CellKind::Null, String::new());
        assert_eq!(cells("a,,\"\",\"b\"\"c\nd\"\r\n"), [text("a"), null.clone(), text(""), text("b\"c\nd")]);
        assert_eq!(cells(","), [null.clone(), null]);
        assert_eq!(cells("007"), [text("007")]);
    }

    #[test]
    fn a_cut_record_asks_for_more_wherever_it_is_cut() {
        let whole = "a,\"b\"\"c\nd\",,e\r\n";
        for cut in 0..whole.len() {
            let mut batch = RowBatch::new();
            assert_eq!(record(&whole.as_bytes()[..cut], b',', false, &mut batch), Ok(None), "{cut}");
        }
    }

    #[test]
    fn finds_the_separator() {
        assert_eq!(separator(b"id;name\n1;a,b\n2;c,d\n"), Some(b';'));
        assert_eq!(separator(b"id\tname\n1\ta\n"), Some(b'\t'));
        assert_eq!(separator(b"id\n1\n"), Some(b','));
        assert_eq!(separator(b"Dear all,\n\nplease find the export attached.\n"), None);
    }

    #[test]
    fn tells_headers_from_data() {
        let names = |fields: &[&str]| header(&fields.iter().map(|f| (*f).to_owned()).collect::<Vec<_>>());
        assert!(names(&["id", "Full name", "e-mail"]).1);
        assert!(!names(&["1", "Ann", "ann@acme.com"]).1);
        assert_eq!(names(&["1", "2"]).0, ["column_1", "column_2"]);
    }
}
