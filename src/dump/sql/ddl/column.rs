//! A column: its type, default, and what else is written behind its name.

use super::Parser;
use crate::dump::SchemaChange;
use crate::dump::sql::lexer::Token;
use crate::model::{Column, QualifiedName};

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

/// Words that end a DEFAULT's expression; source as [`TYPE_ENDS`].
const EXPRESSION_ENDS: &[&str] =
    &["NOT", "NULL", "PRIMARY", "UNIQUE", "REFERENCES", "CHECK", "CONSTRAINT", "GENERATED", "COLLATE", "COMMENT", "ON"];

impl Parser<'_> {
    pub(super) fn column(&mut self, table: &QualifiedName, name: &str) -> Column {
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

    pub(super) fn type_text(&mut self) -> String {
        let start = self.pos;
        self.pass(|parser, token| {
            TYPE_ENDS.iter().any(|word| token.is(word)) || (parser.pos > start && parser.peek_is("CHARACTER") && parser.ahead_is(1, "SET"))
        });
        self.raw(start, self.pos)
    }

    /// Reads the expression of a DEFAULT: up to the next column constraint.
    pub(super) fn expression(&mut self) -> String {
        let start = self.pos;
        if self.punct(b'(') {
            self.skip_parens();
        } else {
            self.pos += 1;
        }
        self.pass(|_, token| EXPRESSION_ENDS.iter().any(|word| token.is(word)));
        self.raw(start, self.pos)
    }

    /// Passes tokens, parentheses whole, up to one that `ends` knows, or the end of the column.
    fn pass(&mut self, ends: impl Fn(&Self, &Token<'_>) -> bool) {
        while let Some(token) = self.peek() {
            if matches!(token, Token::Punct(b',' | b')')) || ends(self, token) {
                break;
            }
            if self.punct(b'(') {
                self.skip_parens();
            } else {
                self.pos += 1;
            }
        }
    }
}
