//! Gathers a report from an analysed case: reads, counts and words; changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Loaded, Redact};
use crate::detect::DETECTORS;
use crate::model::known::KnownInput;
use crate::model::stamp::Rfc3339;
use crate::model::value::row_key_json;
use crate::model::verdict::SnapshotVerdict;
use crate::model::{Bits, Choice, Role, RowVerdict, TableClass, TableId, Verdict};
use crate::review::{ReviewError, resolve};
use crate::snapshot::{Case, ShortVerdict, SnapshotError, StoredCohort};

use super::model::{
    Bound, CohortReport, CohortTableReport, Coverage, DetectorReport, InputReport, ListedRow, Report, SampleRow, SnapshotReport, Spared,
    TableReport,
};
use super::redact::{LONGEST, is_open_key, line, show_key, visible};
use super::tally::{Marks, tally};
use super::{graph, mark, words};

/// Rows in review that are listed one by one.
const LISTED_REVIEW: usize = 2_000;

/// Protected rows that are listed one by one.
const LISTED_PROTECTED: usize = 500;

/// Cohorts that a page shows.
pub(super) const SHOWN_COHORTS: usize = 100;

/// Rows shown that were spared.
const SPARED: usize = 50;

/// Columns of a sample row, where a table has more.
const COLUMNS: usize = 8;

/// Bytes of a page that rows listed one by one leave alone: style, script, tables, method, glossary.
const FIXED_BYTES: usize = 120_000;

/// Bytes that a page may hold.
const PAGE_BYTES: usize = 2_000_000;

/// How much of each cohort is shown, so that the size of a report has a bound whatever their number.
struct Detail {
    samples: usize,
    columns: usize,
    longest: usize,
    tables: usize,
    findings: usize,
}

impl Detail {
    const fn of(cohorts: usize) -> Self {
        match cohorts {
            0..=12 => Self { samples: 8, columns: COLUMNS, longest: LONGEST, tables: 6, findings: 40 },
            13..=40 => Self { samples: 4, columns: 7, longest: 60, tables: 5, findings: 12 },
            _ => Self { samples: 3, columns: 5, longest: 32, tables: 3, findings: 6 },
        }
    }
}

/// Estimates the bytes of a sample row on a page, markup and what the script knows of it among them.
fn row_bytes(row: &SampleRow) -> usize {
    let cells: usize = row.cells.iter().map(|c| 60 + c.text.len() + c.mark.as_ref().map_or(0, |m| 32 + m.1.len())).sum();
    240 + row.key.len() * 2 + cells
}

/// Estimates the bytes of a cohort's card.
fn card_bytes(cohort: &CohortReport) -> usize {
    let findings: usize = cohort.findings.iter().map(|f| 25 + f.len()).sum();
    let reasons: usize = cohort.typical.iter().map(|r| 330 + r.detail.len()).sum();
    let tables: usize = cohort
        .tables
        .iter()
        .map(|t| 700 + t.columns.iter().map(|c| 45 + c.len()).sum::<usize>() + t.samples.iter().map(row_bytes).sum::<usize>())
        .sum();
    5_000 + cohort.title.len() + findings + reasons + tables
}

/// Tables with what the analysis learnt of them.
struct Known {
    class: Vec<TableClass>,
    roles: Vec<Vec<Role>>,
    key_roles: Vec<Vec<Role>>,
}

