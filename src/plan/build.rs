//! Builds the plan from what people approved.

use std::collections::{BTreeMap, BTreeSet};

use super::closure::{self, Place};
use super::{PlanError, order};
use crate::cohort::is_guarded_class;
use crate::model::plan::{DeletePlan, PlanHeld, PlanProtection, PlanRelation, PlanRow, PlanTable, PlanTouch};
use crate::model::stamp::DAY;
use crate::model::value::row_key_json;
use crate::model::{Approved, Engine, OnDelete, PlanId, QualifiedName, Role, RowVerdict, Source, TableClass, TableId, Value, Verdict};
use crate::profile::{self, Relation};
use crate::review::Resolution;
use crate::snapshot::Case;

/// Days after which a plan no longer applies: what was reviewed should still be on people's minds.
pub const EXPIRES_DAYS: i64 = 14;

/// How to build.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who makes the plan.
    pub author: String,
    /// When; UTC microseconds.
    pub now: i64,
    /// Days until the plan expires.
    pub expires_days: i64,
    /// Engine that the scripts are for.
    pub engine: Engine,
    /// Database that the scripts must run in, where known.
    pub database: String,
    /// Schema of tables that the input does not place (CSV).
    pub default_schema: String,
    /// People who must have approved.
    pub reviewers: usize,
    /// Whether anything held back is a refusal.
    pub strict: bool,
}

/// Builds the plan.
///
/// # Errors
/// Returns why a guard refuses: nothing approved is left, a decision is stale, an approver is missing,
/// a planned table has rejects or truncation, another engine, unconfirmed keys and relations of a CSV.
pub fn build(case: &Case, approved: &Approved, resolution: &Resolution, options: &Options) -> Result<DeletePlan, PlanError> {
    let refuse = |why: String| Err(PlanError::Refused(why));
    if let Some(stale) = resolution.stale.first() {
        return refuse(format!("a decision is stale: {stale}"));
    }
    if approved.rows().is_empty() {
        let step = "look at the cohorts with `unseed review CASE list` and approve with `unseed review CASE approve COHORT`";
        let missing =
            if options.reviewers > 1 { format!(", by {} people other than the author", options.reviewers) } else { String::new() };
        return refuse(format!("nothing is approved{missing}; {step}"));
    }
    if approved.approvers().len() < options.reviewers {
        return refuse(format!(
            "{} of {} approvers have approved: {}",
            approved.approvers().len(),
            options.reviewers,
            approved.approvers().join(", ")
        ));
    }
    let own_engine = case.facts().engine;
    if own_engine != Engine::Csv && own_engine != options.engine {
        return refuse(format!(
            "the snapshot is of {own_engine}, and a script for {} would be a guess; leave --dialect out",
            options.engine
        ));
    }
    if case.meta("anonymised").map_err(PlanError::Snapshot)?.is_some() {
        return refuse("the snapshot looks anonymised: its values were made up before it was handed over, so that a seed cannot be told; ask for a snapshot of the real values".to_owned());
    }
    let wanted: BTreeSet<Place> = approved.rows().iter().copied().collect();
    for table in wanted.iter().map(|p| p.0).collect::<BTreeSet<_>>() {
        let info = case.table(table);
        if info.rejected > 0 {
            return refuse(format!(
                "{} rows of table {} were set aside at ingest, so that what refers to what is not known; ingest a whole export",
                info.rejected, info.table.name
            ));
        }
        if info.truncated {
            return refuse(format!("the input was cut off, so that table {} may hold more; ingest a whole dump", info.table.name));
        }
    }
    let relations = relations(case);
    if own_engine == Engine::Csv {
        confirmed(case, &wanted, &relations)?;
    }
    let verdicts: BTreeMap<Place, RowVerdict> = case.verdicts()?.into_iter().map(|(v, _)| ((v.table, v.row), v)).collect();
    let mut held: Vec<PlanHeld> = Vec::new();
    let mut stays: BTreeSet<Place> = BTreeSet::new();
    for place in &wanted {
        if let Some(why) = stays_for(case, *place, verdicts.get(place))? {
            stays.insert(*place);
            held.push(held_row(case, options, *place, vec![why])?);
        }
    }
    let closure = closure::reduce(case, &relations, &wanted, &stays)?;
    for place in closure.held.keys() {
        held.push(held_row(case, options, *place, chain(case, options, resolution, &closure.held, *place)?)?);
    }
    if closure.planned.is_empty() {
        let why: Vec<String> = held.iter().take(5).map(|h| format!("{} {}: {}", h.table, h.key, h.chain.join("; "))).collect();
        return refuse(format!("nothing approved can go. {}", why.join(". ")));
    }
    if options.strict && !held.is_empty() {
        return refuse(format!(
            "--strict, and {} approved rows are held back; the first: {} {}: {}",
            held.len(),
            held[0].table,
            held[0].key,
            held[0].chain.join("; ")
        ));
    }
    assemble(case, approved, resolution, options, &relations, &closure, held)
}

