//! One cell of a row: the literals that dumps hold.

use super::HeadError;
use super::call::call;
use crate::dump::sql::lexer::{Escapes, Flavor, Lexer, Token, quoted};
use crate::dump::{CellKind, RowBatch};

/// Passes blank space.
#[inline]
pub(super) fn blank(text: &[u8], mut pos: usize) -> Result<usize, HeadError> {
    while text.get(pos).ok_or(HeadError::Incomplete)?.is_ascii_whitespace() {
        pos += 1;
    }
    Ok(pos)
}

/// Reads a text in single quotes, as a span where nothing is escaped in it.
#[inline]
pub(super) fn text_cell(text: &[u8], open: usize, escapes: Escapes, batch: &mut RowBatch) -> Result<usize, HeadError> {
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
pub(super) fn number_cell(text: &[u8], start: usize, flavor: Flavor, batch: &mut RowBatch) -> Result<usize, HeadError> {
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

pub(super) fn literal(text: &[u8], flavor: Flavor, batch: &mut RowBatch) -> Result<usize, HeadError> {
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

fn token_is_bool(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"true") || word.eq_ignore_ascii_case(b"false")
}
