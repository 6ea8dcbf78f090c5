//! Gathers schema changes into tables, resolves names to ordinals once all is read.

use std::collections::HashMap;

use crate::dump::{ForeignKeyDdl, SchemaChange};
use crate::model::schema::TableHook;
use crate::model::{Column, Engine, ForeignKey, Key, QualifiedName, Source, Table};

/// The tables so far.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    tables: Vec<Pending>,
    by_name: HashMap<QualifiedName, usize>,
}

/// A table whose keys and relations still go by name.
#[derive(Debug)]
pub(super) struct Pending {
    /// Name and columns.
    pub(super) table: Table,
    /// Whether DDL declared it.
    pub(super) declared: bool,
    /// Whether rows were announced for it.
    pub(super) opened: bool,
    /// The engine whose types its columns have.
    pub(super) engine: Engine,
    /// Whether a view of its name came after it.
    view: bool,
    /// Whether the input that made it dropped it again.
    pub(super) gone: bool,
    /// Ordinal of the input that made it.
    input: usize,
    primary_key: Option<Vec<String>>,
    unique: Vec<Vec<String>>,
    indexes: Vec<Vec<String>>,
    foreign_keys: Vec<ForeignKeyDdl>,
}

/// A table with its names resolved.
#[derive(Debug)]
pub(super) struct Settled {
    /// The table.
    pub(super) table: Table,
    /// Whether DDL declared it.
    pub(super) declared: bool,
    /// Whether a view of its name came after it.
    pub(super) view: bool,
    /// Whether the input that made it dropped it again.
    pub(super) gone: bool,
}

/// Which input a table comes from, and whose types it has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// The engine.
    pub(super) engine: Engine,
    /// Ordinal of the input.
    pub(super) input: usize,
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
    /// The tables with these indexes are gone.
    Dropped(Vec<usize>),
    /// The rows would not be the database's; why.
    Refused(String),
}

impl Catalog {
    /// Returns the tables, in the order in which they came to be.
    pub(super) fn tables(&self) -> &[Pending] {
        &self.tables
    }

    /// Finds a table: by its whole name, else the only one that agrees in the parts given, which is how a
    /// CSV file's stem names a declared table, and a data file without its database.
    pub(super) fn find(&self, name: &QualifiedName) -> Option<usize> {
        if let Some(index) = self.by_name.get(name) {
            return Some(*index);
        }
        let agrees = |own: &QualifiedName| {
            (name.database.is_empty() || own.database.is_empty() || own.database == name.database)
                && (name.schema.is_empty() || own.schema.is_empty() || own.schema == name.schema)
        };
        let dotted = |own: &QualifiedName| {
            let both = format!("{}.{}", own.schema, own.name);
            name.name == both || name.name == format!("{}.{both}", own.database) || name.name == format!("{}.{}", own.database, own.name)
        };
        let tests: [&dyn Fn(&QualifiedName) -> bool; 3] = [
            &|own| own.name == name.name,
            &dotted,
            // A file's name may differ in case; a name in SQL may not.
            &|own| name.schema.is_empty() && own.name.eq_ignore_ascii_case(&name.name),
        ];
        for test in tests {
            let here = (0..self.tables.len()).filter(|t| !self.tables[*t].gone);
            let mut found = here.filter(|t| agrees(&self.tables[*t].table.name) && test(&self.tables[*t].table.name));
            match (found.next(), found.next()) {
                (Some(only), None) => return Some(only),
                (Some(_), Some(_)) => return None,
                _ => {}
            }
        }
        None
    }

    /// Adds a table that only its rows tell of.
    pub(super) fn add_undeclared(&mut self, name: &QualifiedName, columns: &[String], from: Origin) -> usize {
        let columns = columns.iter().map(|c| Column { name: c.clone(), ..Column::default() }).collect();
        self.add(Pending::new(Table { name: name.clone(), columns, ..Table::default() }, false, from))
    }

    /// Drops the tables that the input itself made and that `goes` names.
    ///
    /// What another input made stays: schema may be given beside rows in any order.
    fn drop_tables(&mut self, input: usize, goes: impl Fn(&QualifiedName) -> bool) -> Effect {
        let mut dropped = Vec::new();
        for (index, pending) in self.tables.iter_mut().enumerate() {
            if pending.input == input && !pending.gone && goes(&pending.table.name) {
                pending.gone = true;
                self.by_name.remove(&pending.table.name);
                dropped.push(index);
            }
        }
        if dropped.is_empty() { Effect::None } else { Effect::Dropped(dropped) }
    }

    /// Gives an undeclared table a column that it lacks; returns whether it did.
    pub(super) fn add_column(&mut self, index: usize, name: &str) -> bool {
        let columns = &mut self.tables[index].table.columns;
        let lacks = !columns.iter().any(|c| c.name == name);
        if lacks {
            columns.push(Column { name: name.to_owned(), ..Column::default() });
        }
        lacks
    }

    /// Notes that rows of a table follow.
    pub(super) fn opened(&mut self, index: usize) {
        self.tables[index].opened = true;
    }

    fn add(&mut self, pending: Pending) -> usize {
        self.by_name.insert(pending.table.name.clone(), self.tables.len());
        self.tables.push(pending);
        self.tables.len() - 1
    }

