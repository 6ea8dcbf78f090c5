//! References that say in a column beside them which table they mean: `subject_type` and `subject_id`. As configured,
//! else inferred: by the names of both columns, the name of the table, and the values.

use std::collections::BTreeMap;

use super::apply::{self, column_named, ends};
use super::values::ValueSet;
use super::words::{name_words, singular};
use super::{ProfileError, Relation};
use crate::config::Loaded;
use crate::model::{OnDelete, Row, Source, TableId, ValueRef};
use crate::snapshot::{Case, SnapshotError};

/// Which rows of a child a relation holds for: those whose type column has this value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Only {
    /// Ordinal of the child's type column.
    pub column: usize,
    /// What it holds where the reference means this parent.
    pub value: String,
}

/// A relation that holds only for some rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polymorphic {
    /// The relation.
    pub relation: Relation,
    /// What the database does on delete of the parent.
    pub on_delete: OnDelete,
}

/// Names of the columns that say which table is meant, and of those that say which row.
///
/// Source: `*_type` and `*_id` of Rails' and Laravel's polymorphic relations; `entity_class`, `object_model` and UUID
/// keys of their ports.
const TYPE_WORDS: &[&str] = &["type", "class", "model", "kind"];
const ID_WORDS: &[&str] = &["id", "uuid", "guid", "ulid", "key", "pk"];

/// Most values of a type column: more are no names of tables.
const MOST_TYPES: usize = 64;

/// Fewest references of a type, and their share that must be keys there: nothing keeps such references from dangling.
const LEAST_ROWS: usize = 3;
const KEYS: f64 = 0.8;

/// Lists the relations that hold only for some rows.
///
/// # Errors
/// Returns that the configuration names what is not there, or what the case file says.
pub fn polymorphic(case: &Case, config: &Loaded) -> Result<Vec<Polymorphic>, ProfileError> {
    let mut found = configured(case, config)?;
    for info in case.tables().iter().filter(|t| t.rows > 0) {
        for (type_column, id_column) in pairs(info.table.columns.iter().map(|c| c.name.as_str())) {
            let known = info.table.foreign_keys.iter().any(|k| k.columns.contains(&id_column));
            let said = found.iter().any(|p| p.relation.child == info.id && p.relation.child_columns == [id_column]);
            if !known && !said {
                found.extend(inferred(case, config, info.id, type_column, id_column)?);
            }
        }
    }
    Ok(found)
}

/// Lists what the configuration says of such relations.
pub(super) fn configured(case: &Case, config: &Loaded) -> Result<Vec<Polymorphic>, ProfileError> {
    let mut found = Vec::new();
    for configured in config.config.relations.iter().filter(|r| !r.ignore) {
        let (Some(column), Some(value)) = (&configured.type_column, &configured.value) else { continue };
        let ((child, child_columns), (parent, parent_columns)) = ends(case, config, configured)?;
        let column = column_named(case, config, child, column.rsplit('.').next().unwrap_or(column))?;
        let only = Some(Only { column, value: value.clone() });
        found.push(Polymorphic {
            relation: Relation { child, child_columns, parent, parent_columns, source: Source::Config, only },
            on_delete: configured.on_delete.unwrap_or(OnDelete::NoAction),
        });
    }
    Ok(found)
}

/// Pairs the columns whose names differ only in that one ends with a word for a type and the other with one for an id.
fn pairs<'n>(names: impl Iterator<Item = &'n str>) -> Vec<(usize, usize)> {
    let words: Vec<Vec<String>> = names.map(name_words).collect();
    let ends =
        |column: usize, with: &[&str]| words[column].split_last().filter(|(last, stem)| with.contains(&last.as_str()) && !stem.is_empty());
    let mut found = Vec::new();
    for type_column in 0..words.len() {
        let Some((_, stem)) = ends(type_column, TYPE_WORDS) else { continue };
        let id = (0..words.len()).find(|c| ends(*c, ID_WORDS).is_some_and(|(_, other)| other == stem));
        found.extend(id.map(|id| (type_column, id)));
    }
    found
}

/// Finds the tables that a pair of columns refers to.
fn inferred(case: &Case, config: &Loaded, child: TableId, type_column: usize, id_column: usize) -> Result<Vec<Polymorphic>, ProfileError> {
    let mut values: BTreeMap<String, usize> = BTreeMap::new();
    case.reader().visit(child, &[type_column], |_: Row, cells| {
        if let ValueRef::Text(text) = cells[0]
            && let Ok(text) = std::str::from_utf8(text)
            && (values.len() < MOST_TYPES || values.contains_key(text))
        {
            *values.entry(text.to_owned()).or_insert(0) += 1;
        }
        Ok::<(), SnapshotError>(())
    })?;
    let mut found = Vec::new();
    for (value, rows) in values.into_iter().filter(|(_, rows)| *rows >= LEAST_ROWS) {
        let Some((parent, key)) = named(case, &value) else { continue };
        if apply::is_ignored(case, config, child, &[id_column], parent)? {
            continue;
        }
        let keys = ValueSet::of(case.reader(), parent, key)?;
        let mut hits = 0;
        case.reader().visit(child, &[type_column, id_column], |_: Row, cells| {
            hits += usize::from(cells[0] == ValueRef::Text(value.as_bytes()) && keys.holds(cells[1]));
            Ok::<(), SnapshotError>(())
        })?;
        if hits as f64 >= KEYS * rows as f64 {
            let (child_columns, parent_columns) = (vec![id_column], vec![key]);
            let only = Some(Only { column: type_column, value });
            let relation = Relation { child, child_columns, parent, parent_columns, source: Source::Inferred, only };
            found.push(Polymorphic { relation, on_delete: OnDelete::NoAction });
        }
    }
    Ok(found)
}

/// Returns the one table that a type's name means, and its key: `App\Models\User`, `Blog::Post`, `shop.order`.
fn named(case: &Case, value: &str) -> Option<(TableId, usize)> {
    let name = value.rsplit(['\\', ':', '.', '/']).next()?;
    let words = |name: &str| -> Vec<String> { name_words(name).iter().map(|w| singular(w)).collect() };
    let meant = words(name);
    let fits = |exact: bool| {
        let mut tables = case.tables().iter().filter(|t| {
            let own = words(&t.table.name.name);
            t.rows > 0 && !meant.is_empty() && if exact { own == meant } else { own.ends_with(&meant) }
        });
        tables.next().filter(|_| tables.next().is_none())
    };
    let table = fits(true).or_else(|| fits(false))?;
    match table.key() {
        [key] => Some((table.id, *key)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_types_with_ids() {
        let names = ["id", "commentable_type", "commentable_id", "kind", "ownerType", "ownerId", "event_type", "user_id"];
        assert_eq!(pairs(names.into_iter()), [(1, 2), (4, 5)]);
    }
}
