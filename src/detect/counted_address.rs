//! Addresses that end with the row's number in base 36, as Mockaroo writes them: `icollisson0`, `jhansel1`,
//! ... `nblareaa`.

use std::collections::BTreeMap;

use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::address;
use super::generator_address::{behind_initial_and_family, name_columns};
use super::{Detector, TableView, Times};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct CountedAddress;

const META: DetectorMeta = DetectorMeta {
    id: "counted-address",
    title: "Addresses counted in base 36",
    family: Family::Template,
    reads: &[Role::Email, Role::Username],
    finds: "Rows, one after the other, whose addresses or handles end with 0, 1, 2 ... 9, a, b ... in the order of insertion; or, in any order, rows whose addresses are their owners' initial and family name and a number in base 36, from 0 on with hardly one missing.",
    false_positives: "None is known: people's addresses end with what comes next in one case of 36, and hardly one has a letter behind its owner's family name.",
    source: "The default schema of Mockaroo: first initial, family name and the row's index from 0 in base 36; public seed files.",
};

/// Fewest rows of a chain: past 9, so that it is no decimal counter, and with odds of one in millions among people.
const LEAST_ROWS: usize = 12;

/// The same where each address is its owner's initial and family name and nothing but the number.
const LEAST_NAMED: usize = 7;

/// Fewest numbers from 0 on, in any order: ten of them are letters.
const LEAST_UNORDERED: usize = 20;

/// Log2 of the chance above which numbers in any order say nothing.
const LEAST_CHANCE: f64 = -20.0;

/// Share of the numbers below the highest one that must occur.
const DENSE: f64 = 0.95;

/// Share of real rows whose address is their initial, family name and the number that comes next, at most: one in
/// twenty has that form with a number, and one of these in ten the right one.
const NAMED_RATE: f64 = 0.005;

/// Share of real rows whose address is their initial, family name and one given number with a letter in it, at
/// most.
const LETTERED_RATE: f64 = 0.000_05;

/// Other rows that may lie between two of a chain.
const LARGEST_STEP: usize = 4;

/// Characters kept of an address: enough for a million rows.
const KEPT: usize = 5;

impl Detector for CountedAddress {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        let reads = table.texts(META.reads);
        if reads.is_empty() {
            Err("no address and no handle".to_owned())
        } else {
            Ok(reads.into_iter().chain(name_columns(table)).collect())
        }
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let (mut rows, mut columns, mut ends): (Vec<Row>, Vec<u32>, Vec<u64>) = (Vec::new(), Vec::new(), Vec::new());
        let mut names = Vec::new();
        for read in name_columns(table) {
            names.push(chunk.frame.column(&read.name())?.str()?.clone());
        }
        let mut beside: Vec<&str> = Vec::new();
        for read in table.texts(META.reads) {
            for (offset, text) in chunk.frame.column(&read.name())?.str()?.iter().enumerate() {
                let Some(text) = text else { continue };
                let local = address::local(text);
                if local.len() >= 3 && local.is_ascii() {
                    rows.push(chunk.first_row + offset as Row);
                    columns.push(read.column() as u32);
                    beside.clear();
                    beside.extend(names.iter().filter_map(|n| n.get(offset)));
                    let number = if beside.len() == names.len() { behind_initial_and_family(local, &beside) } else { None };
                    ends.push(End::new(end_of(local), number.and_then(|n| u32::from_str_radix(n, 36).ok())).0);
                }
            }
        }
        DataFrame::new(
            rows.len(),
            vec![
                Series::new("row".into(), rows).into_column(),
                Series::new("column".into(), columns).into_column(),
                Series::new("end".into(), ends).into_column(),
            ],
        )
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let (rows, columns, ends) = (merged.column("row")?.u32()?, merged.column("column")?.u32()?, merged.column("end")?.u64()?);
        let ranks = table.facts.ranks();
        let place = |ending: &Ending| ranks.get(ending.row).unwrap_or(ending.row);
        let mut evidence = Vec::new();
        for read in table.texts(META.reads) {
            let all = rows.into_no_null_iter().zip(columns.into_no_null_iter()).zip(ends.into_no_null_iter());
            let of_column = all.filter(|((_, column), _)| *column as usize == read.column());
            let mut ordered: Vec<Ending> = of_column.map(|((row, _), end)| Ending { row, end: End(end) }).collect();
            ordered.sort_unstable_by_key(|ending| (place(ending), *ending));
            let chains = chains(&ordered);
            evidence.extend(chains.iter().map(|chain| in_order(table, chain)));
            let in_chain = |e: &Ending| chains.iter().any(|c| c.rows.binary_search(&e.row).is_ok());
            ordered.retain(|e| e.end.named().is_some() && !in_chain(e));
            evidence.extend(unordered(&ordered, &table.facts.created).and_then(|rows| in_any_order(table, rows)));
        }
        Ok(evidence)
    }
}

