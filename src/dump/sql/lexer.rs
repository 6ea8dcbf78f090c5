//! Splits SQL into tokens, just far enough to find the ends of statements and to read schema.

use std::borrow::Cow;

/// Which engine's quoting rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flavor {
    /// Whether a backslash escapes in plain quotes (MySQL; Postgres before `standard_conforming_strings`).
    pub backslash_escapes: bool,
    /// Whether escapes are MySQL's rather than Postgres'.
    pub mysql_escapes: bool,
    /// Whether `"` quotes text rather than names (MySQL without `ANSI_QUOTES`).
    pub double_quotes_text: bool,
    /// Whether `$tag$` quotes text (Postgres).
    pub dollar_quotes: bool,
    /// Whether `/* */` nests (Postgres).
    pub nested_comments: bool,
    /// Whether `#` begins a comment (MySQL).
    pub hash_comments: bool,
    /// Whether `[` quotes names (SQLite, as SQL Server does).
    pub bracket_names: bool,
}

impl Flavor {
    /// Postgres with `standard_conforming_strings = on`.
    pub const POSTGRES: Self = Self {
        backslash_escapes: false,
        mysql_escapes: false,
        double_quotes_text: false,
        dollar_quotes: true,
        nested_comments: true,
        hash_comments: false,
        bracket_names: false,
    };

    /// MySQL and MariaDB in their default SQL mode.
    pub const MYSQL: Self = Self {
        backslash_escapes: true,
        mysql_escapes: true,
        double_quotes_text: true,
        dollar_quotes: false,
        nested_comments: false,
        hash_comments: true,
        bracket_names: false,
    };

    /// SQLite.
    pub const SQLITE: Self = Self { dollar_quotes: false, nested_comments: false, bracket_names: true, ..Self::POSTGRES };
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// An unquoted word: keyword or name.
    Word(&'a [u8]),
    /// A quoted name, quotes undone.
    Name(Cow<'a, [u8]>),
    /// Quoted text, escapes undone.
    Text(Cow<'a, [u8]>),
    /// A number.
    Number(&'a [u8]),
    /// `X'..'` or `0x..`, decoded.
    Bytes(Vec<u8>),
    /// `B'..'`, its digits.
    Bits(&'a [u8]),
    /// Any other byte.
    Punct(u8),
}

impl Token<'_> {
    /// Returns whether the token is this keyword, whatever its case.
    #[must_use]
    pub fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword.as_bytes()))
    }
}

/// Why no token can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LexError {
    /// The text ends inside a token.
    #[error("the text ends inside {0}")]
    Incomplete(&'static str),
    /// Hexadecimal digits that are none.
    #[error("a hexadecimal literal with other characters or an odd number of digits")]
    BadHex,
}

/// Walks the tokens of a text.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    text: &'a [u8],
    pos: usize,
    flavor: Flavor,
}

impl<'a> Lexer<'a> {
    /// Starts at the beginning of `text`.
    #[must_use]
    pub const fn new(text: &'a [u8], flavor: Flavor) -> Self {
        Self { text, pos: 0, flavor }
    }

    /// Returns the offset behind the last token.
    #[must_use]
    pub const fn pos(&self) -> usize {
        self.pos
    }

    /// Passes blank space and comments; returns whether a token follows.
    ///
    /// # Errors
    /// Returns that the text ends inside a comment.
    pub fn skip_blank(&mut self) -> Result<bool, LexError> {
        loop {
            match self.text.get(self.pos) {
                None => return Ok(false),
                Some(byte) if byte.is_ascii_whitespace() || *byte == 0x0b => self.pos += 1,
                Some(b'-') if self.text.get(self.pos + 1) == Some(&b'-') => self.skip_line(),
                Some(b'#') if self.flavor.hash_comments => self.skip_line(),
                Some(b'/') if self.text.get(self.pos + 1) == Some(&b'*') => {
                    let len =
                        block_comment(&self.text[self.pos..], self.flavor.nested_comments).ok_or(LexError::Incomplete("a comment"))?;
                    self.pos += len;
                }
                Some(_) => return Ok(true),
            }
        }
    }

    fn skip_line(&mut self) {
        let rest = &self.text[self.pos..];
        self.pos += memchr::memchr(b'\n', rest).map_or(rest.len(), |n| n + 1);
    }

