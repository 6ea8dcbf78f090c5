//! `user1` to `user100` without holes: a text and a counter that rises with the order of insertion.

use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series, StringChunked};

use super::address;
use super::context::text_hash;
use super::numbered::{self, Numbers};
use super::{Detector, Ranks, TableView, log2_factorial};
use crate::model::stamp::DAY;
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds numbered templates.
pub(super) struct NumberedTemplate;

const META: DetectorMeta = DetectorMeta {
    id: "numbered-template",
    title: "Numbered template",
    family: Family::Template,
    reads: &[
        Role::Email,
        Role::Username,
        Role::PersonName,
        Role::GivenName,
        Role::FamilyName,
        Role::Title,
        Role::Text,
        Role::Company,
        Role::Phone,
        Role::Street,
        Role::Code,
        Role::ExternalId,
        Role::Token,
        Role::Url,
        Role::ImageUrl,
    ],
    finds: "Values that are one text and a counter, such as user{n}@test.com, with hardly a number missing, whose rows were inserted one after the other.",
    false_positives: "Handles such as john85 are no sequence: their numbers have holes and their rows lie apart. A class that a teacher enters has numbered handles, too: without addresses they are no certain sign, and where there are several such rosters they are none. Numbers that a live system hands out (INV-0001) run over the whole life of the table; they count for little, and never alone. A catalogue's codes count from one under the name of each kind (DRILL-01, SAW-01, PUMP-01): three such kinds are its own numbering.",
    source: "Loops of the form `user${i}` in 10 of 10 inspected seed scripts; runs of five consecutive numbers whose rows also lie together do not occur among 4,900 handles drawn by observed habits.",
};

/// Shortest run of numbers that is looked at.
const LEAST_RUN: usize = 5;

/// Largest step between two numbers of one run: a seed may skip a number that was taken.
const LARGEST_STEP: u32 = 3;

/// How the kind of a run of handles without addresses begins.
pub(crate) const ROSTER: &str = "roster of ";

/// Share of the numbers between a run's ends that must occur.
const DENSE: f64 = 0.9;

/// Runs from one, under names of their own, from which a column of codes is a catalogue's, and the shortest that counts:
/// of some kinds a catalogue has few.
const KINDS: usize = 3;
const LEAST_OF_KIND: usize = 3;

/// Longest text that is taken for a template, in bytes.
const LONGEST: usize = 160;

impl Detector for NumberedTemplate {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        table.texts_or(META.reads, "no text that could hold a counter")
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let mut found = Numbers::default();
        let mut bare: Vec<bool> = Vec::new();
        let mut template = String::new();
        let addresses: Vec<&StringChunked> =
            table.texts(&[Role::Email]).iter().map(|read| chunk.frame.column(&read.name())?.str()).collect::<PolarsResult<_>>()?;
        let nameless = |offset: usize| addresses.iter().all(|of| of.get(offset).is_none_or(str::is_empty));
        for role in META.reads {
            for read in table.texts(&[*role]) {
                for (offset, text) in chunk.frame.column(&read.name())?.str()?.iter().enumerate() {
                    if let Some(number) = text.and_then(|t| split(t, *role, &mut template)) {
                        bare.push(*role == Role::Username && table.facts.people && nameless(offset));
                        found.push(chunk.first_row + offset as Row, read.column(), text_hash(0, &template), number);
                    }
                }
            }
        }
        let mut frame = found.frame()?;
        frame.with_column(Series::new("bare".into(), bare).into_column())?;
        Ok(frame)
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        if merged.height() == 0 {
            return Ok(Vec::new());
        }
        let ranks = table.facts.ranks();
        let bare = bare_rows(merged)?;
        let mut evidence = Vec::new();
        for column in 0..table.profile.columns.len() {
            let mut sorted = repeated(merged, column)?;
            sorted.sort_unstable();
            let near = |a: &(u64, u32, Row), b: &(u64, u32, Row)| a.0 == b.0 && b.1 - a.1 <= LARGEST_STEP;
            let runs = sorted.chunk_by(near).filter(|run| run.len() >= LEAST_OF_KIND);
            let mut runs: Vec<Run> = runs
                .map(|run| Run { column, rows: run.iter().map(|r| r.2).collect(), numbers: run.iter().map(|r| r.1.into()).collect() })
                .collect();
            drop(sorted);
            let kinds = runs.iter().filter(|run| run.dense(LEAST_OF_KIND).is_some_and(|(first, ..)| first <= 1)).count();
            runs.retain(|run| run.rows.len() >= LEAST_RUN);
            if numbers_itself(table, column, &runs, kinds) {
                continue;
            }
            let found: Vec<(Row, Evidence)> = runs.iter().filter_map(|run| Some((run.rows[0], run.judge(table, &ranks, &bare)?))).collect();
            // Only now are they called by their names.
            let mut named: Vec<Row> = found.iter().map(|f| f.0).collect();
            named.sort_unstable();
            named.dedup();
            let texts = table.texts_of(column, &named)?;
            let role = table.profile.columns[column].role;
            for (row, mut fact) in found {
                let mut template = String::new();
                if let Some(text) = named.binary_search(&row).ok().and_then(|place| texts.get(place)) {
                    split(text, role, &mut template);
                }
                fact.detail.insert_str(0, &template);
                fact.kind.push_str(&template);
                evidence.push(fact);
            }
        }
        Ok(evidence)
    }
}

