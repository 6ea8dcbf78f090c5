//! What a report says, gathered once from the case: every renderer prints this and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Loaded, Redact};
use crate::detect::DETECTORS;
use crate::model::stamp::{DAY, Rfc3339};
use crate::model::value::row_key_json;
use crate::model::verdict::SnapshotVerdict;
use crate::model::{Bits, Choice, Family, Reason, Role, RowVerdict, TableClass, TableId, Verdict};
use crate::review::{ReviewError, resolve};
use crate::snapshot::{CHUNK_ROWS, Case, ColumnRead, SnapshotError, scan};

use super::redact::{show, visible};

/// Sample rows a cohort and table.
const SAMPLES: usize = 8;

/// Rows shown that were spared.
const SPARED: usize = 50;

/// The whole report.
#[derive(Clone, Debug)]
pub struct Report {
    /// Version of the tool.
    pub tool_version: String,
    /// When the report was made, RFC 3339 (`--now`).
    pub made_at: String,
    /// SHA-256 of the configuration.
    pub config_sha256: String,
    /// The configuration in force, as JSON.
    pub config: String,
    /// How values are masked.
    pub redact: Redact,
    /// The snapshot.
    pub snapshot: SnapshotReport,
    /// Its verdict.
    pub verdict: SnapshotVerdict,
    /// Why, one sentence.
    pub verdict_reason: String,
    /// Tables, in the order of the input; leftovers of scripts among them.
    pub tables: Vec<TableReport>,
    /// Cohorts, convicted and largest first.
    pub cohorts: Vec<CohortReport>,
    /// Detectors, over all tables.
    pub detectors: Vec<DetectorReport>,
    /// Each detector on each table.
    pub coverage: Vec<Coverage>,
    /// Rows that looked like seeded ones and stay real.
    pub spared: Vec<Spared>,
    /// Number of those, shown or not.
    pub spared_total: usize,
    /// Sign-ups: rows of the largest table of people by day, real and not.
    pub timeline: Analysed,
    /// What to do next.
    pub recommendations: Vec<String>,
    /// What was read over or could not be looked at.
    pub not_checked: Vec<String>,
}

/// The snapshot as a whole.
#[derive(Clone, Debug)]
pub struct SnapshotReport {
    /// Digest of the content.
    pub id: String,
    /// Engine.
    pub engine: String,
    /// When it was taken, RFC 3339; empty where unknown.
    pub taken_at: String,
    /// How that is known: `given`, `dump`, `inferred`, `unknown`.
    pub taken_at_source: String,
    /// Inputs.
    pub inputs: Vec<InputReport>,
    /// Whether an input was cut off.
    pub truncated: bool,
    /// Bytes of the inputs by kind.
    pub bytes: Vec<(String, u64)>,
}

/// One input.
#[derive(Clone, Debug)]
pub struct InputReport {
    /// File name.
    pub name: String,
    /// Format id.
    pub format: String,
    /// Bytes.
    pub bytes: u64,
}

/// One table.
#[derive(Clone, Debug)]
pub struct TableReport {
    /// Name.
    pub name: String,
    /// Class.
    pub class: TableClass,
    /// Rows.
    pub rows: u64,
    /// Rows set aside at ingest.
    pub rejected: u64,
    /// Seeded rows.
    pub seeded: u64,
    /// Rows in review.
    pub review: u64,
    /// Protected rows.
    pub protected: u64,
}

impl TableReport {
    /// Returns the rows that remain if every seeded row goes.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.rows - self.seeded
    }
}

/// One cohort.
#[derive(Clone, Debug)]
pub struct CohortReport {
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// Rows over all tables.
    pub rows: u64,
    /// Whether it is convicted.
    pub convicted: bool,
    /// Evidence of all members together.
    pub bits: Bits,
    /// By family.
    pub families: Vec<(Family, Bits)>,
    /// Earliest creation time, RFC 3339.
    pub first_at: Option<String>,
    /// Latest creation time, RFC 3339.
    pub last_at: Option<String>,
    /// Sentences.
    pub findings: Vec<String>,
    /// What people decided.
    pub decision: Choice,
    /// By table.
    pub tables: Vec<CohortTableReport>,
    /// A typical member's terms: the median member by bits of the first table.
    pub typical: Vec<Reason>,
    /// Its bits.
    pub typical_bits: Bits,
}