/// Lists every relation of the snapshot with what a delete of the parent does.
fn relations(case: &Case) -> Vec<(Relation, OnDelete)> {
    let action = |relation: &Relation| {
        let keys = &case.table(relation.child).table.foreign_keys;
        let parent = &case.table(relation.parent).table.name;
        keys.iter().find(|k| k.columns == relation.child_columns && k.parent == *parent).map_or(OnDelete::NoAction, |k| k.on_delete)
    };
    profile::relations(case).into_iter().map(|r| (r.clone(), action(&r))).collect()
}

/// Refuses a CSV whose keys and relations nobody confirmed.
fn confirmed(case: &Case, wanted: &BTreeSet<Place>, relations: &[(Relation, OnDelete)]) -> Result<(), PlanError> {
    let tables: BTreeSet<TableId> = wanted.iter().map(|p| p.0).collect();
    let mut open = Vec::new();
    for table in &tables {
        let info = &case.table(*table).table;
        match &info.primary_key {
            Some(key) if key.source != Source::Inferred => {}
            Some(key) => {
                let columns: Vec<String> = key.columns.iter().map(|c| format!("\"{}\"", info.columns[*c].name)).collect();
                open.push(format!("[tables.{}]\n  key = [{}]", info.name.name, columns.join(", ")));
            }
            None => open.push(format!("[tables.{}]\n  key = [...]", info.name.name)),
        }
    }
    for (relation, _) in
        relations.iter().filter(|(r, _)| r.source == Source::Inferred && (tables.contains(&r.parent) || tables.contains(&r.child)))
    {
        let names = |table: TableId, columns: &[usize]| {
            columns.iter().map(|c| case.table(table).table.columns[*c].name.clone()).collect::<Vec<_>>().join(",")
        };
        let (child, parent) = (&case.table(relation.child).table.name, &case.table(relation.parent).table.name);
        open.push(format!(
            "[[relations]]\n  from = \"{}.{}\"\n  to = \"{}.{}\"",
            child.name,
            names(relation.child, &relation.child_columns),
            parent.name,
            names(relation.parent, &relation.parent_columns)
        ));
    }
    if open.is_empty() {
        return Ok(());
    }
    Err(PlanError::Refused(format!(
        "a CSV export declares neither keys nor relations, and these were only inferred. Confirm them in unseed.toml and run `unseed analyze`, or give the DDL beside the CSV:\n  {}",
        open.join("\n  ")
    )))
}

/// Returns why an approved row must stay whatever refers to it.
fn stays_for(case: &Case, place: Place, verdict: Option<&RowVerdict>) -> Result<Option<String>, PlanError> {
    let info = case.table(place.0);
    let Some(verdict) = verdict.filter(|v| matches!(v.verdict, Verdict::Seeded | Verdict::Review)) else {
        return Ok(Some("it is real or protected".to_owned()));
    };
    if info.key().is_empty() {
        return Ok(Some(format!("table {} has no key to delete it by", info.table.name)));
    }
    let class = case.class(place.0)?;
    let own = verdict
        .reasons
        .iter()
        .any(|r| r.bits > crate::model::Bits::ZERO && !matches!(r.family.as_str(), "prior" | "cohort" | "relational" | "protect" | "time"));
    if is_guarded_class(class) && !own {
        return Ok(Some(format!("a row of a {class} table needs evidence of its own, not only its owner's")));
    }
    let bytes =
        case.row(place.0, place.1)?.iter().zip(&info.table.columns).any(|(v, c)| matches!(v, Value::Blob(_)) && is_text_type(&c.type_text));
    if bytes {
        return Ok(Some("a text of it is not valid UTF-8 and cannot be compared".to_owned()));
    }
    Ok(None)
}

