//! LOAD DATA statements, as mydumper writes them beside files of rows: which file, whose rows, and how its
//! fields are written. Reads that file as the statement has it; refuses what it asks for beyond.
//!
//! Source: MySQL manual, LOAD DATA; mydumper's source, `mydumper_write.c`.

use super::delimited::{Delimited, Dialect};
use super::mysql_shell::{Coding, Decoding};
use super::sql::lexer::Flavor;
use super::sql::{Lexer, Token};
use super::{ByteKind, Charset, DumpError, Input, Part, Position, RowBatch, Sink};
use crate::model::QualifiedName;

const HELP: &str = "ask for the dump as INSERT statements, mydumper's default";

/// One statement.
#[derive(Debug)]
pub(super) struct Load {
    /// The file of rows.
    pub(super) file: String,
    /// Where the statement's text begins.
    pub(super) at: Position,
    table: String,
    charset: Charset,
    dialect: Dialect,
    header: bool,
    columns: Vec<String>,
    codings: Vec<Option<Coding>>,
}

/// Returns whether a text's first statement that is not a setting loads a file.
pub(super) fn is_load(head: &[u8]) -> bool {
    let mut lexer = Lexer::new(head, Flavor::MYSQL);
    let mut begins = true;
    while let Ok(Some(token)) = lexer.token() {
        match token {
            Token::Punct(b';') => begins = true,
            token if begins && token.is("LOAD") => return true,
            token if begins && !token.is("SET") => return false,
            _ => begins = false,
        }
    }
    false
}

/// Reads the statements of a text: settings, and LOAD DATA.
///
/// # Errors
/// Returns what no such text holds.
pub(super) fn parse(text: &[u8], file: &str) -> Result<Vec<Load>, DumpError> {
    let mut words = Words { lexer: Lexer::new(text, Flavor::MYSQL), ahead: None, text, file };
    let mut loads = Vec::new();
    while let Some(first) = words.next()? {
        if first == Token::Punct(b';') {
            continue;
        }
        if first.is("SET") {
            while words.next()?.is_some_and(|t| t != Token::Punct(b';')) {}
            continue;
        }
        if !first.is("LOAD") {
            return Err(words.refused("a statement other than SET and LOAD DATA"));
        }
        loads.push(words.load()?);
    }
    Ok(loads)
}

