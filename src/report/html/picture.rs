//! Pictures as inline SVG without style attributes: colours by class, positions in percent, so that text keeps its
//! size on a narrow screen. What a picture shows stands in a table beside it.

use maud::{Markup, html};

use super::text::{counted, number, span};
use crate::model::stamp::{DAY, Rfc3339, SECOND};
use crate::model::{Bits, Reason};
use crate::report::model::{IdStrip, TableHours, Timeline, Train};

/// Most bars of a timeline: beyond that, days are put together.
const BARS: i64 = 365;

/// Most labels above the bars.
const LABELS: usize = 5;

/// Smallest distance between two labels, as a share of the width.
const LABEL_GAP: f64 = 0.16;

/// Where bars of some height are cut off, so that the rest can be told apart.
struct Scale {
    top: f64,
}

impl Scale {
    fn new(sums: impl Iterator<Item = u64>) -> Self {
        let mut heights: Vec<u64> = sums.filter(|h| *h > 0).collect();
        heights.sort_unstable();
        let usual = heights.get((heights.len().saturating_sub(1)) * 99 / 100).copied().unwrap_or(1).max(1);
        Self { top: usual as f64 * 1.5 }
    }

    fn y(&self, n: u64) -> f64 {
        100.0 - (n as f64).min(self.top) / self.top * 100.0
    }

    fn cuts(&self, n: u64) -> bool {
        n as f64 > self.top
    }
}

/// Draws rows by day, stacked: those that stay, those in review, seeded ones.
pub(super) fn timeline(timeline: &Timeline, number_of: impl Fn(&Train) -> usize) -> Markup {
    let (Some(first), Some(last)) = (timeline.days.first(), timeline.days.last()) else { return html! {} };
    let days = last.day - first.day + 1;
    let per_bar = (days + BARS - 1) / BARS;
    let bars = ((days + per_bar - 1) / per_bar) as usize;
    let mut sums = vec![[0_u64; 3]; bars];
    for day in &timeline.days {
        let sum = &mut sums[((day.day - first.day) / per_bar) as usize];
        for (part, n) in sum.iter_mut().zip([day.stay, day.review, day.seeded]) {
            *part += n;
        }
    }
    let scale = Scale::new(sums.iter().map(|s| s.iter().sum()));
    let step = 1000.0 / bars as f64;
    let mut paths = [String::new(), String::new(), String::new()];
    let mut labels: Vec<(f64, u64, bool)> = Vec::new();
    for (bar, parts) in sums.iter().enumerate() {
        let left = bar as f64 * step;
        let mut below = 0;
        for (part, path) in parts.iter().zip(&mut paths) {
            if *part > 0 {
                // A single day's seed must show on any screen: it is drawn at least three thousandths wide.
                let flagged = !std::ptr::eq(part, &parts[0]);
                let width = if flagged { (step * 0.9).max(3.0) } else { step * 0.9 };
                let (low, high) = (scale.y(below), scale.y(below + part));
                path.push_str(&format!("M{left:.1} {low:.1}V{high:.1}h{width:.1}V{low:.1}z"));
            }
            below += part;
        }
        if scale.cuts(below) {
            labels.push(((left + step / 2.0) / 1000.0, below, parts[1] + parts[2] > 0));
        }
    }
    let labels = spread(labels);
    // Where the trains stand, numbered as the cohorts' cards are.
    let at = |train: &Train| {
        let middle = train.start + train.bin_us * train.members.len() as i64 / 2;
        (middle - first.day * DAY) as f64 / (per_bar * bars as i64 * DAY) as f64
    };
    let trains: Vec<(f64, u64, bool)> = timeline.trains.iter().map(|t| (at(t), number_of(t) as u64, true)).collect();
    let numbered = spread(trains.iter().map(|(x, number, flag)| (*x, u64::MAX - number, *flag)).collect());
    let unit = if per_bar == 1 { "day".to_owned() } else { format!("{per_bar} days") };
    let total = |of: fn(&crate::report::Day) -> u64| timeline.days.iter().map(of).sum::<u64>();
    let text = format!(
        "{} rows that stay, {} seeded, {} in review, from {} to {}",
        number(total(|d| d.stay)),
        number(total(|d| d.seeded)),
        number(total(|d| d.review)),
        date(first.day),
        date(last.day)
    );
    html! {
        figure {
            svg class="plot" width="100%" height=(if trains.is_empty() { 190 } else { 208 }) role="img" aria-labelledby="timeline-title timeline-text" {
                title id="timeline-title" { "Rows created per " (unit) }
                desc id="timeline-text" { (text) }
                svg x="0" y="22" width="100%" height="160" viewBox="0 0 1000 100" preserveAspectRatio="none" {
                    path class="grid" d="M0 33.3H1000M0 66.6H1000" vector-effect="non-scaling-stroke" {}
                    @for (path, class) in paths.iter().zip(["stay", "review", "seeded"]) { @if !path.is_empty() { path class=(class) d=(path) {} } }
                    path class="axis" d="M0 100H1000" vector-effect="non-scaling-stroke" {}
                }
                @for (x, _, _) in &trains { rect class="seeded" x=(format!("{:.2}%", x * 100.0)) y="184" width="3" height="7" {} }
                @for (x, rest, _) in &numbered { text class="label flagged" x=(format!("{:.1}%", x * 100.0)) y="204" text-anchor=(anchor(*x)) { "cohort " (u64::MAX - rest) } }
                @for (x, count, flagged) in &labels {
                    text class=(if *flagged { "label flagged" } else { "label" }) x=(format!("{:.1}%", x * 100.0)) y="15" text-anchor=(anchor(*x)) { (number(*count)) }
                }
            }
            div class="ends" { span { (date(first.day)) } span { (date(last.day)) } }
            figcaption {
                span class="key" { i class="stay" {} "stay" } span class="key" { i class="review" {} "in review" } span class="key" { i class="seeded" {} "seeded" }
                span class="soft" { "Rows per " (unit) ". Bars above one and a half times the usual are cut off and say their count." }
            }
        }
    }
}