/// A cohort's rows in one table.
#[derive(Clone, Debug)]
pub struct CohortTableReport {
    /// Table name.
    pub name: String,
    /// Whether an approval must name the table.
    pub guarded: bool,
    /// Seeded rows.
    pub seeded: u64,
    /// Rows in review.
    pub review: u64,
    /// Protected rows.
    pub protected: u64,
    /// Column names of the samples.
    pub columns: Vec<String>,
    /// First, middle and last rows.
    pub samples: Vec<SampleRow>,
}

/// A sample row.
#[derive(Clone, Debug)]
pub struct SampleRow {
    /// Row key, a JSON array of texts.
    pub key: String,
    /// Verdict.
    pub verdict: Verdict,
    /// Bits.
    pub bits: Bits,
    /// Cells, masked.
    pub cells: Vec<String>,
}

/// A detector over all tables.
#[derive(Clone, Debug)]
pub struct DetectorReport {
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// What it measures.
    pub finds: String,
    /// `found`, `nothing` or `not applicable`.
    pub result: String,
    /// Why it does not apply; else how many facts in which tables.
    pub why: String,
}

/// A detector on a table.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// Detector id.
    pub detector: String,
    /// Table name.
    pub table: String,
    /// `found`, `nothing` or `not applicable`.
    pub result: String,
    /// Facts.
    pub facts: usize,
    /// Why it does not apply.
    pub why: String,
}

/// A row that was spared.
#[derive(Clone, Debug)]
pub struct Spared {
    /// Table name.
    pub table: String,
    /// Row key.
    pub key: String,
    /// Bits.
    pub bits: Bits,
    /// What spoke for a seed.
    pub why: String,
}

/// Rows of people by day.
#[derive(Clone, Debug, Default)]
pub struct Analysed {
    /// Table name; empty where no table of people has creation times.
    pub table: String,
    /// Day (days since 1970), rows that are real or protected, rows that are seeded or in review.
    pub days: Vec<(i64, u64, u64)>,
}

/// Gathers the report.
///
/// # Errors
/// Returns what the case file says.
pub fn gather(case: &Case, config: &Loaded, redact: Redact, now: i64) -> Result<Report, ReviewError> {
    let verdicts: Vec<RowVerdict> = case.verdicts()?.into_iter().map(|v| v.0).collect();
    let verdict = case.meta("verdict")?.and_then(|v| SnapshotVerdict::parse(&v)).unwrap_or(SnapshotVerdict::Unchecked);
    let tables = tables(case, &verdicts)?;
    let cohorts = cohorts(case, &verdicts, redact)?;
    let coverage = coverage(case)?;
    let spared: Vec<Spared> = case
        .spared()?
        .into_iter()
        .map(|(table, key, bits, reasons)| {
            let why: Vec<String> = reasons.iter().filter(|r| r.bits > Bits::ZERO).map(|r| visible(&r.detail)).collect();
            Spared { table: visible(&table), key: visible(&key), bits: Bits::new(bits), why: why.join("; ") }
        })
        .collect();
    let facts = case.facts();
    let mut report = Report {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: Rfc3339(now).to_string(),
        config_sha256: case.meta("config_sha256")?.unwrap_or_else(|| config.sha256.clone()),
        config: case.meta("config")?.unwrap_or_default(),
        redact,
        snapshot: SnapshotReport {
            id: facts.id.0.clone(),
            engine: facts.engine.as_str().to_owned(),
            taken_at: facts.taken_at.micros().map(|t| Rfc3339(t).to_string()).unwrap_or_default(),
            taken_at_source: facts.taken_at.source().to_owned(),
            inputs: case.inputs()?.into_iter().map(|(name, format, bytes)| InputReport { name: visible(&name), format, bytes }).collect(),
            truncated: facts.truncated,
            bytes: case.byte_ledger()?,
        },
        verdict,
        verdict_reason: String::new(),
        detectors: detectors(&coverage),
        timeline: timeline(case, &tables, &verdicts)?,
        tables,
        cohorts,
        coverage,
        spared_total: spared.len(),
        spared: spared.into_iter().take(SPARED).collect(),
        recommendations: Vec::new(),
        not_checked: case.warnings()?.iter().map(|w| visible(w)).collect(),
    };
    report.verdict_reason = verdict_reason(&report);
    report.recommendations = recommendations(&report);
    report.not_checked.extend(unchecked_tables(&report));
    Ok(report)
}

