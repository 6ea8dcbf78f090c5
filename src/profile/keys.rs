//! Keys and relations: as declared, else inferred. A key must be unique over all rows; a relation
//! needs value inclusion plus a hint of name or type, never inclusion alone.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::class::Class;
use super::facts::ColumnFacts;
use super::values::{self, ValueSet};
use super::words::{name_words, singular};
use super::{ProfileError, Relation, apply};
use crate::config::Loaded;
use crate::model::{ForeignKey, Key, OnDelete, QualifiedName, Role, Source, TableClass, TableId};
use crate::snapshot::{Case, SnapshotError};

/// Words for a person in the part that they play towards a row.
///
/// Source: column names of references to people in the schemas of Rails, Django, Laravel and Prisma examples.
const PEOPLE_WORDS: &[&str] = &[
    "user",
    "author",
    "owner",
    "creator",
    "sender",
    "recipient",
    "receiver",
    "buyer",
    "seller",
    "assignee",
    "customer",
    "member",
    "account",
    "client",
    "student",
    "employee",
    "manager",
    "referrer",
    "reporter",
    "reported",
    "host",
    "guest",
    "patient",
    "doctor",
    "teacher",
    "driver",
    "uploader",
    "editor",
    "reviewer",
    "approver",
    "person",
    "contact",
    "follower",
    "followee",
    "followed",
    "invitee",
    "inviter",
    "actor",
    "by",
    "user1",
    "user2",
];

type Roles = [Vec<(Role, Source, String)>];

/// Gives a primary key to each table that declares none and has a column that can be one.
pub(super) fn infer_keys(case: &mut Case, facts: &[Vec<ColumnFacts>]) -> Result<(), SnapshotError> {
    for index in 0..case.tables().len() {
        let id = TableId(index as u32);
        let info = case.table(id);
        if info.table.primary_key.is_some() || info.rows == 0 {
            continue;
        }
        // A declared unique key over columns that are never NULL is a key by declaration.
        let solid = |columns: &[usize]| columns.iter().all(|c| info.table.columns[*c].not_null || facts[index][*c].nulls == 0);
        if let Some(key) = info.table.unique_keys.iter().find(|k| solid(&k.columns))
            && info.declared
            && key.columns.iter().all(|c| info.table.columns[*c].not_null)
        {
            let mut table = info.table.clone();
            table.primary_key = Some(Key { columns: key.columns.clone(), source: Source::Declared });
            case.set_schema(id, table)?;
            continue;
        }
        let own: Vec<String> = name_words(&info.table.name.name).iter().map(|w| singular(w)).collect();
        let mut candidates: Vec<(i32, usize)> = Vec::new();
        for (column, facts) in facts[index].iter().enumerate() {
            let whole = facts.nulls == 0 && facts.values() > 0 && facts.distinct == facts.values();
            let short = facts.integers == facts.values() || facts.uuids == facts.values() || (facts.blanks == 0 && facts.longest <= 64);
            if !whole || !short {
                continue;
            }
            let words = name_words(&info.table.columns[column].name);
            let is_id = words.last().is_some_and(|w| ["id", "uuid", "guid", "key", "pk", "code"].contains(&w.as_str()));
            let named_own = is_id && words[..words.len() - 1].iter().all(|w| own.contains(&singular(w)));
            let typed = facts.integers == facts.values() || facts.uuids == facts.values();
            let points = 4 * i32::from(named_own) + i32::from(is_id) + 2 * i32::from(column == 0) + i32::from(typed);
            if points >= 3 {
                candidates.push((-points, column));
            }
        }
        candidates.sort_unstable();
        for (_, column) in candidates {
            if values::all_differ(case.reader(), id, column)? {
                let mut table = case.table(id).table.clone();
                table.primary_key = Some(Key { columns: vec![column], source: Source::Inferred });
                case.set_schema(id, table)?;
                break;
            }
        }
    }
    Ok(())
}

/// Adds the relations that values and names suggest to tables without declared ones over the same column.
pub(super) fn infer_relations(
    case: &mut Case,
    config: &Loaded,
    roles: &mut Roles,
    classes: &[Class],
    facts: &[Vec<ColumnFacts>],
) -> Result<(), ProfileError> {
    let mut keys = KeySets::new();
    for index in 0..case.tables().len() {
        let child = TableId(index as u32);
        if matches!(classes[index].0, TableClass::Leftover | TableClass::System) || case.table(child).rows == 0 {
            continue;
        }
        for column in 0..case.table(child).table.columns.len() {
            let known = case.table(child).table.foreign_keys.iter().any(|k| k.columns.contains(&column));
            let role = roles[index][column].0;
            let open = matches!(
                role,
                Role::Reference | Role::ExternalId | Role::Quantity | Role::Code | Role::Category | Role::Unknown | Role::Title
            );
            if known || !open || facts[index][column].values() == 0 {
                continue;
            }
            let Some((parent, reason)) = best_parent(case, &mut keys, (child, column), classes, &facts[index][column])? else { continue };
            if apply::is_ignored(case, config, child, &[column], parent)? {
                continue;
            }
            let mut table = case.table(child).table.clone();
            let parent_table = &case.table(parent).table;
            let key = parent_table.primary_key.as_ref().map_or(0, |k| k.columns[0]);
            table.foreign_keys.push(ForeignKey {
                name: String::new(),
                columns: vec![column],
                parent: parent_table.name.clone(),
                parent_columns: vec![parent_table.columns[key].name.clone()],
                on_delete: OnDelete::NoAction,
                source: Source::Inferred,
                reason: reason.clone(),
            });
            roles[index][column] = (Role::Reference, Source::Inferred, format!("refers to {}: {reason}", parent_table.name));
            case.set_schema(child, table)?;
        }
    }
    Ok(())
}

