//! Reads schema statements: tables, keys, relations, indexes, triggers. What it does not know it
//! passes over; it never executes.

use std::ops::Range;

use super::lexer::{Flavor, LexError, Lexer, Token};
use crate::dump::{ForeignKeyDdl, SchemaChange};
use crate::model::{Column, OnDelete, QualifiedName};

/// Words that end a column's type.
///
/// Source: PostgreSQL 17 CREATE TABLE, MySQL 8.4 CREATE TABLE, SQLite CREATE TABLE (column constraints and options).
const TYPE_ENDS: &[&str] = &[
    "USING",
    "NOT",
    "NULL",
    "DEFAULT",
    "PRIMARY",
    "UNIQUE",
    "REFERENCES",
    "CHECK",
    "CONSTRAINT",
    "GENERATED",
    "COLLATE",
    "AS",
    "AUTO_INCREMENT",
    "AUTOINCREMENT",
    "COMMENT",
    "ON",
    "STORAGE",
    "COMPRESSION",
    "INVISIBLE",
    "VISIBLE",
    "VIRTUAL",
    "STORED",
    "PERSISTENT",
    "KEY",
    "CHARSET",
    "DEFERRABLE",
    "INITIALLY",
    "ENCODE",
    "SRID",
    "WITHOUT_",
    "USING",
];

/// What a schema statement says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ddl {
    /// Changes, in order.
    pub changes: Vec<SchemaChange>,
}

/// Reads one statement; a statement that is no schema gives no change.
///
/// # Errors
/// Returns that a token is malformed or unfinished.
pub fn parse(statement: &[u8], flavor: Flavor, default_schema: &str) -> Result<Ddl, LexError> {
    let mut lexer = Lexer::new(statement, flavor);
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blank()?;
        let start = lexer.pos();
        match lexer.token()? {
            Some(token) => tokens.push((token, start..lexer.pos())),
            None => break,
        }
    }
    tokens.pop_if(|t| t.0 == Token::Punct(b';'));
    let mut parser = Parser { statement, tokens, pos: 0, default_schema, ddl: Ddl::default() };
    parser.statement();
    Ok(parser.ddl)
}

