//! CSV and TSV: a file a table, its stem the name. The dialect is found from the first records, told with
//! the reason, and held against the whole file by reading it. Guesses neither types nor missing fields.

use super::delimited::{Delimited, Dialect, sample};
use super::{ByteKind, CellKind, Charset, DumpError, DumpFormat, FormatMeta, Hints, Input, Note, RowBatch, Sink, Window};
use crate::model::{Engine, QualifiedName};

/// Delimited text.
pub struct Csv;

const META: FormatMeta = FormatMeta {
    id: "csv",
    title: "CSV or TSV",
    engine: Engine::Csv,
    source: "RFC 4180; PostgreSQL manual, COPY (CSV format: an unquoted empty field is NULL, a quoted one is not); MySQL manual, SELECT INTO OUTFILE",
};

/// Separators that are tried, the most common first.
///
/// Source: exports of spreadsheets, Hive (`^A`), bcp and `--tab` habits.
const SEPARATORS: [u8; 8] = [b',', b'\t', b';', b'|', 0x01, 0x07, 0x1f, b'^'];

/// Records of the input's beginning that decide on the dialect.
const SNIFF_RECORDS: usize = 1000;

/// Words that mean NULL where every text is quoted and they are not.
///
/// Source: exports of phpMyAdmin and `DataGrip` (`NULL`), SQL Developer (`(null)`).
const NULL_WORDS: [&str; 3] = ["NULL", "null", "(null)"];

impl DumpFormat for Csv {
    fn meta(&self) -> &'static FormatMeta {
        &META
    }

    fn sniff(&self, head: &[u8]) -> bool {
        is_table(head, &Hints::default())
    }

    fn told(&self, head: &[u8], hints: &Hints) -> bool {
        (hints.separator.is_some() || hints.header.is_some()) && is_table(head, hints)
    }

    fn read(&self, input: &Input, sink: &mut dyn Sink) -> Result<(), DumpError> {
        let part = input.only();
        let mut window = input.window(part)?;
        let bom = if window.data().starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        sink.account(ByteKind::Comment, window.source_bytes(bom));
        window.consume(bom);
        // More than one read may be needed to see enough records.
        while window.data().len() < super::HEAD_BYTES && window.fill()? {}
        let file = window.file().to_owned();
        let at = window.position();
        if window.data().is_empty() {
            return Err(DumpError::malformed(&file, at, "the file is empty", "remove it, or export the table again with a header line"));
        }
        let head = &window.data()[..window.data().len().min(super::HEAD_BYTES)];
        let whole = head.len() == window.data().len() && window.at_end();
        let Some(mut found) = look(head, whole, &input.hints) else {
            let help = "check that the file is a CSV export with one record a line";
            return Err(DumpError::malformed(&file, at, "no separator gives the same number of fields on each line", help));
        };
        if window.is_utf16() {
            found.why.push("UTF-16".to_owned());
        }
        let charset = charset(head, &input.hints, &mut found.why);
        if found.directive > 0 {
            sink.account(ByteKind::Directive, window.source_bytes(found.directive));
            window.consume(found.directive);
        }
        sink.charset(charset);
        read_table(window, sink, found, &QualifiedName::new("", part.stem()), charset, &input.hints)
    }
}

fn is_table(head: &[u8], hints: &Hints) -> bool {
    match Charset::utf16(head).map(|_| Window::new(Box::new(std::io::Cursor::new(head.to_vec())), "", usize::MAX)) {
        Some(Ok(window)) => is_text_table(window.data(), hints),
        Some(Err(_)) => false,
        None => is_text_table(head, hints),
    }
}

fn is_text_table(head: &[u8], hints: &Hints) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let control = |b: &u8| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c | 0x01 | 0x07 | 0x1f);
    !head.is_empty() && !head.iter().any(control) && look(head, false, hints).is_some()
}

