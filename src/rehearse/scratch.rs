//! The scratch copy, and the rehearsal on it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Instant;

use rusqlite::Connection;

use super::{RehearseError, Server};
use crate::dialect::{Copy, Dialect, Script, comment};
use crate::model::plan::{DeletePlan, PlanProtection};
use crate::model::{Engine, QualifiedName, Table, TableClass, TableId, Value};
use crate::snapshot::Case;

/// What a rehearsal showed.
#[derive(Clone, Debug, Default)]
pub struct Rehearsal {
    /// The log, Markdown.
    pub log: String,
    /// A sentence with the durations, for the runbook.
    pub durations: String,
    /// What went wrong, one sentence each; empty means that delete and undo did what they should.
    pub failures: Vec<String>,
}

/// Where the scripts run.
enum Place {
    Sqlite(Connection),
    Server(Server, String),
}

impl Place {
    /// Runs a script as a client does that goes on after errors; all that it printed, and its last line.
    fn run(&self, text: &str, token: Option<&str>) -> Result<(String, String, String), RehearseError> {
        match self {
            Self::Sqlite(db) => {
                if let Some(token) = token {
                    db.execute_batch("DROP TABLE IF EXISTS temp.unseed_apply; CREATE TEMP TABLE unseed_apply (plan_id TEXT);")?;
                    db.execute("INSERT INTO temp.unseed_apply VALUES (?1)", [token])?;
                } else {
                    db.execute_batch("DROP TABLE IF EXISTS temp.unseed_apply;")?;
                }
                let (mut out, mut errors) = (String::new(), String::new());
                // Every literal is on one line, so that only a statement ends in a semicolon before a line break.
                for statement in text.split(";\n") {
                    match rows(db, statement) {
                        Ok(lines) => lines.iter().for_each(|l| out.push_str(&format!("{l}\n"))),
                        Err(error) => errors.push_str(&format!("{error}\n")),
                    }
                }
                let last = out.lines().last().unwrap_or_default().to_owned();
                Ok((out, errors, last))
            }
            Self::Server(server, database) => {
                let token = token.map(|t| match server.engine() {
                    Engine::Postgres => format!("SET unseed.apply = '{t}';\n"),
                    _ => format!("SET @unseed_apply = '{t}';\n"),
                });
                let printed = server.run(database, &format!("{}{text}", token.unwrap_or_default()))?;
                let last = printed.out.lines().last().unwrap_or_default().to_owned();
                Ok((printed.out, printed.err, last))
            }
        }
    }
}

