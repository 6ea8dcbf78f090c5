//! Builds the plan from what people approved, or refuses and says why.

use std::collections::{BTreeMap, BTreeSet};

use super::closure::{self, Closure, Place};
use super::links::{Link, between_rows, links, root};
use super::{PlanError, circles, identity, notes, order, protections, tables};
use crate::cohort::is_guarded_class;
use crate::model::plan::{DeletePlan, OnDrift, PlanHeld};
use crate::model::stamp::DAY;
use crate::model::value::row_key_json;
use crate::model::{Approved, Engine, PlanId, QualifiedName, RowVerdict, Source, TableId, Value, Verdict};
use crate::review::{Resolution, RowState};
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
    /// What the script does about rows that changed since review.
    pub on_drift: OnDrift,
    /// Rows of a batch; `None` deletes all in one transaction.
    pub batch_rows: Option<u32>,
}

/// Builds the plan.
///
/// # Errors
/// Returns why a guard refuses: nothing approved is left, a decision is stale, an approver is missing,
/// a planned table has rejects or truncation, another engine, unconfirmed keys and relations of a CSV.
pub fn build(case: &Case, approved: &Approved, resolution: &Resolution, options: &Options) -> Result<DeletePlan, PlanError> {
    decisions_stand(approved, resolution, options)?;
    snapshot_will_do(case, options)?;
    let wanted: BTreeSet<Place> = approved.rows().iter().copied().collect();
    tables_are_whole(case, &wanted)?;
    let declared = links(case)?;
    if case.facts().engine == Engine::Csv {
        confirmed(case, &wanted, &declared)?;
    }
    let links = between_rows(case, &declared);
    let verdicts: BTreeMap<Place, RowVerdict> = case.verdicts()?.into_iter().map(|(v, _)| ((v.table, v.row), v)).collect();
    let mut held: Vec<PlanHeld> = Vec::new();
    let mut stays: BTreeSet<Place> = BTreeSet::new();
    for place in &wanted {
        if let Some(why) = stays_for(case, *place, verdicts.get(place))? {
            stays.insert(*place);
            held.push(held_row(case, options, *place, vec![why])?);
        }
    }
    let named: BTreeSet<TableId> = approved.named_tables().iter().copied().collect();
    let closure = closure::reduce(case, &links, &wanted, &stays, &named)?;
    for place in closure.held.keys() {
        held.push(held_row(case, options, *place, chain(case, options, resolution, &closure.held, *place)?)?);
    }
    if closure.planned.is_empty() {
        let why: Vec<String> = held.iter().take(5).map(|h| format!("{} {}: {}", h.table, h.key, h.chain.join("; "))).collect();
        return refuse(format!("nothing approved can go. {}", why.join(". ")));
    }
    if options.strict && !held.is_empty() {
        let (count, first) = (held.len(), &held[0]);
        let why = first.chain.join("; ");
        return refuse(format!("--strict, and {count} approved rows are held back; the first: {} {}: {why}", first.table, first.key));
    }
    assemble(case, approved, resolution, options, &Graph { declared, links, closure }, held)
}

/// The references and what follows from them.
pub(super) struct Graph {
    /// References as declared, between whole tables.
    pub(super) declared: Vec<Link>,
    /// The same between the tables that hold the rows.
    pub(super) links: Vec<Link>,
    /// What can go.
    pub(super) closure: Closure,
}

fn refuse<T>(why: String) -> Result<T, PlanError> {
    Err(PlanError::Refused(why))
}

fn decisions_stand(approved: &Approved, resolution: &Resolution, options: &Options) -> Result<(), PlanError> {
    if let Some(stale) = resolution.stale.first() {
        return refuse(format!("a decision is stale: {stale}"));
    }
    if approved.rows().is_empty() {
        let step = "look at the cohorts with `unseed review CASE list` and approve with `unseed review CASE approve COHORT`";
        let missing =
            if options.reviewers > 1 { format!(", by {} people other than the author", options.reviewers) } else { String::new() };
        return refuse(format!("nothing is approved{missing}; {step}"));
    }
    let (there, wanted) = (approved.approvers(), options.reviewers);
    if there.len() < wanted {
        return refuse(format!("{} of {wanted} approvers have approved: {}", there.len(), there.join(", ")));
    }
    Ok(())
}

fn snapshot_will_do(case: &Case, options: &Options) -> Result<(), PlanError> {
    let own = case.facts().engine;
    if own != Engine::Csv && own != options.engine {
        return refuse(format!("the snapshot is of {own}, and a script for {} would be a guess; leave --dialect out", options.engine));
    }
    if case.meta("anonymised")?.is_some() {
        return refuse("the snapshot looks anonymised: its values were made up before it was handed over, so that a seed cannot be told; ask for a snapshot of the real values".to_owned());
    }
    Ok(())
}

fn tables_are_whole(case: &Case, wanted: &BTreeSet<Place>) -> Result<(), PlanError> {
    for table in wanted.iter().map(|p| p.0).collect::<BTreeSet<_>>() {
        let info = case.table(table);
        let name = &info.table.name;
        if info.rejected > 0 {
            return refuse(format!(
                "{} rows of table {name} were set aside at ingest, so that what refers to what is not known; ingest a whole export",
                info.rejected
            ));
        }
        if info.truncated {
            return refuse(format!("the input was cut off, so that table {name} may hold more; ingest a whole dump"));
        }
    }
    Ok(())
}

