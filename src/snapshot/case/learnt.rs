//! What profiling learnt of the tables: keys, relations, classes, roles.

use rusqlite::params;

use super::{Case, to_json};
use crate::model::{Role, Source, Table, TableClass, TableId};
use crate::snapshot::SnapshotError;
use crate::snapshot::names::quote;

impl Case {
    /// Replaces a table's keys and relations by what was inferred or configured; indexes them.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn set_schema(&mut self, id: TableId, table: Table) -> Result<(), SnapshotError> {
        let physical = self.table(id).physical.clone();
        let names = self.table(id).physical_columns.clone();
        let run = |case: &Self| -> rusqlite::Result<()> {
            case.db.execute("UPDATE unseed_tables SET model = ?2 WHERE table_id = ?1", params![id.0, to_json(&table)])?;
            let keys = table.primary_key.iter().map(|k| &k.columns).chain(table.foreign_keys.iter().map(|f| &f.columns));
            for columns in keys {
                let label: Vec<String> = columns.iter().map(usize::to_string).collect();
                let index = quote(&format!("unseed_ix_{}_on_{}", id.0, label.join("_")));
                let list: Vec<String> = columns.iter().map(|c| quote(&names[*c])).collect();
                case.db.execute_batch(&format!("CREATE INDEX IF NOT EXISTS {index} ON {} ({})", quote(&physical), list.join(", ")))?;
            }
            Ok(())
        };
        run(self).map_err(|e| self.sqlite(e))?;
        self.tables[id.index()].table = table;
        Ok(())
    }

    /// Replaces the role of each column of a table, with its source and reason.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn set_roles(&self, id: TableId, class: (TableClass, Source, &str), roles: &[(Role, Source, String)]) -> Result<(), SnapshotError> {
        self.run(|| {
            self.db.execute(
                "UPDATE unseed_tables SET class = ?2, class_source = ?3, class_reason = ?4 WHERE table_id = ?1",
                params![id.0, class.0.as_str(), class.1.as_str(), class.2],
            )?;
            let mut statement = self.db.prepare_cached(
                "UPDATE unseed_columns SET role = ?3, role_source = ?4, role_reason = ?5 WHERE table_id = ?1 AND ordinal = ?2",
            )?;
            for (ordinal, (role, source, reason)) in roles.iter().enumerate() {
                statement.execute(params![id.0, ordinal, role.as_str(), source.as_str(), reason])?;
            }
            Ok(())
        })
    }

    /// Replaces the lists of keys and relations that reports and people read.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn write_keys_and_relations(&self) -> Result<(), SnapshotError> {
        self.run(|| {
            self.db.execute_batch("DELETE FROM unseed_keys; DELETE FROM unseed_relations;")?;
            for table in &self.tables {
                let names = |columns: &[usize]| to_json(&columns.iter().map(|c| table.table.columns[*c].name.as_str()).collect::<Vec<_>>());
                let keys =
                    table.table.primary_key.iter().map(|k| ("primary", k)).chain(table.table.unique_keys.iter().map(|k| ("unique", k)));
                for (kind, key) in keys {
                    self.db.execute(
                        "INSERT INTO unseed_keys VALUES (?1, ?2, ?3, ?4, '')",
                        params![table.id.0, kind, names(&key.columns), key.source.as_str()],
                    )?;
                }
                for key in &table.table.foreign_keys {
                    let Some(parent) = self.tables.iter().find(|t| t.table.name == key.parent) else { continue };
                    self.db.execute(
                        "INSERT INTO unseed_relations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                        params![
                            table.id.0,
                            names(&key.columns),
                            parent.id.0,
                            to_json(&key.parent_columns),
                            key.name,
                            key.on_delete.as_sql(),
                            key.source.as_str(),
                            key.reason
                        ],
                    )?;
                }
            }
            Ok(())
        })
    }

    /// Returns the class that the analysis gave a table.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn class(&self, table: TableId) -> Result<TableClass, SnapshotError> {
        let word: Option<String> = self
            .db
            .query_row("SELECT class FROM unseed_tables WHERE table_id = ?1", [table.0], |row| row.get(0))
            .map_err(|e| self.sqlite(e))?;
        Ok(word.and_then(|w| TableClass::parse(&w)).unwrap_or(TableClass::Other))
    }

    /// Returns the roles that the analysis gave a table's columns.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn roles(&self, table: TableId) -> Result<Vec<Role>, SnapshotError> {
        self.run(|| {
            let mut statement = self.db.prepare_cached("SELECT role FROM unseed_columns WHERE table_id = ?1 ORDER BY ordinal")?;
            let rows = statement.query_map([table.0], |row| row.get::<_, Option<String>>(0))?;
            rows.map(|w| w.map(|w| w.and_then(|w| Role::parse(&w)).unwrap_or(Role::Unknown))).collect()
        })
    }
}
