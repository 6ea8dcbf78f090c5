//! Plain text of `mysqldump`, `mariadb-dump`, mydumper, phpMyAdmin and their like. Reads the contents of
//! conditional comments for what they say of schema and settings; executes nothing.

use std::collections::HashMap;

use super::sql::guess::{self, Dialect};
use super::sql::insert;
use super::sql::lexer::{Escapes, Flavor, LexError, block_comment, delimited_len, quoted};
use super::sql::script::{Next, Script};
use super::sql::{Lexer, Token, ddl};
use super::{ByteKind, Charset, DumpError, DumpFormat, FormatMeta, Input, Note, Position, SchemaChange, Sink, Window};
use crate::model::Engine;

/// `mysqldump` and `mariadb-dump` text.
pub struct Mysql;

const META: FormatMeta = FormatMeta {
    id: "mysql",
    title: "mysqldump and mariadb-dump text",
    engine: Engine::Mysql,
    source: "MySQL manual, 9.1 Literal Values, 9.7 Comments, 7.1.11 Server SQL Modes; MariaDB, \"mariadb-dump file compatibility change\" (sandbox line); \
             outputs of mysqldump 8.0 and 8.4 and of mariadb-dump 10.11",
};

impl DumpFormat for Mysql {
    fn meta(&self) -> &'static FormatMeta {
        &META
    }

    fn sniff(&self, head: &[u8]) -> bool {
        guess::dialect(head) == Some(Dialect::Mysql)
    }

    fn read(&self, input: &Input, sink: &mut dyn Sink) -> Result<(), DumpError> {
        read_as(input.window(input.only())?, sink, input.hints.charset)
    }
}

/// Reads one text.
///
/// # Errors
/// Returns what no dump holds, with its place.
pub(super) fn read(window: Window, sink: &mut dyn Sink) -> Result<(), DumpError> {
    read_as(window, sink, None)
}

fn read_as(window: Window, sink: &mut dyn Sink, told: Option<Charset>) -> Result<(), DumpError> {
    let mut script = Script::new(window, sink, Flavor::MYSQL, "", "mysqldump");
    script.tell_charset(told)?;
    Reader { script, delimiter: b";".to_vec(), begins: 0, ends: 0, saved_modes: HashMap::new() }.run()
}

struct Reader<'s> {
    script: Script<'s>,
    delimiter: Vec<u8>,
    begins: u32,
    ends: u32,
    /// Quoting rules by the user variable that keeps a SQL mode.
    saved_modes: HashMap<String, Flavor>,
}

