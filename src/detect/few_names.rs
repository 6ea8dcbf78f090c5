//! Many people of few names: `FIRST[Math.random() * FIRST.length]` over a list that somebody typed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::FixedState;
use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::context::text_hash;
use super::{Detector, TableView, rows_of};
use crate::model::stamp::SECOND;
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row, TableClass};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct FewNames;

const META: DetectorMeta = DetectorMeta {
    id: "few-names",
    title: "Many people of few names",
    family: Family::Vocabulary,
    reads: &[Role::GivenName, Role::FamilyName, Role::PersonName],
    finds: "Bursts in which hardly anybody has a given or a family name that nobody else there has: lists of a dozen or two that a seed's author typed, drawn from again and again.",
    false_positives: "A quarter of Vietnamese, Chinese and Korean family names are shared by everybody: given and family names must both come from few. Lists in the order of names repeat them one after the other and are left out, and so are tables whose other people have few names too.",
    source: "firstNames and lastNames arrays of 8 to 30 in seed scripts. In every census a group of a hundred people has at least 25 with a name of their own, and one of forty at least 20: Zipf's tail (US census 1990, SSA 2010, INE Spain, GSO Vietnam, Danmarks Statistik 2020).",
};

/// Fewest people of a burst, and sizes at which it is compared with the rest of the table.
const SIZES: [usize; 4] = [40, 64, 128, 256];

/// Share of a group's people, and the number from which on it no longer grows, who have a name of their own; and
/// the share of less than [`SMALL`], where fewer have somebody to share one with.
const UNIQUE_SHARE: f64 = 0.25;
const UNIQUE_MOST: f64 = 25.0;
const UNIQUE_OF_SMALL: f64 = 0.4;
const SMALL: usize = 64;

/// The same as a share of what the table's middle group has.
const OF_USUAL: f64 = 0.75;

/// Share of two groups' names that are the same where both were drawn from the same lists.
const SAME: f64 = 0.7;

/// Share of rows with the same name as the one before from which a list stands in the order of names.
const SORTED: f64 = 0.3;

/// Fewest different names of a group: fewer are no names.
const LEAST_NAMES: usize = 4;

/// Log2 of the chance above which nothing is said.
const LEAST_CHANCE: f64 = -14.0;

/// Log2 of the chance from which no import is left: p below 1e-9.
const CERTAIN: f64 = -30.0;

/// Share of the table from which its people have few names.
const OWN: f64 = 0.6;

/// How many times faster than on the whole people must come to be a burst; never slower than one a second.
const BUSIEST: i64 = 50;

/// Most bits of a row: who is among them and has a common name may be a person.
const MOST: f64 = 5.0;

impl Detector for FewNames {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        if table.profile.class != TableClass::People {
            return Err("no table of people".to_owned());
        }
        names(table).map(|(first, last)| std::iter::once(first).chain(last).map(ColumnRead::Text).collect())
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let Ok((first, last)) = names(table) else { return Ok(DataFrame::default()) };
        let texts =
            |column: usize| Ok::<_, polars::error::PolarsError>(chunk.frame.column(&ColumnRead::Text(column).name())?.str()?.clone());
        let (first, last) = (texts(first)?, last.map(texts).transpose()?);
        let (mut rows, mut a, mut b): (Vec<Row>, Vec<u32>, Vec<u32>) = Default::default();
        for at in 0..chunk.frame.height() {
            let pair = match &last {
                Some(last) => first.get(at).zip(last.get(at)),
                // A name in one word counts as it is.
                None => first.get(at).map(str::trim).map(|name| {
                    let words = name.split_once(' ').zip(name.rsplit_once(' '));
                    words.map_or((name, name), |((x, _), (_, y))| (x, y))
                }),
            };
            if let Some((x, y)) = pair.filter(|(x, y)| !x.is_empty() && !y.is_empty()) {
                rows.push(chunk.first_row + at as Row);
                a.push((text_hash(1, x) >> 32) as u32);
                b.push((text_hash(1, y) >> 32) as u32);
            }
        }
        DataFrame::new(
            rows.len(),
            vec![
                Series::new("row".into(), rows).into_column(),
                Series::new("first".into(), a).into_column(),
                Series::new("last".into(), b).into_column(),
            ],
        )
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        if merged.height() < SIZES[0] {
            return Ok(Vec::new());
        }
        let rows = rows_of(merged)?;
        let hashes = |name: &str| Ok::<Vec<u32>, polars::error::PolarsError>(merged.column(name)?.u32()?.into_no_null_iter().collect());
        let (first, last) = (hashes("first")?, hashes("last")?);
        let ranks = table.facts.ranks();
        let place = |row: Row| match ranks.get(row) {
            Some(rank) => i64::from(rank),
            None => table.facts.created.get(row).unwrap_or(i64::MAX),
        };
        let mut people: Vec<Named> = (0..rows.len()).map(|i| Named { row: rows[i], first: first[i], last: last[i] }).collect();
        let placed = |p: &Named| (place(p.row), p.row);
        if !people.is_sorted_by_key(placed) {
            people.sort_by_cached_key(placed);
        }
        // Dates that were made up do not tell who came at once; the order of keys does.
        let by_key = table.profile.clock.by_key();
        let created = |p: &Named| if by_key { table.facts.inserted(p.row) } else { table.facts.created.get(p.row) };
        let found = bursts(&people, created);
        let held: usize = found.iter().map(|f| f.rows.len()).sum();
        if held as f64 > OWN * people.len() as f64 {
            return Ok(Vec::new());
        }
        Ok(found.into_iter().map(|burst| fact(table, burst)).collect())
    }
}