fn is_text_type(type_text: &str) -> bool {
    let lower = type_text.to_ascii_lowercase();
    ["char", "text", "citext", "json", "xml"].iter().any(|t| lower.contains(t)) || lower.is_empty()
}

/// Follows what holds a row back, from the row outwards.
fn chain(
    case: &Case,
    options: &Options,
    resolution: &Resolution,
    held: &BTreeMap<Place, Place>,
    place: Place,
) -> Result<Vec<String>, PlanError> {
    let mut links = Vec::new();
    let mut at = place;
    let mut seen = BTreeSet::new();
    while let Some(holder) = held.get(&at).filter(|h| seen.insert(**h)) {
        let name = production_name(case, options, holder.0);
        let key = row_key_json(&case.row_key(holder.0, holder.1)?);
        let state = match resolution.rows.get(holder) {
            Some(crate::review::RowState::Approved) => "is approved but stays itself",
            Some(crate::review::RowState::Kept) => "is kept",
            Some(crate::review::RowState::Held) => "is not approved",
            None => "is real",
        };
        links.push(format!("{name} {key} refers to it and {state}"));
        at = *holder;
    }
    Ok(links)
}

fn held_row(case: &Case, options: &Options, place: Place, chain: Vec<String>) -> Result<PlanHeld, PlanError> {
    Ok(PlanHeld { table: production_name(case, options, place.0), key: row_key_json(&case.row_key(place.0, place.1)?), chain })
}

/// Returns the name that a table has in production.
fn production_name(case: &Case, options: &Options, table: TableId) -> QualifiedName {
    let mut name = case.table(table).table.name.clone();
    if name.schema.is_empty() {
        name.schema.clone_from(&options.default_schema);
    }
    name
}

fn assemble(
    case: &Case,
    approved: &Approved,
    resolution: &Resolution,
    options: &Options,
    relations: &[(Relation, OnDelete)],
    closure: &closure::Closure,
    held: Vec<PlanHeld>,
) -> Result<DeletePlan, PlanError> {
    let planned: BTreeSet<TableId> = closure.planned.iter().map(|p| p.0).collect();
    let edges: BTreeSet<(TableId, TableId)> =
        relations.iter().filter(|(r, _)| r.child != r.parent).map(|(r, _)| (r.child, r.parent)).collect();
    let mut tables = Vec::new();
    let mut cycles = Vec::new();
    for group in order::children_first(&planned, &edges) {
        if group.len() > 1 {
            cycles.push((tables.len()..tables.len() + group.len()).collect());
        }
        for id in group {
            tables.push(table(case, options, closure, id)?);
        }
    }
    let plan_relations = plan_relations(case, options, relations, &planned);
    let mut warnings: Vec<String> = Vec::new();
    for relation in plan_relations.iter().filter(|r| r.declared && !r.indexed) {
        warnings.push(format!(
            "no index leads with {} of {}: each delete from {} scans it; before applying, consider CREATE INDEX CONCURRENTLY ON {} ({})",
            relation.child_columns.join(", "),
            relation.child,
            relation.parent,
            relation.child,
            relation.child_columns.join(", ")
        ));
    }
    for relation in plan_relations.iter().filter(|r| !r.declared) {
        warnings.push(format!(
            "{} ({}) refers to {} without a foreign key: the script checks it, but cannot stop a row that is inserted while it runs",
            relation.child,
            relation.child_columns.join(", "),
            relation.parent
        ));
    }
    for table in &tables {
        for hook in table.hooks.iter().filter(|h| h.on_delete) {
            warnings.push(format!("{} {} acts on deletes from {}", hook.kind, hook.name, table.name));
        }
    }
    if options.database.is_empty() {
        warnings.push(
            "the snapshot does not name its database, so the script cannot check that it runs in the right one; name it with --database"
                .to_owned(),
        );
    }
    let mut plan = DeletePlan {
        id: PlanId(String::new()),
        snapshot: case.facts().clone(),
        decisions_digest: approved.digest().to_owned(),
        schema_fingerprint: fingerprint(&tables),
        author: options.author.clone(),
        approvers: approved.approvers().to_vec(),
        made_at: options.now,
        expires_at: options.now + options.expires_days * DAY,
        tables,
        cycles,
        touched: touches(case, options, relations, closure)?,
        relations: plan_relations,
        protected: protections(case, resolution, options, &planned)?,
        held,
        warnings,
    };
    plan.snapshot.database.clone_from(&options.database);
    plan.id = digest(&plan, options.engine);
    Ok(plan)
}