    /// Returns the next token, `None` at the end of the text.
    ///
    /// # Errors
    /// Returns that the text ends inside a token or that a literal is malformed.
    pub fn token(&mut self) -> Result<Option<Token<'a>>, LexError> {
        if !self.skip_blank()? {
            return Ok(None);
        }
        let rest = &self.text[self.pos..];
        let first = rest[0];
        let (token, len) = match first {
            b'\'' => {
                let (text, len) = quoted(rest, b'\'', self.flavor.escapes())?;
                (Token::Text(text), len)
            }
            b'"' if self.flavor.double_quotes_text => {
                let (text, len) = quoted(rest, b'"', self.flavor.escapes())?;
                (Token::Text(text), len)
            }
            b'"' | b'`' => {
                let (name, len) = quoted(rest, first, Escapes::None)?;
                (Token::Name(name), len)
            }
            b'[' if self.flavor.bracket_names => {
                let end = memchr::memchr(b']', rest).ok_or(LexError::Incomplete("a bracketed name"))?;
                (Token::Name(Cow::Borrowed(&rest[1..end])), end + 1)
            }
            b'$' if self.flavor.dollar_quotes => match dollar_tag(rest) {
                Some(tag) => {
                    let body = &rest[tag..];
                    let end = memchr::memmem::find(body, &rest[..tag]).ok_or(LexError::Incomplete("a dollar quote"))?;
                    (Token::Text(Cow::Borrowed(&body[..end])), tag + end + tag)
                }
                None => (Token::Punct(b'$'), 1),
            },
            b'0'..=b'9' => self.number(rest)?,
            b'.' if rest.get(1).is_some_and(u8::is_ascii_digit) => self.number(rest)?,
            byte if is_word(byte) => {
                let len = rest.iter().position(|b| !is_word(*b) && !b.is_ascii_digit() && *b != b'$').unwrap_or(rest.len());
                self.word(rest, len)?
            }
            byte => (Token::Punct(byte), 1),
        };
        self.pos += len;
        Ok(Some(token))
    }

    fn word(&self, rest: &'a [u8], len: usize) -> Result<(Token<'a>, usize), LexError> {
        let word = &rest[..len];
        if rest.get(len) == Some(&b'\'') && len == 1 {
            let (escapes, kind) = match word[0] {
                b'E' | b'e' if !self.flavor.mysql_escapes => (Escapes::Postgres, b'E'),
                b'X' | b'x' => (Escapes::None, b'X'),
                b'B' | b'b' => (Escapes::None, b'B'),
                b'N' | b'n' => (self.flavor.escapes(), b'N'),
                _ => return Ok((Token::Word(word), len)),
            };
            let (text, quoted_len) = quoted(&rest[1..], b'\'', escapes)?;
            let token = match kind {
                b'X' => Token::Bytes(decode_hex(&text).ok_or(LexError::BadHex)?),
                b'B' => Token::Bits(&rest[2..quoted_len]),
                _ => Token::Text(text),
            };
            return Ok((token, 1 + quoted_len));
        }
        Ok((Token::Word(word), len))
    }

    fn number(&self, rest: &'a [u8]) -> Result<(Token<'a>, usize), LexError> {
        if rest.len() > 2 && rest[0] == b'0' && matches!(rest[1], b'x' | b'X') {
            let len = 2 + rest[2..].iter().position(|b| !b.is_ascii_hexdigit()).unwrap_or(rest.len() - 2);
            let digits = &rest[2..len];
            // MySQL: an odd number of digits has a zero before it.
            let padded;
            let even = if digits.len().is_multiple_of(2) {
                digits
            } else {
                padded = [b"0", digits].concat();
                &padded
            };
            return Ok((Token::Bytes(decode_hex(even).ok_or(LexError::BadHex)?), len));
        }
        let mut len = 0;
        while let Some(byte) = rest.get(len) {
            let exponent_sign = matches!(byte, b'+' | b'-') && len > 0 && matches!(rest[len - 1], b'e' | b'E');
            if byte.is_ascii_alphanumeric() || *byte == b'.' || *byte == b'_' || exponent_sign {
                len += 1;
            } else {
                break;
            }
        }
        Ok((Token::Number(&rest[..len]), len))
    }
}

/// Returns whether the byte can begin an unquoted word; bytes of other scripts count as letters.
#[must_use]
pub const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte == b'@' || byte >= 0x80
}

/// What a backslash does within quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escapes {
    /// It stands for itself.
    None,
    /// As in Postgres' `E'..'`.
    Postgres,
    /// As in MySQL.
    Mysql,
}

impl Flavor {
    /// Returns what a backslash does within plain quotes.
    #[must_use]
    pub const fn escapes(self) -> Escapes {
        match (self.backslash_escapes, self.mysql_escapes) {
            (false, _) => Escapes::None,
            (true, false) => Escapes::Postgres,
            (true, true) => Escapes::Mysql,
        }
    }
}