/// Returns the columns of given and family names, or that of both.
pub(super) fn names(table: &TableView<'_>) -> Result<(usize, Option<usize>), String> {
    let column = |role: Role| table.profile.column(role);
    match (column(Role::GivenName), column(Role::FamilyName), column(Role::PersonName)) {
        (Some(first), Some(last), _) => Ok((first, Some(last))),
        (_, _, Some(whole)) => Ok((whole, None)),
        _ => Err("no given and family names".to_owned()),
    }
}

/// How often each name occurs.
type Counts = HashMap<u32, usize, FixedState>;

/// A person by the hashes of both names.
#[derive(Clone, Copy)]
struct Named {
    row: Row,
    first: u32,
    last: u32,
}

/// People who were created one right after the other and have few names.
struct Burst {
    rows: Vec<Row>,
    /// Names that several of them have.
    first: BTreeSet<u32>,
    last: BTreeSet<u32>,
    log2_p: f64,
}

impl Burst {
    fn of(people: &[Named], log2_p: f64) -> Self {
        let (first, last) = (counts(people, |p| p.first), counts(people, |p| p.last));
        // Who has a name that nobody else there has is none of them.
        let mut rows: Vec<Row> = people.iter().filter(|p| first[&p.first] > 1 && last[&p.last] > 1).map(|p| p.row).collect();
        rows.sort_unstable();
        let several = |counts: Counts| counts.into_iter().filter(|(_, n)| *n > 1).map(|(name, _)| name).collect();
        Self { rows, first: several(first), last: several(last), log2_p }
    }

    /// Returns whether another burst has the same names: both were drawn from the same lists.
    fn is_like(&self, other: &Self) -> bool {
        let same = |a: &BTreeSet<u32>, b: &BTreeSet<u32>| a.intersection(b).count() as f64 >= SAME * a.len().max(b.len()) as f64;
        same(&self.first, &other.first) && same(&self.last, &other.last)
    }
}

/// Finds groups of few names among people who were created one right after the other.
fn bursts(people: &[Named], created: impl Fn(&Named) -> Option<i64>) -> Vec<Burst> {
    let mut timed: Vec<(i64, Named)> = people.iter().filter_map(|p| Some((created(p)?, *p))).collect();
    timed.sort_by_key(|(at, p)| (*at, p.row));
    let (Some(first), Some(last)) = (timed.first(), timed.last()) else { return Vec::new() };
    let gap = ((last.0 - first.0) / timed.len() as i64 / BUSIEST).max(SECOND);
    let together: Vec<Vec<Named>> = timed
        .chunk_by(|a, b| b.0 - a.0 <= gap)
        .filter(|burst| burst.len() >= SIZES[0])
        .map(|burst| burst.iter().map(|(_, p)| *p).collect())
        .collect();
    let price = (together.len().max(1) as f64).log2();
    // What the table's middle group of a size has, counted where a burst is first held against it.
    let mut usual: BTreeMap<usize, Option<usize>> = BTreeMap::new();
    let mut few = |burst: &Vec<Named>| {
        let size = SIZES.into_iter().rfind(|size| *size <= burst.len()).unwrap_or(SIZES[0]);
        let usual = *usual.entry(size).or_insert_with(|| middle(people.chunks_exact(size).map(unique).collect()));
        // A nation's rarest names come twice too, in time: each part of a large group must have few.
        let parts = burst.chunks(SIZES[3]).filter(|part| part.len() >= SMALL.min(burst.len()));
        let most = parts.map(unique).max().unwrap_or_default();
        let log2_p = at_most(most, expected(burst.len().min(SIZES[3]), usual)) + price;
        (log2_p <= LEAST_CHANCE && !is_sorted(burst) && counts(burst, |p| p.first).len() >= LEAST_NAMES).then(|| Burst::of(burst, log2_p))
    };
    let found: Vec<Burst> = together.iter().filter_map(&mut few).collect();
    // A seed that ran again is one more chance of the same lists each time.
    let again = |burst: &Burst| found.iter().filter(|other| burst.is_like(other)).map(|other| other.log2_p).sum();
    let sums: Vec<f64> = found.iter().map(again).collect();
    found.into_iter().zip(sums).map(|(burst, log2_p)| Burst { log2_p, ..burst }).collect()
}

/// Returns the middle one of some numbers, if there is any.
fn middle(mut numbers: Vec<usize>) -> Option<usize> {
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied()
}

