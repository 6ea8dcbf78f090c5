//! Reads `INSERT INTO t (columns) VALUES (..), (..);` a row at a time, cells as spans of the text.

use super::lexer::{Escapes, Flavor, LexError, Lexer, Token, quoted};
use crate::dump::{CellKind, RowBatch};
use crate::model::QualifiedName;

/// The part of an INSERT before its rows.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    /// The table.
    pub table: QualifiedName,
    /// Whether the statement names the schema.
    pub qualified: bool,
    /// Column names, `None` for the table's own order.
    pub columns: Option<Vec<String>>,
    /// Whether it inserts one row of defaults.
    pub default_values: bool,
    /// Bytes up to and including `VALUES`.
    pub len: usize,
}

/// Why a head cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub enum HeadError {
    /// The text at hand ends too early.
    Incomplete,
    /// It inserts the result of a query or is no INSERT.
    Unsupported(&'static str),
}

impl From<LexError> for HeadError {
    fn from(error: LexError) -> Self {
        match error {
            LexError::Incomplete(_) => Self::Incomplete,
            LexError::BadHex => Self::Unsupported("a malformed hexadecimal literal"),
        }
    }
}

/// Reads the head of an INSERT or REPLACE at the start of `text`.
///
/// # Errors
/// Returns that the text ends too early, or that it inserts something else than literal rows.
pub fn head(text: &[u8], flavor: Flavor, default_schema: &str) -> Result<Head, HeadError> {
    let mut lexer = Lexer::new(text, flavor);
    // A token at the very end of the text may go on behind it.
    let mut next = || lexer.token()?.filter(|_| lexer.pos() < text.len()).ok_or(HeadError::Incomplete);
    let first = next()?;
    if !first.is("INSERT") && !first.is("REPLACE") {
        return Err(HeadError::Unsupported("no INSERT"));
    }
    let mut token = next()?;
    while ["IGNORE", "LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "OR", "REPLACE"].iter().any(|w| token.is(w)) {
        token = next()?;
    }
    if !token.is("INTO") {
        return Err(HeadError::Unsupported("INSERT without INTO"));
    }
    let mut parts = Vec::new();
    let mut token = loop {
        parts.push(name(&next()?).ok_or(HeadError::Unsupported("no table name"))?);
        let token = next()?;
        if token != Token::Punct(b'.') {
            break token;
        }
    };
    let table_name = parts.pop().unwrap_or_default();
    let schema = parts.pop();
    let qualified = schema.is_some();
    let table = QualifiedName::new(schema.unwrap_or_else(|| default_schema.to_owned()), table_name);
    let mut columns = None;
    if token == Token::Punct(b'(') {
        let mut list = Vec::new();
        loop {
            let entry = next()?;
            if entry == Token::Punct(b')') {
                break;
            }
            if entry != Token::Punct(b',') {
                list.push(name(&entry).ok_or(HeadError::Unsupported("an expression among the columns"))?);
            }
        }
        columns = Some(list);
        token = next()?;
    }
    if token.is("OVERRIDING") {
        next()?;
        next()?;
        token = next()?;
    }
    if token.is("DEFAULT") {
        next()?;
        return Ok(Head { table, qualified, columns, default_values: true, len: lexer.pos() });
    }
    if !token.is("VALUES") && !token.is("VALUE") {
        return Err(HeadError::Unsupported("INSERT of a query"));
    }
    Ok(Head { table, qualified, columns, default_values: false, len: lexer.pos() })
}

fn name(token: &Token<'_>) -> Option<String> {
    match token {
        Token::Word(word) => Some(String::from_utf8_lossy(word).into_owned()),
        Token::Name(name) | Token::Text(name) => Some(String::from_utf8_lossy(name).into_owned()),
        _ => None,
    }
}

/// What stands behind `VALUES` or a row, and where it ends.
#[derive(Debug, PartialEq, Eq)]
pub enum Item {
    /// A row whose cells were added to the batch.
    Row(usize),
    /// A comma.
    Comma(usize),
    /// The end of the statement, behind the `;`.
    End(usize),
}

