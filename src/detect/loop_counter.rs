//! A loop's counter behind names that differ: `mary.kim0`, `joe.orr1`, ... `ann.lee41`; and `i % 100`.

use std::collections::BTreeSet;

use polars::prelude::{DataFrame, PolarsResult};

use super::address;
use super::context::text_hash;
use super::numbered::{self, Numbers};
use super::{Detector, TableView, Times};
use crate::model::stamp::{DAY, SECOND};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct LoopCounter;

const META: DetectorMeta = DetectorMeta {
    id: "loop-counter",
    title: "A counter behind different names",
    family: Family::Template,
    reads: &[Role::Email, Role::Username],
    finds: "Rows, one after the other, whose addresses or handles are different names that end with 0, 1, 2, 3 ... in the order of insertion; the counter may start over (i % 100).",
    false_positives: "Handles that a site makes of a name and its own numbering run over most of its life and are left out. A school's addresses may end with numbers of a register, which start at neither 0 nor 1: they count as a template and no more.",
    source: "`${first}.${last}${i}` keeps addresses unique in seeds that draw names. No number ends more than one handle in thirty (1, 123 and years of birth lead): twelve in a row are one case in 10^13.",
};

/// Fewest rows of a chain: odds of one in millions among the people of a large table.
const LEAST_ROWS: usize = 12;

/// Longest number that is a counter, digits.
const LONGEST: usize = 9;

/// Characters kept of a name: enough to tell names apart.
const KEPT: usize = 6;

/// Most chains that are followed at a time.
///
/// Each row opens one at most, and ends those that have waited too long.
const MOST_OPEN: usize = 8;

/// How many times the middle gap between two rows of a chain a gap at its ends may be.
///
/// Source: loops wait for hashes and networks, at most some ten times as long for one row as for another.
const PACE: i64 = 20;

/// How much busier than on the whole a site may be while it numbers its people itself.
///
/// Source: campaigns and peak hours come to some eight times the mean, growth over the years to as much again.
const BUSIEST: i64 = 20;

/// Shortest life of a table that may number its people, microseconds.
const LIFE: i64 = 30 * DAY;

/// Share of a site's own numbers that must be later than the ones before.
const RISING: f64 = 0.9;

/// Other rows, plus one, that may lie between two of a chain: people sign up while a loop runs.
const LARGEST_STEP: Row = 2;

/// Largest share of people's handles that end with one number.
const COMMONEST: f64 = 1.0 / 30.0;

impl Detector for LoopCounter {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        table.texts_or(META.reads, "no address and no handle")
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let mut found = Numbers::default();
        for read in table.texts(META.reads) {
            for (offset, text) in chunk.frame.column(&read.name())?.str()?.iter().enumerate() {
                let local = text.map(address::local);
                if let Some((name, number)) = local.and_then(split) {
                    found.push(chunk.first_row + offset as Row, read.column(), digest(name), number);
                }
            }
        }
        found.frame()
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let (ranks, created) = (table.facts.ranks(), &table.facts.created);
        let life = Life::of(created);
        let mut evidence = Vec::new();
        for read in table.texts(META.reads) {
            let place = |row: Row| ranks.get(row).unwrap_or(row);
            let values = numbered::of_column(merged, read.column())?;
            let mut ends: Vec<End> =
                values.map(|(name, number, row)| End { place: place(row), row, name, number: u64::from(number) }).collect();
            ends.sort_unstable_by_key(|end| (end.place, end.row));
            let found = chains(&ends).into_iter().filter_map(|chain| chain.within_pace(created));
            evidence.extend(found.filter(|chain| !chain.is_own_numbering(created, &life)).map(|chain| chain.fact(table)));
        }
        Ok(evidence)
    }
}

/// How long a table was written, and how often; microseconds.
struct Life {
    span: i64,
    gap: i64,
}

impl Life {
    fn of(created: &Times) -> Self {
        let times = || created.known();
        let span = times().max().zip(times().min()).map_or(0, |(last, first)| last - first);
        Self { span, gap: span / (times().count().max(2) as i64 - 1) }
    }
}

/// A value that ends with a number.
#[derive(Clone, Copy)]
struct End {
    /// Place of its row in the order of insertion.
    place: Row,
    row: Row,
    /// Digest of the end of what stands before the number.
    name: u64,
    number: u64,
}