fn tables(case: &Case, verdicts: &[RowVerdict]) -> Result<Vec<TableReport>, SnapshotError> {
    let mut counts: BTreeMap<(TableId, Verdict), u64> = BTreeMap::new();
    for verdict in verdicts {
        *counts.entry((verdict.table, verdict.verdict)).or_insert(0) += 1;
    }
    let mut tables = Vec::new();
    for info in case.tables() {
        let count = |verdict| counts.get(&(info.id, verdict)).copied().unwrap_or(0);
        tables.push(TableReport {
            name: visible(&info.table.name.to_string()),
            class: case.class(info.id)?,
            rows: info.rows,
            rejected: info.rejected,
            seeded: count(Verdict::Seeded),
            review: count(Verdict::Review),
            protected: count(Verdict::Protected),
        });
    }
    Ok(tables)
}

fn cohorts(case: &Case, verdicts: &[RowVerdict], redact: Redact) -> Result<Vec<CohortReport>, ReviewError> {
    let resolution = resolve(case, 1, "")?;
    let mut reports = Vec::new();
    for stored in case.cohorts()? {
        let cohort = stored.cohort;
        let members: Vec<&RowVerdict> = verdicts.iter().filter(|v| v.cohort.as_ref() == Some(&cohort.id)).collect();
        let mut tables = Vec::new();
        for part in &cohort.tables {
            let rows: Vec<&RowVerdict> = members.iter().copied().filter(|v| v.table == part.table).collect();
            tables.push(cohort_table(case, part.table, &rows, redact)?);
        }
        let typical = cohort.tables.first().and_then(|part| {
            let mut rows: Vec<&RowVerdict> =
                members.iter().copied().filter(|v| v.table == part.table && v.verdict != Verdict::Protected).collect();
            rows.sort_by_key(|v| v.bits);
            rows.get(rows.len() / 2).copied()
        });
        reports.push(CohortReport {
            id: cohort.id.0.clone(),
            title: visible(&cohort.title),
            rows: cohort.rows() as u64,
            convicted: cohort.convicted,
            bits: cohort.bits,
            families: cohort.families.clone(),
            first_at: cohort.first_at.map(|t| Rfc3339(t).to_string()),
            last_at: cohort.last_at.map(|t| Rfc3339(t).to_string()),
            findings: cohort.findings.iter().map(|f| visible(f)).collect(),
            decision: resolution.cohort_state(&cohort.id),
            tables,
            typical: typical.map(|t| t.reasons.clone()).unwrap_or_default(),
            typical_bits: typical.map(|t| t.bits).unwrap_or_default(),
        });
    }
    Ok(reports)
}

fn cohort_table(case: &Case, table: TableId, rows: &[&RowVerdict], redact: Redact) -> Result<CohortTableReport, SnapshotError> {
    let info = case.table(table);
    let roles = case.roles(table)?;
    let count = |verdict| rows.iter().filter(|v| v.verdict == verdict).count() as u64;
    // First, middle and last: a list of only the first hides what the rest look like.
    let chosen: BTreeSet<usize> = (0..rows.len().min(SAMPLES)).map(|i| i * rows.len() / rows.len().min(SAMPLES)).collect();
    // Where a row is wide, what says least goes first.
    let mut columns: Vec<usize> = (0..roles.len()).collect();
    columns.sort_by_key(|c| (weight(roles[*c]), *c));
    columns.truncate(8);
    columns.sort_unstable();
    let mut samples = Vec::new();
    for index in chosen {
        let row = rows[index];
        let values = case.row(table, row.row)?;
        samples.push(SampleRow {
            key: visible(&row_key_json(&case.row_key(table, row.row)?)),
            verdict: row.verdict,
            bits: row.bits,
            cells: columns.iter().map(|c| show(&values[*c], roles[*c], redact)).collect(),
        });
    }
    Ok(CohortTableReport {
        name: visible(&info.table.name.to_string()),
        guarded: crate::cohort::is_guarded_class(case.class(table)?),
        seeded: count(Verdict::Seeded),
        review: count(Verdict::Review),
        protected: count(Verdict::Protected),
        columns: columns.iter().map(|c| visible(&info.table.columns[*c].name)).collect(),
        samples,
    })
}