/// Reads the next row, comma or end at `pos` of `text`; spans of cells count from the start of `text`.
///
/// Cells of an unfinished row stay in the batch: abandon them on error.
///
/// # Errors
/// Returns that the text ends too early, or what is no literal.
pub fn item(text: &[u8], pos: usize, flavor: Flavor, at_end: bool, batch: &mut RowBatch) -> Result<Item, HeadError> {
    match text.get(pos) {
        Some(b'(') => return row(text, pos + 1, flavor, batch).map(Item::Row),
        Some(b',') => return Ok(Item::Comma(pos + 1)),
        Some(b';') => return Ok(Item::End(pos + 1)),
        _ => {}
    }
    let mut lexer = Lexer::new(&text[pos..], flavor);
    match lexer.token()? {
        None if at_end => Ok(Item::End(text.len())),
        None => Err(HeadError::Incomplete),
        Some(Token::Punct(b',')) => Ok(Item::Comma(pos + lexer.pos())),
        Some(Token::Punct(b';')) => Ok(Item::End(pos + lexer.pos())),
        Some(Token::Punct(b'(')) => row(text, pos + lexer.pos(), flavor, batch).map(Item::Row),
        // ON CONFLICT, ON DUPLICATE KEY, RETURNING: what follows the rows changes none of them.
        Some(Token::Word(_)) => {
            let len = super::lexer::statement_len(&text[pos..], flavor, at_end)?;
            Ok(Item::End(pos + len))
        }
        Some(_) => Err(HeadError::Unsupported("neither a row nor the end of the statement")),
    }
}

/// Passes blank space.
#[inline]
fn blank(text: &[u8], mut pos: usize) -> Result<usize, HeadError> {
    while text.get(pos).ok_or(HeadError::Incomplete)?.is_ascii_whitespace() {
        pos += 1;
    }
    Ok(pos)
}

fn row(text: &[u8], mut pos: usize, flavor: Flavor, batch: &mut RowBatch) -> Result<usize, HeadError> {
    loop {
        pos = blank(text, pos)?;
        match text[pos] {
            b')' if batch.open_cells() == 0 => return Ok(pos + 1),
            b'\'' => pos = text_cell(text, pos, flavor.escapes(), batch)?,
            b'0'..=b'9' | b'-' => pos = number_cell(text, pos, flavor, batch)?,
            b'N' if text.len() > pos + 4 && text[pos..].starts_with(b"NULL") && matches!(text[pos + 4], b',' | b')') => {
                batch.push_null();
                pos += 4;
            }
            _ => pos += literal(&text[pos..], flavor, batch)?,
        }
        loop {
            match text.get(pos).ok_or(HeadError::Incomplete)? {
                b',' => {
                    pos += 1;
                    break;
                }
                b')' => return Ok(pos + 1),
                b':' => {
                    let len = cast_len(&text[pos..], flavor)?;
                    if len == 0 {
                        return Err(HeadError::Unsupported("an expression where a literal was expected"));
                    }
                    pos += len;
                }
                byte if byte.is_ascii_whitespace() => pos += 1,
                _ => return Err(HeadError::Unsupported("an expression where a literal was expected")),
            }
        }
    }
}

/// Reads a text in single quotes, as a span where nothing is escaped in it.
#[inline]
fn text_cell(text: &[u8], open: usize, escapes: Escapes, batch: &mut RowBatch) -> Result<usize, HeadError> {
    let from = open + 1;
    let rest = &text[from..];
    let found = if escapes == Escapes::None { memchr::memchr(b'\'', rest) } else { memchr::memchr2(b'\'', b'\\', rest) };
    let at = from + found.ok_or(HeadError::Incomplete)?;
    if text[at] == b'\'' {
        match text.get(at + 1) {
            None => return Err(HeadError::Incomplete),
            Some(b'\'') => {}
            Some(b',' | b')') => {
                batch.push_raw(CellKind::Text, from, at);
                return Ok(at + 1);
            }
            // Another literal may follow, which goes on with this one.
            Some(byte) if byte.is_ascii_whitespace() => return neighbours(text, open, from, at, escapes, batch),
            Some(_) => {
                batch.push_raw(CellKind::Text, from, at);
                return Ok(at + 1);
            }
        }
    }
    let (value, len) = quoted(&text[open..], b'\'', escapes)?;
    batch.push(CellKind::Text, &value);
    Ok(open + len)
}

