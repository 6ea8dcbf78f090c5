//! What a DBA should know before running the script: missing indexes, relations that no foreign key
//! enforces, triggers, counters that will be off, circles of rows.

use std::collections::BTreeMap;

use super::PlanError;
use super::build::{Graph, Options, production_name};
use super::closure::{self, Place};
use super::links::root;
use crate::model::plan::{DeletePlan, PlanCounter};
use crate::model::value::row_key_json;
use crate::model::{Engine, Source, TableId};
use crate::profile::name_words;
use crate::snapshot::Case;

/// Words of a column that counts.
const COUNT_WORDS: &[&str] = &["count", "counter", "counts", "total", "num", "number", "cnt", "qty"];

/// Rows of a planned table from which a single transaction is worth a word.
///
/// Source: measured, 100,000 rows in one transaction hold their locks for 2 to 4 seconds; above 50,000
/// a busy site notices.
const MANY_ROWS: usize = 50_000;

/// Renders circles of rows that cannot be deleted row by row.
pub(super) fn circles(case: &Case, options: &Options, closed: &[Vec<Place>]) -> Result<Vec<String>, PlanError> {
    let mut found = Vec::new();
    for circle in closed {
        let mut walk = Vec::new();
        for place in circle {
            let name = production_name(case, options, root(case, place.0));
            walk.push(format!("{name} {}", row_key_json(&case.row_key(place.0, place.1)?)));
        }
        found.push(walk.join(" -> "));
    }
    Ok(found)
}

/// Lists what the header and the manifest say besides the figures.
pub(super) fn warnings(plan: &DeletePlan, engine: Engine) -> Vec<String> {
    let mut found = Vec::new();
    // InnoDB makes the index of a foreign key itself.
    let makes_indexes = matches!(engine, Engine::Mysql | Engine::Mariadb);
    for relation in plan.relations.iter().filter(|r| r.is_enforced() && !r.indexed && !makes_indexes) {
        let (child, columns) = (&relation.child, relation.child_columns.join(", "));
        let create = if engine == Engine::Postgres { "CREATE INDEX CONCURRENTLY" } else { "CREATE INDEX" };
        found.push(format!(
            "no index leads with {columns} of {child}: each delete from {} reads it whole; before applying, consider {create} ON {child} ({columns})",
            relation.parent
        ));
    }
    for relation in plan.relations.iter().filter(|r| !r.is_enforced()) {
        let known = if relation.source == Source::Inferred { "inferred from names and values" } else { "declared in unseed.toml" };
        let only = relation.only.as_ref().map(|o| format!(" where {} is {}", o.column, o.value)).unwrap_or_default();
        found.push(format!(
            "{} ({}){only} refers to {} without a foreign key ({known}): the script checks it before and after the deletes, but cannot stop a row that another session inserts and commits in between",
            relation.child,
            relation.child_columns.join(", "),
            relation.parent
        ));
    }
    for (name, hooks) in plan.tables.iter().map(|t| (&t.name, &t.hooks)).chain(plan.touched.iter().map(|t| (&t.name, &t.hooks))) {
        for hook in hooks.iter().filter(|h| h.on_delete) {
            found.push(format!(
                "{} {} acts on deletes from {name}: it was in the snapshot, so the script lets it act",
                hook.kind, hook.name
            ));
        }
    }
    for table in plan.tables.iter().filter(|t| t.key.is_empty()) {
        found.push(format!("{} has no key: its rows are told apart by all columns and their number, which reads it whole", table.name));
    }
    for counter in &plan.counters {
        found.push(format!(
            "{}.{} seems to count {}: {} surviving rows would be off; the script does not change them",
            counter.table, counter.column, counter.counts, counter.rows
        ));
    }
    if plan.batch_rows.is_none() && plan.rows() > MANY_ROWS {
        found.push(format!("{} rows go in one transaction; `unseed plan --batch 5000` keeps locks short", plan.rows()));
    }
    found.extend(oversize(plan));
    if plan.snapshot.database.is_empty() {
        found.push(
            "the snapshot does not name its database, so the script cannot check that it runs in the right one; name it with --database"
                .to_owned(),
        );
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|w| seen.insert(w.clone()));
    found
}

/// Says which clusters are larger than a batch.
fn oversize(plan: &DeletePlan) -> Option<String> {
    let limit = u64::from(plan.batch_rows?);
    let mut sizes: BTreeMap<u32, u64> = BTreeMap::new();
    for row in plan.tables.iter().flat_map(|t| &t.rows) {
        *sizes.entry(row.cluster).or_default() += u64::from(row.take);
    }
    let largest = sizes.into_values().max().filter(|n| *n > limit)?;
    Some(format!("rows that belong together go together: the largest cluster, and so the largest batch, has {largest} rows"))
}

/// Finds columns of surviving rows that hold the number of rows of a planned table.
pub(super) fn counters(case: &Case, options: &Options, graph: &Graph) -> Result<Vec<PlanCounter>, PlanError> {
    let mut rows: BTreeMap<(TableId, usize, TableId, Vec<usize>), u64> = BTreeMap::new();
    let outer = closure::outer(case, &graph.links, &graph.closure.planned)?;
    let mut parents: BTreeMap<(usize, Place), ()> = BTreeMap::new();
    for edge in outer {
        parents.insert((edge.link, edge.parent), ());
    }
    for (link, parent) in parents.into_keys() {
        let link = &graph.links[link];
        let key = case.cells(parent.0, parent.1, &link.parent_columns)?;
        for column in counting_columns(case, link.child, parent.0) {
            // The name alone proves nothing: the number must be right in the snapshot.
            let number = case.cells(parent.0, parent.1, &[column])?;
            let actual = case.rows_where(link.child, &link.child_columns, &key)?.len();
            if number[0].key_text().is_some_and(|n| n == actual.to_string().as_str()) {
                let entry = (root(case, parent.0), column, root(case, link.child), link.child_columns.clone());
                *rows.entry(entry).or_default() += 1;
            }
        }
    }
    Ok(rows
        .into_iter()
        .map(|((table, column, child, by), rows)| PlanCounter {
            table: production_name(case, options, table),
            column: case.table(table).table.columns[column].name.clone(),
            counts: production_name(case, options, child),
            by: by.iter().map(|c| case.table(child).table.columns[*c].name.clone()).collect(),
            rows,
        })
        .collect())
}

/// Lists the columns of a parent that are named as a count of a child: `posts_count`, `num_posts`.
fn counting_columns(case: &Case, child: TableId, parent: TableId) -> Vec<usize> {
    let plain = |w: &str| w.strip_suffix('s').unwrap_or(w).to_owned();
    let of: Vec<String> = name_words(&case.table(child).table.name.name).iter().map(|w| plain(w)).collect();
    let counts = |name: &str| {
        let words = name_words(name);
        let rest: Vec<String> = words.iter().filter(|w| !COUNT_WORDS.contains(&w.as_str())).map(|w| plain(w)).collect();
        rest.len() < words.len() && !rest.is_empty() && (rest == of || of.last() == rest.last())
    };
    let columns = &case.table(parent).table.columns;
    (0..columns.len()).filter(|c| counts(&columns[*c].name)).collect()
}
