//! `report.html`: one self-contained file. Data is never markup (maud escapes by construction), a
//! content security policy stands behind that, and nothing is loaded from anywhere. Everything reads
//! without scripts; the one script lets people decide and writes a decisions file.

mod cohort;
mod figures;
mod graph;
mod picture;
mod rows;
mod text;

use base64::Engine as _;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use self::text::{counted, grouped, number};
use super::Render;
use super::model::Report;
use crate::config::Redact;
use crate::model::Bits;
use crate::model::verdict::SnapshotVerdict;

/// The HTML report.
pub(super) struct Html;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("review.js");

/// Tables up to which coverage is a matrix; more columns nobody reads.
const MATRIX: usize = 24;

/// Tables named for each reason why a detector does not apply.
const NAMED: usize = 8;

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
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    );
    let mut rows = rows::Rows::default();
    let cohorts = cohort::section(report, &mut rows);
    let listed = rows::section(report, &mut rows);
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
                main id="main" tabindex="-1" {
                    (figures::section(report))
                    (timeline(report))
                    (cohorts)
                    (listed)
                    (graph::section(&report.graph))
                    (spared(report))
                    (coverage(report))
                    (method(report))
                    (limits())
                    (glossary())
                }
                footer { p { "unseed " (report.tool_version) ", report made " (report.made_at) ". The same figures are in report.json and in the case file." } }
                (rows::data(report, &rows))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

