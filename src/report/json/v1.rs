//! Version 1 of `report.json`. Fields may be added (1.x); renaming, removing or retyping one is version 2.
//! Holds no absolute path, thread count or clock other than `--now`; ids that may exceed 2^53 are strings.

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::model;

#[derive(Serialize, JsonSchema)]
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
    figures: Figures<'a>,
    listed: Vec<Listed<'a>>,
    review_total: u64,
    protected_total: u64,
    deletion_order: Vec<Deletion<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Tool<'a> {
    name: &'static str,
    version: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct Run<'a> {
    made_at: &'a str,
    config_sha256: &'a str,
    redact: &'static str,
}

#[derive(Serialize, JsonSchema)]
struct Snapshot<'a> {
    id: &'a str,
    engine: &'a str,
    taken_at: Option<&'a str>,
    taken_at_source: &'a str,
    truncated: bool,
    inputs: Vec<Input<'a>>,
    bytes: Vec<Bytes<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Input<'a> {
    name: &'a str,
    format: &'a str,
    bytes: u64,
}

#[derive(Serialize, JsonSchema)]
struct Bytes<'a> {
    kind: &'a str,
    bytes: u64,
}

#[derive(Serialize, JsonSchema)]
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

#[derive(Serialize, JsonSchema)]
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
    declared: bool,
    digest: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct FamilyBits {
    family: &'static str,
    bits: f64,
}

#[derive(Serialize, JsonSchema)]
struct CohortTable<'a> {
    name: &'a str,
    guarded: bool,
    seeded: u64,
    review: u64,
    protected: u64,
    samples: Vec<Sample<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Sample<'a> {
    key: &'a str,
    verdict: &'static str,
    bits: f64,
}

/// What the business counts; numbers are exact decimals, and so are texts.
#[derive(Serialize, JsonSchema)]
struct Figures<'a> {
    people: &'a str,
    accounts_before: String,
    accounts_after: String,
    figures: Vec<Figure<'a>>,
    months: Vec<Month<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Figure<'a> {
    title: &'a str,
    table: &'a str,
    unit: &'a str,
    before: String,
    seeded: String,
    review: String,
    after: String,
}

/// Rows of the table of people by month of creation.
#[derive(Serialize, JsonSchema)]
struct Month<'a> {
    month: &'a str,
    stay: u64,
    seeded: u64,
    review: u64,
}

/// A row that is decided by itself.
#[derive(Serialize, JsonSchema)]
struct Listed<'a> {
    table: &'a str,
    key: &'a str,
    verdict: &'static str,
    bits: f64,
    cohort: Option<&'a str>,
    why: &'a str,
}

/// A table that loses rows, in the order of deletion.
#[derive(Serialize, JsonSchema)]
struct Deletion<'a> {
    table: &'a str,
    seeded: u64,
    review: u64,
}

#[derive(Serialize, JsonSchema)]
struct Detector<'a> {
    id: &'a str,
    title: &'a str,
    result: &'a str,
    why: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct Coverage<'a> {
    detector: &'a str,
    table: &'a str,
    result: &'a str,
    facts: usize,
    why: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct Spared<'a> {
    total: usize,
    rows: Vec<SparedRow<'a>>,
}

#[derive(Serialize, JsonSchema)]
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
            figures: figures(&report.figures),
            listed: report
                .listed
                .iter()
                .map(|l| Listed {
                    table: &l.table,
                    key: &l.row.key,
                    verdict: l.row.verdict.as_str(),
                    bits: l.row.bits.get(),
                    cohort: l.cohort.as_deref(),
                    why: &l.why,
                })
                .collect(),
            review_total: report.review_total,
            protected_total: report.protected_total,
            deletion_order: report
                .graph
                .nodes
                .iter()
                .filter(|n| n.order.is_some())
                .map(|n| Deletion { table: &n.name, seeded: n.seeded, review: n.review })
                .collect(),
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

fn figures(figures: &model::Figures) -> Figures<'_> {
    Figures {
        people: &figures.people,
        accounts_before: figures.base.before.to_string(),
        accounts_after: figures.base.after().to_string(),
        figures: figures
            .figures
            .iter()
            .map(|f| Figure {
                title: &f.title,
                table: &f.table,
                unit: &f.unit,
                before: f.before.to_string(),
                seeded: f.seeded.to_string(),
                review: f.review.to_string(),
                after: f.after().to_string(),
            })
            .collect(),
        months: figures.months.iter().map(|m| Month { month: &m.name, stay: m.stay, seeded: m.seeded, review: m.review }).collect(),
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
        declared: cohort.declared,
        digest: &cohort.digest,
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