/// Orders columns by how much they tell a reader.
const fn weight(role: Role) -> u8 {
    match role {
        Role::Key => 0,
        Role::Email | Role::CreatedAt | Role::Reference => 1,
        Role::Username | Role::PersonName | Role::Title | Role::Amount => 2,
        Role::GivenName | Role::FamilyName | Role::Credential | Role::Privilege | Role::ExternalId | Role::Text => 3,
        Role::ActivityAt | Role::UpdatedAt | Role::Phone | Role::Ip | Role::Category => 4,
        Role::Binary | Role::Json | Role::Unknown => 9,
        _ => 6,
    }
}

fn coverage(case: &Case) -> Result<Vec<Coverage>, SnapshotError> {
    let runs = case.detector_runs()?;
    let place = |id: &str| DETECTORS.iter().position(|d| d.meta().id == id).unwrap_or(usize::MAX);
    let mut coverage: Vec<(usize, TableId, Coverage)> = runs
        .into_iter()
        .map(|(detector, table, result, facts, why)| {
            let name = visible(&case.table(table).table.name.to_string());
            (place(&detector), table, Coverage { detector, table: name, result, facts, why })
        })
        .collect();
    coverage.sort_by_key(|c| (c.0, c.1));
    Ok(coverage.into_iter().map(|c| c.2).collect())
}

fn detectors(coverage: &[Coverage]) -> Vec<DetectorReport> {
    DETECTORS
        .iter()
        .map(|detector| {
            let meta = detector.meta();
            let runs: Vec<&Coverage> = coverage.iter().filter(|c| c.detector == meta.id).collect();
            let found: Vec<&&Coverage> = runs.iter().filter(|c| c.result == "found").collect();
            let (result, why) = if !found.is_empty() {
                let places: Vec<String> = found.iter().map(|c| format!("{} in {}", c.facts, c.table)).collect();
                ("found", format!("facts: {}", places.join(", ")))
            } else if runs.iter().any(|c| c.result == "nothing") {
                ("nothing", "looked, and found nothing".to_owned())
            } else {
                let mut reasons: Vec<&str> = runs.iter().map(|c| c.why.as_str()).collect();
                reasons.sort_unstable();
                reasons.dedup();
                ("not applicable", if reasons.is_empty() { "switched off, or no table to look at".to_owned() } else { reasons.join("; ") })
            };
            DetectorReport {
                id: meta.id.to_owned(),
                title: meta.title.to_owned(),
                finds: meta.finds.to_owned(),
                result: result.to_owned(),
                why,
            }
        })
        .collect()
}

fn timeline(case: &Case, tables: &[TableReport], verdicts: &[RowVerdict]) -> Result<Analysed, SnapshotError> {
    let people = case.tables().iter().zip(tables).filter(|(_, t)| t.class == TableClass::People).max_by_key(|(i, _)| i.rows);
    let Some((info, _)) = people else { return Ok(Analysed::default()) };
    let Some(column) = case.roles(info.id)?.iter().position(|r| *r == Role::CreatedAt) else { return Ok(Analysed::default()) };
    let flagged: BTreeSet<u32> =
        verdicts.iter().filter(|v| v.table == info.id && matches!(v.verdict, Verdict::Seeded | Verdict::Review)).map(|v| v.row).collect();
    let mut days: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
    let read = ColumnRead::Time(column);
    scan(case, info.id, &[read], CHUNK_ROWS, |chunk| {
        let column = chunk.frame.column(&read.name()).map_err(SnapshotError::Frame)?;
        for (offset, time) in column.i64().map_err(SnapshotError::Frame)?.iter().enumerate() {
            let Some(time) = time.filter(|t| (crate::model::stamp::PLAUSIBLE_FROM..crate::model::stamp::PLAUSIBLE_UNTIL).contains(t))
            else {
                continue;
            };
            let entry = days.entry(time.div_euclid(DAY)).or_default();
            if flagged.contains(&(chunk.first_row + offset as u32)) {
                entry.1 += 1;
            } else {
                entry.0 += 1;
            }
        }
        Ok::<(), SnapshotError>(())
    })?;
    Ok(Analysed { table: visible(&info.table.name.to_string()), days: days.into_iter().map(|(d, (a, b))| (d, a, b)).collect() })
}