/// Gathers the report; `command` is what the user typed.
///
/// # Errors
/// Returns what the case file says.
pub fn gather(case: &Case, config: &Loaded, redact: Redact, now: i64, command: &str) -> Result<Report, ReviewError> {
    // Terms are read of the rows that are shown.
    let verdicts = case.verdicts_in_short()?;
    let verdict = case.meta("verdict")?.and_then(|v| SnapshotVerdict::parse(&v)).unwrap_or(SnapshotVerdict::Unchecked);
    let known = known(case)?;
    let tables = tables(case, &known, &verdicts);
    let stored = case.cohorts()?;
    let ids: Vec<&str> = stored.iter().map(|c| c.cohort.id.0.as_str()).collect();
    let place: BTreeMap<&str, usize> = ids.iter().enumerate().map(|(i, id)| (*id, i)).collect();
    let (mut graph, watched) = graph::graph(case, &tables);
    let marks = Marks::new(case, verdicts.iter().map(|v| &v.verdict), &place);
    let tally = tally(case, &tables, &marks, &ids, &watched, &mut graph.edges)?;
    let mut cohorts = cohorts(case, &known, &stored, &verdicts, &place, redact)?;
    for ((cohort, hours), strip) in cohorts.iter_mut().zip(tally.hours).zip(tally.ids) {
        cohort.hours = hours;
        cohort.ids = strip;
    }
    let room = PAGE_BYTES.saturating_sub(FIXED_BYTES + cohorts.iter().take(SHOWN_COHORTS).map(card_bytes).sum::<usize>());
    let coverage = coverage(case)?;
    let (spared, spared_total) = case.closest_spared(SPARED)?;
    let facts = case.facts();
    let mut report = Report {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: Rfc3339(now).to_string(),
        command: line(command),
        config_sha256: case.meta("config_sha256")?.unwrap_or_else(|| config.sha256.clone()),
        config: visible(&case.meta("config")?.unwrap_or_default()),
        redact,
        snapshot: SnapshotReport {
            id: facts.id.0.clone(),
            engine: facts.engine.as_str().to_owned(),
            taken_at: facts.taken_at.micros().map(|t| Rfc3339(t).to_string()).unwrap_or_default(),
            taken_at_source: facts.taken_at.source().to_owned(),
            inputs: inputs(case)?,
            truncated: facts.truncated,
            bytes: case.byte_ledger()?,
        },
        verdict,
        verdict_reason: String::new(),
        detectors: detectors(&coverage),
        figures: tally.figures,
        timeline: tally.timeline,
        usual_hours: tally.usual_hours,
        listed: listed(case, &known, &verdicts, room, redact)?,
        review_total: tables.iter().map(|t| t.review).sum(),
        protected_total: tables.iter().map(|t| t.protected).sum(),
        graph,
        tables,
        cohorts,
        coverage,
        spared: spared
            .into_iter()
            .map(|(table, key, bits, reasons)| {
                let side = |keep: fn(Bits) -> bool| {
                    let said: Vec<&str> = reasons.iter().filter(|r| keep(r.bits) && r.detector != "prior").map(|r| &*r.detail).collect();
                    line(&said.join("; "))
                };
                Spared {
                    table: line(&table),
                    key: spared_key(case, &known, &table, &key, redact),
                    bits: Bits::new(bits),
                    why: side(|b| b > Bits::ZERO),
                    against: side(|b| b < Bits::ZERO),
                }
            })
            .collect(),
        spared_total,
        recommendations: Vec::new(),
        not_checked: case.warnings()?.iter().map(|w| line(w)).collect(),
    };
    report.verdict_reason = words::verdict_reason(&report);
    report.recommendations = words::recommendations(&report);
    report.not_checked.extend(words::unchecked_tables(&report));
    Ok(report)
}

fn known(case: &Case) -> Result<Known, SnapshotError> {
    let mut known = Known { class: Vec::new(), roles: Vec::new(), key_roles: Vec::new() };
    for info in case.tables() {
        let roles = case.roles(info.id)?;
        // Without a key, a row is named by its place.
        known.key_roles.push(if info.key().is_empty() { vec![Role::Key] } else { info.key().iter().map(|c| roles[*c]).collect() });
        known.class.push(case.class(info.id)?);
        known.roles.push(roles);
    }
    Ok(known)
}

fn table_name(case: &Case, table: TableId) -> String {
    line(&case.table(table).table.name.to_string())
}

fn tables(case: &Case, known: &Known, verdicts: &[ShortVerdict]) -> Vec<TableReport> {
    let mut counts: BTreeMap<(TableId, Verdict), u64> = BTreeMap::new();
    for ShortVerdict { verdict, .. } in verdicts {
        *counts.entry((verdict.table, verdict.verdict)).or_insert(0) += 1;
    }
    let count = |table, verdict| counts.get(&(table, verdict)).copied().unwrap_or(0);
    let table = |info: &crate::snapshot::CaseTable| TableReport {
        name: table_name(case, info.id),
        class: known.class[info.id.index()],
        rows: info.rows,
        rejected: info.rejected,
        seeded: count(info.id, Verdict::Seeded),
        review: count(info.id, Verdict::Review),
        protected: count(info.id, Verdict::Protected),
    };
    case.tables().iter().map(table).collect()
}

