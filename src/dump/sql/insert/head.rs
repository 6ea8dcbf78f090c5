//! The part of an INSERT before its rows.

use super::HeadError;
use crate::dump::sql::lexer::{Flavor, Lexer, Token};
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
