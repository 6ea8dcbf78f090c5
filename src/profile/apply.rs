//! What `unseed.toml` says of tables, keys, relations, roles and classes goes before what was inferred.

use super::class::Class;
use super::{ProfileError, polymorphic};
use crate::config::{ConfigError, Loaded, RelationConfig};
use crate::model::{ForeignKey, Key, OnDelete, Role, Source, Table, TableId};
use crate::snapshot::Case;

fn unfit(config: &Loaded, what: String) -> ProfileError {
    ConfigError::Unfit { file: config.shown(), what }.into()
}

fn table_named(case: &Case, config: &Loaded, name: &str) -> Result<TableId, ProfileError> {
    case.find_table(name).ok_or_else(|| {
        let known: Vec<String> = case.tables().iter().map(|t| t.table.name.to_string()).collect();
        unfit(config, format!("there is no table \"{name}\"; the snapshot has {}", known.join(", ")))
    })
}

pub(super) fn column_named(case: &Case, config: &Loaded, table: TableId, name: &str) -> Result<usize, ProfileError> {
    let info = &case.table(table).table;
    info.column(name).ok_or_else(|| {
        let known: Vec<&str> = info.columns.iter().map(|c| c.name.as_str()).collect();
        unfit(config, format!("table {} has no column \"{name}\"; it has {}", info.name, known.join(", ")))
    })
}

/// Applies keys, types and relations.
pub(super) fn schema(case: &mut Case, config: &Loaded) -> Result<(), ProfileError> {
    for (name, settings) in &config.config.tables {
        let id = table_named(case, config, name)?;
        let mut table = case.table(id).table.clone();
        for (column, type_text) in &settings.types {
            let column = column_named(case, config, id, column)?;
            table.columns[column].type_text.clone_from(type_text);
        }
        if let Some(names) = &settings.key {
            let columns = names.iter().map(|n| column_named(case, config, id, n)).collect::<Result<Vec<_>, _>>()?;
            table.primary_key = Some(Key { columns, source: Source::Config });
        }
        case.set_schema(id, table)?;
    }
    polymorphic::configured(case, config)?;
    for relation in config.config.relations.iter().filter(|r| !r.ignore && r.type_column.is_none()) {
        let ((child, columns), (parent, parent_columns)) = ends(case, config, relation)?;
        let mut table = case.table(child).table.clone();
        let parent_table = &case.table(parent).table;
        let key = ForeignKey {
            name: String::new(),
            columns,
            parent: parent_table.name.clone(),
            parent_columns: parent_columns.iter().map(|c| parent_table.columns[*c].name.clone()).collect(),
            on_delete: relation.on_delete.unwrap_or(OnDelete::NoAction),
            source: Source::Config,
            reason: "unseed.toml".to_owned(),
        };
        add_relation(&mut table, key);
        case.set_schema(child, table)?;
    }
    Ok(())
}

/// Adds a relation unless the table declares one over the same columns to the same parent.
fn add_relation(table: &mut Table, key: ForeignKey) {
    match table.foreign_keys.iter_mut().find(|k| k.columns == key.columns && k.parent == key.parent) {
        Some(known) if known.source == Source::Declared => {}
        Some(known) => *known = key,
        None => table.foreign_keys.push(key),
    }
}

type End = (TableId, Vec<usize>);

/// Resolves the two ends of a configured relation.
pub(super) fn ends(case: &Case, config: &Loaded, relation: &RelationConfig) -> Result<(End, End), ProfileError> {
    let end = |text: &str| -> Result<End, ProfileError> {
        let Some((table, columns)) = text.rsplit_once('.') else {
            return Err(unfit(config, format!("[[relations]] \"{text}\" is not of the form table.column")));
        };
        let table = table_named(case, config, table)?;
        let columns = columns.split(',').map(|c| column_named(case, config, table, c.trim())).collect::<Result<Vec<_>, _>>()?;
        Ok((table, columns))
    };
    let (from, to) = (end(&relation.from)?, end(&relation.to)?);
    if from.1.len() != to.1.len() {
        return Err(unfit(config, format!("[[relations]] {} and {} have different numbers of columns", relation.from, relation.to)));
    }
    Ok((from, to))
}

/// Returns whether the configuration says that there is no such relation, or that it holds only for some rows.
pub(super) fn is_ignored(case: &Case, config: &Loaded, child: TableId, columns: &[usize], parent: TableId) -> Result<bool, ProfileError> {
    for relation in config.config.relations.iter().filter(|r| r.ignore || r.type_column.is_some()) {
        let ((from, from_columns), (to, _)) = ends(case, config, relation)?;
        if from == child && from_columns == columns && (to == parent || relation.type_column.is_some()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Applies roles.
pub(super) fn roles(case: &Case, config: &Loaded, roles: &mut [Vec<(Role, Source, String)>]) -> Result<(), ProfileError> {
    for (name, settings) in &config.config.tables {
        let id = table_named(case, config, name)?;
        for (column, role) in &settings.columns {
            let column = column_named(case, config, id, column)?;
            roles[id.index()][column] = (*role, Source::Config, "unseed.toml".to_owned());
        }
    }
    Ok(())
}

/// Applies classes.
pub(super) fn classes(case: &Case, config: &Loaded, classes: &mut [Class]) -> Result<(), ProfileError> {
    for (name, settings) in &config.config.tables {
        let id = table_named(case, config, name)?;
        if let Some(class) = settings.class {
            classes[id.index()] = (class, Source::Config, "unseed.toml".to_owned());
        }
    }
    Ok(())
}