/// Returns how many of a group have a name of their own, at least; `usual` is what the table's middle group has.
fn expected(size: usize, usual: Option<usize>) -> f64 {
    let middle = usual.map_or(UNIQUE_MOST, |unique| OF_USUAL * unique as f64);
    let share = if size < SMALL { UNIQUE_OF_SMALL } else { UNIQUE_SHARE };
    (share * size as f64).min(UNIQUE_MOST).min(middle)
}

fn counts(people: &[Named], of: impl Fn(&Named) -> u32) -> Counts {
    let mut counts = Counts::default();
    people.iter().for_each(|p| *counts.entry(of(p)).or_insert(0) += 1);
    counts
}

/// Returns how many have a name of their own, given or family, whichever more have.
fn unique(people: &[Named]) -> usize {
    let own = |counts: Counts| counts.into_values().filter(|n| *n == 1).count();
    own(counts(people, |p| p.first)).max(own(counts(people, |p| p.last)))
}

/// Returns whether people stand in the order of their names.
fn is_sorted(people: &[Named]) -> bool {
    let same = |of: fn(&Named) -> u32| people.windows(2).filter(|pair| of(&pair[0]) == of(&pair[1])).count() as f64;
    same(|p| p.first).max(same(|p| p.last)) > SORTED * people.len() as f64
}

/// Returns log2 of the chance of at most so many where some are expected (Poisson).
fn at_most(count: usize, expected: f64) -> f64 {
    if expected <= count as f64 {
        return 0.0;
    }
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..=count {
        term *= expected / k as f64;
        sum += term;
    }
    sum.log2() - expected * std::f64::consts::LOG2_E
}

fn fact(table: &TableView<'_>, burst: Burst) -> Evidence {
    Evidence {
        detector: META.id,
        family: META.family,
        table: table.profile.id,
        kind: "few names".to_owned(),
        detail: format!(
            "{} people created one right after the other share {} given and {} family names, and hardly anybody has one of their own",
            burst.rows.len(),
            burst.first.len(),
            burst.last.len()
        ),
        rows: burst.rows,
        measure: Measure::Against { bits: (-burst.log2_p).min(MOST) },
        certainty: if burst.log2_p <= CERTAIN { Certainty::CannotBeHuman } else { Certainty::Suggests },
        proposes: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repeatable number below `n`.
    fn pick(seed: u64, n: u64) -> u64 {
        text_hash(9, &seed.to_string()) % n
    }

    /// People as a census has them: name k occurs in proportion to 1/k.
    fn people(from: u32, count: u32) -> Vec<Named> {
        let zipf = |seed: u64| 3_000_f64.powf(pick(seed, 1_000_000) as f64 / 1e6) as u32;
        (from..from + count).map(|row| Named { row, first: zipf(u64::from(row) * 2), last: zipf(u64::from(row) * 2 + 1) }).collect()
    }

    fn drawn(from: u32, count: u32, names: u64) -> Vec<Named> {
        let name = |seed: u64| 100 + pick(seed, names) as u32 * 17;
        (from..from + count).map(|row| Named { row, first: name(u64::from(row) * 2), last: name(u64::from(row) * 2 + 1) }).collect()
    }

    #[test]
    fn finds_a_hundred_that_came_at_once() {
        let mut all = people(0, 900);
        all.extend(drawn(900, 100, 16));
        all.extend(people(1_000, 900));
        let created = |p: &Named| Some(if (900..1_000).contains(&p.row) { i64::from(p.row) } else { i64::from(p.row) * 3_600 * SECOND });
        let found = bursts(&all, |p| created(p).map(|at| if at < 3_600 * SECOND { 900 * 3_600 * SECOND + at } else { at }));
        assert_eq!(found.len(), 1);
        assert!(found[0].log2_p <= CERTAIN && found[0].rows.iter().all(|r| (900..1_000).contains(r)), "{}", found[0].log2_p);
        // As many people of a company, taken over at once.
        let import = bursts(&people(0, 1_900), |p| created(p).map(|at| if at < 3_600 * SECOND { 900 * 3_600 * SECOND + at } else { at }));
        assert!(import.is_empty());
    }

    #[test]
    fn stays_quiet_on_censuses_and_sorted_lists() {
        let at_once =
            |all: &[Named]| bursts(all, |p| Some(i64::from(p.row) * if p.row < 1_000 { 3_600 * SECOND } else { 3_600 * 1_000 })).len();
        // One family name for half of them, and given names as anywhere.
        let mut few_families = people(0, 1_000);
        let mut relatives = people(3_600_000, 400);
        relatives.iter_mut().for_each(|p| p.last = p.row % 7);
        few_families.extend(relatives);
        assert_eq!(at_once(&few_families), 0);
        let mut sorted = drawn(3_600_000, 4_000, 40);
        sorted.sort_by_key(|p| (p.first, p.last));
        sorted.iter_mut().zip(3_600_000..).for_each(|(p, row)| p.row = row);
        let mut all = people(0, 1_000);
        all.extend(sorted);
        assert_eq!(at_once(&all), 0);
        all.truncate(1_000);
        all.extend(drawn(3_600_000, 400, 20));
        assert_eq!(at_once(&all), 1);
    }
}