/// Reads a text in quotes and those that follow it between blanks: neighbouring literals are one.
fn neighbours(text: &[u8], open: usize, from: usize, at: usize, escapes: Escapes, batch: &mut RowBatch) -> Result<usize, HeadError> {
    let mut end = at + 1;
    let mut next = blank(text, end)?;
    if text[next] != b'\'' {
        batch.push_raw(CellKind::Text, from, at);
        return Ok(end);
    }
    let mut value = quoted(&text[open..], b'\'', escapes)?.0.into_owned();
    while text[next] == b'\'' {
        let (more, len) = quoted(&text[next..], b'\'', escapes)?;
        value.extend_from_slice(&more);
        end = next + len;
        next = blank(text, end)?;
    }
    batch.push(CellKind::Text, &value);
    Ok(end)
}

/// Reads a number as a span.
#[inline]
fn number_cell(text: &[u8], start: usize, flavor: Flavor, batch: &mut RowBatch) -> Result<usize, HeadError> {
    let mut end = start + 1;
    while let Some(byte) = text.get(end) {
        if !(byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-')) {
            break;
        }
        end += 1;
    }
    match text.get(end).ok_or(HeadError::Incomplete)? {
        b',' | b')' if text[end - 1].is_ascii_digit() || text[end - 1] == b'.' => {
            batch.push_raw(CellKind::Bare, start, end);
            Ok(end)
        }
        _ => Ok(start + literal(&text[start..], flavor, batch)?),
    }
}

fn literal(text: &[u8], flavor: Flavor, batch: &mut RowBatch) -> Result<usize, HeadError> {
    let mut lexer = Lexer::new(text, flavor);
    let token = lexer.token()?.ok_or(HeadError::Incomplete)?;
    // A word or number at the very end of the text may go on behind it.
    if lexer.pos() == text.len() {
        return Err(HeadError::Incomplete);
    }
    match token {
        Token::Text(value) => {
            let mut value = value.into_owned();
            // Neighbouring literals are one.
            while matches!(text.get(lexer.pos()), Some(b' ' | b'\n')) {
                let mut ahead = lexer.clone();
                let Ok(Some(Token::Text(more))) = ahead.token() else { break };
                value.extend_from_slice(&more);
                lexer = ahead;
            }
            batch.push(CellKind::Text, &value);
        }
        Token::Bytes(bytes) => batch.push(CellKind::Bytes, &bytes),
        Token::Bits(digits) => batch.push(CellKind::Bits, digits),
        Token::Number(number) => batch.push(CellKind::Bare, number),
        Token::Punct(sign @ (b'-' | b'+')) => {
            let Some(Token::Number(number)) = lexer.token()? else {
                return Err(HeadError::Unsupported("a sign without a number"));
            };
            if lexer.pos() == text.len() {
                return Err(HeadError::Incomplete);
            }
            if sign == b'-' {
                batch.buffer().push(b'-');
            }
            batch.push(CellKind::Bare, number);
        }
        word if word.is("NULL") => batch.push_null(),
        word if word.is("DEFAULT") => batch.push(CellKind::Default, b""),
        Token::Word(word) if token_is_bool(word) => batch.push(CellKind::Bare, word),
        Token::Word(word) if flavor.mysql_escapes && word[0] == b'_' => introduced(word, &mut lexer, batch)?,
        Token::Word(word) if flavor.bracket_names => {
            let value = call(word, &mut lexer, 0)?;
            batch.push(CellKind::Text, &value);
        }
        _ => return Err(HeadError::Unsupported("an expression where a literal was expected")),
    }
    Ok(lexer.pos())
}

/// Reads the literal behind a character set introducer such as `_binary`.
fn introduced(word: &[u8], lexer: &mut Lexer<'_>, batch: &mut RowBatch) -> Result<(), HeadError> {
    match lexer.token()?.ok_or(HeadError::Incomplete)? {
        Token::Text(value) if word.eq_ignore_ascii_case(b"_binary") => batch.push(CellKind::Bytes, &value),
        Token::Text(value) => batch.push(CellKind::Text, &value),
        Token::Bytes(bytes) => batch.push(CellKind::Bytes, &bytes),
        _ => return Err(HeadError::Unsupported("a character set without a literal")),
    }
    Ok(())
}