/// Returns whether a comment is code: `/*!40101 ... */` and MariaDB's `/*M!100100 ... */`.
fn is_code(text: &[u8]) -> bool {
    text.starts_with(b"/*!") || text.starts_with(b"/*M!")
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), DumpError> {
        self.script.pass_mark();
        loop {
            match self.script.next(is_code)? {
                Next::End => break,
                Next::Comment(line) => self.comment(&line)?,
                Next::Statement => self.statement()?,
            }
        }
        if self.begins > self.ends {
            let missing = "the line \"Dump completed\"".to_owned();
            self.script.sink.note(Note::Truncated { missing, at: self.script.window.position() })?;
        }
        Ok(())
    }

    fn comment(&mut self, line: &[u8]) -> Result<(), DumpError> {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_start_matches(['-', '#']).trim();
        let sink = &mut self.script.sink;
        if line.starts_with("MySQL dump ") || line.starts_with("MariaDB dump ") {
            self.begins += 1;
        } else if line.starts_with("Dump completed") {
            self.ends += 1;
        } else if let Some(version) = line.strip_prefix("Server version") {
            let version = version.trim().to_owned();
            let engine = if version.contains("MariaDB") { Engine::Mariadb } else { Engine::Mysql };
            sink.note(Note::Written { engine, version })?;
        } else if let Some((_, name)) = line.strip_prefix("Host: ").and_then(|rest| rest.split_once("Database: ")) {
            // With several databases the name is the first one's, or empty; USE tells then.
            if !name.trim().is_empty() {
                sink.note(Note::Database(name.trim().to_owned()))?;
            }
        }
        Ok(())
    }

    fn statement(&mut self) -> Result<(), DumpError> {
        // The first words tell what it is; they always lie in the bytes at hand after one more read.
        if self.script.window.data().len() < 4096 {
            self.script.window.fill()?;
        }
        let data = self.script.window.data();
        if let Some(sandbox) = sandbox_line(data) {
            self.script.pass(sandbox, ByteKind::Directive);
            return Ok(());
        }
        let mut lexer = Lexer::new(data, self.script.flavor);
        if !is_code(data) {
            match lexer.token() {
                Ok(Some(word))
                    if word.is("INSERT") || (word.is("REPLACE") && matches!(lexer.token(), Ok(Some(next)) if next.is("INTO"))) =>
                {
                    return self.inserts();
                }
                Ok(Some(word)) if word.is("DELIMITER") => return self.set_delimiter(),
                Ok(Some(Token::Punct(b'\\'))) => return self.client_command(),
                _ => {}
            }
        }
        let delimiter = self.delimiter.clone();
        let len = self.script.whole(|text, flavor, at_end| delimited_len_with_code(text, flavor, &delimiter, at_end))?;
        let at = self.script.window.position();
        let text = uncommented(&self.script.decoded(&self.script.window.data()[..len]));
        let text = text.strip_suffix(delimiter.as_slice()).unwrap_or(&text).to_vec();
        let kind = self.schema_statement(&text, at)?;
        self.script.pass(len, kind);
        Ok(())
    }

    fn inserts(&mut self) -> Result<(), DumpError> {
        // What stands before a dot is a database.
        self.script.inserts(&|head: &mut insert::Head| {
            if head.qualified {
                head.table.database = std::mem::take(&mut head.table.schema);
            }
        })
    }

    fn set_delimiter(&mut self) -> Result<(), DumpError> {
        let len = self.script.line_len()?;
        let line = self.script.window.data()[..len].to_vec();
        let word = line.trim_ascii().get("DELIMITER".len()..).unwrap_or_default().trim_ascii();
        let word = word.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        if !word.is_empty() {
            self.delimiter = word.to_vec();
        }
        self.script.pass(len, ByteKind::Directive);
        Ok(())
    }

    fn client_command(&mut self) -> Result<(), DumpError> {
        let at = self.script.window.position();
        let help = "unseed runs no client command; ask for a dump as mysqldump writes it, or remove the line if it brings no rows";
        let shown = self.script.window.data().iter().take(2).map(|b| char::from(*b)).collect::<String>().escape_default().to_string();
        Err(self.script.malformed(at, format!("the client command {shown} is not read"), help))
    }

    fn schema_statement(&mut self, text: &[u8], at: Position) -> Result<ByteKind, DumpError> {
        let mut lexer = Lexer::new(text, self.script.flavor);
        let first = lexer.token().ok().flatten();
        let second = lexer.token().ok().flatten();
        let word = match &first {
            Some(Token::Word(word)) => String::from_utf8_lossy(word).to_ascii_uppercase(),
            _ => String::new(),
        };
        match word.as_str() {
            "CREATE" | "ALTER" | "RENAME" => {
                if second.as_ref().is_some_and(|s| s.is("DATABASE") || s.is("SCHEMA")) {
                    return Ok(ByteKind::Ddl);
                }
                let parsed = ddl::parse(text, self.script.flavor, &self.script.schema).map_err(|e| self.script.lex_error(e))?;
                for change in parsed.changes {
                    self.script.sink.schema(in_database(change), at)?;
                }
                Ok(ByteKind::Ddl)
            }
            "DROP" => {
                for change in ddl::parse(text, self.script.flavor, &self.script.schema).map_err(|e| self.script.lex_error(e))?.changes {
                    // What MySQL calls a schema is a database.
                    let change = match change {
                        SchemaChange::DropSchema { name } => SchemaChange::DropDatabase { name },
                        change => in_database(change),
                    };
                    self.script.sink.schema(change, at)?;
                }
                Ok(ByteKind::Ddl)
            }
            "GRANT" | "REVOKE" | "ANALYZE" | "OPTIMIZE" | "CHECK" | "REPAIR" | "FLUSH" | "INSTALL" => Ok(ByteKind::Ddl),
            "SET" => {
                self.settings(text, at)?;
                Ok(ByteKind::Directive)
            }
            "USE" => {
                let name = match second {
                    Some(Token::Word(name)) => String::from_utf8_lossy(name).into_owned(),
                    Some(Token::Name(name) | Token::Text(name)) => String::from_utf8_lossy(&name).into_owned(),
                    _ => String::new(),
                };
                self.script.sink.note(Note::Database(name))?;
                Ok(ByteKind::Directive)
            }
            "LOCK" | "UNLOCK" | "BEGIN" | "START" | "COMMIT" | "CHANGE" | "PURGE" | "RESET" | "STOP" | "SHOW" | "SELECT" | "DESCRIBE"
            | "" => Ok(ByteKind::Directive),
            "TRUNCATE" | "DELETE" if !self.script.rows_seen => Ok(ByteKind::Directive),
            "CALL" | "DO" | "PREPARE" | "EXECUTE" | "DEALLOCATE" | "KILL" => {
                let warning = format!("line {}: a {word} statement was not executed", at.line);
                self.script.sink.note(Note::Warning(warning))?;
                Ok(ByteKind::Directive)
            }
            _ => {
                let help = "unseed executes nothing, so the rows would differ from the database's; ask for a dump as mysqldump writes it";
                Err(self.script.malformed(at, format!("a {word} statement where a dump has none"), help))
            }
        }
    }

    /// Reads `SET NAMES x`, `SET a = b, c = d`.
    fn settings(&mut self, text: &[u8], at: Position) -> Result<(), DumpError> {
        let mut tokens = Vec::new();
        let mut lexer = Lexer::new(text, self.script.flavor);
        while let Ok(Some(token)) = lexer.token() {
            tokens.push(token);
        }
        let word = |token: Option<&Token<'_>>| match token {
            Some(Token::Word(word)) => String::from_utf8_lossy(word).into_owned(),
            Some(Token::Text(text) | Token::Name(text)) => String::from_utf8_lossy(text).into_owned(),
            _ => String::new(),
        };
        if tokens.get(1).is_some_and(|t| t.is("NAMES"))
            || (tokens.get(1).is_some_and(|t| t.is("CHARACTER")) && tokens.get(2).is_some_and(|t| t.is("SET")))
        {
            let value = word(tokens.get(if tokens[1].is("NAMES") { 2 } else { 3 }));
            return self.names(&value, at);
        }
        for assignment in tokens[1..].split(|t| *t == Token::Punct(b',')) {
            let equals = assignment.iter().position(|t| *t == Token::Punct(b'=')).unwrap_or(assignment.len());
            let name = word(assignment[..equals].last());
            let value = word(assignment.get(equals + 1));
            self.assign(&name, &value);
        }
        Ok(())
    }

    fn names(&mut self, name: &str, at: Position) -> Result<(), DumpError> {
        // `SET NAMES @saved` restores what stood before the dump: nothing follows that matters.
        if name.starts_with('@') || name.eq_ignore_ascii_case("default") {
            return Ok(());
        }
        if self.script.named_charset(Charset::mysql(name)) {
            return Ok(());
        }
        let help = "ask for the dump with --default-character-set=utf8mb4, or tell its character set with --encoding";
        Err(self.script.malformed(at, format!("the character set {name} is not read"), help))
    }

    fn assign(&mut self, name: &str, value: &str) {
        let lower = name.to_ascii_lowercase();
        let plain = lower.trim_start_matches('@').trim_start_matches("session.").trim_start_matches("global.");
        if lower.starts_with('@') && !lower.starts_with("@@") && value.to_ascii_lowercase().ends_with("sql_mode") {
            self.saved_modes.insert(lower, self.script.flavor);
        } else if plain == "sql_mode" {
            if value.starts_with('@') {
                if let Some(saved) = self.saved_modes.get(&value.to_ascii_lowercase()) {
                    self.script.flavor = *saved;
                }
                return;
            }
            let modes: Vec<String> = value.split(',').map(|m| m.trim().to_ascii_uppercase()).collect();
            let has = |names: &[&str]| modes.iter().any(|m| names.contains(&m.as_str()));
            // Source: MySQL manual, 7.1.11, "Combination SQL Modes".
            let ansi = ["ANSI_QUOTES", "ANSI", "DB2", "MAXDB", "MSSQL", "ORACLE", "POSTGRESQL"];
            self.script.flavor.double_quotes_text = !has(&ansi);
            self.script.flavor.backslash_escapes = !has(&["NO_BACKSLASH_ESCAPES"]);
        }
    }
}