fn cohorts(
    case: &Case,
    known: &Known,
    stored: &[StoredCohort],
    verdicts: &[ShortVerdict],
    place: &BTreeMap<&str, usize>,
    redact: Redact,
) -> Result<Vec<CohortReport>, ReviewError> {
    // Without decisions nothing can be resolved, and resolving reads every key.
    let resolution = if case.decisions()?.is_empty() { None } else { Some(resolve(case, 1, "")?) };
    let mut members: Vec<BTreeMap<TableId, Vec<&ShortVerdict>>> = stored.iter().map(|_| BTreeMap::new()).collect();
    for short in verdicts {
        if let Some(cohort) = short.verdict.cohort.as_ref().and_then(|c| place.get(c.0.as_str())) {
            members[*cohort].entry(short.verdict.table).or_default().push(short);
        }
    }
    let detail = Detail::of(stored.len());
    let mut reports = Vec::new();
    for (stored, members) in stored.iter().zip(&members) {
        let cohort = &stored.cohort;
        let mut tables = Vec::new();
        for (index, part) in cohort.tables.iter().enumerate() {
            let rows = members.get(&part.table).map_or(&[][..], Vec::as_slice);
            let samples = if index < detail.tables { detail.samples } else { 0 };
            tables.push(cohort_table(case, known, part.table, rows, samples, &detail, redact)?);
        }
        let typical = cohort.tables.first().and_then(|part| {
            let mut rows: Vec<&ShortVerdict> =
                members.get(&part.table)?.iter().copied().filter(|v| v.verdict.verdict != Verdict::Protected).collect();
            rows.sort_by_key(|v| v.verdict.bits);
            rows.get(rows.len() / 2).copied()
        });
        let typical_terms = match typical {
            Some(typical) => case.whole_verdict(typical)?.0.reasons,
            None => Vec::new(),
        };
        reports.push(CohortReport {
            id: cohort.id.0.clone(),
            digest: stored.digest.clone(),
            title: line(&cohort.title),
            rows: cohort.rows() as u64,
            convicted: cohort.convicted,
            declared: cohort.declared,
            bits: cohort.bits,
            families: cohort.families.clone(),
            first_at: cohort.first_at.map(|t| Rfc3339(t).to_string()),
            last_at: cohort.last_at.map(|t| Rfc3339(t).to_string()),
            findings: cohort.findings.iter().take(detail.findings).map(|f| line(f)).collect(),
            decision: resolution.as_ref().map_or(Choice::Hold, |r| r.cohort_state(&cohort.id)),
            tables,
            typical: typical_terms.into_iter().map(|r| crate::model::Reason { detail: line(&r.detail).into(), ..r }).collect(),
            typical_bits: typical.map(|t| t.verdict.bits).unwrap_or_default(),
            hours: None,
            ids: None,
        });
    }
    Ok(reports)
}

fn cohort_table(
    case: &Case,
    known: &Known,
    table: TableId,
    rows: &[&ShortVerdict],
    samples: usize,
    detail: &Detail,
    redact: Redact,
) -> Result<CohortTableReport, SnapshotError> {
    let count = |verdict| rows.iter().filter(|v| v.verdict.verdict == verdict).count() as u64;
    // From the whole length: a list of only the first hides what the rest look like.
    let shown = rows.len().min(samples);
    let mut chosen: BTreeSet<usize> = (0..shown).map(|i| i * rows.len() / shown).collect();
    if shown > 1 {
        chosen.pop_last();
        chosen.insert(rows.len() - 1);
    }
    // The key has a column of its own.
    let key = case.table(table).key();
    let mut columns = telling(&known.roles[table.index()], detail.columns + key.len());
    columns.retain(|c| !key.contains(c));
    columns.truncate(detail.columns);
    let mut samples = Vec::new();
    for index in chosen {
        let (verdict, digest) = case.whole_verdict(rows[index])?;
        samples.push(sample(case, known, &verdict, &digest, &columns, detail.longest, redact)?);
    }
    Ok(CohortTableReport {
        name: table_name(case, table),
        guarded: crate::cohort::is_guarded_class(known.class[table.index()]),
        seeded: count(Verdict::Seeded),
        review: count(Verdict::Review),
        protected: count(Verdict::Protected),
        columns: columns.iter().map(|c| line(&case.table(table).table.columns[*c].name)).collect(),
        samples,
    })
}

fn sample(
    case: &Case,
    known: &Known,
    verdict: &RowVerdict,
    digest: &str,
    columns: &[usize],
    longest: usize,
    redact: Redact,
) -> Result<SampleRow, SnapshotError> {
    let (table, row) = (verdict.table, verdict.row);
    let roles = &known.roles[table.index()];
    let key_roles = &known.key_roles[table.index()];
    let key = case.row_key(table, row)?;
    let cells = case.cells(table, row, columns)?;
    let bound = is_open_key(&key, key_roles, redact).then(|| Bound {
        table: case.table(table).table.name.to_string(),
        key: row_key_json(&key),
        digest: digest.to_owned(),
    });
    Ok(SampleRow {
        key: show_key(&key, key_roles, redact),
        bound,
        verdict: verdict.verdict,
        bits: verdict.bits,
        cells: cells.iter().zip(columns).map(|(v, c)| mark::cell(v, roles[*c], redact, longest, &verdict.reasons)).collect(),
    })
}

