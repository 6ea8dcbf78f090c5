//! Reads `INSERT INTO t (columns) VALUES (..), (..);` a row at a time, cells as spans of the text.

mod call;
mod cell;
mod head;

pub use head::{Head, head};

use cell::{blank, literal, number_cell, text_cell};

use super::lexer::{Flavor, LexError, Lexer, Token};
use crate::dump::RowBatch;

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
    use crate::dump::CellKind;
    use crate::model::QualifiedName;

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