/// Takes the part before a table's dot as its database.
fn in_database(mut change: SchemaChange) -> SchemaChange {
    let fix = |name: &mut crate::model::QualifiedName| {
        if !name.schema.is_empty() {
            name.database = std::mem::take(&mut name.schema);
        }
    };
    match &mut change {
        SchemaChange::Table { name, parents, .. } => {
            fix(name);
            parents.iter_mut().for_each(fix);
        }
        SchemaChange::RenameTable { table, to } => {
            fix(table);
            fix(to);
        }
        SchemaChange::ForeignKey { table, key } => {
            fix(table);
            fix(&mut key.parent);
        }
        SchemaChange::Column { table, .. }
        | SchemaChange::PrimaryKey { table, .. }
        | SchemaChange::Unique { table, .. }
        | SchemaChange::Index { table, .. }
        | SchemaChange::Identity { table, .. }
        | SchemaChange::Default { table, .. }
        | SchemaChange::NotNull { table, .. }
        | SchemaChange::RenameColumn { table, .. }
        | SchemaChange::Retype { table, .. }
        | SchemaChange::DropColumn { table, .. }
        | SchemaChange::Partition { table, .. }
        | SchemaChange::Hook { table, .. } => fix(table),
        SchemaChange::View { name } | SchemaChange::Drop { table: name } => fix(name),
        SchemaChange::DropSchema { .. } | SchemaChange::DropDatabase { .. } => {}
    }
    change
}

