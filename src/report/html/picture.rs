//! Pictures as inline SVG: no style attributes, colours by class, a title and a table for those who
//! cannot see them.

use maud::{Markup, html};

use crate::model::stamp::{DAY, Rfc3339};
use crate::model::{Bits, Reason};
use crate::report::model::Analysed;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 40.0;
const BOTTOM: f64 = 22.0;

/// Most bars that fit the width: beyond that, days are put together.
const BARS: i64 = 365;

/// Draws rows by day: grey for real ones, red for seeded ones and those in review. Bars far above the
/// rest are clipped and say their count.
pub(super) fn timeline(timeline: &Analysed) -> Markup {
    let (Some(first), Some(last)) = (timeline.days.first(), timeline.days.last()) else { return html! {} };
    let span = last.0 - first.0 + 1;
    let per_bar = (span + BARS - 1) / BARS;
    let bars = (span + per_bar - 1) / per_bar;
    let mut sums = vec![(0_u64, 0_u64); bars as usize];
    for (day, real, flagged) in &timeline.days {
        let sum = &mut sums[((day - first.0) / per_bar) as usize];
        sum.0 += real;
        sum.1 += flagged;
    }
    let mut heights: Vec<u64> = sums.iter().map(|s| s.0 + s.1).filter(|h| *h > 0).collect();
    heights.sort_unstable();
    let usual = heights[(heights.len() - 1) * 99 / 100].max(1);
    let top = (usual as f64 * 1.5).max(1.0);
    let plot_width = WIDTH - LEFT - 10.0;
    let plot_height = HEIGHT - BOTTOM - 16.0;
    let base = HEIGHT - BOTTOM;
    let step = plot_width / bars as f64;
    let x = |bar: usize| LEFT + bar as f64 * step;
    let y = |n: f64| base - (n.min(top) / top) * plot_height;
    let mut real = String::new();
    let mut flagged = String::new();
    let mut clipped: Vec<(f64, u64)> = Vec::new();
    for (bar, (a, b)) in sums.iter().enumerate() {
        let (left, right) = (x(bar), x(bar) + (step * 0.9).max(0.6));
        let (low, high) = (y(*a as f64), y((a + b) as f64));
        if *a > 0 {
            real.push_str(&format!("M{left:.1} {base}V{low:.1}H{right:.1}V{base}Z"));
        }
        if *b > 0 {
            let right = right.max(left + 2.0);
            flagged.push_str(&format!("M{left:.1} {low:.1}V{high:.1}H{right:.1}V{low:.1}Z"));
        }
        if (a + b) as f64 > top {
            clipped.push((left, a + b));
        }
    }
    clipped.truncate(12);
    let date = |day: i64| Rfc3339(day * DAY).to_string()[..10].to_owned();
    let unit = if per_bar == 1 { "day".to_owned() } else { format!("{per_bar} days") };
    let total: (u64, u64) = sums.iter().fold((0, 0), |t, s| (t.0 + s.0, t.1 + s.1));
    html! {
        figure {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby="timeline-title timeline-text" {
                title id="timeline-title" { "Rows created per " (unit) }
                desc id="timeline-text" { (total.0) " rows that stay, " (total.1) " rows that are seeded or in review, from " (date(first.0)) " to " (date(last.0)) }
                path class="axis" d={ "M" (LEFT) " " (base) "H" (WIDTH - 10.0) } {}
                path class="real" d=(real) {}
                path class="flag" d=(flagged) {}
                text x=(LEFT - 6.0) y=(format!("{:.0}", y(usual as f64) + 4.0)) text-anchor="end" { (usual) }
                text x=(LEFT - 6.0) y=(base) text-anchor="end" { "0" }
                text x=(LEFT) y=(HEIGHT - 5.0) { (date(first.0)) }
                text x=(WIDTH - 10.0) y=(HEIGHT - 5.0) text-anchor="end" { (date(last.0)) }
                @for (left, count) in &clipped { text class="label" x=(format!("{left:.1}")) y="11" text-anchor="middle" { (count) } }
            }
            figcaption class="soft" { "Rows created per " (unit) ": grey stay, red are seeded or in review. Bars above one and a half times the usual are clipped and say their count." }
        }
        details {
            summary { "As a table, the days with seeded rows or rows in review" }
            div class="wide" tabindex="0" role="region" aria-label="Days with seeded rows" {
                table {
                    thead { tr { th scope="col" { "Day" } th scope="col" class="n" { "Stay" } th scope="col" class="n" { "Seeded or in review" } } }
                    tbody { @for (day, real, flagged) in timeline.days.iter().filter(|d| d.2 > 0).take(60) { tr { td { (date(*day)) } td class="n" { (real) } td class="n" { (flagged) } } } }
                }
            }
        }
    }
}

/// Draws a row's terms from the prior to the sum.
pub(super) fn waterfall(reasons: &[Reason], sum: Bits) -> Markup {
    const ROW: f64 = 22.0;
    let mut low: f64 = 0.0;
    let mut high: f64 = 0.0;
    let mut at = 0.0;
    for reason in reasons {
        at += reason.bits.get();
        low = low.min(at);
        high = high.max(at);
    }
    let scale = 420.0 / (high - low).max(1.0);
    let x = |bits: f64| 240.0 + (bits - low) * scale;
    let height = ROW * (reasons.len() + 1) as f64 + 8.0;
    let mut from = 0.0;
    let mut bars = Vec::new();
    for reason in reasons {
        let to = from + reason.bits.get();
        let class = match reason.family.as_str() {
            "prior" => "prior",
            _ if reason.bits < Bits::ZERO => "against",
            _ => "for",
        };
        bars.push((class, x(f64::min(from, to)), (x(to) - x(from)).abs().max(1.0), reason));
        from = to;
    }
    html! {
        svg viewBox={ "0 0 760 " (height) } role="img" aria-label={ "Evidence of a typical row: " @for r in reasons { (r.family) " " (r.bits) ", " } "sum " (sum) " bits" } {
            path class="axis" d=(format!("M{0:.1} 0V{height}", x(0.0))) {}
            @for (index, (class, left, width, reason)) in bars.iter().enumerate() {
                text class="label" x="232" y=(format!("{:.0}", index as f64 * ROW + 15.0)) text-anchor="end" { (reason.detector) }
                rect class=(class) x=(format!("{left:.1}")) y=(format!("{:.0}", index as f64 * ROW + 4.0)) width=(format!("{width:.1}")) height="14" { title { (reason.detail) } }
                text x=(format!("{:.1}", left + width + 6.0)) y=(format!("{:.0}", index as f64 * ROW + 15.0)) { (reason.bits) }
            }
            text class="label" x="232" y=(format!("{:.0}", bars.len() as f64 * ROW + 15.0)) text-anchor="end" { "sum" }
            rect class="sum" x=(format!("{:.1}", x(f64::min(0.0, sum.get())))) y=(format!("{:.0}", bars.len() as f64 * ROW + 4.0)) width=(format!("{:.1}", (x(sum.get()) - x(0.0)).abs().max(1.0))) height="14" {}
            text x=(format!("{:.1}", x(f64::max(0.0, sum.get())) + 6.0)) y=(format!("{:.0}", bars.len() as f64 * ROW + 15.0)) { (sum) }
        }
        details {
            summary { "As a table" }
            table { tbody { @for reason in reasons { tr { th scope="row" { (reason.detector) } td class="n" { (reason.bits) } td { bdi { (crate::report::visible(&reason.detail)) } } } } } }
        }
    }
}
