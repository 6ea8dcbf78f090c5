//! SQL text of SQLite: `.dump` of its shell and scripts for it. Evaluates the two functions that the shell
//! writes for texts with line ends, and executes nothing.

use super::sql::guess::{self, Dialect};
use super::sql::lexer::Flavor;
use super::sql::script::{Next, Script, as_written};
use super::sql::{Lexer, Token, ddl};
use super::{ByteKind, DumpError, DumpFormat, FormatMeta, Input, Note, Position, Sink};
use crate::model::Engine;

/// `.dump` text.
pub struct SqliteText;

const META: FormatMeta = FormatMeta {
    id: "sqlite-text",
    title: "SQL text of SQLite (.dump)",
    engine: Engine::Sqlite,
    source: "SQLite shell.c: .dump (`/**** ERROR: (..) *****/`, ROLLBACK on a damaged source), output_quoted_escaped_string; outputs of sqlite3 3.40",
};

impl DumpFormat for SqliteText {
    fn meta(&self) -> &'static FormatMeta {
        &META
    }

    fn sniff(&self, head: &[u8]) -> bool {
        guess::dialect(head) == Some(Dialect::Sqlite)
    }

    fn read(&self, input: &Input, sink: &mut dyn Sink) -> Result<(), DumpError> {
        let script = Script::new(input.window(input.only())?, sink, Flavor::SQLITE, "main", "sqlite3 .dump");
        Reader { script, open: 0 }.run()
    }
}

struct Reader<'s> {
    script: Script<'s>,
    /// Transactions that were begun and not ended.
    open: u32,
}

/// Returns whether a comment is the shell's confession that the source is damaged.
fn is_error(text: &[u8]) -> bool {
    text.starts_with(b"/**** ERROR") || text.starts_with(b"/****** CORRUPTION ERROR")
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), DumpError> {
        self.script.pass_mark();
        loop {
            match self.script.next(is_error)? {
                Next::End => break,
                Next::Comment(_) => {}
                Next::Statement => self.statement()?,
            }
        }
        if self.open > 0 {
            let missing = "the closing COMMIT".to_owned();
            self.script.sink.note(Note::Truncated { missing, at: self.script.window.position() })?;
        }
        Ok(())
    }

    fn statement(&mut self) -> Result<(), DumpError> {
        if self.script.window.data().len() < 4096 {
            self.script.window.fill()?;
        }
        let at = self.script.window.position();
        let data = self.script.window.data();
        if is_error(data) {
            return Err(self.damaged(at));
        }
        let mut lexer = Lexer::new(data, self.script.flavor);
        match lexer.token() {
            Ok(Some(word)) if word.is("INSERT") || word.is("REPLACE") => {
                // The shell fills its own tables too.
                if head_names(data, self.script.flavor).is_some_and(|name| name.to_ascii_lowercase().starts_with("sqlite_")) {
                    let len = self.script.whole_statement()?;
                    self.script.pass(len, ByteKind::Directive);
                    return Ok(());
                }
                return self.script.inserts(&as_written);
            }
            Ok(Some(Token::Punct(b'.'))) => {
                let help = "unseed runs no command of the shell; remove the line if it brings no rows";
                return Err(self.script.malformed(at, "a command of the sqlite3 shell", help));
            }
            _ => {}
        }
        let len = self.script.whole(create_trigger_len)?;
        let text = self.script.window.data()[..len].to_vec();
        let kind = self.schema_statement(&text, at)?;
        self.script.pass(len, kind);
        Ok(())
    }

    fn damaged(&self, at: Position) -> DumpError {
        let help = "rows are missing from this dump; ask for a copy of the database made with .backup or VACUUM INTO, or for .recover";
        self.script.malformed(at, "the shell found the database damaged while dumping it", help)
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
                let parsed = ddl::parse(text, self.script.flavor, "main").map_err(|e| self.script.lex_error(e))?;
                for change in parsed.changes {
                    self.script.sink.schema(change, at)?;
                }
                Ok(ByteKind::Ddl)
            }
            "DROP" => {
                for change in ddl::parse(text, self.script.flavor, "main").map_err(|e| self.script.lex_error(e))?.changes {
                    self.script.sink.schema(change, at)?;
                }
                Ok(ByteKind::Ddl)
            }
            "ANALYZE" | "REINDEX" => Ok(ByteKind::Ddl),
            "BEGIN" => {
                self.open += 1;
                Ok(ByteKind::Directive)
            }
            "COMMIT" | "END" => {
                self.open = self.open.saturating_sub(1);
                Ok(ByteKind::Directive)
            }
            "ROLLBACK" => Err(self.damaged(at)),
            "DELETE" if !self.script.rows_seen || memchr::memmem::find(text, b"sqlite_sequence").is_some() => Ok(ByteKind::Directive),
            "PRAGMA" | "SAVEPOINT" | "RELEASE" | "VACUUM" | "SELECT" | "ATTACH" | "DETACH" | "EXPLAIN" | "" => Ok(ByteKind::Directive),
            _ => {
                let help = "unseed executes nothing, so the rows would differ from the database's; ask for the file itself, or for .dump";
                Err(self.script.malformed(at, format!("a {word} statement where a dump has none"), help))
            }
        }
    }
}

/// Returns the table's name of an INSERT at the start of the text.
fn head_names(text: &[u8], flavor: Flavor) -> Option<String> {
    super::sql::insert::head(text, flavor, "main").ok().map(|head| head.table.name)
}

/// Returns the length of a statement; a trigger's body holds semicolons.
///
/// Source: SQLite, `sqlite3_complete`: a CREATE TRIGGER ends with `;END;`.
fn create_trigger_len(text: &[u8], flavor: Flavor, at_end: bool) -> Result<usize, super::sql::LexError> {
    let mut lexer = Lexer::new(text, flavor);
    let mut words = Vec::new();
    while words.len() < 3 {
        match lexer.token()? {
            Some(token) if token.is("TEMP") || token.is("TEMPORARY") => {}
            Some(token) => words.push(token),
            None => break,
        }
    }
    let trigger = words.first().is_some_and(|w| w.is("CREATE")) && words.get(1).is_some_and(|w| w.is("TRIGGER"));
    if !trigger {
        return super::sql::lexer::statement_len(text, flavor, at_end);
    }
    let mut last = [false; 2];
    while let Some(token) = lexer.token()? {
        let ends = token == Token::Punct(b';');
        if ends && last[1] && last[0] {
            return Ok(lexer.pos());
        }
        last = if token.is("END") { [last[1] || last[0], true] } else { [ends, false] };
        if token.is("END") {
            last[0] = true;
        }
    }
    if at_end { Ok(text.len()) } else { Err(super::sql::LexError::Incomplete("a trigger")) }
}
