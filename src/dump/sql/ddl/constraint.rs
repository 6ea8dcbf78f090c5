//! Keys and relations, inside a table and after it.

use super::Parser;
use crate::dump::sql::lexer::Token;
use crate::dump::{ForeignKeyDdl, SchemaChange};
use crate::model::{OnDelete, QualifiedName};

impl Parser<'_> {
    /// Reads a table constraint, whose name was read; returns whether there was one.
    pub(super) fn table_constraint(&mut self, table: &QualifiedName, constraint: &str) -> bool {
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

    pub(super) fn references(&mut self, table: &QualifiedName, constraint: &str, columns: Vec<String>) {
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
}