/// Chooses labels that do not touch: flagged bars first, then the highest.
fn spread(mut labels: Vec<(f64, u64, bool)>) -> Vec<(f64, u64, bool)> {
    labels.sort_by(|a, b| b.2.cmp(&a.2).then(b.1.cmp(&a.1)).then(a.0.total_cmp(&b.0)));
    let mut chosen: Vec<(f64, u64, bool)> = Vec::new();
    for label in labels {
        if chosen.len() < LABELS && chosen.iter().all(|c| (c.0 - label.0).abs() >= LABEL_GAP) {
            chosen.push(label);
        }
    }
    chosen.sort_by(|a, b| a.0.total_cmp(&b.0));
    chosen
}

fn anchor(x: f64) -> &'static str {
    match x {
        x if x < 0.08 => "start",
        x if x > 0.92 => "end",
        _ => "middle",
    }
}

fn date(day: i64) -> String {
    Rfc3339(day * DAY).to_string()[..10].to_owned()
}

/// Draws how a cohort's rows came in, at the finest width that shows them all.
pub(super) fn train(train: &Train, index: usize) -> Markup {
    let bins = train.members.len().max(1);
    let step = 1000.0 / bins as f64;
    let most = train.members.iter().zip(&train.others).map(|(a, b)| a + b).max().unwrap_or(1).max(1);
    let y = |n: u64| 100.0 - n as f64 / most as f64 * 100.0;
    let (mut others, mut members) = (String::new(), String::new());
    for (bin, (own, other)) in train.members.iter().zip(&train.others).enumerate() {
        let (left, width) = (bin as f64 * step, step * 0.86);
        if *other > 0 {
            others.push_str(&format!("M{left:.1} 100V{:.1}h{width:.1}V100z", y(*other)));
        }
        if *own > 0 {
            members.push_str(&format!("M{left:.1} {:.1}V{:.1}h{width:.1}V{:.1}z", y(*other), y(own + other), y(*other)));
        }
    }
    let end = train.start + train.bin_us * bins as i64;
    let rows: u64 = train.members.iter().sum();
    let near: u64 = train.others.iter().sum();
    let width = span(train.bin_us / SECOND);
    let words = format!(
        "{} rows of cohort {} and {} others, per {width}, at most {} in one, from {} to {}",
        number(rows),
        train.cohort,
        number(near),
        number(most),
        short(train.start),
        short(end)
    );
    html! {
        figure class="train" {
            svg class="plot" width="100%" height="76" role="img" aria-label=(words) {
                svg x="0" y="2" width="100%" height="72" viewBox="0 0 1000 100" preserveAspectRatio="none" {
                    path class="stay" d=(others) {}
                    path class="seeded" d=(members) {}
                    path class="axis" d="M0 100H1000" vector-effect="non-scaling-stroke" {}
                }
            }
            div class="ends" { span { (short(train.start)) } span { (short(end)) } }
            figcaption { a href={ "#c" (index + 1) } { (train.cohort) } ": " (counted(rows, "row")) ", " (counted(near, "other")) ", per " (width) ", at most " (number(most)) }
        }
    }
}

