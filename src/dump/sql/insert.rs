//! Reads `INSERT INTO t (columns) VALUES (..), (..);` a row at a time.

use super::lexer::{Flavor, LexError, Lexer, Token, quoted};
use crate::dump::{CellKind, RowBatch};
use crate::model::QualifiedName;

/// The part of an INSERT before its rows.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    /// The table.
    pub table: QualifiedName,
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

/// Reads the head of an INSERT at the start of `text`.
///
/// # Errors
/// Returns that the text ends too early, or that it inserts something else than literal rows.
pub fn head(text: &[u8], flavor: Flavor, default_schema: &str) -> Result<Head, HeadError> {
    let mut lexer = Lexer::new(text, flavor);
    let mut next = || lexer.token()?.ok_or(HeadError::Incomplete);
    if !next()?.is("INSERT") {
        return Err(HeadError::Unsupported("no INSERT"));
    }
    let mut token = next()?;
    while token.is("IGNORE") || token.is("LOW_PRIORITY") || token.is("OR") || token.is("REPLACE") {
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
    let table = QualifiedName::new(parts.pop().unwrap_or_else(|| default_schema.to_owned()), table_name);
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
        return Ok(Head { table, columns, default_values: true, len: lexer.pos() });
    }
    if !token.is("VALUES") && !token.is("VALUE") {
        return Err(HeadError::Unsupported("INSERT of a query"));
    }
    Ok(Head { table, columns, default_values: false, len: lexer.pos() })
}

fn name(token: &Token<'_>) -> Option<String> {
    match token {
        Token::Word(word) => Some(String::from_utf8_lossy(word).into_owned()),
        Token::Name(name) | Token::Text(name) => Some(String::from_utf8_lossy(name).into_owned()),
        _ => None,
    }
}

/// What stands at the start of the text behind `VALUES` or a row.
#[derive(Debug, PartialEq, Eq)]
pub enum Item {
    /// A row whose cells were added to the batch; the length of the text it spans.
    Row(usize),
    /// A comma; its length with the blanks before it.
    Comma(usize),
    /// The end of the statement; its length, from here to behind the `;`.
    End(usize),
}

/// Reads the next row, comma or end. Cells of an unfinished row stay in the batch: abandon them on error.
///
/// # Errors
/// Returns that the text ends too early, or what is no literal.
pub fn item(text: &[u8], flavor: Flavor, at_end: bool, batch: &mut RowBatch) -> Result<Item, HeadError> {
    let mut lexer = Lexer::new(text, flavor);
    match lexer.token()? {
        None if at_end => Ok(Item::End(text.len())),
        None => Err(HeadError::Incomplete),
        Some(Token::Punct(b',')) => Ok(Item::Comma(lexer.pos())),
        Some(Token::Punct(b';')) => Ok(Item::End(lexer.pos())),
        Some(Token::Punct(b'(')) => row(text, lexer.pos(), flavor, batch).map(Item::Row),
        // ON CONFLICT, ON DUPLICATE KEY, RETURNING: what follows the rows changes none of them.
        Some(Token::Word(_)) => {
            let len = super::lexer::statement_len(text, flavor, at_end)?;
            Ok(Item::End(len))
        }
        Some(_) => Err(HeadError::Unsupported("neither a row nor the end of the statement")),
    }
}

fn row(text: &[u8], mut pos: usize, flavor: Flavor, batch: &mut RowBatch) -> Result<usize, HeadError> {
    loop {
        pos += text[pos..].iter().position(|b| !b.is_ascii_whitespace()).ok_or(HeadError::Incomplete)?;
        if text[pos] == b'\'' && !flavor.backslash_escapes {
            let (value, len) = quoted(&text[pos..], b'\'', false)?;
            batch.push(CellKind::Text, &value);
            pos += len;
        } else if text[pos] == b')' && batch.open_cells() == 0 {
            return Ok(pos + 1);
        } else {
            pos += literal(&text[pos..], flavor, batch)?;
        }
        pos += cast_len(&text[pos..], flavor)?;
        pos += text[pos..].iter().position(|b| !b.is_ascii_whitespace()).ok_or(HeadError::Incomplete)?;
        match text[pos] {
            b',' => pos += 1,
            b')' => return Ok(pos + 1),
            _ => return Err(HeadError::Unsupported("an expression where a literal was expected")),
        }
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
        Token::Text(value) => batch.push(CellKind::Text, &value),
        Token::Bytes(bytes) => batch.push(CellKind::Bytes, &bytes),
        Token::Bits(digits) => batch.push(CellKind::Text, digits),
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
        word if word.is("NULL") => batch.push(CellKind::Null, b""),
        word if word.is("DEFAULT") => batch.push(CellKind::Default, b""),
        Token::Word(word) if token_is_bool(word) => batch.push(CellKind::Bare, word),
        _ => return Err(HeadError::Unsupported("an expression where a literal was expected")),
    }
    Ok(lexer.pos())
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

    fn cells(text: &str) -> Vec<(CellKind, String)> {
        let mut batch = RowBatch::new();
        let Ok(Item::Row(len)) = item(text.as_bytes(), Flavor::POSTGRES, false, &mut batch) else { panic!("{text}") };
        assert_eq!(&text[len..], ";");
        batch.end_row(crate::dump::Position::default());
        let (_, cells) = batch.rows().next().expect("a row");
        cells.map(|c| (c.kind, String::from_utf8_lossy(c.bytes).into_owned())).collect()
    }

    #[test]
    fn reads_the_literals_that_dumps_hold() {
        assert_eq!(
            cells(" (1, -2.5e10, 'it''s', NULL, true, DEFAULT, E'\\t', B'101', '{1,2}'::integer[], 'x'::character varying(3));"),
            [
                (CellKind::Bare, "1".into()),
                (CellKind::Bare, "-2.5e10".into()),
                (CellKind::Text, "it's".into()),
                (CellKind::Null, String::new()),
                (CellKind::Bare, "true".into()),
                (CellKind::Default, String::new()),
                (CellKind::Text, "\t".into()),
                (CellKind::Text, "101".into()),
                (CellKind::Text, "{1,2}".into()),
                (CellKind::Text, "x".into()),
            ]
        );
        assert_eq!(cells("();"), []);
    }

    #[test]
    fn a_cut_row_asks_for_more_wherever_it_is_cut() {
        let whole = "(1, 'a''b', NULL, -3.5, 'x'::text, true)";
        for cut in 0..whole.len() {
            let mut batch = RowBatch::new();
            assert_eq!(item(&whole.as_bytes()[..cut], Flavor::POSTGRES, false, &mut batch), Err(HeadError::Incomplete), "{cut}");
        }
    }

    #[test]
    fn expressions_are_refused() {
        for text in ["(now());", "(1 + 1);", "((SELECT 1));"] {
            let mut batch = RowBatch::new();
            assert!(matches!(item(text.as_bytes(), Flavor::POSTGRES, false, &mut batch), Err(HeadError::Unsupported(_))), "{text}");
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
