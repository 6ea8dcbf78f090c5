//! What labelled fixtures came to: as a table for a terminal, and as `JUnit` XML for a CI server. Counts nothing.

use std::fmt::Write as _;

use super::junit::xml;
use super::visible;
use crate::labelled::{Line, Outcome, Tally, first};

/// Writes a share in percent, or a dash.
fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |s| format!("{:.1} %", s * 100.0))
}

fn row(id: &str, about: &str, tally: &Tally) -> String {
    format!(
        "  {:22} {:>8} {:>8} {:>8} {:>7} {:>7} {:>9}  {}\n",
        visible(id),
        format!("{}/{}", tally.found + tally.reviewed, tally.seeded),
        percent(tally.recall()),
        percent(tally.false_positive_rate()),
        tally.wrong,
        percent(tally.precision()),
        format!("{}/{}", tally.hit, tally.protected),
        visible(about)
    )
}

/// Returns the tables for a terminal.
#[must_use]
pub fn terminal(outcomes: &[Outcome]) -> String {
    let mut out = String::new();
    for outcome in outcomes {
        let _ = writeln!(out, "{}", visible(&outcome.name));
        let _ =
            writeln!(out, "  {:22} {:>8} {:>8} {:>8} {:>7} {:>7} {:>9}", "", "found", "recall", "FP rate", "wrong", "prec.", "protected");
        for Line { id, about, tally } in &outcome.detectors {
            out.push_str(&row(id, about, tally));
        }
        for Line { id, about, tally } in &outcome.cohorts {
            out.push_str(&row(id, about, tally));
        }
        out.push_str(&row(
            "overall",
            &format!("{} in review; {} wrongly in seeded", outcome.overall.reviewed, outcome.overall.grave),
            &outcome.overall,
        ));
        for (what, keys) in [("missed", &outcome.missed), ("wrong", &outcome.wrong)] {
            let (shown, more) = first(keys);
            for key in shown {
                let _ = writeln!(out, "  {what}: {}", visible(key));
            }
            if more > 0 {
                let _ = writeln!(out, "  {what}: {more} more");
            }
        }
        let (done, open) = outcome.todo;
        if done > 0 {
            let _ = writeln!(out, "  to do: {done} rows are right by now; drop the todo_ of their labels");
        }
        if open > 0 {
            let _ = writeln!(out, "  to do: {open} rows are known not to be right yet");
        }
        if outcome.unlabelled > 0 {
            let _ = writeln!(out, "  {} rows without a label were flagged", outcome.unlabelled);
        }
        let _ = writeln!(out, "  {}", if outcome.is_right() { "ok" } else { "FAILED" });
    }
    out
}

/// Returns `JUnit` XML: a suite a fixture; a case for what was missed, what was wrong, each detector and each cohort.
#[must_use]
pub fn junit(outcomes: &[Outcome]) -> String {
    let cases = |o: &Outcome| 2 + o.detectors.len() + o.cohorts.len();
    let failures = |o: &Outcome| usize::from(!o.missed.is_empty()) + usize::from(!o.wrong.is_empty());
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"unseed detectors test\" tests=\"{}\" failures=\"{}\">",
        outcomes.iter().map(cases).sum::<usize>(),
        outcomes.iter().map(failures).sum::<usize>()
    );
    for outcome in outcomes {
        let _ =
            writeln!(out, "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">", xml(&outcome.name), cases(outcome), failures(outcome));
        for (what, keys) in [("missed", &outcome.missed), ("wrong", &outcome.wrong)] {
            if keys.is_empty() {
                let _ = writeln!(out, "    <testcase classname=\"overall\" name=\"{what}\"/>");
                continue;
            }
            let (shown, more) = first(keys);
            let mut said: String = shown.iter().fold(String::new(), |all, key| all + key + "\n");
            if more > 0 {
                let _ = writeln!(said, "and {more} more");
            }
            let _ = writeln!(
                out,
                "    <testcase classname=\"overall\" name=\"{what}\">\n      <failure message=\"{} rows {what}\">{}</failure>\n    </testcase>",
                keys.len(),
                xml(&said)
            );
        }
        for (class, lines) in [("detector", &outcome.detectors), ("cohort", &outcome.cohorts)] {
            for Line { id, tally, .. } in lines {
                let _ = writeln!(
                    out,
                    "    <testcase classname=\"{class}\" name=\"{}\">\n      <system-out>{}</system-out>\n    </testcase>",
                    xml(id),
                    xml(&said(tally))
                );
            }
        }
        let _ = writeln!(out, "    <system-out>{}</system-out>\n  </testsuite>", xml(&said(&outcome.overall)));
    }
    out.push_str("</testsuites>\n");
    out
}

fn said(tally: &Tally) -> String {
    format!(
        "recall {} ({} seeded and {} in review of {}), false-positive rate {} ({} of {}), precision {}, protected hits {} of {}",
        percent(tally.recall()),
        tally.found,
        tally.reviewed,
        tally.seeded,
        percent(tally.false_positive_rate()),
        tally.wrong,
        tally.real,
        percent(tally.precision()),
        tally.hit,
        tally.protected
    )
}