/// A row's end of address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ending {
    row: Row,
    end: End,
}

/// The last characters before the `@`, see [`end_of`], and above them the number behind the initial and the family
/// name, plus one; 0 for an address of another form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct End(u64);

impl End {
    fn new(last: u64, named: Option<u32>) -> Self {
        Self(named.map_or(0, |number| u64::from(number) + 1) << (8 * KEPT) | last)
    }

    /// Returns the last characters.
    const fn last(self) -> u64 {
        self.0 & ((1 << (8 * KEPT)) - 1)
    }

    /// Returns the number behind the initial and the family name.
    fn named(self) -> Option<u32> {
        (self.0 >> (8 * KEPT)).checked_sub(1).and_then(|number| u32::try_from(number).ok())
    }
}

/// Rows that count in order.
#[derive(Clone, Debug, PartialEq)]
struct Chain {
    /// Sorted.
    rows: Vec<Row>,
    /// Whether every address is its owner's initial and family name besides.
    named: bool,
}

fn in_order(table: &TableView<'_>, chain: &Chain) -> Evidence {
    let count = chain.rows.len();
    // One address in 36 ends with the sign that comes next, and it may be any of the next few.
    let next = if chain.named { NAMED_RATE } else { 1.0 / 36.0 };
    let log2_p = (count - 1) as f64 * (LARGEST_STEP as f64 * next).log2() + (table.rows() as f64).log2();
    let detail = format!("{count} addresses that end with 0 to {} in base 36, in order", base36(count - 1));
    fact(table, chain.rows.clone(), detail, log2_p)
}

fn in_any_order(table: &TableView<'_>, rows: Vec<Row>) -> Option<Evidence> {
    let lettered = (0..rows.len()).filter(|n| base36(*n).bytes().any(|b| b.is_ascii_lowercase())).count();
    // That some row has the number, for each number with a letter.
    let log2_p = lettered as f64 * (table.rows() as f64 * LETTERED_RATE).min(0.5).log2();
    let detail = format!("{} addresses of initial, family name and a number in base 36, from 0 on with hardly one missing", rows.len());
    (log2_p <= LEAST_CHANCE).then(|| fact(table, rows, detail, log2_p))
}

fn fact(table: &TableView<'_>, rows: Vec<Row>, detail: String, log2_p: f64) -> Evidence {
    Evidence {
        detector: META.id,
        family: META.family,
        table: table.profile.id,
        kind: "row number in base 36".to_owned(),
        detail,
        rows,
        measure: Measure::Chance { log2_p },
        certainty: Certainty::CannotBeHuman,
        proposes: true,
    }
}

/// Finds rows whose numbers fill a range from 0, in whatever order they lie; sorted.
///
/// Where several rows have one number, only one of them is the seed's: the one that was made while the others
/// were, or none.
fn unordered(endings: &[Ending], created: &Times) -> Option<Vec<Row>> {
    let mut by_number: BTreeMap<u32, Vec<Row>> = BTreeMap::new();
    for ending in endings {
        if let Some(number) = ending.end.named() {
            by_number.entry(number).or_default().push(ending.row);
        }
    }
    let mut dense = 0;
    for (found, number) in by_number.keys().enumerate() {
        if (found + 1) as f64 >= DENSE * f64::from(number + 1) {
            dense = found + 1;
        }
    }
    if dense < LEAST_UNORDERED {
        return None;
    }
    let times = |rows: &[Row]| rows.iter().filter_map(|r| created.get(*r)).collect::<Vec<i64>>();
    let sure: Vec<Row> = by_number.values().take(dense).filter(|rows| rows.len() == 1).flatten().copied().collect();
    let (first, last) = times(&sure).into_iter().fold((i64::MAX, i64::MIN), |(a, b), t| (a.min(t), b.max(t)));
    let mut members = sure;
    for rows in by_number.values().take(dense).filter(|rows| rows.len() > 1) {
        let near: Vec<Row> = rows.iter().copied().filter(|r| times(&[*r]).iter().any(|t| (first..=last).contains(t))).collect();
        members.extend(near.first().filter(|_| near.len() == 1));
    }
    members.sort_unstable();
    (members.len() >= LEAST_UNORDERED).then_some(members)
}