/// Rows that count on.
#[derive(Debug, PartialEq, Eq)]
struct Chain {
    rows: Vec<Row>,
    first: u64,
    next: u64,
    /// Numbers of a round, once it has started over.
    round: Option<u64>,
    /// Place of the row that had the last number, and the row.
    place: Row,
    row: Row,
    /// Some of the names, by their ends' digests.
    names: BTreeSet<u64>,
}

impl Chain {
    /// Returns whether a number is the one that comes next, or the first of another round.
    fn takes(&self, number: u64) -> bool {
        let (goes_on, starts_over) = match self.round {
            Some(round) => (self.next < self.first + round, self.next == self.first + round),
            None => (true, self.rows.len() >= LEAST_ROWS),
        };
        (goes_on && number == self.next) || (starts_over && number == self.first)
    }

    fn push(&mut self, end: &End) {
        if end.number == self.first {
            self.round = Some(self.next - self.first);
        }
        self.rows.push(end.row);
        (self.next, self.place, self.row) = (end.number + 1, end.place, end.row);
        if self.names.len() < LEAST_ROWS {
            self.names.insert(end.name);
        }
    }

    /// Returns whether it is long enough, and its numbers stand behind different names: `user{n}` is a template.
    fn is_long(&self) -> bool {
        self.rows.len() >= LEAST_ROWS && self.names.len() * 2 >= LEAST_ROWS
    }

    /// Leaves out rows before the first and behind the last that were created at the chain's own pace: the next
    /// person's handle may end with the number that would have come. `None` where too few are left.
    fn within_pace(mut self, created: &Times) -> Option<Self> {
        let time = |row: &Row| created.get(*row);
        let gaps: Vec<Option<i64>> = self.rows.windows(2).map(|pair| Some(time(&pair[1])?.abs_diff(time(&pair[0])?) as i64)).collect();
        let mut known: Vec<i64> = gaps.iter().copied().flatten().collect();
        known.sort_unstable();
        let Some(median) = known.get(known.len() / 2) else { return Some(self) };
        let longest = (median * PACE).max(60 * SECOND);
        let late = |gap: &Option<i64>| gap.is_some_and(|gap| gap > longest);
        let lead = gaps.iter().take(gaps.len() / 2).rposition(late).map_or(0, |place| place + 1);
        let tail = gaps.iter().skip(gaps.len() / 2).position(late).map_or(self.rows.len(), |place| gaps.len() / 2 + place + 1);
        if self.round.is_none() {
            self.next -= (self.rows.len() - tail) as u64;
            self.first += lead as u64;
        }
        self.rows.truncate(tail);
        self.rows.drain(..lead);
        (self.rows.len() >= LEAST_ROWS).then_some(self)
    }

    /// Returns whether the site counts so itself: the numbers rise as people come, as fast as people come.
    fn is_own_numbering(&self, created: &Times, life: &Life) -> bool {
        let times: Vec<i64> = self.rows.iter().filter_map(|r| created.get(*r)).collect();
        let rising = times.windows(2).filter(|pair| pair[1] >= pair[0]).count();
        let mut gaps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_unstable();
        let Some(median) = gaps.get(gaps.len() / 2) else { return false };
        life.span > LIFE && rising as f64 >= RISING * gaps.len() as f64 && median * BUSIEST >= life.gap
    }

    fn fact(mut self, table: &TableView<'_>) -> Evidence {
        let count = self.rows.len();
        self.rows.sort_unstable();
        let (first, last, again) = match self.round {
            Some(round) => (self.first, self.first + round - 1, " over and over"),
            None => (self.first, self.next - 1, ""),
        };
        let link = (f64::from(LARGEST_STEP) * COMMONEST).log2();
        Evidence {
            detector: META.id,
            family: META.family,
            table: table.profile.id,
            kind: "a counter behind different names".to_owned(),
            detail: format!("{count} names that end with {first} to {last}{again}, in order"),
            rows: self.rows,
            measure: Measure::Chance { log2_p: (count - 1) as f64 * link + (table.rows() as f64).log2() },
            certainty: if self.first <= 1 || self.round.is_some() { Certainty::CannotBeHuman } else { Certainty::Suggests },
            proposes: true,
        }
    }
}