/// The tokens of a text.
struct Words<'a> {
    lexer: Lexer<'a>,
    ahead: Option<Token<'a>>,
    text: &'a [u8],
    file: &'a str,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<Option<Token<'a>>, DumpError> {
        if let Some(token) = self.ahead.take() {
            return Ok(Some(token));
        }
        self.lexer.token().map_err(|e| self.refused(&e.to_string()))
    }

    fn position(&self) -> Position {
        let passed = &self.text[..self.lexer.pos()];
        Position { offset: passed.len() as u64, line: 1 + memchr::memchr_iter(b'\n', passed).count() as u64 }
    }

    fn refused(&self, what: &str) -> DumpError {
        DumpError::malformed(self.file, self.position(), format!("LOAD DATA: {what}"), HELP)
    }

    /// Takes the next token if it is this keyword.
    fn took(&mut self, keyword: &str) -> Result<bool, DumpError> {
        let token = self.next()?;
        let is = token.as_ref().is_some_and(|t| t.is(keyword));
        if !is {
            self.ahead = token;
        }
        Ok(is)
    }

    fn took_punct(&mut self, byte: u8) -> Result<bool, DumpError> {
        let token = self.next()?;
        let is = token == Some(Token::Punct(byte));
        if !is {
            self.ahead = token;
        }
        Ok(is)
    }

    fn expect(&mut self, keyword: &str) -> Result<(), DumpError> {
        if self.took(keyword)? { Ok(()) } else { Err(self.refused(&format!("{keyword} is missing"))) }
    }

    fn expect_punct(&mut self, byte: u8) -> Result<(), DumpError> {
        if self.took_punct(byte)? { Ok(()) } else { Err(self.refused(&format!("{} is missing", char::from(byte)))) }
    }

    fn name(&mut self) -> Result<String, DumpError> {
        match self.next()? {
            // With ANSI_QUOTES names stand in double quotes.
            Some(Token::Name(name) | Token::Text(name)) => Ok(String::from_utf8_lossy(&name).into_owned()),
            Some(Token::Word(name)) => Ok(String::from_utf8_lossy(name).into_owned()),
            _ => Err(self.refused("a name is missing")),
        }
    }

    /// Reads a column's name or a variable's, and whether it is a variable's.
    fn field(&mut self) -> Result<(String, bool), DumpError> {
        let marked = self.took_punct(b'@')?;
        let name = self.name()?;
        // The lexer leaves the mark with a plain word.
        Ok(match name.strip_prefix('@') {
            Some(variable) if !marked => (variable.to_owned(), true),
            _ => (name, marked),
        })
    }

    fn quoted(&mut self) -> Result<Vec<u8>, DumpError> {
        match self.next()? {
            Some(Token::Text(text)) => Ok(text.into_owned()),
            _ => Err(self.refused("a quoted text is missing")),
        }
    }

    /// Reads one byte between quotes, or none.
    fn byte(&mut self, what: &str) -> Result<Option<u8>, DumpError> {
        match self.quoted()?.as_slice() {
            [] => Ok(None),
            [byte] => Ok(Some(*byte)),
            _ => Err(self.refused(&format!("{what} of several characters"))),
        }
    }

    /// Reads what follows LOAD.
    fn load(&mut self) -> Result<Load, DumpError> {
        let at = self.position();
        self.expect("DATA")?;
        let _ = self.took("LOCAL")?;
        self.expect("INFILE")?;
        let path = String::from_utf8_lossy(&self.quoted()?).into_owned();
        let file = path.rsplit('/').next().unwrap_or_default().to_owned();
        let _ = self.took("REPLACE")? || self.took("IGNORE")?;
        self.expect("INTO")?;
        self.expect("TABLE")?;
        let table = self.name()?;
        let mut charset = Charset::Utf8;
        if self.took("CHARACTER")? {
            self.expect("SET")?;
            let name = self.name()?;
            charset = Charset::mysql(&name).ok_or_else(|| self.refused(&format!("the character set {name} is not read")))?;
        }
        let dialect = self.dialect()?;
        let mut header = false;
        if self.took("IGNORE")? {
            match self.next()? {
                Some(Token::Number(b"0")) => {}
                Some(Token::Number(b"1")) => header = true,
                _ => return Err(self.refused("more than one line is passed over")),
            }
            let _ = self.took("LINES")? || self.took("ROWS")?;
        }
        let (columns, codings) = self.columns()?;
        self.expect_punct(b';')?;
        Ok(Load { file, at, table, charset, dialect, header, columns, codings })
    }

    fn dialect(&mut self) -> Result<Dialect, DumpError> {
        let mut dialect = Dialect::escaped_tsv();
        if self.took("FIELDS")? || self.took("COLUMNS")? {
            loop {
                if self.took("TERMINATED")? {
                    self.expect("BY")?;
                    dialect.separator = self.byte("a separator")?.ok_or_else(|| self.refused("fields of fixed width"))?;
                } else if self.took("OPTIONALLY")? || self.took("ENCLOSED")? {
                    let _ = self.took("ENCLOSED")?;
                    self.expect("BY")?;
                    dialect.quote = self.byte("a quote")?;
                } else if self.took("ESCAPED")? {
                    self.expect("BY")?;
                    dialect.escape = self.byte("an escape")?;
                } else {
                    break;
                }
            }
        }
        // mydumper escapes as the server's client does, whose other escapes need the backslash.
        if dialect.escape != Some(b'\\') {
            return Err(self.refused("fields that are not escaped by a backslash"));
        }
        if self.took("LINES")? {
            loop {
                if self.took("STARTING")? {
                    self.expect("BY")?;
                    if !self.quoted()?.is_empty() {
                        return Err(self.refused("lines with a text at their beginning"));
                    }
                } else if self.took("TERMINATED")? {
                    self.expect("BY")?;
                    if !matches!(self.quoted()?.as_slice(), b"\n" | b"\r\n") {
                        return Err(self.refused("lines with another end than a line feed"));
                    }
                } else {
                    break;
                }
            }
        }
        Ok(dialect)
    }

    /// Reads the columns, and how those are decoded that go through a variable.
    fn columns(&mut self) -> Result<(Vec<String>, Vec<Option<Coding>>), DumpError> {
        self.expect_punct(b'(')?;
        let mut columns = Vec::new();
        let mut variables = Vec::new();
        loop {
            let (name, variable) = self.field()?;
            if variable {
                variables.push(columns.len());
            }
            columns.push(name);
            if !self.took_punct(b',')? {
                break;
            }
        }
        self.expect_punct(b')')?;
        let mut codings = vec![None; columns.len()];
        if self.took("SET")? {
            loop {
                let column = self.name()?;
                self.expect_punct(b'=')?;
                let function = self.name()?.to_ascii_uppercase();
                self.expect_punct(b'(')?;
                let (from, true) = self.field()? else { return Err(self.refused("a function of something else than a field")) };
                let coding = match function.as_str() {
                    "UNHEX" => Some(Coding::Hex),
                    // The text as it stands.
                    "CONVERT" if self.took("USING")? => {
                        self.name()?;
                        None
                    }
                    _ => return Err(self.refused(&format!("a column that is decoded by {function}"))),
                };
                self.expect_punct(b')')?;
                let Some(variable) = variables.iter().position(|v| columns[*v] == from && column == from) else {
                    return Err(self.refused(&format!("column {column} is set from something else than its own field")));
                };
                codings[variables.swap_remove(variable)] = coding;
                if !self.took_punct(b',')? {
                    break;
                }
            }
        }
        if variables.is_empty() { Ok((columns, codings)) } else { Err(self.refused("a field that no column takes")) }
    }
}