struct Parser<'a> {
    statement: &'a [u8],
    tokens: Vec<(Token<'a>, Range<usize>)>,
    pos: usize,
    default_schema: &'a str,
    ddl: Ddl,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&Token<'a>> {
        self.tokens.get(self.pos).map(|t| &t.0)
    }

    fn peek_is(&self, keyword: &str) -> bool {
        self.peek().is_some_and(|t| t.is(keyword))
    }

    fn ahead_is(&self, ahead: usize, keyword: &str) -> bool {
        self.tokens.get(self.pos + ahead).is_some_and(|t| t.0.is(keyword))
    }

    fn punct(&self, byte: u8) -> bool {
        self.peek() == Some(&Token::Punct(byte))
    }

    fn eat(&mut self, keyword: &str) -> bool {
        let found = self.peek_is(keyword);
        self.pos += usize::from(found);
        found
    }

    fn eat_punct(&mut self, byte: u8) -> bool {
        let found = self.punct(byte);
        self.pos += usize::from(found);
        found
    }

    fn eat_all(&mut self, keywords: &[&str]) -> bool {
        let found = keywords.iter().enumerate().all(|(ahead, word)| self.ahead_is(ahead, word));
        if found {
            self.pos += keywords.len();
        }
        found
    }

    fn done(&self) -> bool {
        self.pos >= self.tokens.len()
    }

    /// Passes tokens until one of `stops` at the outermost level of parentheses, which stays unread.
    fn skip_until(&mut self, stops: impl Fn(&Token<'_>) -> bool) {
        let mut parens = 0_usize;
        while let Some(token) = self.peek() {
            if parens == 0 && stops(token) {
                return;
            }
            match token {
                Token::Punct(b'(') => parens += 1,
                Token::Punct(b')') if parens == 0 => return,
                Token::Punct(b')') => parens -= 1,
                _ => {}
            }
            self.pos += 1;
        }
    }

    fn skip_parens(&mut self) {
        if self.eat_punct(b'(') {
            self.skip_until(|_| false);
            self.eat_punct(b')');
        }
    }

    fn name(&mut self) -> Option<String> {
        let name = match self.peek()? {
            Token::Word(word) => String::from_utf8_lossy(word).into_owned(),
            Token::Name(name) | Token::Text(name) => String::from_utf8_lossy(name).into_owned(),
            _ => return None,
        };
        self.pos += 1;
        Some(name)
    }

    fn qualified(&mut self) -> Option<QualifiedName> {
        let mut parts = vec![self.name()?];
        while self.punct(b'.') {
            self.pos += 1;
            parts.push(self.name()?);
        }
        let name = parts.pop()?;
        let schema = parts.pop().unwrap_or_else(|| self.default_schema.to_owned());
        Some(QualifiedName::new(schema, name))
    }

    /// Reads `(a, b)`; `None` where an entry is an expression.
    fn column_list(&mut self) -> Option<Vec<String>> {
        if !self.eat_punct(b'(') {
            return None;
        }
        let mut columns = Some(Vec::new());
        while !self.done() && !self.punct(b')') {
            let entry = self.pos;
            let name = self.name();
            // A prefix length (MySQL) or an operator class and order (Postgres) may follow the name.
            let plain = !matches!(self.peek(), Some(Token::Punct(b'(' | b'.' | b':' | b'|' | b'+' | b'-')))
                || matches!(self.tokens.get(self.pos + 1), Some((Token::Number(_), _)));
            match (name, plain) {
                (Some(name), true) => {
                    if let Some(list) = &mut columns {
                        list.push(name);
                    }
                }
                _ => {
                    self.pos = entry;
                    columns = None;
                }
            }
            self.skip_until(|t| *t == Token::Punct(b','));
            self.eat_punct(b',');
        }
        self.eat_punct(b')');
        columns.filter(|c| !c.is_empty())
    }

    fn statement(&mut self) {
        if self.eat("CREATE") {
            self.create();
        } else if self.eat_all(&["ALTER", "TABLE"]) || self.eat_all(&["ALTER", "FOREIGN", "TABLE"]) {
            self.alter_table();
        } else if self.eat("DROP") {
            self.drop_objects();
        } else if self.eat_all(&["RENAME", "TABLE"]) {
            self.rename_tables();
        }
    }

    fn rename_tables(&mut self) {
        while let Some(table) = self.qualified() {
            if !self.eat("TO") {
                return;
            }
            let Some(to) = self.qualified() else { return };
            self.ddl.changes.push(SchemaChange::RenameTable { table, to });
            if !self.eat_punct(b',') {
                return;
            }
        }
    }

    fn drop_objects(&mut self) {
        let kind = self.pos;
        self.pos += 1;
        let is = |word: &str| self.tokens.get(kind).is_some_and(|t| t.0.is(word));
        let (table, schema, database) = (is("TABLE"), is("SCHEMA"), is("DATABASE"));
        if !table && !schema && !database {
            return;
        }
        self.eat_all(&["IF", "EXISTS"]);
        while let Some(name) = self.qualified() {
            self.ddl.changes.push(match (table, schema) {
                (true, _) => SchemaChange::Drop { table: name },
                (_, true) => SchemaChange::DropSchema { name: name.name },
                _ => SchemaChange::DropDatabase { name: name.name },
            });
            if !self.eat_punct(b',') {
                break;
            }
        }
    }

    fn create(&mut self) {
        self.eat_all(&["OR", "REPLACE"]);
        while ["GLOBAL", "LOCAL", "UNLOGGED", "FOREIGN", "CONSTRAINT", "RECURSIVE"].iter().any(|w| self.eat(w)) {}
        if self.peek_is("TEMP") || self.peek_is("TEMPORARY") {
            return;
        }
        if self.eat("TABLE") {
            self.create_table();
        } else if self.eat("VIEW") || self.eat_all(&["MATERIALIZED", "VIEW"]) {
            self.eat_all(&["IF", "NOT", "EXISTS"]);
            if let Some(name) = self.qualified() {
                self.ddl.changes.push(SchemaChange::View { name });
            }
        } else if self.eat_all(&["UNIQUE", "INDEX"]) {
            self.create_index(true);
        } else if self.eat("INDEX") {
            self.create_index(false);
        } else if self.eat("TRIGGER") {
            self.create_hook("trigger");
        } else if self.eat("RULE") {
            self.create_hook("rule");
        } else if self.eat("POLICY") {
            self.create_hook("policy");
        }
    }

    fn create_table(&mut self) {
        self.eat_all(&["IF", "NOT", "EXISTS"]);
        let Some(name) = self.qualified() else { return };
        let mut parents = Vec::new();
        if self.eat_all(&["PARTITION", "OF"]) {
            parents.extend(self.qualified());
        }
        // The table itself goes first; its constraints follow as changes of their own.
        let place = self.ddl.changes.len();
        let mut columns = Vec::new();
        if self.eat_punct(b'(') {
            while !self.done() && !self.punct(b')') {
                if let Some(column) = self.table_element(&name) {
                    columns.push(column);
                }
                self.skip_until(|t| *t == Token::Punct(b','));
                if !self.eat_punct(b',') {
                    break;
                }
            }
            self.eat_punct(b')');
        }
        let mut partitioned = false;
        let mut storage_engine = String::new();
        while !self.done() {
            if self.eat("INHERITS") {
                self.eat_punct(b'(');
                while let Some(parent) = self.qualified() {
                    parents.push(parent);
                    if !self.eat_punct(b',') {
                        break;
                    }
                }
            } else if self.eat_all(&["PARTITION", "BY"]) {
                partitioned = true;
            } else if self.eat("ENGINE") {
                self.eat_punct(b'=');
                storage_engine = self.name().unwrap_or_default();
            } else {
                self.pos += 1;
            }
        }
        self.ddl.changes.insert(place, SchemaChange::Table { name, columns, parents, partitioned, storage_engine });
    }

    /// Reads one entry of CREATE TABLE's parentheses; returns a column, or records a constraint.
    fn table_element(&mut self, table: &QualifiedName) -> Option<Column> {
        let mut constraint = String::new();
        if self.peek_is("CONSTRAINT") {
            self.pos += 1;
            if !["PRIMARY", "UNIQUE", "FOREIGN", "CHECK", "EXCLUDE"].iter().any(|w| self.peek_is(w)) {
                constraint = self.name()?;
            }
        }
        if self.table_constraint(table, &constraint) {
            return None;
        }
        for keyword in ["KEY", "INDEX", "FULLTEXT", "SPATIAL"] {
            // `key` may also be a column: an index has parentheses behind it, a column has a type.
            if self.peek_is(keyword) && self.index_element(table) {
                return None;
            }
        }
        if self.peek_is("LIKE") || self.peek_is("PERIOD") || self.peek_is("EXCLUDE") || self.peek_is("CHECK") {
            return None;
        }
        let name = self.name()?;
        Some(self.column(table, &name))
    }

    fn index_element(&mut self, table: &QualifiedName) -> bool {
        let start = self.pos;
        self.pos += 1;
        let _ = self.eat("KEY") || self.eat("INDEX");
        if !self.punct(b'(') {
            self.name();
        }
        if self.eat("USING") {
            self.name();
        }
        if !self.punct(b'(') || matches!(self.tokens.get(self.pos + 1), Some((Token::Number(_), _))) {
            self.pos = start;
            return false;
        }
        if let Some(columns) = self.column_list() {
            self.ddl.changes.push(SchemaChange::Index { table: table.clone(), columns });
        }
        true
    }

    /// Reads a table constraint, whose name was read; returns whether there was one.
    fn table_constraint(&mut self, table: &QualifiedName, constraint: &str) -> bool {
        if self.eat_all(&["PRIMARY", "KEY"]) {
            self.skip_until(|t| *t == Token::Punct(b'('));
            if let Some(columns) = self.column_list() {
                self.ddl.changes.push(SchemaChange::PrimaryKey { table: table.clone(), columns });
            }
        } else if self.peek_is("UNIQUE") && !self.is_column_named() {
            self.pos += 1;
            self.skip_until(|t| matches!(t, Token::Punct(b'(' | b',')));
            if let Some(columns) = self.column_list() {
                self.ddl.changes.push(SchemaChange::Unique { table: table.clone(), columns });
            }
        } else if self.eat_all(&["FOREIGN", "KEY"]) {
            if !self.punct(b'(') {
                self.name();
            }
            let columns = self.column_list().unwrap_or_default();
            if self.eat("REFERENCES") {
                self.references(table, constraint, columns);
            }
        } else if !constraint.is_empty() {
            // CHECK, EXCLUDE, NOT NULL: nothing that keys or relations need.
        } else {
            return false;
        }
        true
    }

    /// Returns whether the word at hand is a column's name: a type follows it.
    fn is_column_named(&self) -> bool {
        !matches!(self.tokens.get(self.pos + 1).map(|t| &t.0), Some(Token::Punct(b'(')) | Some(Token::Name(_)))
            && !["KEY", "INDEX", "NULLS", "USING"].iter().any(|w| self.ahead_is(1, w))
    }

    fn references(&mut self, table: &QualifiedName, constraint: &str, columns: Vec<String>) {
        let Some(parent) = self.qualified() else { return };
        let parent_columns = if self.punct(b'(') { self.column_list().unwrap_or_default() } else { Vec::new() };
        let mut on_delete = OnDelete::NoAction;
        loop {
            if self.eat_all(&["ON", "DELETE"]) {
                on_delete = self.action();
            } else if self.eat_all(&["ON", "UPDATE"]) {
                self.action();
            } else if self.eat("MATCH") {
                self.pos += 1;
            } else {
                break;
            }
        }
        let key = ForeignKeyDdl { name: constraint.to_owned(), columns, parent, parent_columns, on_delete };
        self.ddl.changes.push(SchemaChange::ForeignKey { table: table.clone(), key });
    }

    fn action(&mut self) -> OnDelete {
        for (words, action) in [
            (&["NO", "ACTION"][..], OnDelete::NoAction),
            (&["RESTRICT"], OnDelete::Restrict),
            (&["CASCADE"], OnDelete::Cascade),
            (&["SET", "NULL"], OnDelete::SetNull),
            (&["SET", "DEFAULT"], OnDelete::SetDefault),
        ] {
            if self.eat_all(words) {
                // SET NULL may name the columns to set.
                self.skip_parens();
                return action;
            }
        }
        OnDelete::NoAction
    }

    fn column(&mut self, table: &QualifiedName, name: &str) -> Column {
        let type_text = self.type_text();
        let mut column = Column { name: name.to_owned(), type_text, ..Column::default() };
        if column.type_text.to_ascii_lowercase().contains("serial") {
            column.identity = true;
        }
        let mut constraint = String::new();
        while let Some(token) = self.peek() {
            if *token == Token::Punct(b',') || *token == Token::Punct(b')') {
                break;
            }
            if self.eat_all(&["NOT", "NULL"]) {
                column.not_null = true;
            } else if self.eat_all(&["PRIMARY", "KEY"]) {
                column.not_null = true;
                self.ddl.changes.push(SchemaChange::PrimaryKey { table: table.clone(), columns: vec![name.to_owned()] });
            } else if self.eat("UNIQUE") {
                self.ddl.changes.push(SchemaChange::Unique { table: table.clone(), columns: vec![name.to_owned()] });
            } else if self.eat("CONSTRAINT") {
                constraint = self.name().unwrap_or_default();
            } else if self.eat("REFERENCES") {
                self.references(table, &constraint.clone(), vec![name.to_owned()]);
            } else if self.eat("DEFAULT") {
                let expression = self.expression();
                column.identity |= expression.to_ascii_lowercase().contains("nextval(");
                column.default = Some(expression);
            } else if self.eat("AUTO_INCREMENT") || self.eat("AUTOINCREMENT") {
                column.identity = true;
            } else if self.eat("GENERATED") {
                let _ = self.eat("ALWAYS") || self.eat_all(&["BY", "DEFAULT"]);
                self.eat("AS");
                if self.eat("IDENTITY") {
                    column.identity = true;
                    column.not_null = true;
                } else {
                    column.generated = true;
                }
                self.skip_parens();
            } else if self.eat("AS") {
                column.generated = true;
                self.skip_parens();
            } else if self.punct(b'(') {
                self.skip_parens();
            } else {
                self.pos += 1;
            }
        }
        column
    }

    fn type_text(&mut self) -> String {
        let start = self.pos;
        while let Some(token) = self.peek() {
            let ends = matches!(token, Token::Punct(b',' | b')'))
                || TYPE_ENDS.iter().any(|word| token.is(word))
                || (self.pos > start && self.peek_is("CHARACTER") && self.ahead_is(1, "SET"));
            if ends {
                break;
            }
            if self.punct(b'(') {
                self.skip_parens();
            } else {
                self.pos += 1;
            }
        }
        self.raw(start, self.pos)
    }

    /// Reads the expression of a DEFAULT: up to the next column constraint.
    fn expression(&mut self) -> String {
        let start = self.pos;
        if self.punct(b'(') {
            self.skip_parens();
        } else {
            self.pos += 1;
        }
        while let Some(token) = self.peek() {
            let ends = matches!(token, Token::Punct(b',' | b')'))
                || ["NOT", "NULL", "PRIMARY", "UNIQUE", "REFERENCES", "CHECK", "CONSTRAINT", "GENERATED", "COLLATE", "COMMENT", "ON"]
                    .iter()
                    .any(|word| token.is(word));
            if ends {
                break;
            }
            if self.punct(b'(') {
                self.skip_parens();
            } else {
                self.pos += 1;
            }
        }
        self.raw(start, self.pos)
    }

    fn raw(&self, from: usize, to: usize) -> String {
        if from >= to || to > self.tokens.len() {
            return String::new();
        }
        let bytes = &self.statement[self.tokens[from].1.start..self.tokens[to - 1].1.end];
        String::from_utf8_lossy(bytes).into_owned()
    }

    fn create_index(&mut self, unique: bool) {
        self.eat("CONCURRENTLY");
        self.eat_all(&["IF", "NOT", "EXISTS"]);
        if !self.peek_is("ON") {
            self.qualified();
        }
        if !self.eat("ON") {
            return;
        }
        self.eat("ONLY");
        let Some(table) = self.qualified() else { return };
        if self.eat("USING") {
            self.name();
        }
        let Some(columns) = self.column_list() else { return };
        let partial = self.tokens[self.pos.min(self.tokens.len())..].iter().any(|t| t.0.is("WHERE"));
        if unique && !partial {
            self.ddl.changes.push(SchemaChange::Unique { table, columns });
        } else if !partial {
            self.ddl.changes.push(SchemaChange::Index { table, columns });
        }
    }

    fn create_hook(&mut self, kind: &'static str) {
        self.eat_all(&["IF", "NOT", "EXISTS"]);
        let Some(hook) = self.qualified() else { return };
        let mut on_delete = kind == "policy";
        let table = if kind == "rule" {
            while !self.done() && !self.peek_is("TO") {
                on_delete |= self.peek_is("DELETE");
                self.pos += 1;
            }
            self.eat("TO");
            self.qualified()
        } else {
            while !self.done() && !self.peek_is("ON") {
                on_delete |= self.peek_is("DELETE");
                self.pos += 1;
            }
            self.eat("ON");
            self.qualified()
        };
        if let Some(table) = table {
            self.ddl.changes.push(SchemaChange::Hook { table, kind, name: hook.name, on_delete });
        }
    }

    fn alter_table(&mut self) {
        self.eat_all(&["IF", "EXISTS"]);
        self.eat("ONLY");
        let Some(table) = self.qualified() else { return };
        while !self.done() {
            self.alter_action(&table);
            self.skip_until(|t| *t == Token::Punct(b','));
            if !self.eat_punct(b',') {
                break;
            }
        }
    }

    fn alter_action(&mut self, table: &QualifiedName) {
        if self.eat("ADD") {
            let constraint = if self.eat("CONSTRAINT") { self.name().unwrap_or_default() } else { String::new() };
            if self.table_constraint(table, &constraint) {
                return;
            }
            if ["INDEX", "KEY"].iter().any(|w| self.peek_is(w)) && self.index_element(table) {
                return;
            }
            self.eat("COLUMN");
            self.eat_all(&["IF", "NOT", "EXISTS"]);
            if let Some(name) = self.name() {
                let column = self.column(table, &name);
                self.ddl.changes.push(SchemaChange::Column { table: table.clone(), column });
            }
        } else if self.eat("ALTER") {
            self.eat("COLUMN");
            let Some(column) = self.name() else { return };
            let table = table.clone();
            if self.eat_all(&["SET", "DEFAULT"]) {
                let expression = self.expression();
                self.ddl.changes.push(SchemaChange::Default { table, column, expression });
            } else if self.eat_all(&["SET", "NOT", "NULL"]) {
                self.ddl.changes.push(SchemaChange::NotNull { table, column });
            } else if self.eat_all(&["ADD", "GENERATED"]) {
                self.ddl.changes.push(SchemaChange::Identity { table, column });
            } else if self.eat("TYPE") || self.eat_all(&["SET", "DATA", "TYPE"]) {
                let type_text = self.type_text();
                self.ddl.changes.push(SchemaChange::Retype { table, column, type_text });
            }
        } else if self.eat("RENAME") {
            self.rename(table);
        } else if self.eat("CHANGE") {
            self.eat("COLUMN");
            let (Some(column), Some(to)) = (self.name(), self.name()) else { return };
            self.redefine(table, column, &to);
        } else if self.eat("MODIFY") {
            self.eat("COLUMN");
            let Some(column) = self.name() else { return };
            self.redefine(table, column.clone(), &column);
        } else if self.eat("DROP") {
            let others = ["CONSTRAINT", "INDEX", "KEY", "PRIMARY", "FOREIGN", "CHECK", "PARTITION"];
            if !self.eat("COLUMN") && others.iter().any(|w| self.peek_is(w)) {
                return;
            }
            self.eat_all(&["IF", "EXISTS"]);
            let Some(column) = self.name() else { return };
            self.ddl.changes.push(SchemaChange::DropColumn { table: table.clone(), column });
        } else if self.eat_all(&["ATTACH", "PARTITION"])
            && let Some(partition) = self.qualified()
        {
            self.ddl.changes.push(SchemaChange::Partition { table: partition, parent: table.clone() });
        }
    }
}