/// Returns the columns that tell a reader most, in the table's order.
fn telling(roles: &[Role], most: usize) -> Vec<usize> {
    let mut columns: Vec<usize> = (0..roles.len()).collect();
    columns.sort_by_key(|c| (weight(roles[*c]), *c));
    columns.truncate(most);
    columns.sort_unstable();
    columns
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

/// Lists rows that are decided by themselves, those in review, then protected ones, as far as `room` bytes go.
fn listed(case: &Case, known: &Known, verdicts: &[ShortVerdict], room: usize, redact: Redact) -> Result<Vec<ListedRow>, SnapshotError> {
    let of = |wanted: Verdict| verdicts.iter().filter(move |v| v.verdict.verdict == wanted);
    let mut rows = Vec::new();
    let mut left = room;
    for (verdict, most, reserve) in [(Verdict::Review, LISTED_REVIEW, room / 4), (Verdict::Protected, LISTED_PROTECTED, 0)] {
        for short in of(verdict).take(most) {
            let (whole, digest) = case.whole_verdict(short)?;
            let row = listed_row(case, known, &whole, &digest, redact)?;
            let names: usize = row.columns.iter().map(|c| 45 + c.len()).sum();
            let bytes = row_bytes(&row.row) + names + row.table.len() + row.why.len() + 60;
            if left < reserve + bytes {
                break;
            }
            left -= bytes;
            rows.push(row);
        }
    }
    Ok(rows)
}

fn listed_row(case: &Case, known: &Known, verdict: &RowVerdict, digest: &str, redact: Redact) -> Result<ListedRow, SnapshotError> {
    let roles = &known.roles[verdict.table.index()];
    let mut columns = telling(roles, 4);
    // The key has a column of its own in the list.
    columns.retain(|c| !case.table(verdict.table).key().contains(c));
    columns.truncate(3);
    // What decides: a protection's own words, else what speaks for a seed, strongest first.
    let mut said: Vec<&crate::model::Reason> = verdict
        .reasons
        .iter()
        .filter(|r| if verdict.verdict == Verdict::Protected { r.detector == "protect" } else { r.bits > Bits::ZERO })
        .collect();
    said.sort_by_key(|r| std::cmp::Reverse(r.bits));
    let words: Vec<&str> = said.iter().take(2).map(|r| &*r.detail).collect();
    Ok(ListedRow {
        table: table_name(case, verdict.table),
        cohort: verdict.cohort.as_ref().map(|c| c.0.clone()),
        columns: columns.iter().map(|c| line(&case.table(verdict.table).table.columns[*c].name)).collect(),
        row: sample(case, known, verdict, digest, &columns, 40, redact)?,
        why: line(&words.join("; ")),
    })
}

/// Shows the key of a spared row, which the case holds as a JSON array of texts.
fn spared_key(case: &Case, known: &Known, table: &str, key: &str, redact: Redact) -> String {
    let roles = case.find_table(table).map(|t| known.key_roles[t.index()].clone()).unwrap_or_default();
    let parts: Vec<Option<String>> = serde_json::from_str(key).unwrap_or_default();
    let values: Vec<crate::model::Value> =
        parts.into_iter().map(|p| p.map_or(crate::model::Value::Null, crate::model::Value::Text)).collect();
    show_key(&values, &roles, redact)
}

fn coverage(case: &Case) -> Result<Vec<Coverage>, SnapshotError> {
    let runs = case.detector_runs()?;
    let place = |id: &str| DETECTORS.iter().position(|d| d.meta().id == id).unwrap_or(usize::MAX);
    let mut coverage: Vec<(usize, TableId, Coverage)> = runs
        .into_iter()
        .map(|(detector, table, result, facts, why)| {
            let name = table_name(case, table);
            (place(&detector), table, Coverage { detector: line(&detector), table: name, result: line(&result), facts, why: line(&why) })
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

/// Lists what was read: the snapshot's inputs, and what the project says of its seed, with its digest.
fn inputs(case: &Case) -> Result<Vec<InputReport>, SnapshotError> {
    let read = case.inputs()?.into_iter().map(|(name, format, bytes)| InputReport { name: line(&name), format, bytes });
    let given: Vec<KnownInput> = serde_json::from_str(&case.meta("given")?.unwrap_or_default()).unwrap_or_default();
    let given =
        given.into_iter().map(|g| InputReport { name: line(&format!("{} ({})", g.name, g.digest)), format: g.kind, bytes: g.bytes });
    Ok(read.chain(given).collect())
}
