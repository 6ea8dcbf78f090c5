//! `report.md`: for pull requests and tickets. Data is never markup there either.

use super::{Render, Report};
use crate::model::Bits;

/// The Markdown report.
pub(super) struct Markdown;

impl Render for Markdown {
    fn id(&self) -> &'static str {
        "markdown"
    }

    fn file_name(&self) -> &'static str {
        "report.md"
    }

    fn render(&self, report: &Report) -> Vec<u8> {
        let mut out = String::new();
        let mut line = |text: String| {
            out.push_str(&text);
            out.push('\n');
        };
        line(format!("# {}: {}\n", report.verdict.as_str().to_uppercase(), plain(&report.verdict_reason)));
        if !report.figures.people.is_empty() {
            line(format!(
                "Your real user base is **{}** of {} accounts in {}.\n",
                report.figures.base.after(),
                report.figures.base.before,
                plain(&report.figures.people)
            ));
        }
        line(format!(
            "Snapshot `{}` of {}, report made {} by unseed {}.\n",
            &report.snapshot.id[..16.min(report.snapshot.id.len())],
            report.snapshot.engine,
            report.made_at,
            report.tool_version
        ));
        line("| table | class | rows | seeded | review | protected | remain |".to_owned());
        line("|---|---|--:|--:|--:|--:|--:|".to_owned());
        for table in &report.tables {
            let empty = if table.left_empty() { " (empty)" } else { "" };
            line(format!(
                "| {} | {} | {} | {} | {} | {} | {}{empty} |",
                plain(&table.name),
                table.class.as_str(),
                table.rows,
                table.seeded,
                table.review,
                table.protected,
                table.remaining()
            ));
        }
        if !report.figures.figures.is_empty() {
            line("\n| figure | before | seeded | review | after |\n|---|--:|--:|--:|--:|".to_owned());
            for figure in &report.figures.figures {
                let unit = if figure.unit.is_empty() { String::new() } else { format!(", {}", plain(&figure.unit)) };
                line(format!(
                    "| {}{unit} | {} | {} | {} | {} |",
                    plain(&figure.title),
                    figure.before,
                    figure.seeded,
                    figure.review,
                    figure.after()
                ));
            }
        }
        if !report.cohorts.is_empty() {
            line("\n## Cohorts\n".to_owned());
        }
        for cohort in &report.cohorts {
            let kind = if cohort.convicted { "seeded" } else { "review" };
            line(format!("- **{}** {} ({kind}, {} rows, {} bits)", cohort.id, plain(&cohort.title), cohort.rows, cohort.bits));
            for table in &cohort.tables {
                line(format!(
                    "  - {}: {} seeded, {} review, {} protected",
                    plain(&table.name),
                    table.seeded,
                    table.review,
                    table.protected
                ));
            }
            for finding in &cohort.findings {
                line(format!("  - {}", plain(finding)));
            }
        }
        let found: Vec<&str> = report.detectors.iter().filter(|d| d.result == "found").map(|d| d.id.as_str()).collect();
        line(format!("\nIndicators: {}.", if found.is_empty() { "none".to_owned() } else { found.join(", ") }));
        for text in &report.not_checked {
            line(format!("- Not checked: {}", plain(text)));
        }
        let near = report.spared.iter().filter(|s| s.bits > Bits::ZERO).count();
        if report.spared_total > 0 {
            line(format!(
                "\nSpared: {} rows look like seeded ones and stay real ({near} of those shown in the HTML report have more for than against a seed).",
                report.spared_total
            ));
        }
        if !report.recommendations.is_empty() {
            line("\n## Next\n".to_owned());
        }
        for text in &report.recommendations {
            line(format!("- {}", plain(text)));
        }
        out.into_bytes()
    }
}

/// Escapes everything that Markdown or the HTML inside it would read as markup, and what a site would turn into a link.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("&#64;"),
            ':' => out.push_str("&#58;"),
            '\n' | '\r' => out.push(' '),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '-' | '!' | '|' | '~' | '$' | '=' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}
