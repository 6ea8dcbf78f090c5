//! Before and after: rows by table, and what the business counts.

use maud::{Markup, html};

use super::text::{grouped, number};
use crate::report::model::{Figure, Month, Report, TableReport};

pub(super) fn section(report: &Report) -> Markup {
    let total = |of: fn(&TableReport) -> u64| report.total(of);
    let empty: Vec<&str> = report.tables.iter().filter(|t| t.left_empty()).map(|t| t.name.as_str()).collect();
    html! {
        section id="before-after" aria-labelledby="before-after-title" {
            h2 id="before-after-title" { "Before and after" }
            @if report.tables.is_empty() { p { "The input holds no table." } }
            @else {
                div class="wide" tabindex="0" role="region" aria-label="Rows per table" {
                    table {
                        caption { "Rows by table" }
                        thead { tr {
                            th scope="col" { "Table" } th scope="col" class="share" { "Class" }
                            @for title in ["Rows", "Seeded", "Review", "Protected", "Remain"] { th scope="col" class="n" { (title) } }
                            th scope="col" class="share" { "Share" }
                        } }
                        tbody {
                            @for table in &report.tables {
                                tr {
                                    th scope="row" { bdi { (table.name) } }
                                    td class="share" { (table.class.as_str()) }
                                    td class="n" { (count(table.rows)) }
                                    td class="n seeded" { (count(table.seeded)) }
                                    td class="n review" { (count(table.review)) }
                                    td class="n protected" { (count(table.protected)) }
                                    td class="n" { (number(table.remaining())) @if table.left_empty() { " (empty)" } }
                                    td class="share" { (share(table)) }
                                }
                            }
                        }
                        tfoot {
                            tr {
                                th scope="row" { "Total" } td class="share" {}
                                td class="n" { (number(total(|t| t.rows))) }
                                td class="n" { (number(total(|t| t.seeded))) }
                                td class="n" { (number(total(|t| t.review))) }
                                td class="n" { (number(total(|t| t.protected))) }
                                td class="n" { (number(total(TableReport::remaining))) }
                                td class="share" {}
                            }
                        }
                    }
                }
                p class="soft" { "Remain: rows left if every seeded row goes. Only rows that people approve are ever deleted." }
                @if !empty.is_empty() {
                    p class="warn" { "Left empty: " @for name in &empty { b { bdi { (name) } } " " } "would hold no row any more." }
                }
            }
            (business(report))
        }
    }
}

fn count(n: u64) -> Markup {
    html! { @if n == 0 { span class="soft" { "0" } } @else { (number(n)) } }
}

fn share(table: &TableReport) -> Markup {
    if table.rows == 0 {
        return html! {};
    }
    let part = |n: u64| n as f64 / table.rows as f64 * 100.0;
    let wide = |n: u64| if n == 0 { 0.0 } else { part(n).max(1.5) };
    let (seeded, review) = (wide(table.seeded), wide(table.review));
    html! {
        svg class="bar" width="90" height="10" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label=(format!("{:.1}% seeded, {:.1}% in review", part(table.seeded), part(table.review))) {
            rect class="track" x="0" y="0" width="100" height="10" {}
            rect class="seeded" x="0" y="0" width=(format!("{seeded:.1}")) height="10" {}
            rect class="review" x=(format!("{seeded:.1}")) y="0" width=(format!("{review:.1}")) height="10" {}
        }
    }
}

fn business(report: &Report) -> Markup {
    let figures = &report.figures;
    html! {
        @if !figures.figures.is_empty() {
            h3 { "What the business counts" }
            div class="wide" tabindex="0" role="region" aria-label="Business figures" {
                table {
                    caption { "Business figures, exact as the snapshot stores them" }
                    thead { tr { th scope="col" { "Figure" } @for title in ["Before", "Seeded", "After", "After, review rows gone too"] { th scope="col" class="n" { (title) } } } }
                    tbody { @for figure in &figures.figures { (row(figure)) } }
                }
            }
            @for note in &figures.notes { p class="soft" { bdi { (note) } } }
        }
        @if !figures.months.is_empty() {
            details {
                summary { "Sign-ups per month, with and without the seed" }
                div class="wide" tabindex="0" role="region" aria-label="Sign-ups per month" {
                    table {
                        caption { "Rows of " bdi { (figures.people) } " by month of creation" }
                        thead { tr { th scope="col" { "Month" } @for title in ["Before", "Seeded", "Review", "After"] { th scope="col" class="n" { (title) } } } }
                        tbody {
                            @if !figures.earlier.name.is_empty() { (month(&figures.earlier)) }
                            @for entry in &figures.months { (month(entry)) }
                        }
                    }
                }
            }
        }
    }
}

fn row(figure: &Figure) -> Markup {
    let cell = |n: crate::report::Decimal| grouped(&n.to_string());
    html! {
        tr {
            th scope="row" { bdi { (figure.title) } " " span class="soft" { @if !figure.unit.is_empty() { bdi { (figure.unit) } } @else { bdi { (figure.table) } } } }
            td class="n" { (cell(figure.before)) }
            td class="n" { @if figure.seeded.is_zero() { span class="soft" { "0" } } @else { (cell(figure.seeded)) } }
            td class="n" { b { (cell(figure.after())) } }
            td class="n" { (cell(figure.after_review())) }
        }
    }
}

fn month(month: &Month) -> Markup {
    html! {
        tr {
            th scope="row" { (month.name) }
            td class="n" { (number(month.stay + month.seeded + month.review)) }
            td class="n" { (count(month.seeded)) }
            td class="n" { (count(month.review)) }
            td class="n" { b { (number(month.stay + month.review)) } }
        }
    }
}