/// Finds chains of numbers that count on, in the order of insertion.
fn chains(ends: &[End]) -> Vec<Chain> {
    let mut open: Vec<Chain> = Vec::new();
    let mut found = Vec::new();
    for end in ends {
        found.extend(open.extract_if(.., |chain| end.place - chain.place > LARGEST_STEP).filter(Chain::is_long));
        // Two claim one number, and one of them is a stranger: neither is taken.
        let claimed = |chain: &&mut Chain| chain.rows.len() > 1 && chain.next == end.number + 1;
        if let Some(chain) = open.iter_mut().filter(claimed).max_by_key(|c| c.rows.len()) {
            chain.rows.pop_if(|row| *row == chain.row);
            continue;
        }
        if let Some(chain) = open.iter_mut().filter(|c| c.takes(end.number)).max_by_key(|c| c.rows.len()) {
            chain.push(end);
        } else if open.len() < MOST_OPEN {
            let (names, rows) = (BTreeSet::from([end.name]), vec![end.row]);
            open.push(Chain { rows, first: end.number, next: end.number + 1, round: None, place: end.place, row: end.row, names });
        }
    }
    found.extend(open.into_iter().filter(Chain::is_long));
    found
}

/// Digests the end of a name: enough to tell names apart.
fn digest(name: &str) -> u64 {
    let start = name.char_indices().rev().nth(KEPT - 1).map_or(0, |(at, _)| at);
    text_hash(0, &name[start..])
}

/// Splits a text into a name and the number at its end.
fn split(text: &str) -> Option<(&str, u32)> {
    let name = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &text[name.len()..];
    if name.is_empty() || digits.len() > LONGEST { None } else { Some((name, digits.parse().ok()?)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stamp::HOUR;

    fn found(texts: &[String]) -> Vec<Chain> {
        let split = texts.iter().enumerate().filter_map(|(i, t)| Some((i as Row, split(t)?)));
        let ends: Vec<End> =
            split.map(|(row, (name, number))| End { place: row, row, name: digest(name), number: number.into() }).collect();
        chains(&ends)
    }

    /// Names as a seed draws them, each with a number.
    fn drawn(numbers: impl Iterator<Item = u64>) -> Vec<String> {
        let names = ["mary", "joe", "ann", "bo", "zoë", "dee", "eli"];
        numbers.enumerate().map(|(i, n)| format!("{}.{}{n}", names[i * 5 % 7], names[i * 3 % 7])).collect()
    }

    #[test]
    fn follows_the_count_past_a_stranger() {
        for stranger in ["smith85", "smith"] {
            let mut counted = drawn(0..20);
            counted.insert(7, stranger.into());
            let rows: Vec<Row> = (0..21).filter(|i| *i != 7).collect();
            assert_eq!(found(&counted).into_iter().map(|c| c.rows).collect::<Vec<_>>(), [rows]);
        }
    }

    #[test]
    fn follows_a_counter_that_starts_over() {
        let chains = found(&drawn((0..50).map(|i| i % 20 + 1)));
        assert_eq!((chains.len(), chains[0].rows.len(), chains[0].first, chains[0].round), (1, 50, 1, Some(20)));
    }

    #[test]
    fn a_stranger_with_the_same_number_is_not_taken() {
        let mut counted = drawn(0..20);
        counted.insert(8, "smith8".into());
        let rows: Vec<Row> = (0..21).filter(|i| *i != 8 && *i != 9).collect();
        assert_eq!(found(&counted).remove(0).rows, rows);
    }

    #[test]
    fn who_comes_later_is_not_taken() {
        let mut created: Vec<Option<i64>> = (0..21).map(|i| Some(i * 1_000)).collect();
        created[20] = Some(HOUR);
        let chain = found(&drawn(0..21)).remove(0).within_pace(&created.into_iter().collect()).expect("a chain");
        assert_eq!((chain.rows.len(), chain.first, chain.next), (20, 0, 20));
    }

    #[test]
    fn stays_quiet_on_people_and_on_templates() {
        let people = ["mary0", "john1", "anna7", "ella2", "otto3", "paul9", "nina5", "tom85", "max12", "kim1", "joe2", "eva3"];
        assert!(found(&people.map(str::to_owned)).is_empty());
        let template: Vec<String> = (0..30).map(|i| format!("user{i}")).collect();
        assert!(found(&template).is_empty());
        assert!(split("2024").is_none() && split("mary").is_none() && split("a1234567890").is_none());
        assert_eq!(split("a007"), Some(("a", 7)));
    }
}
