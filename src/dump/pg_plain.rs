//! Plain text of `pg_dump` and `pg_dumpall`, in COPY and in INSERT form, and plain SQL files with schema.
//! Executes neither statements nor psql commands; refuses what would change rows behind its back.

use super::pg_copy::{self, Ended};
use super::sql::guess::{self, Dialect};
use super::sql::lexer::Flavor;
use super::sql::script::{self, Next, Script, as_written, qualified};
use super::sql::{Lexer, Token, ddl};
use super::{ByteKind, Charset, DumpError, DumpFormat, FormatMeta, Input, Note, Position, Sink, Window};
use crate::model::stamp::{HOUR, Stamp};
use crate::model::{Engine, QualifiedName};

/// `pg_dump` plain text.
pub struct PgPlain;

const META: FormatMeta = FormatMeta {
    id: "pg-plain",
    title: "pg_dump plain text (COPY or INSERT) and SQL files with schema",
    engine: Engine::Postgres,
    source: "PostgreSQL manual, COPY (text format) and pg_dump; outputs of pg_dump 13 to 15",
};

/// Time zone abbreviations in `-- Started on` lines, hours east of UTC.
///
/// Source: IANA time zone database, abbreviations that stand for one offset only in `pg_dump`'s habitats.
const ZONES: &[(&str, i64)] = &[
    ("UTC", 0),
    ("GMT", 0),
    ("WET", 0),
    ("BST", 1),
    ("CET", 1),
    ("WEST", 1),
    ("CEST", 2),
    ("EET", 2),
    ("EEST", 3),
    ("MSK", 3),
    ("JST", 9),
    ("KST", 9),
    ("AEST", 10),
    ("AEDT", 11),
    ("EST", -5),
    ("EDT", -4),
    ("CDT", -5),
    ("MST", -7),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
];

impl DumpFormat for PgPlain {
    fn meta(&self) -> &'static FormatMeta {
        &META
    }

    fn sniff(&self, head: &[u8]) -> bool {
        guess::dialect(head) == Some(Dialect::Postgres)
    }

    fn read(&self, input: &Input, sink: &mut dyn Sink) -> Result<(), DumpError> {
        let window = input.window(input.only())?;
        let mut script = Script::new(window, sink, Flavor::POSTGRES, "public", "pg_dump");
        script.tell_charset(input.hints.charset)?;
        Reader { script, ends: 0, begins: 0, last_comments: [String::new(), String::new()], last_line: 0 }.run()
    }
}

/// What the statements of one piece of a dump set for those of the next.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    charset: Charset,
    flavor: Flavor,
    /// Schema of names that have none.
    pub(super) schema: String,
}

impl Stage {
    /// Starts as a server would.
    pub(super) fn new() -> Self {
        Self { charset: Charset::Utf8, flavor: Flavor::POSTGRES, schema: "public".to_owned() }
    }

    /// Returns a statement's text in UTF-8.
    pub(super) fn decoded(&self, text: &[u8]) -> Vec<u8> {
        script::decoded(self.charset, text)
    }
}

/// Reads a piece of a dump, which needs no end of its own.
///
/// # Errors
/// Returns what no dump holds, with its place.
pub(super) fn read_piece(window: Window, sink: &mut dyn Sink, stage: &mut Stage) -> Result<(), DumpError> {
    let mut script = Script::new(window, sink, stage.flavor, &stage.schema, "pg_dump");
    script.charset = stage.charset;
    let mut reader = Reader { script, ends: 0, begins: 0, last_comments: [String::new(), String::new()], last_line: 0 };
    reader.run()?;
    *stage = Stage { charset: reader.script.charset, flavor: reader.script.flavor, schema: reader.script.schema };
    Ok(())
}

