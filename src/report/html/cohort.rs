//! The card of a cohort: what it is, why it was found, what its rows look like.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::picture;
use super::rows::Rows;
use super::text::{counted, key, number};
use crate::model::{Choice, Verdict};
use crate::report::model::{Cell, CohortReport, CohortTableReport, Report, SampleRow, TableHours};

/// Cohorts shown; the rest is in the case file and in report.json.
pub(super) use crate::report::gather::SHOWN_COHORTS as SHOWN;

/// Cohorts whose details are open from the start.
const OPEN: usize = 5;

/// Cohorts up to which each card shows the usual hours beside its own.
const PAIRED: usize = 40;

/// Findings that are open from the start.
const FINDINGS: usize = 5;

/// Rows below which hours of the week say nothing.
const FEW: u64 = 50;

pub(super) fn section(report: &Report, rows: &mut Rows) -> Markup {
    let usual: BTreeMap<&str, &TableHours> = report.usual_hours.iter().map(|h| (h.table.as_str(), h)).collect();
    html! {
        section id="cohorts" aria-labelledby="cohorts-title" {
            h2 id="cohorts-title" { "Cohorts" }
            div id="review" {}
            @if report.cohorts.is_empty() { p { "No group of rows was found." } }
            @else { p class="soft" { "A cohort is a group of rows that one run of one program left behind. People decide on each as a whole, or on single rows." } }
            @for (index, cohort) in report.cohorts.iter().take(SHOWN).enumerate() {
                (card(cohort, index, if report.cohorts.len() <= PAIRED { Some(&usual) } else { None }, rows))
            }
            @if report.cohorts.len() > SHOWN { p { (report.cohorts.len() - SHOWN) " more cohorts are in report.json and in the case file: unseed review CASE list" } }
        }
    }
}

fn card(cohort: &CohortReport, index: usize, usual: Option<&BTreeMap<&str, &TableHours>>, rows: &mut Rows) -> Markup {
    let id = format!("c{}", index + 1);
    let guarded: Vec<&str> = cohort.tables.iter().filter(|t| t.guarded && t.seeded + t.review > 0).map(|t| t.name.as_str()).collect();
    let in_review: u64 = cohort.tables.iter().map(|t| t.review).sum();
    html! {
        section class="card" id=(id) data-cohort=(index) tabindex="-1" aria-labelledby={ (id) "-title" } {
            h3 id={ (id) "-title" } {
                span class="number" { (index + 1) } " " bdi { (cohort.title) } " "
                (tag(if cohort.convicted { Verdict::Seeded } else { Verdict::Review }))
                @if cohort.declared { " " span class="tag" { "declared demo" } }
                @if cohort.decision != Choice::Hold { " " span class="tag" { "decided: " (cohort.decision.as_str()) } }
            }
            p class="soft" {
                code { (cohort.id) } " · " (counted(cohort.rows, "row")) " · evidence of " (cohort.bits) " bits"
                @if let Some(first) = &cohort.first_at { " · created " (first) @if let Some(last) = cohort.last_at.as_ref().filter(|l| *l != first) { " to " (last) } }
            }
            ul { @for finding in cohort.findings.iter().take(FINDINGS) { li { bdi { (finding) } } } }
            @if cohort.findings.len() > FINDINGS {
                details {
                    summary { (counted((cohort.findings.len() - FINDINGS) as u64, "more finding")) }
                    ul { @for finding in cohort.findings.iter().skip(FINDINGS) { li { bdi { (finding) } } } }
                }
            }
            p class="counts" {
                @for table in &cohort.tables {
                    span { b { bdi { (table.name) } } " "
                        (parts(table)) " "
                        @if table.guarded { span class="soft" { "(must be named)" } }
                    }
                }
            }
            div class="decide" data-decide=(index) {}
            @if !cohort.typical.is_empty() { (picture::waterfall(&cohort.typical, cohort.typical_bits)) }
            details class="more" open[index < OPEN] {
                summary { "When, where and sample rows" }
                div class="pair" {
                    @if let Some(hours) = &cohort.hours {
                        (picture::hours(hours, "This cohort", FEW))
                        @if let Some(rest) = usual.and_then(|u| u.get(hours.table.as_str())) { (picture::hours(rest, "Rows that stay", FEW)) }
                    }
                }
                @if let Some(ids) = &cohort.ids { (picture::strip(ids)) }
                @for table in &cohort.tables { (samples(table, index, rows)) }
                p class="soft" { "On a terminal: " code {
                    "unseed review CASE approve " (cohort.id)
                    @if !guarded.is_empty() { " --tables " (guarded.join(",")) }
                    @if in_review > 0 { " --include-review" }
                } " · any row by " code { "unseed review CASE explain TABLE KEY" } }
            }
        }
    }
}

fn parts(table: &CohortTableReport) -> String {
    let parts = [(table.seeded, "seeded"), (table.review, "in review"), (table.protected, "protected")];
    let said: Vec<String> = parts.iter().filter(|p| p.0 > 0).map(|(n, word)| format!("{} {word}", number(*n))).collect();
    said.join(", ")
}

pub(super) fn tag(verdict: Verdict) -> Markup {
    html! { span class={ "tag " (verdict.as_str()) } { (verdict.as_str()) } }
}

fn samples(table: &CohortTableReport, index: usize, rows: &mut Rows) -> Markup {
    let total = table.seeded + table.review + table.protected;
    html! {
        @if !table.samples.is_empty() {
            div class="wide" tabindex="0" role="region" aria-label={ "Cohort " (index + 1) ": sample rows of " (table.name) } {
                table class="rows" {
                    caption { bdi { (table.name) } ": " (table.samples.len()) " of " (number(total)) " rows, from first to last" }
                    thead { tr { th scope="col" { "Verdict" } th scope="col" class="n" { "Bits" } th scope="col" { "Key" } @for column in &table.columns { th scope="col" { bdi { (column) } } } } }
                    tbody { @for row in &table.samples { (sample(row, rows)) } }
                }
            }
        }
    }
}

fn sample(row: &SampleRow, rows: &mut Rows) -> Markup {
    let number = rows.number(row);
    html! {
        tr data-row=[number] {
            td { (tag(row.verdict)) }
            td class="n" { (row.bits) }
            td { bdi { (key(&row.key)) } }
            @for cell in &row.cells { td { (self::cell(cell)) } }
        }
    }
}

pub(super) fn cell(cell: &Cell) -> Markup {
    match &cell.mark {
        Some((range, what)) => {
            html! { bdi { (cell.text[..range.start]) mark title=(what) { (cell.text[range.clone()]) } (cell.text[range.end..]) } }
        }
        None => html! { bdi { (cell.text) } },
    }
}