fn sum(report: &Report, of: impl Fn(&TableReport) -> u64) -> u64 {
    report.tables.iter().map(of).sum()
}

/// Prints a count with its noun: `1 cohort`, `2 cohorts`.
fn counted(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

fn counted_are(n: u64) -> String {
    if n == 1 { "1 row is".to_owned() } else { format!("{n} rows are") }
}

fn verdict_reason(report: &Report) -> String {
    let (seeded, review) = (sum(report, |t| t.seeded), sum(report, |t| t.review));
    let people = report.tables.iter().filter(|t| t.class == TableClass::People);
    match report.verdict {
        SnapshotVerdict::Seeded if review == 0 => format!("{} seeded", counted_are(seeded)),
        SnapshotVerdict::Seeded => format!("{} seeded, and {review} more need a person's look", counted_are(seeded)),
        SnapshotVerdict::Suspect => {
            format!("no row is certain, but {} a person's look", if review == 1 { "1 needs".to_owned() } else { format!("{review} need") })
        }
        SnapshotVerdict::Clean => "nothing was found, and every table of people was looked at".to_owned(),
        SnapshotVerdict::Unchecked if report.snapshot.truncated => "an input was cut off: what is missing was not looked at".to_owned(),
        SnapshotVerdict::Unchecked if report.tables.is_empty() => "the input holds no table".to_owned(),
        SnapshotVerdict::Unchecked if people.clone().count() == 0 => {
            "no table of people was recognised; if there is one, say so in unseed.toml: [tables.NAME] class = \"people\"".to_owned()
        }
        SnapshotVerdict::Unchecked if people.clone().all(|t| t.rows == 0) => {
            "the table of people is empty: there is nobody to look at".to_owned()
        }
        SnapshotVerdict::Unchecked => "no detector applied to a table of people; name its columns' roles in unseed.toml".to_owned(),
    }
}

fn recommendations(report: &Report) -> Vec<String> {
    let mut list = Vec::new();
    let (seeded, review) = (sum(report, |t| t.seeded), sum(report, |t| t.review));
    if seeded > 0 {
        list.push(format!("Review {} and approve what should go: unseed review CASE list", counted(report.cohorts.len() as u64, "cohort")));
    }
    let guarded: BTreeSet<&str> =
        report.cohorts.iter().flat_map(|c| &c.tables).filter(|t| t.guarded && t.seeded + t.review > 0).map(|t| t.name.as_str()).collect();
    if !guarded.is_empty() {
        let names: Vec<&str> = guarded.into_iter().collect();
        list.push(format!("Money and audit rows are deleted only when an approval names their table: --tables {}", names.join(",")));
    }
    if review > 0 {
        list.push(format!("Look at {} in review one by one; an approval covers them only with --include-review", counted(review, "row")));
    }
    if seeded > 0 {
        list.push("Find the seed that did it, and make it refuse to run in production, before deleting anything".to_owned());
    }
    if report.snapshot.taken_at_source == "inferred" {
        list.push("The snapshot's time was inferred from its newest row; give --taken-at if you know it".to_owned());
    }
    if report.tables.iter().any(|t| t.rejected > 0) {
        list.push("Some rows were set aside at ingest: ask for a whole export before planning".to_owned());
    }
    if report.verdict == SnapshotVerdict::Clean {
        list.push("Nothing to do. Keep the check in CI: unseed scan DUMP -o DIR --fail-on unchecked".to_owned());
    }
    if report.verdict == SnapshotVerdict::Unchecked {
        list.push(format!("Not checked is not clean: {}", report.verdict_reason));
    }
    list
}

fn unchecked_tables(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for table in report.tables.iter().filter(|t| t.rows > 0) {
        let runs: Vec<&Coverage> = report.coverage.iter().filter(|c| c.table == table.name).collect();
        if table.class == TableClass::Leftover {
            lines.push(format!("{}: left behind by an applied delete script; listed, not judged", table.name));
        } else if table.class == TableClass::System {
            lines.push(format!("{}: the schema's own bookkeeping; not judged", table.name));
        } else if !runs.iter().any(|c| c.result != "not applicable") {
            lines.push(format!("{}: no detector applied", table.name));
        }
    }
    lines
}