/// The keys' values of the tables that were asked for.
type KeySets = BTreeMap<(TableId, usize), ValueSet>;

/// Returns whether every value of the child's column is a value of the parent's key.
fn includes(case: &Case, keys: &mut KeySets, child: (TableId, usize), parent: (TableId, usize)) -> Result<bool, SnapshotError> {
    let known = match keys.entry(parent) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => new.insert(ValueSet::of(case.reader(), parent.0, parent.1)?),
    };
    known.includes(case.reader(), child.0, child.1)
}

fn best_parent(
    case: &Case,
    keys: &mut KeySets,
    (child, column): (TableId, usize),
    classes: &[Class],
    facts: &ColumnFacts,
) -> Result<Option<(TableId, String)>, SnapshotError> {
    let column_words: Vec<String> = name_words(&case.table(child).table.columns[column].name).iter().map(|w| singular(w)).collect();
    let is_id = column_words.last().is_some_and(|w| ["id", "uuid", "guid", "fk", "ref", "key", "code"].contains(&w.as_str()));
    let stem: &[String] = if is_id { &column_words[..column_words.len() - 1] } else { &column_words };
    let mut found: Vec<(i32, TableId, String)> = Vec::new();
    for info in case.tables() {
        let [key] = info.key() else { continue };
        if info.rows == 0 || (info.id == child && *key == column) {
            continue;
        }
        let table_words: Vec<String> = name_words(&info.table.name.name).iter().map(|w| singular(w)).collect();
        let same_name = !stem.is_empty()
            && (stem == table_words || table_words.last() == stem.last() || (stem.len() == 1 && table_words.contains(&stem[0])));
        let key_name = info.table.columns[*key].name.eq_ignore_ascii_case(&case.table(child).table.columns[column].name)
            && !info.table.columns[*key].name.eq_ignore_ascii_case("id");
        let people_word =
            is_id && stem.last().is_some_and(|w| PEOPLE_WORDS.contains(&w.as_str())) && classes[info.id.index()].0 == TableClass::People;
        let self_word = info.id == child
            && stem
                .iter()
                .any(|w| ["parent", "manager", "reply", "root", "original", "referrer", "supervisor", "report"].contains(&w.as_str()));
        // Sets of UUIDs that include each other do not meet by chance.
        let typed = facts.uuids == facts.values() && facts.distinct >= 3;
        let points = 4 * i32::from(same_name && is_id)
            + 3 * i32::from(same_name || key_name)
            + 2 * i32::from(people_word)
            + 2 * i32::from(self_word)
            + 5 * i32::from(typed);
        if points < 2 || !includes(case, keys, (child, column), (info.id, *key))? {
            continue;
        }
        let hint = if same_name || key_name {
            "the name agrees"
        } else if typed {
            "all its UUIDs are keys there"
        } else {
            "named after a person's part"
        };
        found.push((-points, info.id, format!("every value is a key there, and {hint}")));
    }
    found.sort();
    Ok(match found.as_slice() {
        // Two parents that fit equally well are no inference.
        [a, b, ..] if a.0 == b.0 => None,
        [best, ..] => Some((best.1, best.2.clone())),
        [] => None,
    })
}

/// Lists the relations between tables of the snapshot by ordinals, declared ones first.
pub(super) fn resolve(case: &Case) -> Vec<Relation> {
    let by_name = |name: &QualifiedName| case.tables().iter().find(|t| t.table.name == *name);
    let mut relations = Vec::new();
    for info in case.tables() {
        for key in &info.table.foreign_keys {
            let Some(parent) = by_name(&key.parent) else { continue };
            let parent_columns: Option<Vec<usize>> = if key.parent_columns.is_empty() {
                parent.table.primary_key.as_ref().map(|k| k.columns.clone())
            } else {
                key.parent_columns.iter().map(|c| parent.table.column(c)).collect()
            };
            let Some(parent_columns) = parent_columns.filter(|c| c.len() == key.columns.len()) else { continue };
            relations.push(Relation {
                child: info.id,
                child_columns: key.columns.clone(),
                parent: parent.id,
                parent_columns,
                source: key.source,
                only: None,
            });
        }
    }
    relations.sort_by_key(|r| (r.source, r.child, r.child_columns.clone()));
    relations
}