struct Reader<'s> {
    script: Script<'s>,
    begins: u32,
    ends: u32,
    /// The last two comment lines, and the line of the last one.
    last_comments: [String; 2],
    last_line: u64,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), DumpError> {
        self.script.pass_mark();
        loop {
            match self.script.next(|_| false)? {
                Next::End => break,
                Next::Comment(line) => self.comment(&line)?,
                Next::Statement if self.script.window.data()[0] == b'\\' => self.client_command()?,
                Next::Statement => self.statement()?,
            }
        }
        if self.begins > self.ends {
            let missing = "the line \"PostgreSQL database dump complete\"".to_owned();
            self.script.sink.note(Note::Truncated { missing, at: self.script.window.position() })?;
        }
        Ok(())
    }

    fn comment(&mut self, line: &[u8]) -> Result<(), DumpError> {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_start_matches('-').trim();
        let number = self.script.window.position().line;
        // Lines with something between them are no frame.
        if number != self.last_line + 1 {
            self.last_comments = [String::new(), "..".to_owned()];
        }
        self.last_line = number;
        let sink = &mut self.script.sink;
        // pg_dump frames its title by two empty comments; a text that quotes the title is not held to its end.
        if line.is_empty() && self.last_comments[1] == "PostgreSQL database dump" && self.last_comments[0].is_empty() {
            self.begins += 1;
        } else if line == "PostgreSQL database dump complete" {
            self.ends += 1;
        } else if line == "PostgreSQL database cluster dump" {
            sink.note(Note::Written { engine: Engine::Postgres, version: String::new() })?;
        } else if let Some(version) = line.strip_prefix("Dumped from database version ") {
            let version = version.split_whitespace().next().unwrap_or_default().to_owned();
            sink.note(Note::Written { engine: Engine::Postgres, version })?;
        } else if let Some(time) = line.strip_prefix("Started on ") {
            match header_time(time) {
                Some(micros) => sink.note(Note::TakenAt(micros))?,
                None => {
                    sink.note(Note::Warning(format!(
                        "the header's time \"{time}\" has a zone that unseed does not know; give --taken-at"
                    )))?;
                }
            }
        }
        self.last_comments.swap(0, 1);
        line.clone_into(&mut self.last_comments[1]);
        Ok(())
    }

    /// Reads a psql command: the known harmless ones are passed over, others refused.
    fn client_command(&mut self) -> Result<(), DumpError> {
        let at = self.script.window.position();
        let len = self.script.line_len()?;
        let line = self.script.window.data()[..len].to_vec();
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        let mut words = text.split_whitespace();
        let command = words.next().unwrap_or_default().trim_end_matches(';');
        match command {
            "\\restrict" | "\\unrestrict" | "\\." | "\\set" | "\\pset" | "\\timing" | "\\echo" | "\\qecho" | "\\q" | "\\x" => {}
            "\\c" | "\\connect" => {
                let target = words.find(|w| !w.starts_with('-')).unwrap_or_default();
                let name = target.trim_end_matches(';').trim_matches(['"', '\'']);
                let name = name.strip_prefix("dbname=").unwrap_or(name).trim_matches('\'');
                if name != "-" {
                    self.script.sink.note(Note::Database(name.to_owned()))?;
                }
            }
            "\\encoding" => self.encoding(words.next().unwrap_or_default().trim_end_matches(';'), at)?,
            _ => {
                let help = "unseed runs no client command; ask for a dump as pg_dump writes it, or remove the line if it brings no rows";
                return Err(self.script.malformed(at, format!("the psql command {command} is not read"), help));
            }
        }
        self.script.pass(len, ByteKind::Directive);
        Ok(())
    }

    fn encoding(&mut self, name: &str, at: Position) -> Result<(), DumpError> {
        if self.script.named_charset(Charset::postgres(name)) {
            return Ok(());
        }
        let help = "ask for the dump with pg_dump --encoding=UTF8, or tell its character set with --encoding";
        Err(self.script.malformed(at, format!("client_encoding {name} is not read"), help))
    }

    fn statement(&mut self) -> Result<(), DumpError> {
        // The first words tell what it is; they always lie in the bytes at hand after one more read.
        if self.script.window.data().len() < 4096 {
            self.script.window.fill()?;
        }
        let mut lexer = Lexer::new(self.script.window.data(), self.script.flavor);
        match lexer.token() {
            Ok(Some(word)) if word.is("INSERT") => return self.script.inserts(&as_written),
            Ok(Some(word)) if word.is("COPY") => return self.copy(),
            _ => {}
        }
        let len = self.script.whole_statement()?;
        let at = self.script.window.position();
        let text = self.script.decoded(&self.script.window.data()[..len]);
        let kind = self.schema_statement(&text, at)?;
        self.script.pass(len, kind);
        Ok(())
    }

    fn schema_statement(&mut self, text: &[u8], at: Position) -> Result<ByteKind, DumpError> {
        let mut lexer = Lexer::new(text, self.script.flavor);
        let first = lexer.token().ok().flatten();
        let word = match &first {
            Some(Token::Word(word)) => String::from_utf8_lossy(word).to_ascii_uppercase(),
            _ => String::new(),
        };
        match word.as_str() {
            "CREATE" | "ALTER" => {
                let parsed = ddl::parse(text, self.script.flavor, &self.script.schema).map_err(|e| self.script.lex_error(e))?;
                for change in parsed.changes {
                    self.script.sink.schema(change, at)?;
                }
                Ok(ByteKind::Ddl)
            }
            "DROP" => {
                for change in ddl::parse(text, self.script.flavor, &self.script.schema).map_err(|e| self.script.lex_error(e))?.changes {
                    self.script.sink.schema(change, at)?;
                }
                Ok(ByteKind::Ddl)
            }
            "COMMENT" | "GRANT" | "REVOKE" | "SECURITY" | "REFRESH" | "REINDEX" | "ANALYZE" | "VACUUM" | "CLUSTER" => Ok(ByteKind::Ddl),
            "SET" => {
                self.setting(text, at)?;
                Ok(ByteKind::Directive)
            }
            "SELECT" => {
                self.select(text)?;
                Ok(ByteKind::Directive)
            }
            "BEGIN" | "START" | "COMMIT" | "END" | "RESET" | "LOCK" | "SHOW" | "USE" | "GO" | "ANALYSE" | "DISCARD" | "" => {
                Ok(ByteKind::Directive)
            }
            "TRUNCATE" | "DELETE" if !self.script.rows_seen => Ok(ByteKind::Directive),
            "DO" | "CALL" | "EXECUTE" | "PREPARE" | "DEALLOCATE" | "NOTIFY" | "LISTEN" => {
                let warning = format!("line {}: a {word} statement was not executed", at.line);
                self.script.sink.note(Note::Warning(warning))?;
                Ok(ByteKind::Directive)
            }
            _ => {
                let help = "unseed executes nothing, so the rows would differ from the database's; ask for a dump as pg_dump writes it";
                Err(self.script.malformed(at, format!("a {word} statement where a dump has none"), help))
            }
        }
    }

    fn setting(&mut self, text: &[u8], at: Position) -> Result<(), DumpError> {
        let text = String::from_utf8_lossy(text);
        let words: Vec<&str> = text.trim_end().trim_end_matches(';').split([' ', '=', '\t', '\n']).filter(|w| !w.is_empty()).collect();
        let lower: Vec<String> = words.iter().map(|w| w.to_ascii_lowercase()).collect();
        let rest = if lower.get(1).is_some_and(|w| w == "session" || w == "local") { 2 } else { 1 };
        let value_at = rest + 1 + usize::from(lower.get(rest + 1).is_some_and(|w| w == "to"));
        let value = words.get(value_at).copied().unwrap_or_default();
        match lower.get(rest).map(String::as_str) {
            Some("client_encoding" | "names") => {
                self.encoding(if value.is_empty() { words.get(rest + 1).copied().unwrap_or_default() } else { value }, at)?;
            }
            Some("standard_conforming_strings") => {
                self.script.flavor.backslash_escapes =
                    matches!(value.trim_matches('\'').to_ascii_lowercase().as_str(), "off" | "false" | "0");
            }
            Some("search_path") => {
                let first = value.trim_matches(['\'', '"', ',']);
                if !first.is_empty() && !first.starts_with('$') {
                    first.clone_into(&mut self.script.schema);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn select(&mut self, text: &[u8]) -> Result<(), DumpError> {
        let text = String::from_utf8_lossy(text);
        let known = [
            "set_config",
            "setval",
            "pg_restore_relation_stats",
            "pg_restore_attribute_stats",
            "lo_create",
            "lo_open",
            "lowrite",
            "lo_close",
            "lo_unlink",
        ];
        if text.contains("lowrite") {
            self.script.sink.note(Note::Warning("large objects were read over: no table holds them".to_owned()))?;
        } else if !known.iter().any(|k| text.contains(k)) {
            self.script.sink.note(Note::Warning("a SELECT statement was not executed".to_owned()))?;
        }
        Ok(())
    }

    fn copy(&mut self) -> Result<(), DumpError> {
        let at = self.script.window.position();
        let len = self.script.whole_statement()?;
        let text = self.script.decoded(&self.script.window.data()[..len]);
        let Some((table, columns)) = copy_head(&text, self.script.flavor, &self.script.schema) else {
            let what = "a COPY statement that is not `COPY table (columns) FROM stdin;`";
            return Err(self.script.malformed(at, what, "ask for a dump as pg_dump writes it"));
        };
        let (source, width) = self.script.sink.open(&table, columns.as_deref(), false, at)?;
        self.script.rows_seen = true;
        self.script.pass(len, ByteKind::Data);
        // The rows begin on the next line.
        let line = self.script.line_len()?;
        let crlf = self.script.window.data()[..line].ends_with(b"\r\n");
        self.script.pass(line, ByteKind::Data);
        let Script { window, sink, batch, .. } = &mut self.script;
        match pg_copy::read(window, *sink, batch, source, width, crlf)? {
            Ended::Marker => Ok(()),
            Ended::Input => {
                // One message is enough: the end of the whole dump is then missing too.
                self.ends = self.begins;
                let missing = format!("the end marker \\. of table {table}");
                self.script.sink.note(Note::Truncated { missing, at: self.script.window.position() })
            }
        }
    }
}

/// Reads `COPY table (columns) FROM stdin;`.
pub(super) fn copy_head(text: &[u8], flavor: Flavor, default_schema: &str) -> Option<(QualifiedName, Option<Vec<String>>)> {
    let mut lexer = Lexer::new(text, flavor);
    let mut tokens = Vec::new();
    while let Ok(Some(token)) = lexer.token() {
        tokens.push(token);
    }
    let name = |token: &Token<'_>| match token {
        Token::Word(word) => Some(String::from_utf8_lossy(word).into_owned()),
        Token::Name(name) => Some(String::from_utf8_lossy(name).into_owned()),
        _ => None,
    };
    let mut pos = 1;
    let mut parts = vec![name(tokens.get(pos)?)?];
    pos += 1;
    while tokens.get(pos) == Some(&Token::Punct(b'.')) {
        parts.push(name(tokens.get(pos + 1)?)?);
        pos += 2;
    }
    let table = qualified(parts, default_schema)?;
    let mut columns = None;
    if tokens.get(pos) == Some(&Token::Punct(b'(')) {
        let end = pos + tokens[pos..].iter().position(|t| *t == Token::Punct(b')'))?;
        columns = Some(tokens[pos + 1..end].iter().filter(|t| **t != Token::Punct(b',')).map(name).collect::<Option<Vec<_>>>()?);
        pos = end + 1;
    }
    let plain = tokens.get(pos)?.is("FROM") && tokens.get(pos + 1)?.is("stdin") && tokens.get(pos + 2) == Some(&Token::Punct(b';'));
    plain.then_some((table, columns))
}

/// Reads `2026-01-12 15:06:43 CET`, as `pg_dump --verbose` writes it, into UTC microseconds.
fn header_time(text: &str) -> Option<i64> {
    let (time, zone) = match text.rsplit_once(' ') {
        Some((time, zone)) if zone.chars().next().is_some_and(char::is_alphabetic) => (time, Some(zone)),
        _ => (text, None),
    };
    let stamp = Stamp::parse(time.as_bytes())?;
    match zone {
        None => stamp.has_offset.then_some(stamp.micros),
        Some(zone) => ZONES.iter().find(|z| z.0 == zone).map(|z| stamp.micros - z.1 * HOUR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_times_need_a_known_zone() {
        assert_eq!(header_time("2026-01-12 15:06:43 CET"), Stamp::parse(b"2026-01-12 14:06:43Z").map(|s| s.micros));
        assert_eq!(header_time("2026-01-12 15:06:43 Mitteleurop\u{e4}ische Zeit"), None);
    }
}