/// Reads a quoted token that begins with `quote`; returns its text and how many bytes it spans.
///
/// # Errors
/// Returns that the text ends before the closing quote.
pub fn quoted(text: &[u8], quote: u8, escapes: Escapes) -> Result<(Cow<'_, [u8]>, usize), LexError> {
    let backslash = escapes != Escapes::None;
    let mut owned: Option<Vec<u8>> = None;
    let mut from = 1;
    let mut pos = 1;
    loop {
        let next = if backslash { memchr::memchr2(quote, b'\\', &text[pos..]) } else { memchr::memchr(quote, &text[pos..]) };
        let Some(ahead) = next else { return Err(LexError::Incomplete("a quoted text")) };
        let at = pos + ahead;
        if text[at] == b'\\' {
            let buffer = owned.get_or_insert_default();
            buffer.extend_from_slice(&text[from..at]);
            let undo = if escapes == Escapes::Mysql { unescape_mysql } else { unescape };
            let used = undo(&text[at..], buffer).ok_or(LexError::Incomplete("a quoted text"))?;
            pos = at + used;
            from = pos;
        } else if text.get(at + 1) == Some(&quote) {
            owned.get_or_insert_default().extend_from_slice(&text[from..=at]);
            pos = at + 2;
            from = pos;
        } else {
            let value = match owned {
                Some(mut buffer) => {
                    buffer.extend_from_slice(&text[from..at]);
                    Cow::Owned(buffer)
                }
                None => Cow::Borrowed(&text[from..at]),
            };
            return Ok((value, at + 1));
        }
    }
}

/// Undoes one backslash escape of a Postgres `E'..'` text at the start of `text`; returns its length.
///
/// Source: PostgreSQL manual, 4.1.2.2 String Constants with C-Style Escapes.
fn unescape(text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let byte = *text.get(1)?;
    let simple = match byte {
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'0'..=b'7' => {
            let digits = text[1..].iter().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
            out.push(text[1..=digits].iter().fold(0_u32, |n, b| n * 8 + u32::from(b - b'0')) as u8);
            return Some(1 + digits);
        }
        b'x' if text.get(2).is_some_and(u8::is_ascii_hexdigit) => {
            let digits = text[2..].iter().take(2).take_while(|b| b.is_ascii_hexdigit()).count();
            out.push(hex_number(&text[2..2 + digits])? as u8);
            return Some(2 + digits);
        }
        b'u' | b'U' => {
            let digits = if byte == b'u' { 4 } else { 8 };
            let code = hex_number(text.get(2..2 + digits)?)?;
            let (code, used) = match (code, text.get(2 + digits..2 + digits + 2)) {
                (0xd800..=0xdbff, Some(b"\\u")) => {
                    let low = hex_number(text.get(4 + digits..8 + digits)?)?;
                    (0x10000 + ((code - 0xd800) << 10) + low.checked_sub(0xdc00)?, 8 + digits)
                }
                _ => (code, 2 + digits),
            };
            let mut utf8 = [0; 4];
            out.extend_from_slice(char::from_u32(code).unwrap_or('\u{fffd}').encode_utf8(&mut utf8).as_bytes());
            return Some(used);
        }
        other => other,
    };
    out.push(simple);
    Some(2)
}

/// Undoes one backslash escape of a MySQL text at the start of `text`; returns its length.
///
/// Source: MySQL manual, 9.1.1 String Literals: `\%` and `\_` keep their backslash, unknown ones lose it.
fn unescape_mysql(text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let byte = *text.get(1)?;
    if matches!(byte, b'%' | b'_') {
        out.push(b'\\');
    }
    out.push(match byte {
        b'0' => 0,
        b'b' => 0x08,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'Z' => 0x1a,
        other => other,
    });
    Some(2)
}

fn hex_number(digits: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Decodes pairs of hexadecimal digits.
#[must_use]
pub fn decode_hex(digits: &[u8]) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let nibble = |byte: u8| (byte as char).to_digit(16).map(|d| d as u8);
    digits.chunks_exact(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?)).collect()
}

/// Returns the length of `$tag$` at the start of the text, if that is one.
fn dollar_tag(text: &[u8]) -> Option<usize> {
    let end = 1 + text[1..].iter().position(|b| *b == b'$')?;
    let tag = &text[1..end];
    let valid = tag.iter().all(|b| is_word(*b) || b.is_ascii_digit()) && !tag.first().is_some_and(u8::is_ascii_digit);
    valid.then_some(end + 1)
}