/// Finds chains of ends that count from 0.
fn chains(ordered: &[Ending]) -> Vec<Chain> {
    let mut open: Vec<(Vec<Row>, usize, bool)> = Vec::new();
    let mut found = Vec::new();
    for (place, Ending { row, end }) in ordered.iter().enumerate() {
        found.extend(open.extract_if(.., |(_, last, _)| place - *last > LARGEST_STEP));
        let is_named = |number: usize| end.named().is_some_and(|named| named as usize == number);
        let next = open.iter_mut().filter(|(rows, ..)| counts(end.last(), rows.len())).max_by_key(|(rows, ..)| rows.len());
        match next {
            Some((rows, last, all)) => {
                *all &= is_named(rows.len());
                rows.push(*row);
                *last = place;
            }
            None if counts(end.last(), 0) => open.push((vec![*row], place, is_named(0))),
            None => {}
        }
    }
    found.extend(open);
    let long = |(rows, _, named): (Vec<Row>, usize, bool)| {
        let mut rows = rows;
        rows.sort_unstable();
        (rows.len() >= if named { LEAST_NAMED } else { LEAST_ROWS }).then_some(Chain { rows, named })
    };
    found.into_iter().filter_map(long).collect()
}

/// Returns whether an end is a number in base 36 behind something else.
fn counts(end: u64, mut number: usize) -> bool {
    let mut rest = end;
    loop {
        let digit = char::from_digit((number % 36) as u32, 36).unwrap_or('0');
        if rest & 0xff != u64::from(u32::from(digit)) {
            return false;
        }
        rest >>= 8;
        number /= 36;
        if number == 0 {
            return rest != 0;
        }
    }
}

/// Packs the last characters of an ASCII text into a number, in small letters, the last one lowest.
fn end_of(text: &str) -> u64 {
    let kept = &text.as_bytes()[text.len().saturating_sub(KEPT)..];
    kept.iter().fold(0, |packed, byte| packed << 8 | u64::from(byte.to_ascii_lowercase()))
}

fn base36(mut number: usize) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((number % 36) as u32, 36).unwrap_or('0'));
        number /= 36;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endings(ends: &[&str], named: impl Fn(usize) -> Option<u32>) -> Vec<Ending> {
        ends.iter().enumerate().map(|(i, end)| Ending { row: i as Row, end: End::new(end_of(end), named(i)) }).collect()
    }

    #[test]
    fn follows_the_count_past_a_stranger() {
        let ends = [
            "mary", "sson0", "nsel1", "mpio2", "smith", "gles3", "ller4", "nnie5", "ohns6", "emmy7", "lisa8", "karl9", "paula", "pietb",
            "hansc",
        ];
        let found = chains(&endings(&ends, |_| None));
        assert_eq!(found, [Chain { rows: vec![1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], named: false }]);
        assert_eq!((base36(10), base36(35), base36(36), base36(1_000)), ("a".into(), "z".into(), "10".into(), "rs".into()));
        // Seven are few, unless each is its owner's name too.
        assert!(chains(&endings(&ends[..10], |_| None)).is_empty());
        let number = |i: usize| [None, Some(0), Some(1), Some(2), None, Some(3), Some(4), Some(5), Some(6), Some(7)][i];
        assert_eq!(chains(&endings(&ends[..10], number)).len(), 1);
    }

    #[test]
    fn fills_a_range_in_any_order() {
        // A hundred numbers in an order of their own, one of which real people have too.
        let mut all: Vec<Ending> = (0..100).map(|i| Ending { row: i, end: End::new(0, Some(i * 37 % 100)) }).collect();
        all.extend([(200, 7), (201, 85), (202, 999), (203, 36)].map(|(row, named)| Ending { row, end: End::new(0, Some(named)) }));
        let created: Times = (0..300).map(|row| Some(if row < 100 { 5_000 + row } else { 90_000 })).collect();
        assert_eq!(unordered(&all, &created), Some((0..100).collect()));
        // Nobody can say which of two is the seed's where times do not tell.
        let rows = unordered(&all, &Times::default()).expect("a range");
        assert_eq!(rows.len(), 97);
        // People's numbers are digits, and leave holes.
        let people: Vec<Ending> = (0..400).map(|i| Ending { row: i, end: End::new(0, Some((i * 7) % 90 + 36)) }).collect();
        assert_eq!(unordered(&people, &Times::default()), None);
    }

    #[test]
    fn stays_quiet_on_people() {
        let ends = ["mary0", "john1", "anna7", "ella2", "otto3", "paul9", "nina5", "tom85", "max12"];
        assert!(chains(&endings(&ends, |i| Some([0, 1, 7, 2, 3, 9, 5, 85, 12][i]))).is_empty());
    }
}