fn head(report: &Report) -> Markup {
    let snapshot = &report.snapshot;
    let sign = match report.verdict {
        SnapshotVerdict::Clean => "\u{2713}",
        SnapshotVerdict::Seeded => "\u{2715}",
        SnapshotVerdict::Suspect => "?",
        SnapshotVerdict::Unchecked => "\u{2013}",
    };
    let base = &report.figures.base;
    html! {
        header {
            h1 { "Cleanliness report" }
            p class="soft" {
                @for input in &snapshot.inputs { code { bdi { (input.name) } } " " }
                "· " (snapshot.engine) " · snapshot " code { (&snapshot.id[..16.min(snapshot.id.len())]) }
                " · taken " @if snapshot.taken_at.is_empty() { "at an unknown time" } @else { (snapshot.taken_at) " (" (snapshot.taken_at_source) ")" }
                " · values masked: " (redact_word(report.redact)) " · times in UTC"
            }
            div class={ "strip " (report.verdict.as_str()) } {
                div class="verdict" {
                    span class="sign" aria-hidden="true" { (sign) }
                    p { b { (report.verdict.as_str().to_uppercase()) } br; (report.verdict_reason) "." }
                }
                dl class="tiles" {
                    @if !report.figures.people.is_empty() {
                        div class="main" { dt { "Your real user base" } dd { (grouped(&base.after().to_string())) } dd class="soft" { "of " (grouped(&base.before.to_string())) " accounts in " bdi { (report.figures.people) } @if !base.review.is_zero() { ", " (grouped(&base.review.to_string())) " of them in review" } } }
                    }
                    div { dt { "Seeded" } dd { (number(report.total(|t| t.seeded))) } dd class="soft" { "rows, in " (counted(report.cohorts.iter().filter(|c| c.convicted).count() as u64, "cohort")) } }
                    div { dt { "In review" } dd { (number(report.review_total)) } dd class="soft" { "rows" } }
                    div { dt { "Protected" } dd { (number(report.protected_total)) } dd class="soft" { "rows" } }
                }
            }
            @if !report.recommendations.is_empty() {
                h2 class="small" { "What to do next" }
                ul { @for line in &report.recommendations { li { bdi { (line) } } } }
            }
            noscript { p class="soft" { "Scripts are off: everything can be read; decide with " code { "unseed review CASE" } "." } }
            nav aria-label="Parts of the report" {
                a href="#before-after" { "Before and after" }
                @if !report.timeline.days.is_empty() { a href="#timeline" { "Timeline" } }
                a href="#cohorts" { "Cohorts" }
                @if report.review_total > 0 { a href="#review-rows" { "Rows in review" } }
                @if report.protected_total > 0 { a href="#protected-rows" { "Protected" } }
                a href="#order" { "Order of deletion" }
                @if report.spared_total > 0 { a href="#spared" { "Spared" } }
                a href="#coverage" { "Coverage" } a href="#method" { "Method" } a href="#limits" { "Limits" } a href="#glossary" { "Glossary" }
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

fn timeline(report: &Report) -> Markup {
    let timeline = &report.timeline;
    let flagged: Vec<&super::Day> = timeline.days.iter().filter(|d| d.seeded + d.review > 0).collect();
    html! {
        @if !timeline.days.is_empty() {
            section id="timeline" aria-labelledby="timeline-heading" {
                h2 id="timeline-heading" { "Sign-ups over time: " bdi { (timeline.table) } }
                (picture::timeline(timeline, |train| report.cohorts.iter().position(|c| c.id == train.cohort).map_or(0, |p| p + 1)))
                details {
                    summary { "As a table: days with seeded rows or rows in review" }
                    div class="wide" tabindex="0" role="region" aria-label="Days with seeded rows" {
                        table {
                            thead { tr { th scope="col" { "Day" } th scope="col" class="n" { "Stay" } th scope="col" class="n" { "In review" } th scope="col" class="n" { "Seeded" } } }
                            tbody { @for day in flagged.iter().take(60) { tr { th scope="row" { (crate::model::stamp::Rfc3339(day.day * crate::model::stamp::DAY).to_string()[..10]) } td class="n" { (number(day.stay)) } td class="n" { (number(day.review)) } td class="n" { (number(day.seeded)) } } } }
                        }
                    }
                    @if flagged.len() > 60 { p class="soft" { "and " (flagged.len() - 60) " more days" } }
                }
                @if !timeline.trains.is_empty() {
                    h3 { "Close up: how the cohorts came in" }
                    div class="trains" {
                        @for train in &timeline.trains { (picture::train(train, report.cohorts.iter().position(|c| c.id == train.cohort).unwrap_or_default())) }
                    }
                }
            }
        }
    }
}

fn spared(report: &Report) -> Markup {
    html! {
        @if report.spared_total > 0 {
            section id="spared" aria-labelledby="spared-title" {
                h2 id="spared-title" { "Look-alikes that were spared" }
                p { (counted(report.spared_total as u64, "row")) " look like seeded ones and stay real: what speaks for a seed is too little, or of one kind only." }
                details open[report.spared.len() <= 20] {
                    summary { "The " (report.spared.len()) " closest" }
                    div class="wide" tabindex="0" role="region" aria-label="Spared rows" {
                        table {
                            thead { tr { th scope="col" { "Table" } th scope="col" { "Key" } th scope="col" class="n" { "Bits" } th scope="col" { "What it shares" } th scope="col" { "What speaks against a seed" } } }
                            tbody { @for row in &report.spared { tr {
                                td { bdi { (row.table) } } td { bdi class="mono" { (text::key(&row.key)) } } td class="n" { (row.bits) } td { bdi { (row.why) } }
                                td { @if row.against.is_empty() { span class="soft" { @if row.bits < Bits::ZERO { "nothing, but what is shared is too little" } @else { "nothing else it shares with a group" } } } @else { bdi { (row.against) } } }
                            } } }
                        }
                    }
                }
            }
        }
    }
}

fn coverage(report: &Report) -> Markup {
    let looked: Vec<&str> =
        report.tables.iter().map(|t| t.name.as_str()).filter(|n| report.coverage.iter().any(|c| c.table == *n)).collect();
    // By reason: a schema may have a thousand tables.
    let mut off: Vec<((&str, &str), Vec<&str>)> = Vec::new();
    for run in report.coverage.iter().filter(|c| c.result == "not applicable") {
        match off.iter_mut().find(|o| o.0 == (run.detector.as_str(), run.why.as_str())) {
            Some((_, tables)) => tables.push(&run.table),
            None => off.push(((&run.detector, &run.why), vec![&run.table])),
        }
    }
    html! {
        section id="coverage" aria-labelledby="coverage-title" {
            h2 id="coverage-title" { "What was looked for" }
            div class="wide" tabindex="0" role="region" aria-label="Detectors" {
                table {
                    caption { "Detectors over all tables" }
                    thead { tr { th scope="col" { "Detector" } th scope="col" { "Result" } th scope="col" { "Why" } } }
                    tbody { @for detector in &report.detectors { tr { th scope="row" { (detector.title) br; code class="soft" { (detector.id) } } td class="result" { (result(&detector.result)) } td { bdi { (detector.why) } } } } }
                }
            }
            @if !looked.is_empty() && looked.len() <= MATRIX {
                details {
                    summary { "Every detector on every table" }
                    div class="wide" tabindex="0" role="region" aria-label="Detectors by table" {
                        table class="matrix" {
                            caption { "Facts found; 0: looked and found nothing; n/a: not applicable, so not looked for" }
                            thead { tr { th scope="col" { "Detector" } @for table in &looked { th scope="col" class="n" { bdi { (table) } } } } }
                            tbody { @for detector in &report.detectors { tr {
                                th scope="row" { code { (detector.id) } }
                                @for table in &looked { (cell(report, &detector.id, table)) }
                            } } }
                        }
                    }
                }
            }
            details {
                summary { "Where a detector does not apply, and why" }
                div class="wide" tabindex="0" role="region" aria-label="Detectors that do not apply" {
                    table {
                        thead { tr { th scope="col" { "Detector" } th scope="col" { "Why not" } th scope="col" class="n" { "Tables" } th scope="col" { "Which" } } }
                        tbody { @for ((detector, why), tables) in &off { tr {
                            td { code { (detector) } } td { bdi { (why) } } td class="n" { (number(tables.len() as u64)) }
                            td { @for table in tables.iter().take(NAMED) { bdi { (table) } " " } @if tables.len() > NAMED { "and " (tables.len() - NAMED) " more" } }
                        } } }
                    }
                }
            }
            @if !report.not_checked.is_empty() {
                h3 { "Not checked" }
                ul { @for line in &report.not_checked { li { bdi { (line) } } } }
            }
        }
    }
}

fn result(word: &str) -> Markup {
    let sign = match word {
        "found" => "\u{25cf}",
        "nothing" => "\u{25cb}",
        _ => "\u{2013}",
    };
    html! { span class={ "sign " (if word == "found" { "found" } else { "soft" }) } aria-hidden="true" { (sign) } " " (word) }
}

fn cell(report: &Report, detector: &str, table: &str) -> Markup {
    let run = report.coverage.iter().find(|c| c.detector == detector && c.table == table);
    html! {
        @match run {
            Some(run) if run.result == "found" => td class="n found" { (number(run.facts as u64)) },
            Some(run) if run.result == "nothing" => td class="n" { "0" },
            Some(_) => td class="n soft" { "n/a" },
            None => td class="n soft" { "not run" },
        }
    }
}

fn method(report: &Report) -> Markup {
    html! {
        section id="method" aria-labelledby="method-title" {
            h2 id="method-title" { "Method" }
            p { "Every fact is worth bits: log2 of how much likelier it is among a seed's rows than among others of the same table. A row starts at \u{2212}10 bits (1 row in 1,024), each family of facts counts once and is capped, membership in an accepted cohort adds what its odds are against a stranger, and signs of a person subtract. From 13.29 bits (odds of 10,000 to 1) a row is seeded, if its cohort shows two families of facts besides time and one that no person makes; from 0 bits a person must look." }
            dl class="facts" {
                div { dt { "Command" } dd { code { bdi { (report.command) } } } }
                div { dt { "Version" } dd { "unseed " (report.tool_version) ", " (report.detectors.len()) " detectors" } }
                div { dt { "Snapshot" } dd { code { (report.snapshot.id) } } }
                div { dt { "unseed.toml, SHA-256" } dd { code { (report.config_sha256) } } }
                div { dt { "Configuration in force" } dd { code { bdi { (report.config) } } } }
                div { dt { "Bytes read" } dd { @for (kind, bytes) in &report.snapshot.bytes { (kind) " " (number(*bytes)) " · " } "every byte is accounted for" } }
            }
        }
    }
}

fn limits() -> Markup {
    html! {
        section id="limits" aria-labelledby="limits-title" {
            h2 id="limits-title" { "What this cannot tell" }
            ul {
                li { "A tester with an ordinary name, an own mailbox and a home connection looks like a customer, and is taken for one." }
                li { "Names alone, without order of insertion, shared passwords or templates, show that a group exists, not which rows belong to it." }
                li { "A snapshot whose values were made up before it was handed over cannot be judged." }
                li { "What happened in production after the snapshot is not known here; the delete script checks it again." }
                li { "Sums take amounts as they are stored: whether they are cents or euros, paid or failed, the snapshot does not say." }
            }
        }
    }
}

fn glossary() -> Markup {
    let words = [
        ("Seed", "A program that fills a database with made-up rows, for development, tests or demos."),
        (
            "Cohort",
            "Rows, of one table or several, that one run of one program left behind. It is found by what its rows share, and decided as a whole.",
        ),
        (
            "Bit",
            "A measure of evidence. One bit doubles the odds: 10 bits are about 1,000 to 1, 20 bits a million to 1. Bits against a seed are negative.",
        ),
        (
            "Family",
            "Kinds of evidence that do not follow from each other: names, templates, passwords, times and so on. Each family counts once, so that one habit seen twice is not two witnesses.",
        ),
        ("Seeded", "The evidence is beyond 10,000 to 1 and of two kinds. Nothing is deleted before a person approves."),
        ("In review", "Something speaks for a seed, but not enough. A person must look."),
        ("Protected", "The row would be suspicious, or is privileged, and a rule, a role or a veto keeps it. No script can delete it."),
        ("Spared", "The row looked like a seeded one and stays real."),
        ("Train", "Rows that came in one after another faster than people do: a loop in a program."),
        (
            "Evenness",
            "How evenly rows spread over the hours of the week: 1 is perfectly even, 0 is all in one hour. People sleep; programs do not.",
        ),
        ("Blast radius", "What else would go, or stop the deletion, when a row is deleted, because other rows refer to it."),
        ("Look-alike", "A real row that resembles a seed: a person named Test, a bulk import, a shared company address."),
    ];
    html! {
        section id="glossary" aria-labelledby="glossary-title" {
            h2 id="glossary-title" { "Glossary" }
            dl class="facts" { @for (word, meaning) in words { div { dt { (word) } dd { (meaning) } } } }
        }
    }
}