/// Returns the length of the block comment at the start of the text, `None` where it does not end.
#[must_use]
pub fn block_comment(text: &[u8], nested: bool) -> Option<usize> {
    let mut depth = 1;
    let mut pos = 2;
    while let Some(ahead) = memchr::memchr2(b'*', b'/', text.get(pos..)?) {
        pos += ahead;
        match (text[pos], text.get(pos + 1)) {
            (b'*', Some(b'/')) => {
                depth -= 1;
                pos += 2;
                if depth == 0 {
                    return Some(pos);
                }
            }
            (b'/', Some(b'*')) if nested => {
                depth += 1;
                pos += 2;
            }
            _ => pos += 1,
        }
    }
    None
}

/// Returns the length of the statement at the start of the text with its delimiter, or of the whole text
/// where that is the end of the input: MySQL's client, whose `DELIMITER` may be any word.
///
/// # Errors
/// Returns [`LexError::Incomplete`] where the text does not hold the whole statement.
pub fn delimited_len(text: &[u8], flavor: Flavor, delimiter: &[u8], at_end: bool) -> Result<usize, LexError> {
    let mut lexer = Lexer::new(text, flavor);
    loop {
        if !lexer.skip_blank()? {
            return if at_end { Ok(text.len()) } else { Err(LexError::Incomplete("a statement")) };
        }
        let rest = &text[lexer.pos()..];
        if rest.starts_with(delimiter) {
            return Ok(lexer.pos() + delimiter.len());
        }
        if !at_end && delimiter.starts_with(rest) {
            return Err(LexError::Incomplete("a statement"));
        }
        lexer.token()?;
    }
}

/// Returns the length of the statement at the start of the text with its `;`, or of the whole text
/// where that is the end of the input.
///
/// # Errors
/// Returns [`LexError::Incomplete`] where the text does not hold the whole statement.
pub fn statement_len(text: &[u8], flavor: Flavor, at_end: bool) -> Result<usize, LexError> {
    let mut lexer = Lexer::new(text, flavor);
    let mut parens = 0_usize;
    // A function body in the SQL standard's form holds semicolons: BEGIN ATOMIC .. END.
    let mut blocks = 0_usize;
    let mut after_begin = false;
    while let Some(token) = lexer.token()? {
        match &token {
            Token::Punct(b'(') => parens += 1,
            Token::Punct(b')') => parens = parens.saturating_sub(1),
            Token::Punct(b';') if parens == 0 && blocks == 0 => return Ok(lexer.pos()),
            Token::Word(_) if after_begin && token.is("ATOMIC") => blocks += 1,
            Token::Word(_) if blocks > 0 && (token.is("CASE") || token.is("BEGIN")) => blocks += 1,
            Token::Word(_) if blocks > 0 && token.is("END") => blocks -= 1,
            _ => {}
        }
        after_begin = blocks == 0 && token.is("BEGIN");
    }
    if at_end { Ok(text.len()) } else { Err(LexError::Incomplete("a statement")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        let mut lexer = Lexer::new(text.as_bytes(), Flavor::POSTGRES);
        std::iter::from_fn(|| lexer.token().expect("lexes")).collect()
    }

    #[test]
    fn undoes_quotes_and_escapes() {
        assert_eq!(
            tokens(r#"'it''s' "a""b" E'\n\u00e9\x41\101\\' X'00ff' $q$a'b$q$ $1 1e-320"#),
            [
                Token::Text(Cow::Borrowed(b"it's")),
                Token::Name(Cow::Borrowed(b"a\"b")),
                Token::Text(Cow::Borrowed("\n\u{e9}AA\\".as_bytes())),
                Token::Bytes(vec![0, 255]),
                Token::Text(Cow::Borrowed(b"a'b")),
                Token::Punct(b'$'),
                Token::Number(b"1"),
                Token::Number(b"1e-320"),
            ]
        );
    }

    #[test]
    fn statements_end_where_they_do() {
        let whole = |text: &str| statement_len(text.as_bytes(), Flavor::POSTGRES, false).map(|n| text[..n].to_owned());
        for text in [
            "SELECT ';' AS \";\";",
            "CREATE FUNCTION f() AS $_$ COPY x FROM stdin; $_$ LANGUAGE sql;",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END;",
            "/* a; /* b; */ c; */ SELECT 1;",
            "-- no; end\nSELECT 1;",
            "CREATE RULE r AS ON DELETE TO t DO ALSO (DELETE FROM a; DELETE FROM b);",
        ] {
            assert_eq!(whole(&format!("{text} SELECT 2;")).as_deref(), Ok(text));
        }
        assert!(whole("SELECT 'a;").is_err());
        assert!(whole("SELECT 1").is_err());
    }
}
