//! Rows that the page can decide on, and what the page's script knows: data in a block that no browser executes.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};
use serde::Serialize;

use super::cohort;
use super::text::{counted, key, number};
use crate::model::Verdict;
use crate::report::model::{Bound, ListedRow, Report, SampleRow};
use crate::report::redact::is_hidden;

/// Numbers the rows that a decision may name; a row that is shown twice has one number.
#[derive(Default)]
pub(super) struct Rows {
    tables: Vec<String>,
    numbers: BTreeMap<(usize, String), usize>,
    rows: Vec<(usize, String, String, &'static str)>,
}

impl Rows {
    /// Returns the number of a row; none where its key is masked or it may not be decided on.
    pub(super) fn number(&mut self, row: &SampleRow) -> Option<usize> {
        let Bound { table, key, digest } = row.bound.as_ref()?;
        let place = self.tables.iter().position(|t| t == table).unwrap_or_else(|| {
            self.tables.push(table.clone());
            self.tables.len() - 1
        });
        let next = self.rows.len();
        let number = *self.numbers.entry((place, key.clone())).or_insert(next);
        if number == next {
            self.rows.push((place, key.clone(), digest.clone(), row.verdict.as_str()));
        }
        Some(number)
    }
}

#[derive(Serialize)]
struct Data<'a> {
    schema: u32,
    snapshot_id: &'a str,
    taken_at: &'a str,
    config_sha256: &'a str,
    cohorts: Vec<DataCohort<'a>>,
    tables: &'a [String],
    rows: &'a [(usize, String, String, &'static str)],
    all_tables: Vec<&'a str>,
}

#[derive(Serialize)]
struct DataCohort<'a> {
    id: &'a str,
    digest: &'a str,
    rows: u64,
    tables: Vec<DataTable<'a>>,
}

#[derive(Serialize)]
struct DataTable<'a> {
    name: &'a str,
    guarded: bool,
    seeded: u64,
    review: u64,
}

/// Renders what the script knows.
pub(super) fn data(report: &Report, rows: &Rows) -> Markup {
    let data = Data {
        schema: 1,
        snapshot_id: &report.snapshot.id,
        taken_at: &report.snapshot.taken_at,
        config_sha256: &report.config_sha256,
        cohorts: report
            .cohorts
            .iter()
            .take(cohort::SHOWN)
            .map(|c| DataCohort {
                id: &c.id,
                digest: &c.digest,
                rows: c.rows,
                tables: c
                    .tables
                    .iter()
                    .map(|t| DataTable { name: &t.name, guarded: t.guarded, seeded: t.seeded, review: t.review })
                    .collect(),
            })
            .collect(),
        tables: &rows.tables,
        rows: &rows.rows,
        all_tables: report.tables.iter().map(|t| t.name.as_str()).collect(),
    };
    html! { script type="application/json" id="data" { (PreEscaped(inert(&serde_json::to_string(&data).unwrap_or_default()))) } }
}

/// Writes JSON so that no byte of it can end the block, begin markup or change what a reader of the source sees.
fn inert(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, '<' | '>' | '&') || is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Renders the rows that are decided one by one.
pub(super) fn section(report: &Report, rows: &mut Rows) -> Markup {
    let of = |verdict: Verdict| report.listed.iter().filter(move |l| l.row.verdict == verdict);
    let (review, protected): (Vec<&ListedRow>, Vec<&ListedRow>) = (of(Verdict::Review).collect(), of(Verdict::Protected).collect());
    html! {
        @if report.review_total > 0 {
            section id="review-rows" aria-labelledby="review-rows-title" {
                h2 id="review-rows-title" { "Rows that need a person's look" }
                p { (counted(report.review_total, "row")) " in review: what speaks for a seed is not enough by itself. An approval of their cohort covers them only where it says so; each can be decided by itself." }
                (list(&review, report.review_total, "Rows in review", rows))
            }
        }
        @if report.protected_total > 0 {
            section id="protected-rows" aria-labelledby="protected-rows-title" {
                h2 id="protected-rows-title" { "Protected rows" }
                p { (counted(report.protected_total, "row")) " kept by a rule, a role or a veto. What is protected can never be approved." }
                (list(&protected, report.protected_total, "Protected rows", rows))
            }
        }
    }
}

fn list(listed: &[&ListedRow], total: u64, label: &str, rows: &mut Rows) -> Markup {
    html! {
        details open[listed.len() <= 20] {
            summary { @if total > listed.len() as u64 { (number(listed.len() as u64)) " of " } (counted(total, "row")) }
            div class="wide" tabindex="0" role="region" aria-label={ (label) ", listed" } {
                table class="rows" {
                    caption { (label) }
                    thead { tr { th scope="col" { "Table" } th scope="col" { "Key" } th scope="col" class="n" { "Bits" } th scope="col" { "Row" } th scope="col" { "Why" } } }
                    tbody { @for entry in listed { (line(entry, rows)) } }
                }
            }
            @if total > listed.len() as u64 { p class="soft" { "The others: " code { "unseed review CASE show COHORT" } } }
        }
    }
}

fn line(entry: &ListedRow, rows: &mut Rows) -> Markup {
    let number = rows.number(&entry.row);
    html! {
        tr data-row=[number] {
            td class="t" { bdi { (entry.table) } }
            td { bdi { (key(&entry.row.key)) } }
            td class="n" { (entry.row.bits) }
            td { @for (column, cell) in entry.columns.iter().zip(&entry.row.cells) { div { span class="soft" { bdi { (column) } } " " (cohort::cell(cell)) } } }
            td class="t" { bdi { (entry.why) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::inert;

    #[test]
    fn no_byte_of_the_data_is_markup() {
        let json = serde_json::to_string("</script><!--&\u{2028}\u{202e}\u{e0041}\u{7f}").expect("JSON");
        let inert = inert(&json);
        assert!(!inert.contains(['<', '>', '&', '\u{2028}', '\u{202e}', '\u{e0041}', '\u{7f}']));
        assert_eq!(serde_json::from_str::<String>(&inert).expect("JSON"), "</script><!--&\u{2028}\u{202e}\u{e0041}\u{7f}");
    }
}