/// Lists the people, sorted, who have a numbered handle and no address.
fn bare_rows(merged: &DataFrame) -> PolarsResult<Vec<Row>> {
    let (rows, bare) = (merged.column("row")?.u32()?, merged.column("bare")?.bool()?);
    let both = rows.into_no_null_iter().zip(bare.iter());
    let mut found: Vec<Row> = both.filter_map(|(row, bare)| (bare == Some(true)).then_some(row)).collect();
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Lists template, number and row of a column's values, but for templates that so few rows have that none can be a run:
/// most of them, where ids of other systems end with a digit.
fn repeated(merged: &DataFrame, column: usize) -> PolarsResult<Vec<(u64, u32, Row)>> {
    let all = || numbered::of_column(merged, column);
    // A counter for each few templates: some that are rare share one with others and stay.
    let bits = all()?.count().max(1).ilog2() + 1;
    let mut counts = vec![0_u8; 1 << bits];
    let place = |template: u64| (template >> (64 - bits)) as usize;
    all()?.for_each(|(template, ..)| counts[place(template)] = counts[place(template)].saturating_add(1));
    Ok(all()?.filter(|(template, ..)| usize::from(counts[place(*template)]) >= LEAST_OF_KIND).collect())
}

/// Returns whether a column holds numbers that the system hands out: they run, with the holes that undone orders
/// leave, under the names of years or branches, over most of the table and of its life; or codes of things that count
/// from one under several names each, as a catalogue numbers them by kind. Nobody's address does. `kinds` are the runs
/// from one, short ones too.
fn numbers_itself(table: &TableView<'_>, column: usize, runs: &[Run], kinds: usize) -> bool {
    let role = table.profile.columns[column].role;
    if role == Role::Email {
        return false;
    }
    if !table.facts.people && matches!(role, Role::Code | Role::ExternalId) && kinds >= KINDS {
        return true;
    }
    let rows = || runs.iter().flat_map(|run| &run.rows);
    let times = || rows().filter_map(|row| table.facts.created.get(*row));
    rows().count() * 2 > table.rows() && is_spread(times)
}

/// Returns whether times lie over more than a month.
fn is_spread<I: Iterator<Item = i64>>(times: impl Fn() -> I) -> bool {
    times().max().zip(times().min()).is_some_and(|(last, first)| last - first > 30 * DAY)
}

/// Splits a text at its last number, which it returns, and writes what stands around it; `None` where there is none.
fn split(text: &str, role: Role, template: &mut String) -> Option<u32> {
    if text.len() > LONGEST {
        return None;
    }
    // In an address only the part before the @ is counted; the domain belongs to the template.
    let (local, domain) = match role {
        Role::Email => address::parts(text).map(|(l, d)| (l, Some(d)))?,
        _ => (text, None),
    };
    let bytes = local.as_bytes();
    let end = bytes.iter().rposition(u8::is_ascii_digit)? + 1;
    let start = bytes[..end].iter().rposition(|b| !b.is_ascii_digit()).map_or(0, |p| p + 1);
    if end - start > 9 || (start == 0 && end == bytes.len() && domain.is_none()) {
        return None;
    }
    let number = local[start..end].parse().ok()?;
    template.clear();
    template.push_str(&local[..start]);
    template.push_str("{n}");
    template.push_str(&local[end..]);
    if let Some(domain) = domain {
        template.push('@');
        template.push_str(domain);
    }
    Some(number)
}

/// Rows with one template and numbers that hardly leave one out.
struct Run {
    column: usize,
    rows: Vec<Row>,
    numbers: Vec<i64>,
}

impl Run {
    fn judge(&self, table: &TableView<'_>, ranks: &Ranks, bare: &[Row]) -> Option<Evidence> {
        let (first, last, count) = self.dense(LEAST_RUN)?;
        let span = (last - first + 1) as f64;
        let role = table.profile.columns[self.column].role;
        let spread = self.spread(table);
        let together = self.together(ranks).or_else(|| self.together_in_time(table)).unwrap_or(false);
        let rising = !ranks.is_empty() && self.rising(ranks);
        let long_in_addresses = count >= 4 * LEAST_RUN && role == Role::Email;
        if !(together || long_in_addresses) {
            return None;
        }
        // A live system numbers handles and orders, but nobody's address; and not beside as many unnumbered ones.
        let in_addresses = long_in_addresses && rising && self.rows.len() * 2 < table.rows();
        let mut log2_p = -2.0 * count as f64;
        if rising {
            log2_p -= log2_factorial(count);
        }
        // As many runs could have been looked at as there are rows.
        log2_p += (table.rows() as f64).log2();
        if log2_p > -6.0 {
            return None;
        }
        let unbroken = count as f64 == span;
        let mut rows = self.rows.clone();
        rows.sort_unstable();
        rows.dedup();
        let holes = if unbroken { "without holes".to_owned() } else { format!("with {} numbers missing", (span - count as f64) as i64) };
        let order = if rising { ", in the order of insertion" } else { "" };
        Some(Evidence {
            detector: META.id,
            family: META.family,
            table: table.profile.id,
            // Before the template, which is not known here.
            kind: if self.roster(bare) { ROSTER.to_owned() } else { String::new() },
            detail: format!(" from {first} to {last} {holes}{order}"),
            rows,
            measure: Measure::Chance { log2_p },
            certainty: if unbroken && ((together && !spread && !self.roster(bare)) || in_addresses) {
                Certainty::CannotBeHuman
            } else {
                Certainty::Suggests
            },
            proposes: true,
        })
    }

    /// Returns the first and the last number and how many different ones there are, where hardly one is left out between them.
    fn dense(&self, least: usize) -> Option<(i64, i64, usize)> {
        let mut distinct = self.numbers.clone();
        distinct.dedup();
        let (first, last, count) = (*distinct.first()?, *distinct.last()?, distinct.len());
        (count >= least && count as f64 >= DENSE * (last - first + 1) as f64).then_some((first, last, count))
    }

    /// Returns whether most rows have nothing but their handle: whoever enters a class without addresses numbers its
    /// pupils, too.
    fn roster(&self, bare: &[Row]) -> bool {
        self.rows.iter().filter(|row| bare.binary_search(row).is_ok()).count() * 2 > self.rows.len()
    }

    /// Returns whether the rows were created over more than a month.
    fn spread(&self, table: &TableView<'_>) -> bool {
        is_spread(|| self.rows.iter().filter_map(|r| table.facts.created.get(*r)))
    }

    /// Returns whether the rows were inserted close to each other, `None` where no order is known.
    fn together(&self, ranks: &Ranks) -> Option<bool> {
        if ranks.is_empty() {
            return None;
        }
        let places: Vec<Row> = self.rows.iter().filter_map(|r| ranks.get(*r)).collect();
        let (first, last) = (places.iter().min()?, places.iter().max()?);
        Some((last - first) as usize <= 2 * self.rows.len() + LEAST_RUN)
    }

    fn together_in_time(&self, table: &TableView<'_>) -> Option<bool> {
        let times: Option<Vec<i64>> = self.rows.iter().map(|r| table.facts.created.get(*r)).collect();
        let times = times?;
        Some(times.iter().max()? - times.iter().min()? <= DAY)
    }

    fn rising(&self, ranks: &Ranks) -> bool {
        let mut steps = 0;
        let mut up = 0;
        for i in 1..self.rows.len() {
            if self.numbers[i] > self.numbers[i - 1] {
                steps += 1;
                up += usize::from(ranks.get(self.rows[i]) > ranks.get(self.rows[i - 1]));
            }
        }
        steps >= LEAST_RUN - 1 && up as f64 >= 0.98 * f64::from(steps as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_the_last_number() {
        let split = |text: &str, role: Role| {
            let mut template = String::new();
            super::split(text, role, &mut template).map(|number| (template, number))
        };
        assert_eq!(split("user12@test.com", Role::Email), Some(("user{n}@test.com".into(), 12)));
        assert_eq!(split("load-3-user-007", Role::Username), Some(("load-3-user-{n}".into(), 7)));
        assert_eq!(split("Evidence for report 25", Role::Text), Some(("Evidence for report {n}".into(), 25)));
        assert_eq!(split("mary@web1.de", Role::Email), None);
        assert_eq!(split("12345", Role::Code), None);
    }
}
