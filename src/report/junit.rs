//! `report.junit.xml`: one test case for each detector on each table, and one for each cohort, which
//! fails while it is convicted or waits for a person. Every CI server shows these.

use super::{Render, Report};

/// The `JUnit` report.
pub(super) struct Junit;

impl Render for Junit {
    fn id(&self) -> &'static str {
        "junit"
    }

    fn file_name(&self) -> &'static str {
        "report.junit.xml"
    }

    fn render(&self, report: &Report) -> Vec<u8> {
        let skipped = report.coverage.iter().filter(|c| c.result == "not applicable").count();
        let failures = report.cohorts.len();
        let tests = report.coverage.len() + report.cohorts.len();
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        out.push_str(&format!("<testsuites name=\"unseed\" tests=\"{tests}\" failures=\"{failures}\" skipped=\"{skipped}\">\n"));
        out.push_str(&format!(
            "  <testsuite name=\"tables\" tests=\"0\" failures=\"0\" skipped=\"0\">\n    <properties>\n      {}\n",
            property("verdict", report.verdict.as_str())
        ));
        for table in &report.tables {
            for (word, count) in [
                ("rows", table.rows),
                ("seeded", table.seeded),
                ("review", table.review),
                ("protected", table.protected),
                ("remaining", table.remaining()),
            ] {
                out.push_str(&format!("      {}\n", property(&format!("{}.{word}", table.name), &count.to_string())));
            }
        }
        out.push_str("    </properties>\n  </testsuite>\n");
        out.push_str(&format!(
            "  <testsuite name=\"detectors\" tests=\"{}\" failures=\"0\" skipped=\"{skipped}\">\n",
            report.coverage.len()
        ));
        for run in &report.coverage {
            let case = format!("    <testcase classname=\"{}\" name=\"{}\"", xml(&run.table), xml(&run.detector));
            if run.result == "not applicable" {
                out.push_str(&format!("{case}>\n      <skipped message=\"{}\"/>\n    </testcase>\n", xml(&run.why)));
            } else {
                out.push_str(&format!(
                    "{case}>\n      <system-out>{}: {} facts</system-out>\n    </testcase>\n",
                    xml(&run.result),
                    run.facts
                ));
            }
        }
        out.push_str("  </testsuite>\n");
        out.push_str(&format!(
            "  <testsuite name=\"cohorts\" tests=\"{0}\" failures=\"{failures}\" skipped=\"0\">\n",
            report.cohorts.len()
        ));
        for cohort in &report.cohorts {
            let kind = if cohort.convicted { "seeded" } else { "review" };
            let mut said = format!("{} rows\n", cohort.rows);
            for table in &cohort.tables {
                said.push_str(&format!(
                    "{}: {} seeded, {} review, {} protected\n",
                    table.name, table.seeded, table.review, table.protected
                ));
            }
            for finding in &cohort.findings {
                said.push_str(&format!("- {finding}\n"));
            }
            out.push_str(&format!(
                "    <testcase classname=\"cohort\" name=\"{}\">\n      <failure type=\"{kind}\" message=\"{}\">{}</failure>\n    </testcase>\n",
                xml(&cohort.id),
                xml(&cohort.title),
                xml(&said)
            ));
        }
        out.push_str("  </testsuite>\n</testsuites>\n");
        out.into_bytes()
    }
}

fn property(name: &str, value: &str) -> String {
    format!("<property name=\"{}\" value=\"{}\"/>", xml(name), xml(value))
}

/// Escapes a text; characters that XML 1.0 cannot hold become a question mark.
pub(super) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('?'),
            _ => out.push(c),
        }
    }
    out
}