fn rows(db: &Connection, statement: &str) -> rusqlite::Result<Vec<String>> {
    let code: String = statement.lines().filter(|l| !l.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
    if code.trim().is_empty() {
        return Ok(Vec::new());
    }
    // Several statements may share a line.
    let mut statement = match db.prepare(&code) {
        Ok(statement) => statement,
        Err(rusqlite::Error::MultipleStatement) => {
            db.execute_batch(&code)?;
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let width = statement.column_count();
    let mut found = Vec::new();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let cells: Vec<String> = (0..width)
            .map(|c| {
                row.get_ref(c).map_or(String::new(), |v| match v {
                    rusqlite::types::ValueRef::Null => String::new(),
                    rusqlite::types::ValueRef::Integer(n) => n.to_string(),
                    rusqlite::types::ValueRef::Real(x) => x.to_string(),
                    rusqlite::types::ValueRef::Text(t) | rusqlite::types::ValueRef::Blob(t) => String::from_utf8_lossy(t).into_owned(),
                })
            })
            .collect();
        if width > 0 {
            found.push(cells.join("\t"));
        }
    }
    Ok(found)
}

/// Runs a plan's scripts on a scratch copy: on SQLite, or on a private server of the plan's own engine.
///
/// # Errors
/// Returns that the copy or the server cannot be made.
pub fn rehearse(case: &Case, plan: &DeletePlan, dialect: &dyn Dialect, on_server: bool) -> Result<Rehearsal, RehearseError> {
    let own = if on_server { plan.clone() } else { for_scratch(plan, dialect.engine())? };
    let typed = on_server || dialect.engine() == Engine::Sqlite;
    let tables = tables(case, &own, typed)?;
    let copies = copies(case, &tables)?;
    let scripts = dialect_of(dialect, on_server).render(&own).map_err(RehearseError::Refused)?;
    let dialect = dialect_of(dialect, on_server);
    let mut log = format!(
        "# Rehearsal of plan {}\n\nOn a scratch copy of the snapshot: {} tables, {} rows, {}.\n\n",
        plan.id,
        copies.len(),
        copies.iter().map(|c| c.rows.len()).sum::<usize>(),
        if on_server { format!("on a private {} server", dialect.engine()) } else { "in SQLite".to_owned() }
    );
    let (place, errors) = load(&own, dialect, &copies, on_server)?;
    left_out(&mut log, plan, &errors, on_server || typed);
    let mut run = Run { place, dialect, tables: &copies, log, failures: Vec::new() };
    let before = run.digests()?;
    let script = |name: &str| scripts.iter().find(|s| s.name == name).map(|s: &Script| s.text.as_str()).unwrap_or_default();
    let token = plan.id.0.as_str();
    let dry = run.step("Rehearse", script("delete.sql"), None, "UNSEED DRY-RUN-OK")?;
    run.same(&before, "after the rehearsal")?;
    let explained = run.place.run(&dialect.explain(&own), None)?.0;
    let apply = run.step("Apply", script("delete.sql"), Some(token), &format!("UNSEED APPLIED {}", plan.rows()))?;
    let after = run.digests()?;
    run.counts(&own, &before, &after);
    run.step("Check", script("verify.sql"), None, "applied")?;
    let undo = run.step("Undo", script("undo.sql"), Some(token), &format!("UNSEED UNDONE {}", plan.rows()))?;
    run.same(&before, "after the undo")?;
    let _ = write!(run.log, "## How the deletes are run\n\n```\n{}```\n\n", tame(&explained));
    run.log.push_str("## Digest of every table\n\n| table | before | after the apply | after the undo |\n|---|---|---|---|\n");
    let back = run.digests()?;
    for (name, digest) in &before {
        let of = |side: &BTreeMap<String, (u64, String)>| {
            side.get(name).map_or("-".to_owned(), |d| format!("{} rows, `{}`", d.0, d.1.get(..16).unwrap_or(&d.1)))
        };
        let _ = writeln!(
            run.log,
            "| {} | {} rows, `{}` | {} | {} |",
            comment(name),
            digest.0,
            digest.1.get(..16).unwrap_or(&digest.1),
            of(&after),
            of(&back)
        );
    }
    let verdict = if run.failures.is_empty() { "PASS: delete and undo did exactly what the plan says" } else { "FAIL" };
    let _ = write!(run.log, "\n## {verdict}\n\n");
    for failure in &run.failures {
        let _ = writeln!(run.log, "- {}", comment(failure));
    }
    let durations = format!(
        "Measured on a scratch copy ({}): rehearsal {dry} ms, apply {apply} ms, undo {undo} ms. Production has other load and disks: rehearse there too.",
        if on_server { dialect.engine().as_str() } else { "SQLite" }
    );
    Ok(Rehearsal { log: run.log, durations, failures: run.failures })
}

/// Returns the dialect that the scratch copy speaks.
fn dialect_of(own: &dyn Dialect, on_server: bool) -> &dyn Dialect {
    if on_server { own } else { crate::dialect::of(Engine::Sqlite).unwrap_or(own) }
}

struct Run<'a> {
    place: Place,
    dialect: &'a dyn Dialect,
    tables: &'a [Copy<'a>],
    log: String,
    failures: Vec<String>,
}

/// Rows and digest by table.
type Digests = BTreeMap<String, (u64, String)>;