fn short(time: i64) -> String {
    let text = Rfc3339(time).to_string();
    format!("{} {}", &text[..10], &text[11..19])
}

/// Draws a row's terms from the prior to the sum: for a seed to the right, against one to the left.
pub(super) fn waterfall(reasons: &[Reason], sum: Bits) -> Markup {
    let mut low: f64 = 0.0;
    let mut high: f64 = 0.0;
    let mut at = 0.0;
    for reason in reasons {
        at += reason.bits.get();
        low = low.min(at);
        high = high.max(at);
    }
    let scale = 1000.0 / (high - low).max(1.0);
    let x = |bits: f64| (bits - low) * scale;
    let bar = |class: &str, from: f64, to: f64| {
        html! {
            svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
                path class="zero" d=(format!("M{0:.0} 0h3v10h-3z", x(0.0))) {}
                path class=(class) d=(format!("M{:.0} 1h{:.0}v8H{0:.0}z", x(from.min(to)), ((to - from).abs() * scale).max(4.0))) {}
            }
        }
    };
    let mut from = 0.0;
    let mut rows = Vec::new();
    for reason in reasons {
        let to = from + reason.bits.get();
        let (class, side) = match &*reason.family {
            "prior" => ("prior", "before looking"),
            _ if reason.bits < Bits::ZERO => ("against", "against"),
            _ => ("for", "for"),
        };
        rows.push((reason, class, side, from, to));
        from = to;
    }
    html! {
        table class="fall" {
            caption { "Why: a typical row, in bits for and against a seed" }
            thead { tr { th scope="col" { "Evidence" } th scope="col" { "Adds up" } th scope="col" class="n" { "Bits" } th scope="col" { "What was found" } } }
            tbody {
                @for (reason, class, side, from, to) in &rows {
                    tr class=(class) { th scope="row" { (reason.detector) " " span class="soft" { (side) } } td class="b" { (bar(class, *from, *to)) } td class="n" { (signed(reason.bits)) } td class="d" { bdi { (reason.detail) } } }
                }
                tr class="sum" { th scope="row" { "sum" } td class="b" { (bar("sum", 0.0, sum.get())) } td class="n" { (signed(sum)) } td class="d" { (odds(sum)) } }
            }
        }
    }
}

fn signed(bits: Bits) -> String {
    bits.to_string().replacen('-', "\u{2212}", 1)
}

/// Says what bits mean: odds.
fn odds(bits: Bits) -> String {
    let exponent = bits.get().abs();
    let times = if exponent < 40.0 { number(exponent.exp2().round() as u64) } else { format!("2^{exponent:.0}") };
    if bits < Bits::ZERO { format!("{times} to 1 against a seed") } else { format!("{times} to 1 for a seed") }
}