/// Returns the length of MariaDB's first line, `/*!999999\- enable the sandbox mode */`.
fn sandbox_line(data: &[u8]) -> Option<usize> {
    let rest = data.strip_prefix(b"/*M!999999").or_else(|| data.strip_prefix(b"/*!999999"))?;
    let inner = rest.strip_prefix(b"\\-")?;
    let end = memchr::memmem::find(&inner[..inner.len().min(200)], b"*/")?;
    Some(data.len() - inner.len() + end + 2)
}

/// As [`delimited_len`], but the contents of conditional comments are code, and a comment that stands alone
/// is a statement even where no delimiter follows.
fn delimited_len_with_code(text: &[u8], flavor: Flavor, delimiter: &[u8], at_end: bool) -> Result<usize, LexError> {
    match delimited_len(text, flavor, delimiter, at_end) {
        Err(LexError::Incomplete(_)) if at_end && is_code(text) => block_comment(text, false).ok_or(LexError::Incomplete("a comment")),
        other => other,
    }
}

/// Blanks the marks of conditional comments, so that their contents are read as code; quotes are respected.
fn uncommented(text: &[u8]) -> Vec<u8> {
    let mut out = text.to_vec();
    let mut pos = 0;
    let mut open = 0;
    while let Some(ahead) = out[pos..].iter().position(|b| matches!(b, b'\'' | b'"' | b'`' | b'/' | b'*' | b'-' | b'#')) {
        pos += ahead;
        match out[pos] {
            quote @ (b'\'' | b'"' | b'`') => {
                let escapes = if quote == b'`' { Escapes::None } else { Escapes::Mysql };
                let Ok((_, len)) = quoted(&out[pos..], quote, escapes) else { return out };
                pos += len;
            }
            b'/' if is_code(&out[pos..]) => {
                let mark = if out[pos + 2] == b'M' { 4 } else { 3 };
                let digits = out[pos + mark..].iter().take(6).take_while(|b| b.is_ascii_digit()).count();
                let end = pos + mark + digits;
                out[pos..end].fill(b' ');
                open += 1;
                pos = end;
            }
            b'/' if out.get(pos + 1) == Some(&b'*') => match block_comment(&out[pos..], false) {
                Some(len) => pos += len,
                None => return out,
            },
            b'*' if open > 0 && out.get(pos + 1) == Some(&b'/') => {
                out[pos..pos + 2].fill(b' ');
                open -= 1;
                pos += 2;
            }
            _ => pos += 1,
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditional_comments_are_code() {
        let text = "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `a` /* note */ /*M!100100 X */ DEFAULT '/*!1 */'";
        let found = String::from_utf8(uncommented(text.as_bytes())).expect("text");
        let words: Vec<&str> = found.split_whitespace().collect();
        assert_eq!(words.join(" "), "CREATE DATABASE IF NOT EXISTS `a` /* note */ X DEFAULT '/*!1 */'");
    }

    #[test]
    fn the_sandbox_line_is_passed() {
        let line = b"/*M!999999\\- enable the sandbox mode */ \n";
        assert_eq!(sandbox_line(line), Some(line.len() - 2));
        assert_eq!(sandbox_line(b"/*!40101 SET NAMES utf8 */;"), None);
    }
}