impl Run<'_> {
    /// Runs a script; returns the milliseconds that it took.
    fn step(&mut self, title: &str, script: &str, token: Option<&str>, wanted: &str) -> Result<u128, RehearseError> {
        let start = Instant::now();
        let (out, errors, last) = self.place.run(script, token)?;
        let ms = start.elapsed().as_millis();
        let _ = write!(self.log, "## {title}: {}, {ms} ms\n\n```\n{}```\n\n", comment(&last), tame(&out));
        if last != wanted {
            self.failures
                .push(format!("{title}: the last line is {last:?} instead of {wanted:?}: {}", errors.lines().next().unwrap_or_default()));
        }
        Ok(ms)
    }

    fn digests(&self) -> Result<Digests, RehearseError> {
        let mut found = BTreeMap::new();
        for copy in self.tables {
            let (out, _, _) = self.place.run(&self.dialect.digest(copy.table), None)?;
            let count = match &self.place {
                Place::Sqlite(_) => out.lines().count() as u64,
                Place::Server(..) => {
                    let sql = count_of(self.dialect.engine(), &copy.table.name);
                    self.place.run(&sql, None)?.2.trim().parse().unwrap_or_default()
                }
            };
            found.insert(copy.table.name.to_string(), (count, blake3::hash(out.as_bytes()).to_hex().to_string()));
        }
        Ok(found)
    }

    fn same(&mut self, before: &Digests, when: &str) -> Result<(), RehearseError> {
        for (name, digest) in self.digests()? {
            if before.get(&name) != Some(&digest) {
                self.failures.push(format!("table {name} is not as it was {when}"));
            }
        }
        Ok(())
    }

    fn counts(&mut self, plan: &DeletePlan, before: &Digests, after: &Digests) {
        let planned: BTreeMap<String, u64> = plan.tables.iter().map(|t| (t.name.to_string(), t.count() as u64)).collect();
        let _ = write!(self.log, "## Counts\n\n| table | before | planned | after |\n|---|---:|---:|---:|\n");
        for (name, (count, _)) in before {
            let (take, left) = (planned.get(name).copied().unwrap_or_default(), after.get(name).map_or(0, |d| d.0));
            let _ = writeln!(self.log, "| {} | {count} | {take} | {left} |", comment(name));
            if count.saturating_sub(take) != left {
                self.failures.push(format!("table {name}: {count} rows before, {take} planned, {left} after"));
            }
        }
        self.log.push('\n');
    }
}

fn count_of(engine: Engine, name: &QualifiedName) -> String {
    match engine {
        Engine::Postgres => {
            format!("SELECT count(*) FROM \"{}\".\"{}\";\n", name.schema.replace('"', "\"\""), name.name.replace('"', "\"\""))
        }
        _ => format!("SELECT COUNT(*) FROM `{}`;\n", name.name.replace('`', "``")),
    }
}

/// Keeps what a script printed from leaving its code block.
fn tame(text: &str) -> String {
    text.lines().map(|l| format!("{}\n", comment(&l.replace('`', "'").replace('\t', "  ")))).collect()
}

/// Lists what the scratch copy leaves out.
fn left_out(log: &mut String, plan: &DeletePlan, errors: &[String], typed: bool) {
    log.push_str(
        "What the copy leaves out: triggers, rules, row security, checks, defaults, sequences, extensions, partitions, other sessions",
    );
    log.push_str(if typed { ".\n\n" } else { "; column types and collations are SQLite's.\n\n" });
    for hook in plan.tables.iter().flat_map(|t| t.hooks.iter().map(move |h| (&t.name, h))) {
        let _ =
            writeln!(log, "- {} {} of {} is not in the copy", comment(&hook.1.kind), comment(&hook.1.name), comment(&hook.0.to_string()));
    }
    for error in errors.iter().take(20) {
        let _ = writeln!(log, "- {}", comment(error));
    }
    log.push('\n');
}

/// The plan as SQLite can rehearse it: one schema, values as the snapshot holds them, no types.
fn for_scratch(plan: &DeletePlan, engine: Engine) -> Result<DeletePlan, RehearseError> {
    let mut own = plan.clone();
    own.snapshot.database = String::new();
    let main = |name: &mut QualifiedName| {
        name.database = String::new();
        "main".clone_into(&mut name.schema);
    };
    let plain = |columns: &mut Vec<crate::model::Column>| {
        for column in columns {
            column.generated = false;
            if engine != Engine::Sqlite {
                column.type_text = String::new();
            }
        }
    };
    for table in &mut own.tables {
        main(&mut table.name);
        plain(&mut table.columns);
        table.declared = true;
        table.partitions.clear();
        table.reviewed = (0..table.columns.len()).collect();
    }
    for touch in &mut own.touched {
        main(&mut touch.name);
        plain(&mut touch.columns);
    }
    for relation in &mut own.relations {
        main(&mut relation.child);
        main(&mut relation.parent);
    }
    for protection in &mut own.protected {
        match protection {
            PlanProtection::Privilege { table, .. } | PlanProtection::Keys { table, .. } => main(table),
        }
    }
    let mut names = BTreeSet::new();
    if let Some(twin) = own.tables.iter().find(|t| !names.insert(t.name.name.to_lowercase())) {
        return Err(RehearseError::Refused(format!(
            "two schemas have a table {}, which SQLite cannot tell apart; rehearse with --server",
            twin.name.name
        )));
    }
    Ok(own)
}

