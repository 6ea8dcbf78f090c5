//! Version 1 of `report.json`. Fields may be added (1.x); renaming, removing or retyping one is version 2.
//! Holds no absolute path, thread count or clock other than `--now`; ids that may exceed 2^53 are strings.

use serde::Serialize;

use crate::report::model;

#[derive(Serialize)]
pub(super) struct Report<'a> {
    schema_version: &'static str,
    tool: Tool<'a>,
    run: Run<'a>,
    snapshot: Snapshot<'a>,
    verdict: &'static str,
    verdict_reason: &'a str,
    tables: Vec<Table<'a>>,
    cohorts: Vec<Cohort<'a>>,
    detectors: Vec<Detector<'a>>,
    coverage: Vec<Coverage<'a>>,
    spared: Spared<'a>,
    recommendations: &'a [String],
    not_checked: &'a [String],
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'static str,
    version: &'a str,
}

#[derive(Serialize)]
struct Run<'a> {
    made_at: &'a str,
    config_sha256: &'a str,
    redact: &'static str,
}

#[derive(Serialize)]
struct Snapshot<'a> {
    id: &'a str,
    engine: &'a str,
    taken_at: Option<&'a str>,
    taken_at_source: &'a str,
    truncated: bool,
    inputs: Vec<Input<'a>>,
    bytes: Vec<Bytes<'a>>,
}

#[derive(Serialize)]
struct Input<'a> {
    name: &'a str,
    format: &'a str,
    bytes: u64,
}

#[derive(Serialize)]
struct Bytes<'a> {
    kind: &'a str,
    bytes: u64,
}

#[derive(Serialize)]
struct Table<'a> {
    name: &'a str,
    class: &'static str,
    rows: u64,
    rejected: u64,
    seeded: u64,
    review: u64,
    protected: u64,
    remaining: u64,
}

#[derive(Serialize)]
struct Cohort<'a> {
    id: &'a str,
    title: &'a str,
    rows: u64,
    convicted: bool,
    bits: f64,
    families: Vec<FamilyBits>,
    first_at: Option<&'a str>,
    last_at: Option<&'a str>,
    findings: &'a [String],
    decision: &'static str,
    tables: Vec<CohortTable<'a>>,
}

#[derive(Serialize)]
struct FamilyBits {
    family: &'static str,
    bits: f64,
}

#[derive(Serialize)]
struct CohortTable<'a> {
    name: &'a str,
    guarded: bool,
    seeded: u64,
    review: u64,
    protected: u64,
    samples: Vec<Sample<'a>>,
}

#[derive(Serialize)]
struct Sample<'a> {
    key: &'a str,
    verdict: &'static str,
    bits: f64,
}

#[derive(Serialize)]
struct Detector<'a> {
    id: &'a str,
    title: &'a str,
    result: &'a str,
    why: &'a str,
}

#[derive(Serialize)]
struct Coverage<'a> {
    detector: &'a str,
    table: &'a str,
    result: &'a str,
    facts: usize,
    why: &'a str,
}

#[derive(Serialize)]
struct Spared<'a> {
    total: usize,
    rows: Vec<SparedRow<'a>>,
}

#[derive(Serialize)]
struct SparedRow<'a> {
    table: &'a str,
    key: &'a str,
    bits: f64,
    why: &'a str,
}

impl<'a> From<&'a model::Report> for Report<'a> {
    fn from(report: &'a model::Report) -> Self {
        Self {
            schema_version: "1.0",
            tool: Tool { name: "unseed", version: &report.tool_version },
            run: Run {
                made_at: &report.made_at,
                config_sha256: &report.config_sha256,
                redact: match report.redact {
                    crate::config::Redact::None => "none",
                    crate::config::Redact::Partial => "partial",
                    crate::config::Redact::Full => "full",
                },
            },
            snapshot: Snapshot {
                id: &report.snapshot.id,
                engine: &report.snapshot.engine,
                taken_at: Some(report.snapshot.taken_at.as_str()).filter(|t| !t.is_empty()),
                taken_at_source: &report.snapshot.taken_at_source,
                truncated: report.snapshot.truncated,
                inputs: report.snapshot.inputs.iter().map(|i| Input { name: &i.name, format: &i.format, bytes: i.bytes }).collect(),
                bytes: report.snapshot.bytes.iter().map(|(kind, bytes)| Bytes { kind, bytes: *bytes }).collect(),
            },
            verdict: report.verdict.as_str(),
            verdict_reason: &report.verdict_reason,
            tables: report.tables.iter().map(table).collect(),
            cohorts: report.cohorts.iter().map(cohort).collect(),
            detectors: report.detectors.iter().map(|d| Detector { id: &d.id, title: &d.title, result: &d.result, why: &d.why }).collect(),
            coverage: report
                .coverage
                .iter()
                .map(|c| Coverage { detector: &c.detector, table: &c.table, result: &c.result, facts: c.facts, why: &c.why })
                .collect(),
            spared: Spared {
                total: report.spared_total,
                rows: report.spared.iter().map(|s| SparedRow { table: &s.table, key: &s.key, bits: s.bits.get(), why: &s.why }).collect(),
            },
            recommendations: &report.recommendations,
            not_checked: &report.not_checked,
        }
    }
}

fn table(table: &model::TableReport) -> Table<'_> {
    Table {
        name: &table.name,
        class: table.class.as_str(),
        rows: table.rows,
        rejected: table.rejected,
        seeded: table.seeded,
        review: table.review,
        protected: table.protected,
        remaining: table.remaining(),
    }
}

fn cohort(cohort: &model::CohortReport) -> Cohort<'_> {
    Cohort {
        id: &cohort.id,
        title: &cohort.title,
        rows: cohort.rows,
        convicted: cohort.convicted,
        bits: cohort.bits.get(),
        families: cohort.families.iter().map(|(f, b)| FamilyBits { family: f.as_str(), bits: b.get() }).collect(),
        first_at: cohort.first_at.as_deref(),
        last_at: cohort.last_at.as_deref(),
        findings: &cohort.findings,
        decision: cohort.decision.as_str(),
        tables: cohort
            .tables
            .iter()
            .map(|t| CohortTable {
                name: &t.name,
                guarded: t.guarded,
                seeded: t.seeded,
                review: t.review,
                protected: t.protected,
                samples: t.samples.iter().map(|s| Sample { key: &s.key, verdict: s.verdict.as_str(), bits: s.bits.get() }).collect(),
            })
            .collect(),
    }
}