/// A dialect and how it was found.
struct Found {
    dialect: Dialect,
    /// Bytes of a first line `sep=;`.
    directive: usize,
    why: Vec<String>,
    records: RowBatch,
}

/// Finds the dialect of a text from its first records.
fn look(head: &[u8], whole: bool, hints: &Hints) -> Option<Found> {
    let mut why = Vec::new();
    let directive = sep_line(head);
    let text = &head[directive.map_or(0, |d| d.0)..];
    let newline = newline(text);
    if newline == b'\r' {
        why.push("lines end with a carriage return".to_owned());
    }
    let tell = |byte: u8| match byte {
        b'\t' => "a tab".to_owned(),
        byte if byte.is_ascii_graphic() => format!("\"{}\"", char::from(byte)),
        byte => format!("byte {byte:#04x}"),
    };
    let forced = hints.separator.map(|s| (s, "as given")).or(directive.map(|d| (d.1, "its first line says so")));
    let mut dialect = match forced {
        Some((separator, reason)) => {
            why.push(format!("separator {}, {reason}", tell(separator)));
            Dialect { newline, ..Dialect::csv(separator) }
        }
        None => {
            let (separator, width, equal, all) = separator(text, newline, whole)?;
            if width > 1 {
                why.push(format!("separator {}: {equal} of the first {all} records have {width} fields", tell(separator)));
            } else {
                why.push("one column".to_owned());
            }
            Dialect { newline, ..Dialect::csv(separator) }
        }
    };
    backslashes(text, whole, &mut dialect, &mut why);
    let records = sample(text, &dialect, whole, SNIFF_RECORDS).ok()?;
    match &hints.null {
        Some(word) => {
            dialect.nulls = vec![word.clone().into_bytes()];
            why.push(format!("NULL is the unquoted \"{word}\", as given"));
        }
        None => nulls(text, &records, &mut dialect, &mut why),
    }
    let records = sample(text, &dialect, whole, SNIFF_RECORDS).unwrap_or(records);
    Some(Found { dialect, directive: directive.map_or(0, |d| d.0), why, records })
}

/// Reads a first line `sep=;`, as spreadsheets write it; returns its length and the separator.
fn sep_line(head: &[u8]) -> Option<(usize, u8)> {
    let rest = head.strip_prefix(b"sep=").or_else(|| head.strip_prefix(b"\"sep="))?;
    let separator = *rest.first()?;
    let end = memchr::memchr(b'\n', rest)?;
    let quote = if head[0] == b'"' { 5 } else { 4 };
    (end <= 3).then_some((quote + end + 1, separator))
}

/// Tells old Macs' line ends: carriage returns and no line feed at all.
fn newline(head: &[u8]) -> u8 {
    if memchr::memchr(b'\n', head).is_none() && memchr::memchr(b'\r', &head[..head.len().saturating_sub(1)]).is_some() {
        b'\r'
    } else {
        b'\n'
    }
}