impl Parser<'_> {
    /// Reads what follows `ALTER TABLE table RENAME`.
    fn rename(&mut self, table: &QualifiedName) {
        if ["CONSTRAINT", "INDEX", "KEY"].iter().any(|w| self.peek_is(w)) {
            return;
        }
        if self.eat("TO") || self.eat("AS") {
            self.renamed(table);
        } else {
            self.eat("COLUMN");
            let entry = self.pos;
            let Some(column) = self.name() else { return };
            if self.eat("TO") {
                let Some(to) = self.name() else { return };
                self.ddl.changes.push(SchemaChange::RenameColumn { table: table.clone(), column, to });
            } else {
                // MySQL may leave out TO before a table's new name.
                self.pos = entry;
                self.renamed(table);
            }
        }
    }

    fn renamed(&mut self, table: &QualifiedName) {
        if let Some(mut to) = self.qualified() {
            // A name without a schema stays within the table's own.
            if !to.name.is_empty() && to.schema == self.default_schema {
                to.schema.clone_from(&table.schema);
            }
            self.ddl.changes.push(SchemaChange::RenameTable { table: table.clone(), to });
        }
    }

    /// Reads a column's definition, which replaces the one it had.
    fn redefine(&mut self, table: &QualifiedName, column: String, to: &str) {
        let defined = self.column(table, to);
        let (table, own) = (|| table.clone(), || to.to_owned());
        if column != to {
            self.ddl.changes.push(SchemaChange::RenameColumn { table: table(), column, to: own() });
        }
        self.ddl.changes.push(SchemaChange::Retype { table: table(), column: own(), type_text: defined.type_text });
        if defined.not_null {
            self.ddl.changes.push(SchemaChange::NotNull { table: table(), column: own() });
        }
        if let Some(expression) = defined.default {
            self.ddl.changes.push(SchemaChange::Default { table: table(), column: own(), expression });
        }
        if defined.identity {
            self.ddl.changes.push(SchemaChange::Identity { table: table(), column: own() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(text: &str) -> Vec<SchemaChange> {
        parse(text.as_bytes(), Flavor::POSTGRES, "public").expect("parses").changes
    }

    fn table(name: &str) -> QualifiedName {
        QualifiedName::new("public", name)
    }

    #[test]
    fn reads_a_table_as_pg_dump_writes_it() {
        let found = changes(
            "CREATE TABLE public.\"My Users\" (id integer DEFAULT nextval('s'::regclass) NOT NULL, \
             email character varying(40) COLLATE pg_catalog.\"C\", at timestamp(3) with time zone DEFAULT now() NOT NULL, \
             tags text[] DEFAULT '{}'::text[], full_name text GENERATED ALWAYS AS ((a || ' '::text)) STORED, key integer, \
             CONSTRAINT positive CHECK ((id > 0))) PARTITION BY RANGE (at);",
        );
        let SchemaChange::Table { name, columns, partitioned, .. } = &found[0] else { panic!("no table: {found:?}") };
        assert_eq!(*name, table("My Users"));
        assert!(*partitioned);
        let types: Vec<_> = columns.iter().map(|c| (c.name.as_str(), c.type_text.as_str())).collect();
        assert_eq!(
            types,
            [
                ("id", "integer"),
                ("email", "character varying(40)"),
                ("at", "timestamp(3) with time zone"),
                ("tags", "text[]"),
                ("full_name", "text"),
                ("key", "integer")
            ]
        );
        assert!(columns[0].identity && columns[0].not_null && columns[4].generated);
        assert_eq!(columns[2].default.as_deref(), Some("now()"));
    }

    #[test]
    fn reads_what_tables_and_columns_become() {
        let renamed = |column: &str, to: &str| SchemaChange::RenameColumn { table: table("a"), column: column.into(), to: to.into() };
        assert_eq!(changes("ALTER TABLE a RENAME TO b;"), [SchemaChange::RenameTable { table: table("a"), to: table("b") }]);
        assert_eq!(changes("ALTER TABLE a RENAME COLUMN x TO y;"), [renamed("x", "y")]);
        assert_eq!(
            changes("ALTER TABLE a RENAME x TO y, DROP COLUMN IF EXISTS z CASCADE;"),
            [renamed("x", "y"), SchemaChange::DropColumn { table: table("a"), column: "z".into() }]
        );
        assert_eq!(changes("ALTER TABLE a DROP CONSTRAINT x, RENAME CONSTRAINT c TO d;"), []);
        assert_eq!(
            changes("ALTER TABLE a ALTER COLUMN x SET DATA TYPE numeric(10,2);"),
            [SchemaChange::Retype { table: table("a"), column: "x".into(), type_text: "numeric(10,2)".into() }]
        );
        let mysql = |text: &str| parse(text.as_bytes(), Flavor::MYSQL, "").expect("parses").changes;
        let bare = |name: &str| QualifiedName::new("", name);
        assert_eq!(
            mysql("ALTER TABLE `a` MODIFY `id` int(11) NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=7;"),
            [
                SchemaChange::Retype { table: bare("a"), column: "id".into(), type_text: "int(11)".into() },
                SchemaChange::NotNull { table: bare("a"), column: "id".into() },
                SchemaChange::Identity { table: bare("a"), column: "id".into() },
            ]
        );
        assert_eq!(
            mysql("ALTER TABLE a CHANGE x y text;"),
            [
                SchemaChange::RenameColumn { table: bare("a"), column: "x".into(), to: "y".into() },
                SchemaChange::Retype { table: bare("a"), column: "y".into(), type_text: "text".into() },
            ]
        );
        assert_eq!(
            mysql("RENAME TABLE a TO b, c TO d;"),
            [SchemaChange::RenameTable { table: bare("a"), to: bare("b") }, SchemaChange::RenameTable { table: bare("c"), to: bare("d") },]
        );
    }

    #[test]
    fn reads_keys_and_relations() {
        assert_eq!(
            changes("ALTER TABLE ONLY public.users ADD CONSTRAINT users_pkey PRIMARY KEY (id);"),
            [SchemaChange::PrimaryKey { table: table("users"), columns: vec!["id".into()] }]
        );
        assert_eq!(
            changes(
                "ALTER TABLE ONLY public.a ADD CONSTRAINT f FOREIGN KEY (x, \"Y\") REFERENCES app.b(u, v) \
                 ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE;"
            ),
            [SchemaChange::ForeignKey {
                table: table("a"),
                key: ForeignKeyDdl {
                    name: "f".into(),
                    columns: vec!["x".into(), "Y".into()],
                    parent: QualifiedName::new("app", "b"),
                    parent_columns: vec!["u".into(), "v".into()],
                    on_delete: OnDelete::SetNull,
                }
            }]
        );
        let inline =
            changes("CREATE TABLE s (id bigserial PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE, UNIQUE (user_id, id));");
        assert!(inline.contains(&SchemaChange::Unique { table: table("s"), columns: vec!["user_id".into(), "id".into()] }));
        assert!(inline.iter().any(
            |c| matches!(c, SchemaChange::ForeignKey { key, .. } if key.on_delete == OnDelete::Cascade && key.parent_columns.is_empty())
        ));
    }

    #[test]
    fn partial_and_expression_indexes_are_no_keys() {
        assert_eq!(changes("CREATE UNIQUE INDEX i ON public.users USING btree (lower(email));"), []);
        assert_eq!(changes("CREATE UNIQUE INDEX i ON public.users USING btree (email) WHERE (deleted_at IS NULL);"), []);
        assert_eq!(
            changes("CREATE INDEX i ON ONLY public.users USING btree (email DESC NULLS LAST, id);"),
            [SchemaChange::Index { table: table("users"), columns: vec!["email".into(), "id".into()] }]
        );
    }

    #[test]
    fn reads_what_goes() {
        assert_eq!(
            changes("DROP TABLE IF EXISTS public.a, \"B\" CASCADE;"),
            [SchemaChange::Drop { table: table("a") }, SchemaChange::Drop { table: table("B") }]
        );
        assert_eq!(changes("DROP SCHEMA app CASCADE;"), [SchemaChange::DropSchema { name: "app".into() }]);
        assert_eq!(changes("DROP VIEW a;"), []);
        assert_eq!(changes("DROP TEMPORARY TABLE a;"), []);
    }

    #[test]
    fn reads_triggers_rules_and_policies() {
        let hook = |kind, name: &str, on_delete| SchemaChange::Hook { table: table("users"), kind, name: name.into(), on_delete };
        assert_eq!(
            changes("CREATE TRIGGER t BEFORE INSERT OR DELETE ON public.users FOR EACH ROW EXECUTE FUNCTION f();"),
            [hook("trigger", "t", true)]
        );
        assert_eq!(changes("CREATE RULE r AS ON DELETE TO public.users DO INSTEAD NOTHING;"), [hook("rule", "r", true)]);
        assert_eq!(changes("CREATE POLICY p ON public.users USING (true);"), [hook("policy", "p", true)]);
    }
}