fn table(case: &Case, options: &Options, closure: &closure::Closure, id: TableId) -> Result<PlanTable, PlanError> {
    let info = case.table(id);
    let roles = case.roles(id)?;
    let mut rows = Vec::new();
    for place in closure.planned.range((id, 0)..=(id, u32::MAX)) {
        rows.push(PlanRow { row: place.1, values: case.row(id, place.1)? });
    }
    let key = info.key().to_vec();
    let sort_key = |row: &PlanRow| -> Vec<(Option<i64>, String)> {
        key.iter()
            .map(|c| {
                (
                    if let Value::Integer(n) = row.values[*c] { Some(n) } else { None },
                    row.values[*c].key_text().unwrap_or_default().into_owned(),
                )
            })
            .collect()
    };
    rows.sort_by_cached_key(sort_key);
    let reviewed = (0..info.table.columns.len()).filter(|c| !info.table.columns[*c].generated).collect();
    let activity = (0..roles.len()).filter(|c| matches!(roles[*c], Role::UpdatedAt | Role::ActivityAt)).collect();
    Ok(PlanTable {
        table: id,
        name: production_name(case, options, id),
        class: case.class(id)?,
        columns: info.table.columns.clone(),
        key,
        reviewed,
        activity,
        hooks: info.table.hooks.clone(),
        declared: info.declared && info.table.columns.iter().all(|c| !c.type_text.is_empty()),
        snapshot_rows: info.rows,
        rows,
    })
}

fn plan_relations(case: &Case, options: &Options, relations: &[(Relation, OnDelete)], planned: &BTreeSet<TableId>) -> Vec<PlanRelation> {
    let mut found = Vec::new();
    for (relation, action) in relations.iter().filter(|(r, _)| planned.contains(&r.parent)) {
        let child = &case.table(relation.child).table;
        let parent = &case.table(relation.parent).table;
        let names = |table: &crate::model::Table, columns: &[usize]| columns.iter().map(|c| table.columns[*c].name.clone()).collect();
        let name =
            child.foreign_keys.iter().find(|k| k.columns == relation.child_columns && k.parent == parent.name).map(|k| k.name.clone());
        found.push(PlanRelation {
            name: name.unwrap_or_default(),
            child: production_name(case, options, relation.child),
            child_columns: names(child, &relation.child_columns),
            parent: production_name(case, options, relation.parent),
            parent_columns: names(parent, &relation.parent_columns),
            on_delete: *action,
            declared: relation.source == Source::Declared,
            indexed: child.indexes.iter().any(|i| i.starts_with(&relation.child_columns)),
        });
    }
    found.sort_by(|a, b| (&a.child, &a.child_columns).cmp(&(&b.child, &b.child_columns)));
    found
}

fn touches(
    case: &Case,
    options: &Options,
    relations: &[(Relation, OnDelete)],
    closure: &closure::Closure,
) -> Result<Vec<PlanTouch>, PlanError> {
    let mut by_relation: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    for (relation, place) in &closure.touched {
        by_relation.entry(*relation).or_default().push(place.1);
    }
    let mut touched = Vec::new();
    for (index, rows) in by_relation {
        let relation = &relations[index].0;
        let info = case.table(relation.child);
        let rows = rows
            .into_iter()
            .map(|row| Ok(PlanRow { row, values: case.row(relation.child, row)? }))
            .collect::<Result<Vec<_>, PlanError>>()?;
        touched.push(PlanTouch {
            name: production_name(case, options, relation.child),
            columns: info.table.columns.clone(),
            key: info.key().to_vec(),
            set_null: relation.child_columns.clone(),
            rows,
        });
    }
    Ok(touched)
}

