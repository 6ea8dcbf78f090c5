//! CREATE: tables, indexes, views, and what runs on its own.

use super::Parser;
use crate::dump::SchemaChange;
use crate::dump::sql::lexer::Token;
use crate::model::{Column, QualifiedName};

impl Parser<'_> {
    pub(super) fn create(&mut self) {
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

    pub(super) fn index_element(&mut self, table: &QualifiedName) -> bool {
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
}