/// Draws hours of the week; five steps of colour, of which the darkest is the fullest hour.
pub(super) fn hours(hours: &TableHours, title: &str, few: u64) -> Markup {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let most = hours.hours.iter().copied().max().unwrap_or(1).max(1);
    let level = |n: u64| if n == 0 { 0 } else { (n as f64 / most as f64 * 5.0).ceil() as usize };
    let mut paths: Vec<String> = vec![String::new(); 6];
    for day in 0..7 {
        let mut hour = 0;
        while hour < 24 {
            let own = level(hours.hours[day * 24 + hour]);
            let from = hour;
            while hour < 24 && level(hours.hours[day * 24 + hour]) == own {
                hour += 1;
            }
            paths[own].push_str(&format!("M{from} {day}h{}v1H{from}z", hour - from));
        }
    }
    let used = hours.hours.iter().filter(|n| **n > 0).count();
    let judged = if hours.rows < few {
        format!("{}: too few to judge by", counted(hours.rows, "row"))
    } else {
        format!("{} in {used} of 168 hours, evenness {:.2}", counted(hours.rows, "row"), hours.evenness())
    };
    let block = |day: usize, from: usize| hours.hours[day * 24 + from..day * 24 + from + 6].iter().sum::<u64>();
    html! {
        figure class="heat" {
            div class="week" {
                div class="days" aria-hidden="true" { @for day in DAYS { span { (day) } } }
                svg class="cells" viewBox="0 0 24 7" preserveAspectRatio="none" role="img" aria-label={ (title) " by hour of the week, UTC: " (judged) } {
                    @for (level, path) in paths.iter().enumerate() { @if !path.is_empty() { path class={ "l" (level) } d=(path) {} } }
                }
                div {}
                div class="ends" aria-hidden="true" { span { "0 h" } span { "6" } span { "12" } span { "18" } span { "24" } }
            }
            figcaption { b { (title) } " " span class="soft" { (judged) } }
            details {
                summary { "As a table" }
                table class="tight" {
                    caption { "Rows by day and hours, UTC" }
                    thead { tr { th scope="col" { "Day" } @for from in [0, 6, 12, 18] { th scope="col" class="n" { (from) "\u{2013}" (from + 6) } } } }
                    tbody { @for (day, name) in DAYS.iter().enumerate() { tr { th scope="row" { (name) } @for from in [0, 6, 12, 18] { td class="n" { (block(day, from)) } } } } }
                }
            }
        }
    }
}

/// Draws where a cohort's rows lie among its table's ids.
pub(super) fn strip(ids: &IdStrip) -> Markup {
    let members: u64 = ids.bins.iter().sum();
    let step = 1000.0 / ids.bins.len().max(1) as f64;
    let mut path = String::new();
    let mut bin = 0;
    while bin < ids.bins.len() {
        if ids.bins[bin] == 0 {
            bin += 1;
            continue;
        }
        let from = bin;
        while bin < ids.bins.len() && ids.bins[bin] > 0 {
            bin += 1;
        }
        path.push_str(&format!("M{:.1} 0h{:.1}v10H{:.1}z", from as f64 * step, ((bin - from) as f64 * step).max(4.0), from as f64 * step));
    }
    let run = |(first, last): &(i64, i64)| if first == last { first.to_string() } else { format!("{first}\u{2013}{last}") };
    let listed: Vec<String> = ids.runs.iter().map(run).collect();
    let more = ids.runs_total - ids.runs.len();
    let words = format!(
        "{} of {} in {} {} without a gap: {}{}",
        number(members),
        ids.table,
        number(ids.runs_total as u64),
        if ids.runs_total == 1 { "run" } else { "runs" },
        listed.join(", "),
        if more > 0 { format!(" and {} more", number(more as u64)) } else { String::new() }
    );
    html! {
        figure class="strip-ids" {
            svg class="plot" width="100%" height="14" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label={ "Ids: " (words) } {
                path class="track" d="M0 0H1000V10H0z" {}
                path class="seeded" d=(path) {}
            }
            div class="ends" { span { (ids.column) " " (ids.low) } span { (ids.high) } }
            figcaption { b { "Ids " } span class="soft" { (words) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_their_distance() {
        let labels = spread((0..100).map(|i| (f64::from(i) / 100.0, i as u64, false)).collect());
        assert!(labels.len() <= LABELS);
        assert!(labels.windows(2).all(|w| w[1].0 - w[0].0 >= LABEL_GAP - 1e-9));
    }

    #[test]
    fn odds_are_words() {
        assert_eq!(odds(Bits::new(-10.0)), "1,024 to 1 against a seed");
        assert_eq!(odds(Bits::new(30.0)), "1,073,741,824 to 1 for a seed");
    }
}
