//! The calls that SQLite's shell writes for texts with line ends.

use super::HeadError;
use crate::dump::sql::lexer::{Lexer, Token};

/// Most calls within calls that are evaluated.
const MAX_CALLS: u8 = 4;

/// Evaluates what SQLite's shell writes for texts with line ends: `replace('..','\n',char(10))` and `unistr('..')`.
///
/// Source: SQLite `shell.c`, `output_quoted_escaped_string` (before and since 3.50); `func.c`, `unistrFunc`.
pub(super) fn call(word: &[u8], lexer: &mut Lexer<'_>, depth: u8) -> Result<Vec<u8>, HeadError> {
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
