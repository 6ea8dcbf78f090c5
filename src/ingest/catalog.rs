//! Gathers schema changes into tables, resolves names to ordinals once all is read.

use std::collections::HashMap;

use crate::dump::{ForeignKeyDdl, SchemaChange};
use crate::model::schema::TableHook;
use crate::model::{Column, ForeignKey, Key, QualifiedName, Source, Table};

/// The tables so far.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    tables: Vec<Pending>,
    by_name: HashMap<QualifiedName, usize>,
}

/// A table whose keys and relations still go by name.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Name and columns.
    pub(super) table: Table,
    /// Whether DDL declared it.
    pub(super) declared: bool,
    primary_key: Option<Vec<String>>,
    unique: Vec<Vec<String>>,
    indexes: Vec<Vec<String>>,
    foreign_keys: Vec<ForeignKeyDdl>,
}

/// What a change asks of the case file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    None,
    /// A table with this index came to be.
    Created(usize),
    /// A column was added to the table with this index.
    Widened(usize),
}

impl Catalog {
    /// Returns the tables, in the order in which they came to be.
    pub(super) fn tables(&self) -> &[Pending] {
        &self.tables
    }

    /// Finds a table: by its whole name, else the only one of that name whatever schema and case,
    /// which is how a CSV file's stem names a declared table.
    pub(super) fn find(&self, name: &QualifiedName) -> Option<usize> {
        if let Some(index) = self.by_name.get(name) {
            return Some(*index);
        }
        if !name.schema.is_empty() {
            return None;
        }
        let matches = |t: &&usize, stem: &str| {
            let own = &self.tables[**t].table.name;
            own.name == stem || format!("{}.{}", own.schema, own.name) == stem
        };
        let all: Vec<usize> = (0..self.tables.len()).collect();
        let mut found: Vec<&usize> = all.iter().filter(|t| matches(t, &name.name)).collect();
        if found.is_empty() {
            found = all.iter().filter(|t| self.tables[**t].table.name.name.eq_ignore_ascii_case(&name.name)).collect();
        }
        match found.as_slice() {
            [only] => Some(**only),
            _ => None,
        }
    }

    /// Adds a table that only its rows tell of.
    pub(super) fn add_undeclared(&mut self, name: &QualifiedName, columns: &[String]) -> usize {
        let columns = columns.iter().map(|c| Column { name: c.clone(), ..Column::default() }).collect();
        self.add(Pending { table: Table { name: name.clone(), columns, ..Table::default() }, ..Pending::default() })
    }

    fn add(&mut self, pending: Pending) -> usize {
        self.by_name.insert(pending.table.name.clone(), self.tables.len());
        self.tables.push(pending);
        self.tables.len() - 1
    }

