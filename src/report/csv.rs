//! `report.csv`: one line a figure, for spreadsheets. No cell can start a formula.

use super::{Render, Report};

/// The CSV report.
pub(super) struct Csv;

impl Render for Csv {
    fn id(&self) -> &'static str {
        "csv"
    }

    fn file_name(&self) -> &'static str {
        "report.csv"
    }

    fn render(&self, report: &Report) -> Vec<u8> {
        let mut out = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(Vec::new());
        let mut line = |cells: [&str; 11]| {
            // Writing to memory does not fail.
            let _ = out.write_record(cells.map(inert));
        };
        line(["kind", "id", "table", "class", "verdict", "rows", "seeded", "review", "protected", "remaining", "detail"]);
        let total = |of: fn(&super::TableReport) -> u64| report.total(of).to_string();
        line([
            "snapshot",
            &report.snapshot.id,
            "",
            "",
            report.verdict.as_str(),
            &total(|t| t.rows),
            &total(|t| t.seeded),
            &total(|t| t.review),
            &total(|t| t.protected),
            &total(super::TableReport::remaining),
            &report.verdict_reason,
        ]);
        for table in &report.tables {
            let [rows, seeded, review, protected, remaining] =
                [table.rows, table.seeded, table.review, table.protected, table.remaining()].map(|n| n.to_string());
            line(["table", "", &table.name, table.class.as_str(), "", &rows, &seeded, &review, &protected, &remaining, ""]);
        }
        for cohort in &report.cohorts {
            let verdict = if cohort.convicted { "seeded" } else { "review" };
            line(["cohort", &cohort.id, "", "", verdict, &cohort.rows.to_string(), "", "", "", "", &cohort.title]);
            for table in &cohort.tables {
                let [seeded, review, protected] = [table.seeded, table.review, table.protected].map(|n| n.to_string());
                let rows = (table.seeded + table.review + table.protected).to_string();
                line(["cohort table", &cohort.id, &table.name, "", "", &rows, &seeded, &review, &protected, "", ""]);
            }
        }
        for figure in &report.figures.figures {
            let title = if figure.unit.is_empty() { figure.title.clone() } else { format!("{}, {}", figure.title, figure.unit) };
            let [before, seeded, review, after] = [figure.before, figure.seeded, figure.review, figure.after()].map(|n| n.to_string());
            line(["figure", "", &figure.table, "", "", &before, &seeded, &review, "", &after, &title]);
        }
        for detector in &report.detectors {
            line(["detector", &detector.id, "", "", &detector.result, "", "", "", "", "", &detector.why]);
        }
        out.into_inner().unwrap_or_default()
    }
}

/// Puts an apostrophe before what a spreadsheet would calculate.
///
/// Source: OWASP ASVS 1.2.10, CWE-1236. A negative number is no formula.
fn inert(cell: &str) -> String {
    let starts = cell.trim_start_matches([' ', '\u{a0}', '\u{3000}']).chars().next();
    let risky = matches!(
        starts,
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\0' | '|' | '%' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}')
    );
    let number = cell.strip_prefix('-').is_some_and(|n| super::Decimal::parse(n).is_some());
    if risky && !number { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::inert;

    #[test]
    fn formulas_are_text() {
        for formula in ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u{ff1d}1", "%0A", "|calc"] {
            assert!(inert(formula).starts_with('\''), "{formula}");
        }
        for text in ["-3.50", "12", "users", ""] {
            assert_eq!(inert(text), text);
        }
    }
}