/// The snapshot's tables as the copy has them: partitions are one table, leftovers are left out.
fn tables(case: &Case, plan: &DeletePlan, typed: bool) -> Result<Vec<(TableId, Table)>, RehearseError> {
    let mut found = Vec::new();
    let schema = plan.tables.first().map(|t| t.name.schema.clone()).unwrap_or_default();
    for info in case.tables() {
        let is_part = info.table.parent_table.is_some();
        if case.class(info.id)? == TableClass::Leftover || is_part {
            continue;
        }
        let mut table = info.table.clone();
        let place = |name: &mut QualifiedName| {
            name.database = String::new();
            if name.schema.is_empty() || schema == "main" {
                name.schema.clone_from(&schema);
            }
        };
        place(&mut table.name);
        for key in &mut table.foreign_keys {
            place(&mut key.parent);
        }
        for column in &mut table.columns {
            if !typed {
                column.type_text = String::new();
            }
        }
        found.push((info.id, table));
    }
    Ok(found)
}

fn copies<'a>(case: &Case, tables: &'a [(TableId, Table)]) -> Result<Vec<Copy<'a>>, RehearseError> {
    let mut found = Vec::new();
    for (id, table) in tables {
        let mut rows: Vec<Vec<Value>> = Vec::new();
        let whole = &case.table(*id).table.name;
        for info in case.tables() {
            if info.id != *id && !(table.partitioned && is_under(case, info.id, whole)) {
                continue;
            }
            for row in 0..info.rows as u32 {
                let cells = case.row(info.id, row)?;
                rows.push(if info.id == *id {
                    cells
                } else {
                    table.columns.iter().map(|c| info.table.column(&c.name).map_or(Value::Null, |own| cells[own].clone())).collect()
                });
            }
        }
        found.push(Copy { table, rows });
    }
    Ok(found)
}

fn is_under(case: &Case, table: TableId, whole: &QualifiedName) -> bool {
    let mut at = case.table(table).table.parent_table.clone();
    for _ in 0..case.tables().len() {
        match at {
            Some(name) if name == *whole => return true,
            Some(name) => at = case.tables().iter().find(|t| t.table.name == name).and_then(|t| t.table.parent_table.clone()),
            None => return false,
        }
    }
    false
}

/// Makes the copy; returns what could not be made.
fn load(plan: &DeletePlan, dialect: &dyn Dialect, copies: &[Copy<'_>], on_server: bool) -> Result<(Place, Vec<String>), RehearseError> {
    let statements = dialect.copy(copies);
    if !on_server {
        let db = Connection::open_in_memory()?;
        db.execute_batch(&statements)?;
        return Ok((Place::Sqlite(db), Vec::new()));
    }
    let server = Server::start(dialect.engine())?;
    let database = if plan.snapshot.database.is_empty() { "unseed_scratch".to_owned() } else { plan.snapshot.database.clone() };
    let (base, make) = match dialect.engine() {
        Engine::Postgres => ("postgres", format!("CREATE DATABASE \"{}\";\n", database.replace('"', "\"\""))),
        _ => ("mysql", format!("CREATE DATABASE `{}` CHARACTER SET utf8mb4;\n", database.replace('`', "``"))),
    };
    server.run(base, &make)?;
    let printed = server.run(&database, &statements)?;
    let errors = printed.err.lines().filter(|l| l.contains("ERROR")).map(str::to_owned).collect();
    Ok((Place::Server(server, database), errors))
}