/// Refuses a CSV whose keys and relations nobody confirmed.
fn confirmed(case: &Case, wanted: &BTreeSet<Place>, links: &[Link]) -> Result<(), PlanError> {
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
            // DDL that declares a table without a key says that there is none.
            None if case.table(*table).declared => {}
            None => open.push(format!("[tables.{}]\n  key = [...]", info.name.name)),
        }
    }
    let inferred = |l: &&Link| l.source == Source::Inferred && (tables.contains(&l.parent) || tables.contains(&l.child));
    for link in links.iter().filter(inferred) {
        let names = |table: TableId, columns: &[usize]| {
            columns.iter().map(|c| case.table(table).table.columns[*c].name.clone()).collect::<Vec<_>>().join(",")
        };
        let (child, parent) = (&case.table(link.child).table.name, &case.table(link.parent).table.name);
        open.push(format!(
            "[[relations]]\n  from = \"{child}.{}\"\n  to = \"{parent}.{}\"",
            names(link.child, &link.child_columns),
            names(link.parent, &link.parent_columns)
        ));
    }
    if open.is_empty() {
        return Ok(());
    }
    refuse(format!(
        "a CSV export declares neither keys nor relations, and these were only inferred. Confirm them in unseed.toml and run `unseed analyze`, or give the DDL beside the CSV:\n  {}",
        open.join("\n  ")
    ))
}

/// Returns why an approved row must stay whatever refers to it.
fn stays_for(case: &Case, place: Place, verdict: Option<&RowVerdict>) -> Result<Option<String>, PlanError> {
    let info = case.table(place.0);
    let Some(verdict) = verdict.filter(|v| matches!(v.verdict, Verdict::Seeded | Verdict::Review)) else {
        return Ok(Some("it is real or protected".to_owned()));
    };
    if info.table.columns.is_empty() {
        return Ok(Some(format!("table {} has no columns to tell its rows apart", info.table.name)));
    }
    let class = case.class(place.0)?;
    let own = verdict
        .reasons
        .iter()
        .any(|r| r.bits > crate::model::Bits::ZERO && !matches!(&*r.family, "prior" | "cohort" | "relational" | "protect" | "time"));
    if is_guarded_class(class) && !own {
        return Ok(Some(format!("a row of a {class} table needs evidence of its own, not only its owner's")));
    }
    // SQLite alone stores text that is no UTF-8, and compares it byte by byte.
    let bytes = case.facts().engine != Engine::Sqlite
        && case
            .row(place.0, place.1)?
            .iter()
            .zip(&info.table.columns)
            .any(|(v, c)| matches!(v, Value::Blob(_)) && is_text_type(&c.type_text));
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
            Some(RowState::Approved) => "is approved but stays itself",
            Some(RowState::Kept) => "is kept",
            Some(RowState::Held) => "is not approved",
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
pub(super) fn production_name(case: &Case, options: &Options, table: TableId) -> QualifiedName {
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
    graph: &Graph,
    held: Vec<PlanHeld>,
) -> Result<DeletePlan, PlanError> {
    let planned: BTreeSet<TableId> = graph.closure.planned.iter().map(|p| root(case, p.0)).collect();
    let edges: BTreeSet<(TableId, TableId)> =
        graph.links.iter().map(|l| (root(case, l.child), root(case, l.parent))).filter(|(c, p)| c != p).collect();
    let groups = order::children_first(&planned, &edges);
    let group_of: BTreeMap<TableId, usize> = groups.iter().enumerate().flat_map(|(i, g)| g.iter().map(move |t| (*t, i))).collect();
    let same_group = |link: usize| {
        let ends = (root(case, graph.links[link].child), root(case, graph.links[link].parent));
        group_of.contains_key(&ends.0) && group_of.get(&ends.0) == group_of.get(&ends.1)
    };
    let nullable = |link: usize| {
        let (link, info) = (&graph.links[link], case.table(graph.links[link].child));
        link.child_columns.iter().all(|c| !info.table.columns[*c].not_null && !info.table.columns[*c].generated && !info.key().contains(c))
    };
    let ordered = circles::order(&graph.closure.planned, &graph.closure.inner, same_group, nullable);
    let mut plan_tables = Vec::new();
    let mut cycles = Vec::new();
    for group in groups {
        if group.len() > 1 {
            cycles.push((plan_tables.len()..plan_tables.len() + group.len()).collect());
        }
        for id in group {
            plan_tables.push(tables::table(case, options, graph, &ordered, id)?);
        }
    }
    let relations = tables::relations(case, options, &graph.declared, &planned)?;
    let mut plan = DeletePlan {
        id: PlanId(String::new()),
        snapshot: case.facts().clone(),
        decisions_digest: approved.digest().to_owned(),
        schema_fingerprint: identity::fingerprint(&plan_tables),
        author: options.author.clone(),
        approvers: approved.approvers().to_vec(),
        made_at: options.now,
        expires_at: options.now + options.expires_days * DAY,
        tables: plan_tables,
        cycles,
        circles: notes::circles(case, options, &ordered.closed)?,
        touched: tables::touches(case, options, graph, &ordered)?,
        relations,
        protected: protections::protections(case, resolution, options, &planned)?,
        held,
        counters: notes::counters(case, options, graph)?,
        warnings: Vec::new(),
        on_drift: options.on_drift,
        batch_rows: options.batch_rows,
        part: (1, 1),
    };
    plan.snapshot.database.clone_from(&options.database);
    plan.warnings = notes::warnings(&plan, options.engine);
    plan.id = identity::plan_id(&plan, options.engine);
    Ok(plan)
}