impl Load {
    /// Reads the file of rows.
    ///
    /// # Errors
    /// Returns what no record is, or what the sink says.
    pub(super) fn read(self, input: &Input, part: &Part, sink: &mut dyn Sink) -> Result<(), DumpError> {
        let window = input.window(part)?;
        let at = window.position();
        sink.charset(self.charset);
        let (source, width) = sink.open(&QualifiedName::new("", &self.table), Some(&self.columns), false, at)?;
        let mut plain = Decoding { sink, codings: self.codings, file: part.shown.clone() };
        let sink: &mut dyn Sink = if plain.codings.iter().all(Option::is_none) { plain.sink } else { &mut plain };
        let mut rows = Delimited { window, sink, dialect: self.dialect, batch: RowBatch::new() };
        if self.header {
            rows.first(Some(ByteKind::Ddl))?;
        }
        rows.rest(source, width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_as_mydumper_writes_them() {
        let text =
            b"/*!40101 SET NAMES binary*/;\n/*!40014 SET FOREIGN_KEY_CHECKS=0*/;\nLOAD DATA LOCAL INFILE 'shop.t.00000.dat' REPLACE \
            INTO TABLE `t` CHARACTER SET binary FIELDS TERMINATED BY '\\t' ENCLOSED BY '' ESCAPED BY '\\\\' LINES STARTING BY '' \
            TERMINATED BY '\\n' (`id`,@doc,@raw)SET `doc`=CONVERT(@doc USING UTF8MB4),`raw`=UNHEX(@raw);\n";
        assert!(is_load(text));
        let loads = parse(text, "f").expect("it parses");
        let [load] = loads.as_slice() else { panic!("one statement") };
        assert_eq!((load.file.as_str(), load.table.as_str(), load.header), ("shop.t.00000.dat", "t", false));
        assert_eq!(load.dialect, Dialect::escaped_tsv());
        assert_eq!((load.columns.join(","), load.codings.as_slice()), ("id,doc,raw".to_owned(), &[None, None, Some(Coding::Hex)][..]));
        assert_eq!(load.charset, Charset::Bytes);
        let csv = b"LOAD DATA LOCAL INFILE 'a/b.dat' INTO TABLE \"t\" FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY '\\\\' \
            LINES STARTING BY '' TERMINATED BY '\\n' IGNORE 1 LINES (`id`);";
        let loads = parse(csv, "f").expect("it parses");
        assert_eq!((loads[0].file.as_str(), loads[0].dialect.quote, loads[0].header), ("b.dat", Some(b'"'), true));
    }

    #[test]
    fn what_would_change_values_is_refused() {
        let load = |rest: &str| parse(format!("LOAD DATA INFILE 'f' INTO TABLE t {rest};").as_bytes(), "f").map(|l| l.len());
        assert!(matches!(load("(a)"), Ok(1)));
        for rest in [
            "(a, @b)",
            "(@a) SET a = upper(@a)",
            "(@a) SET b = UNHEX(@a)",
            "(a) SET b = 1",
            "FIELDS TERMINATED BY '||' (a)",
            "FIELDS TERMINATED BY '' (a)",
            "FIELDS ESCAPED BY '' (a)",
            "LINES STARTING BY 'x' (a)",
            "LINES TERMINATED BY ';' (a)",
            "IGNORE 2 LINES (a)",
            "CHARACTER SET klingon (a)",
            "",
        ] {
            assert!(load(rest).is_err(), "{rest}");
        }
        assert!(parse(b"LOAD DATA INFILE 'f' INTO TABLE t (a)", "f").is_err());
        assert!(parse(b"LOAD DATA INFILE 'f' INTO TABLE t (a); DROP TABLE t;", "f").is_err());
    }
}
