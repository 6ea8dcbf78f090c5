//! ALTER TABLE and RENAME TABLE.

use super::Parser;
use crate::dump::SchemaChange;
use crate::dump::sql::lexer::Token;
use crate::model::QualifiedName;

impl Parser<'_> {
    pub(super) fn rename_tables(&mut self) {
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

    pub(super) fn alter_table(&mut self) {
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