/// Most calls within calls that are evaluated.
const MAX_CALLS: u8 = 4;

/// Evaluates what SQLite's shell writes for texts with line ends: `replace('..','\n',char(10))` and `unistr('..')`.
///
/// Source: SQLite `shell.c`, `output_quoted_escaped_string` (before and since 3.50); `func.c`, `unistrFunc`.
fn call(word: &[u8], lexer: &mut Lexer<'_>, depth: u8) -> Result<Vec<u8>, HeadError> {
    let unknown = || HeadError::Unsupported("an expression where a literal was expected");
    let expect = |lexer: &mut Lexer<'_>, byte: u8| match lexer.token()? {
        None => Err(HeadError::Incomplete),
        Some(token) if token == Token::Punct(byte) => Ok(()),
        Some(_) => Err(unknown()),
    };
    if depth > MAX_CALLS {
        return Err(unknown());
    }
    expect(lexer, b'(')?;
    let text = |lexer: &mut Lexer<'_>| match lexer.token()? {
        None => Err(HeadError::Incomplete),
        Some(Token::Text(text)) => Ok(text.into_owned()),
        Some(Token::Word(inner)) => call(inner, lexer, depth + 1),
        Some(_) => Err(unknown()),
    };
    let value = if word.eq_ignore_ascii_case(b"replace") {
        let subject = text(lexer)?;
        expect(lexer, b',')?;
        let from = text(lexer)?;
        expect(lexer, b',')?;
        let to = text(lexer)?;
        replace(&subject, &from, &to)
    } else if word.eq_ignore_ascii_case(b"char") {
        let Token::Number(number) = lexer.token()?.ok_or(HeadError::Incomplete)? else { return Err(unknown()) };
        let code = std::str::from_utf8(number).ok().and_then(|n| n.parse().ok()).and_then(char::from_u32).ok_or_else(unknown)?;
        code.to_string().into_bytes()
    } else if word.eq_ignore_ascii_case(b"unistr") {
        unistr(&text(lexer)?).ok_or_else(unknown)?
    } else {
        return Err(unknown());
    };
    expect(lexer, b')')?;
    Ok(value)
}

fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    if from.is_empty() {
        return text.to_owned();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// Undoes `\XXXX`, `\uXXXX`, `\+XXXXXX`, `\UXXXXXXXX` and `\\`.
fn unistr(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let (skip, digits) = match *rest.first()? {
            b'\\' => {
                out.push(b'\\');
                rest = &rest[1..];
                continue;
            }
            b'u' => (1, 4),
            b'U' => (1, 8),
            b'+' => (1, 6),
            _ => (0, 4),
        };
        let code = u32::from_str_radix(std::str::from_utf8(rest.get(skip..skip + digits)?).ok()?, 16).ok()?;
        out.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
        rest = &rest[skip + digits..];
    }
    out.extend_from_slice(rest);
    Some(out)
}

fn token_is_bool(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"true") || word.eq_ignore_ascii_case(b"false")
}