/// What no planned row may be, checked again in production: privileged accounts and rows that people keep.
fn protections(
    case: &Case,
    resolution: &Resolution,
    options: &Options,
    planned: &BTreeSet<TableId>,
) -> Result<Vec<PlanProtection>, PlanError> {
    let mut found = Vec::new();
    let verdicts = case.verdicts()?;
    for table in planned {
        let info = case.table(*table);
        let name = production_name(case, options, *table);
        if case.class(*table)? == TableClass::People {
            let roles = case.roles(*table)?;
            for column in (0..roles.len()).filter(|c| roles[*c] == Role::Privilege) {
                let mut values = BTreeSet::new();
                for (verdict, _) in verdicts.iter().filter(|(v, _)| v.table == *table && v.verdict == Verdict::Protected) {
                    if verdict.reasons.iter().any(|r| r.family == "protect" && r.detail.starts_with("a privileged account")) {
                        let cell = case.cells(*table, verdict.row, &[column])?;
                        let flag = matches!(cell[0], Value::Integer(_));
                        let text = cell[0].key_text().unwrap_or_default().to_lowercase();
                        if profile::is_privileged(&text, flag) {
                            values.extend(if flag { vec!["true".to_owned(), "t".to_owned(), "1".to_owned()] } else { vec![text] });
                        }
                    }
                }
                let keep_one = !values.is_empty();
                if keep_one {
                    let column = info.table.columns[column].name.clone();
                    found.push(PlanProtection::Privilege { table: name.clone(), column, values: values.into_iter().collect(), keep_one });
                }
            }
        }
        let own = case.table(*table).table.name.to_string();
        let mut keys: Vec<(String, Vec<String>)> = Vec::new();
        for (verdict, _) in verdicts.iter().filter(|(v, _)| v.table == *table && v.verdict == Verdict::Protected) {
            let key = case.row_key(*table, verdict.row)?;
            let texts: Vec<String> = key.iter().map(|v| v.key_text().unwrap_or_default().into_owned()).collect();
            keys.push(("protected in the reviewed snapshot".to_owned(), texts));
        }
        for (_, key, why) in resolution.kept.iter().filter(|k| k.0 == own) {
            keys.push((why.clone(), serde_json::from_str(key).unwrap_or_default()));
        }
        keys.sort();
        keys.dedup();
        if !info.key().is_empty() && !keys.is_empty() {
            let columns = info.key().iter().map(|c| info.table.columns[*c].name.clone()).collect();
            found.push(PlanProtection::Keys {
                table: name,
                columns,
                keys: keys.into_iter().map(|k| k.1).collect(),
                reason: "protected or kept in review".to_owned(),
            });
        }
    }
    Ok(found)
}

fn fingerprint(tables: &[PlanTable]) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut sorted: Vec<&PlanTable> = tables.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    for table in sorted {
        hasher.update(serde_json::to_string(&(&table.name, &table.columns, &table.key)).unwrap_or_default().as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// Digests all that the scripts are made of.
fn digest(plan: &DeletePlan, engine: Engine) -> PlanId {
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for text in
        [engine.as_str(), &plan.snapshot.id.0, &plan.snapshot.database, &plan.decisions_digest, &plan.schema_fingerprint, &plan.author]
    {
        add(text);
    }
    add(&plan.approvers.join("\n"));
    add(&format!("{} {}", plan.made_at, plan.expires_at));
    add(&serde_json::to_string(&(&plan.relations, &plan.protected, &plan.cycles)).unwrap_or_default());
    for table in &plan.tables {
        add(&table.name.to_string());
        for row in &table.rows {
            add(&format!("{:?}", row.values));
        }
    }
    for touch in &plan.touched {
        add(&touch.name.to_string());
        for row in &touch.rows {
            add(&format!("{:?} {:?}", touch.set_null, row.values));
        }
    }
    PlanId(hasher.finalize().to_hex()[..32].to_owned())
}
