//! `report.html`: one self-contained file. Data is never markup (maud escapes by construction), a
//! content security policy stands behind that, and nothing is loaded from anywhere.

mod picture;

use base64::Engine as _;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::model::{CohortReport, CohortTableReport, Report};
use super::{Render, json};
use crate::config::Redact;
use crate::model::{Bits, Choice, Verdict};

/// The HTML report.
pub struct Html;

const STYLE: &str = include_str!("style.css");

/// Cohorts shown in full; the rest is in the case file and in report.json.
const COHORTS: usize = 100;

/// Cohorts whose details are open from the start.
const OPEN: usize = 5;

impl Render for Html {
    fn id(&self) -> &'static str {
        "html"
    }

    fn file_name(&self) -> &'static str {
        "report.html"
    }

    fn render(&self, report: &Report) -> Vec<u8> {
        page(report).into_string().into_bytes()
    }
}

fn hash(text: &str) -> String {
    format!("'sha256-{}'", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes())))
}

fn page(report: &Report) -> Markup {
    let policy = format!("default-src 'none'; style-src {}; img-src data:; base-uri 'none'; form-action 'none'", hash(STYLE));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="referrer" content="no-referrer";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Cleanliness report: " (report.verdict.as_str()) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a class="skip" href="#main" { "Skip to the findings" }
                (head(report))
                main id="main" {
                    (tables(report))
                    (timeline(report))
                    (cohorts(report))
                    (spared(report))
                    (coverage(report))
                    (method(report))
                    (limits(report))
                }
                footer { p { "unseed " (report.tool_version) ", report made " (report.made_at) ". The same figures are in report.json and in the case file." } }
            }
        }
    }
}

fn head(report: &Report) -> Markup {
    let snapshot = &report.snapshot;
    html! {
        header {
            h1 { "Cleanliness report" }
            p class="soft" {
                @for input in &snapshot.inputs { code { (input.name) } " " }
                "· " (snapshot.engine) " · snapshot " code { (&snapshot.id[..16.min(snapshot.id.len())]) }
                " · taken " @if snapshot.taken_at.is_empty() { "at an unknown time" } @else { (snapshot.taken_at) " (" (snapshot.taken_at_source) ")" }
                " · values masked: " (redact_word(report.redact)) " · times in UTC"
            }
            div class={ "strip " (report.verdict.as_str()) } {
                p { b { (report.verdict.as_str().to_uppercase()) } }
                p { (report.verdict_reason) "." }
                @if !report.recommendations.is_empty() {
                    ul { @for line in &report.recommendations { li { (line) } } }
                }
            }
        }
    }
}

const fn redact_word(mode: Redact) -> &'static str {
    match mode {
        Redact::None => "none",
        Redact::Partial => "partly",
        Redact::Full => "fully",
    }
}

fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

fn count(n: u64) -> Markup {
    html! { @if n == 0 { span class="soft" { "0" } } @else { (number(n)) } }
}

fn tables(report: &Report) -> Markup {
    let total = |of: fn(&super::TableReport) -> u64| report.tables.iter().map(of).sum::<u64>();
    html! {
        h2 { "Before and after" }
        @if report.tables.is_empty() { p { "The input holds no table." } }
        @else {
            div class="wide" tabindex="0" role="region" aria-label="Rows per table" {
                table {
                    thead { tr {
                        th scope="col" { "Table" } th scope="col" { "Class" }
                        @for title in ["Rows", "Seeded", "Review", "Protected", "Remain"] { th scope="col" class="n" { (title) } }
                    } }
                    tbody {
                        @for table in &report.tables {
                            tr {
                                th scope="row" { bdi { (table.name) } }
                                td { (table.class.as_str()) }
                                td class="n" { (count(table.rows)) }
                                td class="n" { (count(table.seeded)) }
                                td class="n" { (count(table.review)) }
                                td class="n" { (count(table.protected)) }
                                td class="n" { (number(table.remaining())) @if table.rows > 0 && table.remaining() == 0 { " (empty)" } }
                            }
                        }
                        tr {
                            th scope="row" { "Total" } td {}
                            td class="n" { (number(total(|t| t.rows))) }
                            td class="n" { (number(total(|t| t.seeded))) }
                            td class="n" { (number(total(|t| t.review))) }
                            td class="n" { (number(total(|t| t.protected))) }
                            td class="n" { (number(total(super::TableReport::remaining))) }
                        }
                    }
                }
            }
            p class="soft" { "Remain: rows left if every seeded row goes. Only rows that people approve are ever deleted." }
        }
    }
}

fn timeline(report: &Report) -> Markup {
    let timeline = &report.timeline;
    html! {
        @if !timeline.days.is_empty() {
            h2 { "Sign-ups: " bdi { (timeline.table) } }
            (picture::timeline(timeline))
        }
    }
}

fn verdict_tag(verdict: Verdict) -> Markup {
    html! { span class={ "tag " (verdict.as_str()) } { (verdict.as_str()) } }
}

fn cohorts(report: &Report) -> Markup {
    html! {
        h2 { "Cohorts" }
        @if report.cohorts.is_empty() { p { "No group of rows was found." } }
        @for (index, cohort) in report.cohorts.iter().take(COHORTS).enumerate() { (card(cohort, index)) }
        @if report.cohorts.len() > COHORTS { p { (report.cohorts.len() - COHORTS) " more cohorts are in report.json." } }
    }
}