    /// Applies a change within `database`.
    pub(super) fn apply(&mut self, change: SchemaChange, database: &str, from: Origin) -> Effect {
        let qualify = |mut name: QualifiedName| {
            if name.database.is_empty() {
                database.clone_into(&mut name.database);
            }
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
                Effect::Created(self.add(Pending::new(table, true, from)))
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
            SchemaChange::RenameTable { table, to } => self.rename_table(&qualify(table), qualify(to)),
            SchemaChange::RenameColumn { table, column, to } => self.rename_column(&qualify(table), &column, &to),
            SchemaChange::Retype { table, column, type_text } => self.retype(&qualify(table), &column, type_text),
            SchemaChange::DropColumn { table, column } => match self.by_name.get(&qualify(table)) {
                Some(index) if self.tables[*index].table.column(&column).is_some() => {
                    Effect::Refused(format!("column {column} of table {} is dropped", self.tables[*index].table.name))
                }
                _ => Effect::None,
            },
            SchemaChange::Partition { table, parent } => {
                let parent = qualify(parent);
                self.quiet(qualify(table), |p| p.table.parent_table = Some(parent))
            }
            SchemaChange::Hook { table, kind, name, on_delete } => {
                let hook = TableHook { kind: kind.to_owned(), name, on_delete };
                self.quiet(qualify(table), |p| p.table.hooks.push(hook))
            }
            SchemaChange::View { name } => self.quiet(qualify(name), |p| p.view = true),
            SchemaChange::Drop { table } => {
                let table = qualify(table);
                self.drop_tables(from.input, |name| *name == table)
            }
            SchemaChange::DropSchema { name } => self.drop_tables(from.input, |own| own.schema == name && own.database == database),
            SchemaChange::DropDatabase { name } => self.drop_tables(from.input, |own| own.database == name),
        }
    }

    fn change(&mut self, name: &QualifiedName, change: impl FnOnce(&mut Pending)) -> Option<usize> {
        let index = *self.by_name.get(name)?;
        change(&mut self.tables[index]);
        Some(index)
    }

    /// Renames a table, also where relations and partitions name it. Its rows stay where they are.
    fn rename_table(&mut self, from: &QualifiedName, to: QualifiedName) -> Effect {
        if self.by_name.contains_key(&to) {
            return Effect::Refused(format!("table {from} takes the name of another table, {to}"));
        }
        let Some(index) = self.by_name.remove(from) else { return Effect::None };
        for pending in &mut self.tables {
            let parents = pending.foreign_keys.iter_mut().map(|k| &mut k.parent);
            parents.chain(pending.table.parent_table.as_mut()).filter(|name| *name == from).for_each(|name| name.clone_from(&to));
        }
        self.tables[index].table.name = to.clone();
        self.by_name.insert(to, index);
        Effect::None
    }

    /// Renames a column, also where keys and relations name it.
    fn rename_column(&mut self, table: &QualifiedName, from: &str, to: &str) -> Effect {
        let Some(index) = self.by_name.get(table).copied() else { return Effect::None };
        let own = &mut self.tables[index];
        if own.table.column(to).is_some() {
            return Effect::Refused(format!("column {from} of table {table} takes the name of another column, {to}"));
        }
        let Some(column) = own.table.columns.iter_mut().find(|c| c.name == from) else { return Effect::None };
        to.clone_into(&mut column.name);
        let lists = own.primary_key.iter_mut().chain(&mut own.unique).chain(&mut own.indexes);
        let lists = lists.chain(own.foreign_keys.iter_mut().map(|k| &mut k.columns));
        lists.flatten().filter(|name| *name == from).for_each(|name| to.clone_into(name));
        let referring = self.tables.iter_mut().flat_map(|t| &mut t.foreign_keys).filter(|k| k.parent == *table);
        referring.flat_map(|k| &mut k.parent_columns).filter(|name| *name == from).for_each(|name| to.clone_into(name));
        Effect::None
    }

    /// Gives a column another type; rows that came before were read as the type it had.
    fn retype(&mut self, table: &QualifiedName, column: &str, type_text: String) -> Effect {
        let Some(index) = self.by_name.get(table).copied() else { return Effect::None };
        let own = &mut self.tables[index];
        let opened = own.opened;
        let Some(found) = own.table.columns.iter_mut().find(|c| c.name == column) else { return Effect::None };
        if opened && !found.type_text.eq_ignore_ascii_case(&type_text) {
            return Effect::Refused(format!("column {column} of table {table} becomes {type_text} after its rows"));
        }
        found.type_text = type_text;
        Effect::None
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

    /// Resolves names to ordinals. A key or relation that names an unknown column is left out; a database
    /// that all tables share needs no mention.
    pub(super) fn finish(mut self) -> Vec<Settled> {
        let mut databases: Vec<String> = self.tables.iter().filter(|t| !t.gone).map(|t| t.table.name.database.clone()).collect();
        databases.sort();
        databases.dedup();
        if databases.len() == 1 {
            for pending in &mut self.tables {
                pending.forget_database();
            }
        }
        self.tables.into_iter().map(Pending::resolve).collect()
    }
}

impl Pending {
    fn new(table: Table, declared: bool, from: Origin) -> Self {
        Self {
            table,
            declared,
            opened: false,
            engine: from.engine,
            view: false,
            gone: false,
            input: from.input,
            primary_key: None,
            unique: Vec::new(),
            indexes: Vec::new(),
            foreign_keys: Vec::new(),
        }
    }

    fn forget_database(&mut self) {
        let parents = self.foreign_keys.iter_mut().map(|k| &mut k.parent);
        for name in parents.chain([&mut self.table.name]).chain(self.table.parent_table.as_mut()) {
            name.database.clear();
        }
    }

    fn resolve(self) -> Settled {
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
        Settled { table, declared: self.declared, view: self.view, gone: self.gone }
    }
}