/// Returns the length of a `::type` behind a literal.
fn cast_len(text: &[u8], flavor: Flavor) -> Result<usize, HeadError> {
    if text.len() < 2 {
        return Err(HeadError::Incomplete);
    }
    if !text.starts_with(b"::") {
        return Ok(0);
    }
    let mut lexer = Lexer::new(text, flavor);
    let mut parens = 0_usize;
    let mut end = 0;
    loop {
        match lexer.token()?.ok_or(HeadError::Incomplete)? {
            Token::Punct(b'(') => parens += 1,
            Token::Punct(b')') if parens > 0 => parens -= 1,
            Token::Punct(b')' | b',') if parens == 0 => return Ok(end),
            _ => {}
        }
        end = lexer.pos();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells_of(text: &str, flavor: Flavor) -> Vec<(CellKind, String)> {
        let mut batch = RowBatch::new();
        let found = item(text.as_bytes(), 0, flavor, false, &mut batch);
        let Ok(Item::Row(end)) = found else { panic!("{text}: {found:?}") };
        assert_eq!(&text[end..], ";");
        batch.end_row();
        batch.adopt(text.as_bytes().to_vec(), true);
        let cells = batch.row(0);
        cells.iter().map(|c| (c.kind, String::from_utf8_lossy(c.bytes).into_owned())).collect()
    }

    fn cells(text: &str) -> Vec<(CellKind, String)> {
        cells_of(text, Flavor::POSTGRES)
    }

    #[test]
    fn reads_the_literals_that_dumps_hold() {
        assert_eq!(
            cells(
                " (1, -2.5e10, 'it''s', NULL, true, DEFAULT, E'\\t', B'101', '{1,2}'::integer[], 'x'::character varying(3), 7::int, null, 'a' 'b');"
            ),
            [
                (CellKind::Bare, "1".into()),
                (CellKind::Bare, "-2.5e10".into()),
                (CellKind::Text, "it's".into()),
                (CellKind::Null, String::new()),
                (CellKind::Bare, "true".into()),
                (CellKind::Default, String::new()),
                (CellKind::Text, "\t".into()),
                (CellKind::Bits, "101".into()),
                (CellKind::Text, "{1,2}".into()),
                (CellKind::Text, "x".into()),
                (CellKind::Bare, "7".into()),
                (CellKind::Null, String::new()),
                (CellKind::Text, "ab".into()),
            ]
        );
        assert_eq!(cells("();"), []);
    }

    #[test]
    fn reads_the_literals_of_mysql() {
        assert_eq!(
            cells_of(r#"(1,'a\'b\\\n\%\0',"say ""x""",_binary 'z',0x4142,0x1,x'41',b'101',_utf8mb4'q',-1.5e-3);"#, Flavor::MYSQL),
            [
                (CellKind::Bare, "1".into()),
                (CellKind::Text, "a'b\\\n\\%\0".into()),
                (CellKind::Text, "say \"x\"".into()),
                (CellKind::Bytes, "z".into()),
                (CellKind::Bytes, "AB".into()),
                (CellKind::Bytes, "\u{1}".into()),
                (CellKind::Bytes, "A".into()),
                (CellKind::Bits, "101".into()),
                (CellKind::Text, "q".into()),
                (CellKind::Bare, "-1.5e-3".into()),
            ]
        );
    }

    #[test]
    fn reads_what_sqlites_shell_writes() {
        assert_eq!(
            cells_of(r"(replace(replace('a\r\nb','\r',char(13)),'\n',char(10)),unistr('x\u000ay\\'),X'00',1e999);", Flavor::SQLITE),
            [
                (CellKind::Text, "a\r\nb".into()),
                (CellKind::Text, "x\ny\\".into()),
                (CellKind::Bytes, "\0".into()),
                (CellKind::Bare, "1e999".into()),
            ]
        );
    }

    #[test]
    fn a_cut_row_asks_for_more_wherever_it_is_cut() {
        for (whole, flavor) in [
            ("(1, 'a''b', NULL, -3.5, 'x'::text, true)", Flavor::POSTGRES),
            (r#"(1,'a\'b',"c",_binary 'x',0xAB,NULL)"#, Flavor::MYSQL),
            (r"(replace('a\n','\n',char(10)),1.5)", Flavor::SQLITE),
        ] {
            for cut in 0..whole.len() {
                let mut batch = RowBatch::new();
                assert_eq!(item(&whole.as_bytes()[..cut], 0, flavor, false, &mut batch), Err(HeadError::Incomplete), "{whole} {cut}");
            }
        }
    }

    #[test]
    fn expressions_are_refused() {
        for text in ["(now());", "(1 + 1);", "((SELECT 1));", "(1:2);"] {
            let mut batch = RowBatch::new();
            assert!(matches!(item(text.as_bytes(), 0, Flavor::POSTGRES, false, &mut batch), Err(HeadError::Unsupported(_))), "{text}");
        }
    }

    #[test]
    fn reads_heads() {
        let text = "INSERT INTO app.\"T 1\" (a, \"B\") OVERRIDING SYSTEM VALUE VALUES (1, 2);";
        let found = head(text.as_bytes(), Flavor::POSTGRES, "public").expect("a head");
        assert_eq!(found.table, QualifiedName::new("app", "T 1"));
        assert_eq!(found.columns, Some(vec!["a".into(), "B".into()]));
        assert_eq!(&text[found.len..], " (1, 2);");
    }
}