/// Returns the separator that gives the first records equal numbers of fields, if one does: with the
/// number, how many records have it, and how many there are.
///
/// A single column passes only under a header that is one plain word, so that prose is no table.
fn separator(head: &[u8], newline: u8, whole: bool) -> Option<(u8, usize, usize, usize)> {
    let score = |separator: u8| -> Option<(usize, usize, usize)> {
        let dialect = Dialect { newline, ..Dialect::csv(separator) };
        let escaped = Dialect { escape: Some(b'\\'), ..dialect.clone() };
        let split = |whole| sample(head, &dialect, whole, SNIFF_RECORDS).or_else(|_| sample(head, &escaped, whole, SNIFF_RECORDS)).ok();
        let mut records = split(whole)?;
        if records.is_empty() {
            // The head is all there is: a header without a line end, or one record larger than the head.
            records = split(true)?;
        }
        let widths: Vec<usize> = records.rows().map(|r| r.len()).collect();
        let width = *widths.first()?;
        let equal = widths.iter().filter(|w| **w == width).count();
        // A few bad records are for the reader to refuse, with their place, under a line that is plainly a header.
        let enough = if plain_header(head, separator) { equal * 2 >= widths.len() } else { equal * 10 >= widths.len() * 9 };
        (width > 1 && enough).then_some((equal, width, widths.len()))
    };
    let best = SEPARATORS.into_iter().rev().filter_map(|s| Some((score(s)?, s))).max_by_key(|found| (found.0.0, found.0.1));
    if let Some(((equal, width, all), separator)) = best {
        return Some((separator, width, equal, all));
    }
    let line = head.split(|b| *b == newline).next()?;
    let word = line.strip_suffix(b"\r").unwrap_or(line);
    let word = word.strip_prefix(b"\"").and_then(|w| w.strip_suffix(b"\"")).unwrap_or(word);
    let plain = word.len() <= 63 && word.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_');
    (plain && word.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')).then_some((b',', 1, 1, 1))
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

/// Finds whether backslashes escape: where only then quoted cells end at a separator, and in text with
/// `\N` between separators and no quotes, as `INTO OUTFILE` writes it.
fn backslashes(text: &[u8], whole: bool, dialect: &mut Dialect, why: &mut Vec<String>) {
    let escaped = Dialect { escape: Some(b'\\'), ..dialect.clone() };
    let width = |d: &Dialect| -> Option<(usize, usize)> {
        let records = sample(text, d, whole, SNIFF_RECORDS).ok()?;
        let width = records.rows().next()?.len();
        Some((records.rows().filter(|r| r.len() == width).count(), records.len()))
    };
    let plain = width(dialect);
    let unquoted = Dialect { quote: None, ..escaped.clone() };
    // NULL is spelled \N, so other backslashes escape too.
    let null = Dialect { nulls: vec![b"\\N".to_vec()], ..unquoted.clone() };
    let has_null =
        || sample(text, &null, whole, SNIFF_RECORDS).is_ok_and(|r| r.rows().any(|row| row.iter().any(|c| c.kind == CellKind::Null)));
    let quotes_text = memchr::memmem::find(text, b"\\\"").is_some() && width(&escaped).is_some_and(|(equal, all)| equal == all);
    if quotes_text && plain.is_none_or(|(equal, all)| equal < all) {
        *dialect = escaped;
        why.push("backslash escapes: quoted fields hold \\\"".to_owned());
    } else if dialect.separator == b'\t' && (memchr::memchr(b'"', text).is_none() || plain.is_none()) && has_null() {
        *dialect = unquoted;
        why.push("backslash escapes: \\N stands between tabs".to_owned());
    }
}

/// Finds how NULL is written.
fn nulls(text: &[u8], records: &RowBatch, dialect: &mut Dialect, why: &mut Vec<String>) {
    let has = |word: &[u8]| {
        let null = Dialect { nulls: vec![word.to_vec()], ..dialect.clone() };
        sample(text, &null, false, SNIFF_RECORDS).is_ok_and(|r| r.rows().any(|row| row.iter().any(|c| c.kind == CellKind::Null)))
    };
    if has(b"\\N") {
        dialect.nulls = vec![b"\\N".to_vec()];
        why.push("NULL is \\N; an empty field is the empty string".to_owned());
        return;
    }
    // A bare word means NULL only where texts are quoted throughout: a person may be called Null.
    let quoted = text.iter().filter(|b| **b == b'"').count() / 2;
    let texts = records.rows().skip(1).flat_map(|r| r.iter().collect::<Vec<_>>());
    let texts = texts.filter(|c| c.kind == CellKind::Text && c.bytes.iter().any(u8::is_ascii_alphabetic)).count();
    for word in NULL_WORDS {
        let bare = records.rows().skip(1).flat_map(|r| r.iter().collect::<Vec<_>>()).filter(|c| c.bytes == word.as_bytes()).count();
        if bare > 0 && quoted > 0 && quoted + bare >= texts && has(word.as_bytes()) {
            dialect.nulls = vec![word.as_bytes().to_vec(), Vec::new()];
            why.push(format!("NULL is the unquoted {word}: every other text is quoted"));
            return;
        }
    }
    why.push("NULL is an unquoted empty field".to_owned());
}

/// Finds the character set: UTF-8 unless the first bytes are none.
fn charset(head: &[u8], hints: &Hints, why: &mut Vec<String>) -> Charset {
    if let Some(charset) = hints.charset {
        why.push(format!("{}, as given", charset.name()));
        return charset;
    }
    match std::str::from_utf8(head) {
        Err(error) if error.error_len().is_some() => {
            let high = head.iter().filter(|b| **b >= 0x80).count();
            why.push(format!(
                "windows-1252: byte {} and others are no UTF-8 ({high} bytes above 0x7f seen); --encoding says otherwise",
                error.valid_up_to()
            ));
            Charset::Other(encoding_rs::WINDOWS_1252)
        }
        _ => Charset::Utf8,
    }
}

fn read_table(
    window: Window,
    sink: &mut dyn Sink,
    found: Found,
    table: &QualifiedName,
    charset: Charset,
    hints: &Hints,
) -> Result<(), DumpError> {
    let at = window.position();
    let file = window.file().to_owned();
    let Found { dialect, mut why, records, .. } = found;
    let mut reader = Delimited { window, sink, dialect, batch: RowBatch::new() };
    let first: Vec<String> = reader.first(None)?.unwrap_or_default().iter().map(|cell| decoded(cell, charset)).collect();
    let declared = reader.sink.declared(table);
    let header = match (hints.header, &declared) {
        (Some(given), _) => given,
        // Under DDL a header names its columns.
        (None, Some(columns)) => {
            let known = first.iter().filter(|f| columns.iter().any(|c| c.eq_ignore_ascii_case(f.trim()))).count();
            known * 2 >= first.len() || (first.len() != columns.len() && is_header(&first, &records))
        }
        (None, None) => is_header(&first, &records),
    };
    let columns = if header {
        why.push("the first line is the header".to_owned());
        names(&first, declared.as_deref())
    } else if let Some(columns) = declared.filter(|c| c.len() == first.len()) {
        why.push("no header: the fields are the table's columns in their order".to_owned());
        columns
    } else {
        why.push(format!("no header, as the first line looks like data: the columns are called column_1 to column_{}", first.len()));
        (1..=first.len()).map(|n| format!("column_{n}")).collect()
    };
    reader.sink.note(Note::Dialect(format!("{file}: {}", why.join("; "))))?;
    let (source, width) = reader.sink.open(table, Some(&columns), true, at)?;
    if header {
        reader.first(Some(ByteKind::Ddl))?;
    }
    reader.rest(source, width)
}

fn decoded(cell: &[u8], charset: Charset) -> String {
    let mut text = Vec::new();
    charset.decode(cell, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Returns whether the first record is a header.
///
/// A header's fields are no numbers, times or addresses. Where some are empty or equal, the records that
/// follow must also look different from it.
fn is_header(first: &[String], records: &RowBatch) -> bool {
    let name_like = |field: &String| {
        let field = field.trim();
        field.len() <= 128
            && !field.contains('@')
            && !field.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '{' | '\\'))
    };
    if !first.iter().all(name_like) || first.iter().all(|f| f.trim().is_empty()) {
        return false;
    }
    let mut sorted: Vec<&str> = first.iter().map(|f| f.trim()).collect();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() == first.len() && !sorted.contains(&"") {
        return true;
    }
    let numeric = |cell: &[u8]| cell.first().is_some_and(|b| b.is_ascii_digit() || *b == b'-');
    let rows: Vec<_> = records.rows().skip(1).collect();
    let column_differs = |place: usize| {
        let cells = rows.iter().map(|r| r.get(place)).filter(|c| c.kind != CellKind::Null);
        let (all, numbers) = cells.fold((0, 0), |(all, numbers), c| (all + 1, numbers + usize::from(numeric(c.bytes))));
        all > 0 && numbers * 5 >= all * 4 && !numeric(first[place].as_bytes())
    };
    (0..first.len()).any(column_differs)
}

/// Returns column names of a header: empty ones numbered, equal ones told apart.
fn names(first: &[String], declared: Option<&[String]>) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(first.len());
    for (place, field) in first.iter().enumerate() {
        let trimmed = field.trim();
        let exact = declared.is_some_and(|d| d.contains(field));
        let mut name = if trimmed.is_empty() {
            format!("column_{}", place + 1)
        } else if exact {
            field.clone()
        } else {
            trimmed.to_owned()
        };
        let base = name.clone();
        let mut number = 2;
        while names.contains(&name) {
            name = format!("{base}~{number}");
            number += 1;
        }
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Found {
        look(text.as_bytes(), true, &Hints::default()).unwrap_or_else(|| panic!("no dialect: {text}"))
    }

    fn header(fields: &[&str], rest: &str) -> bool {
        let text = format!("{}\n{rest}", fields.join(","));
        is_header(&fields.iter().map(|f| (*f).to_owned()).collect::<Vec<_>>(), &found(&text).records)
    }

    #[test]
    fn finds_the_separator() {
        for (text, separator) in [
            ("id;name\n1;a,b\n2;c,d\n", b';'),
            ("id\tname\n1\ta\n", b'\t'),
            ("id\n1\n", b','),
            ("a|b|c\n1|2,5|3\n", b'|'),
            ("a\u{1}b\n1\u{1}2\n", 1),
            ("sep=;\nid;a\n1;2\n", b';'),
        ] {
            assert_eq!(found(text).dialect.separator, separator, "{text}");
        }
        assert!(look(b"Dear all,\n\nplease find the export attached.\n", true, &Hints::default()).is_none());
        assert_eq!(found("id,a\r1,2\r3,4\r").dialect.newline, b'\r');
    }

    #[test]
    fn finds_escapes_and_nulls() {
        let tsv = found("1\tC:\\\\x\t\\N\n2\ta\\tb\tc\n").dialect;
        assert_eq!((tsv.escape, tsv.quote, tsv.nulls), (Some(b'\\'), None, vec![b"\\N".to_vec()]));
        let outfile = found("\"1\",\"say \\\"hi\\\", you\"\n\"2\",\\N\n").dialect;
        assert_eq!((outfile.escape, outfile.nulls), (Some(b'\\'), vec![b"\\N".to_vec()]));
        let paths = found("id,path\n1,C:\\new\n").dialect;
        assert_eq!((paths.escape, paths.nulls), (None, vec![Vec::new()]));
        let quoted = found("\"id\",\"name\"\n\"1\",NULL\n\"2\",\"Ann\"\n").dialect;
        assert_eq!(quoted.nulls, [b"NULL".to_vec(), Vec::new()]);
        // Somebody is called Null.
        assert_eq!(found("id,name\n1,NULL\n2,Ann\n").dialect.nulls, [Vec::<u8>::new()]);
    }

    #[test]
    fn tells_headers_from_data() {
        assert!(header(&["id", "Full name", "e-mail"], "1,Ann,a@b.c\n"));
        assert!(!header(&["1", "Ann", "ann@acme.com"], "2,Bob,b@b.c\n"));
        assert!(header(&["id", "name", "name", ""], "1,a,b,\n2,c,d,\n"));
        assert!(!header(&["Ann", "Ann", "Oslo"], "Bob,Bob,Rome\n"));
        let fields = ["id", "name", "name", ""].map(str::to_owned);
        assert_eq!(names(&fields, None), ["id", "name", "name~2", "column_4"]);
    }
}