    /// Applies a change. `database` qualifies names where the input holds several databases.
    pub(super) fn apply(&mut self, change: SchemaChange, database: &str) -> Effect {
        let qualify = |mut name: QualifiedName| {
            database.clone_into(&mut name.database);
            name
        };
        match change {
            SchemaChange::Table { name, mut columns, parents, partitioned, storage_engine } => {
                let name = qualify(name);
                if self.by_name.contains_key(&name) {
                    return Effect::None;
                }
                let parents: Vec<QualifiedName> = parents.into_iter().map(qualify).collect();
                for parent in parents.iter().rev() {
                    if let Some(index) = self.by_name.get(parent) {
                        let own: Vec<String> = columns.iter().map(|c| c.name.clone()).collect();
                        let inherited = self.tables[*index].table.columns.iter().filter(|c| !own.contains(&c.name)).cloned();
                        columns = inherited.chain(columns).collect();
                    }
                }
                let parent_table = parents.into_iter().next();
                let table = Table { name, columns, partitioned, storage_engine, parent_table, ..Table::default() };
                Effect::Created(self.add(Pending { table, declared: true, ..Pending::default() }))
            }
            SchemaChange::Column { table, column } => {
                self.change(&qualify(table), |p| p.table.columns.push(column)).map_or(Effect::None, Effect::Widened)
            }
            SchemaChange::PrimaryKey { table, columns } => self.quiet(qualify(table), |p| p.primary_key = Some(columns)),
            SchemaChange::Unique { table, columns } => self.quiet(qualify(table), |p| p.unique.push(columns)),
            SchemaChange::Index { table, columns } => self.quiet(qualify(table), |p| p.indexes.push(columns)),
            SchemaChange::ForeignKey { table, mut key } => {
                key.parent = qualify(key.parent);
                self.quiet(qualify(table), |p| p.foreign_keys.push(key))
            }
            SchemaChange::Identity { table, column } => self.column(qualify(table), &column, |c| {
                c.identity = true;
                c.not_null = true;
            }),
            SchemaChange::Default { table, column, expression } => self.column(qualify(table), &column, |c| {
                c.identity |= expression.to_ascii_lowercase().contains("nextval(");
                c.default = Some(expression);
            }),
            SchemaChange::NotNull { table, column } => self.column(qualify(table), &column, |c| c.not_null = true),
            SchemaChange::Partition { table, parent } => {
                let parent = qualify(parent);
                self.quiet(qualify(table), |p| p.table.parent_table = Some(parent))
            }
            SchemaChange::Hook { table, kind, name, on_delete } => {
                let hook = TableHook { kind: kind.to_owned(), name, on_delete };
                self.quiet(qualify(table), |p| p.table.hooks.push(hook))
            }
            SchemaChange::View { .. } => Effect::None,
        }
    }

    fn change(&mut self, name: &QualifiedName, change: impl FnOnce(&mut Pending)) -> Option<usize> {
        let index = *self.by_name.get(name)?;
        change(&mut self.tables[index]);
        Some(index)
    }

    fn quiet(&mut self, name: QualifiedName, change: impl FnOnce(&mut Pending)) -> Effect {
        self.change(&name, change);
        Effect::None
    }

    fn column(&mut self, name: QualifiedName, column: &str, change: impl FnOnce(&mut Column)) -> Effect {
        self.quiet(name, |p| {
            if let Some(found) = p.table.columns.iter_mut().find(|c| c.name == column) {
                change(found);
            }
        })
    }

    /// Resolves names to ordinals. A key or relation that names an unknown column is left out.
    pub(super) fn finish(self) -> Vec<(Table, bool)> {
        self.tables.into_iter().map(Pending::resolve).collect()
    }
}

impl Pending {
    fn resolve(self) -> (Table, bool) {
        let mut table = self.table;
        let ordinals = |names: &[String]| names.iter().map(|n| table.column(n)).collect::<Option<Vec<usize>>>().filter(|c| !c.is_empty());
        let key = |names: &Vec<String>| ordinals(names).map(|columns| Key { columns, source: Source::Declared });
        let primary_key = self.primary_key.as_ref().and_then(key);
        let unique_keys: Vec<Key> = self.unique.iter().filter_map(key).collect();
        let mut indexes: Vec<Vec<usize>> = self.indexes.iter().filter_map(|names| ordinals(names)).collect();
        indexes.extend(primary_key.iter().chain(&unique_keys).map(|k| k.columns.clone()));
        let mut foreign_keys: Vec<ForeignKey> = Vec::new();
        for ddl in self.foreign_keys {
            let Some(columns) = ordinals(&ddl.columns) else { continue };
            foreign_keys.push(ForeignKey {
                name: ddl.name,
                columns,
                parent: ddl.parent,
                parent_columns: ddl.parent_columns,
                on_delete: ddl.on_delete,
                source: Source::Declared,
                reason: String::new(),
            });
        }
        table.primary_key = primary_key;
        table.unique_keys = unique_keys;
        table.indexes = indexes;
        table.foreign_keys = foreign_keys;
        (table, self.declared)
    }
}