fn card(cohort: &CohortReport, index: usize) -> Markup {
    html! {
        section class="card" aria-labelledby={ "cohort-" (index) } {
            h3 id={ "cohort-" (index) } {
                code { (cohort.id) } " " bdi { (cohort.title) } " "
                (verdict_tag(if cohort.convicted { Verdict::Seeded } else { Verdict::Review }))
                @if cohort.decision != Choice::Hold { " " span class="tag" { "decided: " (cohort.decision.as_str()) } }
            }
            p class="soft" {
                (number(cohort.rows)) " rows"
                @if let Some(first) = &cohort.first_at { " · created " (first) @if let Some(last) = cohort.last_at.as_ref().filter(|l| *l != first) { " to " (last) } }
            }
            ul { @for finding in &cohort.findings { li { bdi { (finding) } } } }
            @if !cohort.typical.is_empty() {
                p { "A typical row, in bits for (right) and against (left) a seed:" }
                (picture::waterfall(&cohort.typical, cohort.typical_bits))
            }
            details open[index < OPEN] {
                summary { "Rows by table" }
                @for table in &cohort.tables { (cohort_table(table)) }
            }
        }
    }
}

fn cohort_table(table: &CohortTableReport) -> Markup {
    html! {
        p {
            b { bdi { (table.name) } } ": "
            @if table.seeded > 0 { (number(table.seeded)) " seeded " }
            @if table.review > 0 { (number(table.review)) " in review " }
            @if table.protected > 0 { (number(table.protected)) " protected " }
            @if table.guarded { span class="soft" { "(an approval must name this table)" } }
        }
        div class="wide" tabindex="0" role="region" aria-label={ "Sample rows of " (table.name) } {
            table {
                thead { tr { th scope="col" { "Verdict" } th scope="col" class="n" { "Bits" } @for column in &table.columns { th scope="col" { bdi { (column) } } } } }
                tbody {
                    @for row in &table.samples {
                        tr { td { (verdict_tag(row.verdict)) } td class="n" { (bits(row.bits)) } @for cell in &row.cells { td { bdi class="mono" { (cell) } } } }
                    }
                }
            }
        }
    }
}

fn bits(bits: Bits) -> String {
    bits.to_string()
}

fn spared(report: &Report) -> Markup {
    html! {
        @if report.spared_total > 0 {
            h2 { "Look-alikes that were spared" }
            p { (number(report.spared_total as u64)) " rows share something with seeded ones and stay real: what speaks for a seed is too little, or of one kind only." }
            details {
                summary { "The " (report.spared.len()) " closest" }
                div class="wide" tabindex="0" role="region" aria-label="Spared rows" {
                    table {
                        thead { tr { th scope="col" { "Table" } th scope="col" { "Key" } th scope="col" class="n" { "Bits" } th scope="col" { "What it shares" } } }
                        tbody { @for row in &report.spared { tr { td { bdi { (row.table) } } td { bdi class="mono" { (row.key) } } td class="n" { (bits(row.bits)) } td { bdi { (row.why) } } } } }
                    }
                }
            }
        }
    }
}

fn coverage(report: &Report) -> Markup {
    html! {
        h2 { "What was looked for" }
        div class="wide" tabindex="0" role="region" aria-label="Detectors" {
            table {
                thead { tr { th scope="col" { "Detector" } th scope="col" { "Result" } th scope="col" { "Why" } } }
                tbody { @for detector in &report.detectors { tr { th scope="row" { (detector.title) br; code class="soft" { (detector.id) } } td { (detector.result) } td { bdi { (detector.why) } } } } }
            }
        }
        details {
            summary { "Every detector on every table" }
            div class="wide" tabindex="0" role="region" aria-label="Detectors by table" {
                table {
                    thead { tr { th scope="col" { "Detector" } th scope="col" { "Table" } th scope="col" { "Result" } th scope="col" class="n" { "Facts" } th scope="col" { "Why not" } } }
                    tbody { @for run in &report.coverage { tr { td { code { (run.detector) } } td { bdi { (run.table) } } td { (run.result) } td class="n" { (run.facts) } td { (run.why) } } } }
                }
            }
        }
        @if !report.not_checked.is_empty() {
            h3 { "Not checked" }
            ul { @for line in &report.not_checked { li { bdi { (line) } } } }
        }
    }
}

fn method(report: &Report) -> Markup {
    html! {
        h2 { "Method" }
        p { "Every fact is worth bits: log2 of how much likelier it is among a seed's rows than among others of the same table. A row starts at -10 bits (1 row in 1,024), each family of facts counts once and is capped, membership in an accepted cohort adds what its odds are against a stranger, and signs of a person subtract. From 13.29 bits (odds of 10,000 to 1) a row is seeded, if its cohort shows two families of facts besides time and one that no person makes; from 0 bits a person must look." }
        details {
            summary { "Configuration in force" }
            p { "SHA-256 of unseed.toml: " code { (report.config_sha256) } }
            p { code { (report.config) } }
            p { "Input bytes: " @for (kind, bytes) in &report.snapshot.bytes { (kind) " " (number(*bytes)) " · " } "every byte is accounted for." }
        }
    }
}

fn limits(_report: &Report) -> Markup {
    html! {
        h2 { "What this cannot tell" }
        ul {
            li { "A tester with an ordinary name, an own mailbox and a home connection looks like a customer, and is taken for one." }
            li { "Names alone, without order of insertion, shared passwords or templates, show that a group exists, not which rows belong to it." }
            li { "A snapshot whose values were made up before it was handed over cannot be judged." }
            li { "What happened in production after the snapshot is not known here; the delete script checks it again." }
        }
        p class="soft" { "The same report as data: " code { (json::Json.file_name()) } "." }
    }
}
