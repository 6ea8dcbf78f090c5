//! Blocks of people whose names come again, and how a program that wrote them shows.

use polars::prelude::{DataFrame, PolarsResult};

use crate::detect::{NO_ROW, TableFacts, rows_of};
use crate::model::Row;
use crate::model::stamp::SECOND;

/// Fewest people of a block.
pub(super) const LEAST_PEOPLE: usize = 4;

/// Fewest parents that have it.
pub(super) const LEAST_PARENTS: usize = 5;

/// Share of a parent's people who must be of the block: who has people of their own is no copy.
const OF_PARENT: f64 = 0.75;

/// Share of the parents with people from which on the application itself writes the block.
const MOST_PARENTS: f64 = 0.5;

/// Share of the accounts that may have been used on a later day.
const USED: f64 = 0.25;

/// By how much copied dates may differ, microseconds: they are written in whole seconds.
const ALIKE: i64 = SECOND;

/// Shortest time from the first to the last of a block whose dates were copied, and longest pause in a run,
/// microseconds: a program that enters four accounts takes some seconds, whoever runs it.
const MINUTE: i64 = 60 * SECOND;

/// Others, as a share of the blocks' people, who may come while they are entered.
const OTHERS: f64 = 0.1;

/// Evidence below which nothing is said, log2 of a chance.
const LEAST_BITS: f64 = 20.0;

/// Somebody with an address, by digests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Person {
    pub(super) name: u64,
    pub(super) row: Row,
    pub(super) address: u32,
    /// Whether the account was used on a later day.
    pub(super) used: bool,
}

/// Lists the people whose names enough others have too, by name.
pub(super) fn recurring(merged: &DataFrame) -> PolarsResult<Vec<Person>> {
    let mut people = Vec::new();
    if merged.height() < LEAST_PEOPLE * LEAST_PARENTS {
        return Ok(people);
    }
    let (names, addresses, used) = (merged.column("name")?.u64()?, merged.column("address")?.u32()?, merged.column("used")?.bool()?);
    // A counter for each few names: most of a large table's people are left out before anything is kept of them.
    let bits = merged.height().ilog2() + 1;
    let place = |name: u64| (name >> (64 - bits)) as usize;
    let mut counts = vec![0_u8; 1 << bits];
    names.into_no_null_iter().for_each(|name| counts[place(name)] = counts[place(name)].saturating_add(1));
    let values = names.into_no_null_iter().zip(addresses.into_no_null_iter()).zip(used.iter().map(|used| used == Some(true)));
    for (row, ((name, address), used)) in rows_of(merged)?.into_iter().zip(values) {
        if usize::from(counts[place(name)]) >= LEAST_PARENTS {
            people.push(Person { name, row, address, used });
        }
    }
    people.sort_unstable();
    Ok(people.chunk_by(|a, b| a.name == b.name).filter(|same| same.len() >= LEAST_PARENTS).flatten().copied().collect())
}

/// People of different names under one parent, by name.
#[derive(Clone)]
struct Block {
    parent: Row,
    people: Vec<Person>,
}

impl Block {
    fn names(&self) -> impl Iterator<Item = u64> {
        self.people.iter().map(|p| p.name)
    }

    /// Returns the first and the last of its people's times.
    fn ends(&self, time: impl Fn(Row) -> Option<i64>) -> Option<(i64, i64)> {
        let times = || self.people.iter().filter_map(|p| time(p.row));
        times().min().zip(times().max())
    }
}

/// Blocks of the same names that one program wrote.
pub(super) struct Copies {
    pub(super) parents: Vec<Row>,
    pub(super) rows: Vec<Row>,
    /// Rows of one block.
    pub(super) block: Vec<Row>,
    /// How the program shows.
    pub(super) how: &'static str,
    pub(super) log2_p: f64,
}

/// Finds copies among people, given what each is under and how many such things there are.
pub(super) fn copies(people: &[Person], under: &[Row], parents: usize, facts: &TableFacts) -> Vec<Copies> {
    let mut members = vec![0_usize; parents];
    under.iter().filter(|parent| **parent != NO_ROW).for_each(|parent| members[*parent as usize] += 1);
    let holding = members.iter().filter(|members| **members > 0).count();
    let mut placed: Vec<(Row, Person)> = people.iter().map(|p| (under[p.row as usize], *p)).filter(|(of, _)| *of != NO_ROW).collect();
    placed.sort_unstable();
    let of_parent = |placed: &[(Row, Person)]| {
        let parent = placed[0].0;
        let different = placed.windows(2).all(|pair| pair[0].1.name != pair[1].1.name);
        let enough = placed.len() >= LEAST_PEOPLE && placed.len() as f64 >= OF_PARENT * members[parent as usize] as f64;
        (different && enough).then(|| Block { parent, people: placed.iter().map(|p| p.1).collect() })
    };
    let mut blocks: Vec<Block> = placed.chunk_by(|a, b| a.0 == b.0).filter_map(of_parent).collect();
    blocks.sort_by(|a, b| a.names().cmp(b.names()).then(a.parent.cmp(&b.parent)));
    let same = blocks.chunk_by(|a, b| a.names().eq(b.names())).filter(|same| same.len() >= LEAST_PARENTS);
    same.filter_map(|same| {
        let (dated, run) = (dated_alike(same, facts), in_one_run(same, facts));
        let (found, how) =
            if dated.len() >= run.len() { (dated, "dated the same times apart") } else { (run, "entered one block after the other") };
        let stands = found.len() >= LEAST_PARENTS && found.len() as f64 <= MOST_PARENTS * holding as f64 && are_accounts(&found);
        let log2_p = chance(&found, people, facts.rows);
        (stands && -log2_p >= LEAST_BITS).then(|| told(&found, how, log2_p))
    })
    .collect()
}

fn told(found: &[Block], how: &'static str, log2_p: f64) -> Copies {
    let mut rows: Vec<Row> = found.iter().flat_map(|block| block.people.iter().map(|p| p.row)).collect();
    let mut parents: Vec<Row> = found.iter().map(|block| block.parent).collect();
    let mut block: Vec<Row> = found[0].people.iter().map(|p| p.row).collect();
    for rows in [&mut rows, &mut parents, &mut block] {
        rows.sort_unstable();
    }
    Copies { parents, rows, block, how, log2_p }
}

/// Returns the blocks whose people are dated the same times apart, though each begins at a time of its own.
fn dated_alike(same: &[Block], facts: &TableFacts) -> Vec<Block> {
    let apart = |block: &Block| -> Option<Vec<i64>> {
        let first = block.ends(|row| facts.created.get(row))?.0;
        block.people.iter().map(|p| Some(facts.created.get(p.row)? - first)).collect()
    };
    let all: Vec<Vec<i64>> = same.iter().filter_map(apart).collect();
    if all.len() < same.len() {
        return Vec::new();
    }
    let middle = |person: usize| {
        let mut of: Vec<i64> = all.iter().map(|apart| apart[person]).collect();
        of.sort_unstable();
        of[of.len() / 2]
    };
    let usual: Vec<i64> = (0..same[0].people.len()).map(middle).collect();
    let alike = |apart: &[i64]| apart.iter().zip(&usual).all(|(a, b)| (a - b).abs() <= ALIKE);
    let found: Vec<Block> = same.iter().zip(&all).filter(|(_, apart)| alike(apart)).map(|(block, _)| block.clone()).collect();
    let mut begins: Vec<i64> = found.iter().filter_map(|b| Some(b.ends(|row| facts.created.get(row))?.0)).collect();
    begins.sort_unstable();
    begins.dedup();
    let long = usual.iter().max().is_some_and(|last| *last >= MINUTE);
    if long && begins.len() >= LEAST_PARENTS { found } else { Vec::new() }
}

/// Returns the blocks that were inserted one after the other, each at once, while hardly anybody else came.
fn in_one_run(same: &[Block], facts: &TableFacts) -> Vec<Block> {
    let ends = |block| Block::ends(block, |row| facts.inserted(row));
    let mut timed: Vec<(i64, i64, &Block)> = same.iter().filter_map(|b| ends(b).map(|(first, last)| (first, last, b))).collect();
    timed.retain(|(first, last, _)| last - first <= MINUTE);
    timed.sort_by_key(|(first, last, block)| (*first, *last, block.parent));
    let Some(run) = timed.chunk_by(|a, b| b.0 - a.1 <= MINUTE).max_by_key(|run| run.len()) else { return Vec::new() };
    let (begin, end) = (run[0].0, run.iter().map(|r| r.1).max().unwrap_or_default());
    let own: usize = run.iter().map(|(_, _, block)| block.people.len()).sum();
    let came = (0..facts.rows as Row).filter_map(|row| facts.inserted(row)).filter(|time| (begin..=end).contains(time)).count();
    if (came - own.min(came)) as f64 > OTHERS * own as f64 {
        return Vec::new();
    }
    run.iter().map(|(_, _, block)| (*block).clone()).collect()
}

/// Returns whether everybody has an address of their own, and hardly anybody used the account.
fn are_accounts(found: &[Block]) -> bool {
    let people = || found.iter().flat_map(|block| &block.people);
    let mut addresses: Vec<u32> = people().map(|p| p.address).collect();
    let of = addresses.len();
    addresses.sort_unstable();
    addresses.dedup();
    addresses.len() == of && people().filter(|p| p.used).count() as f64 <= USED * of as f64
}

/// Returns log2 of the chance that the other blocks have the names of the first, each as common as it is elsewhere.
fn chance(found: &[Block], people: &[Person], rows: usize) -> f64 {
    let Some(first) = found.first() else { return 0.0 };
    let share = |name: u64| {
        let of_name = people.partition_point(|p| p.name <= name) - people.partition_point(|p| p.name < name);
        (of_name - found.len().min(of_name) + 1) as f64 / (rows + 1) as f64
    };
    let link: f64 = first.names().map(|name| share(name).log2()).sum();
    (found.len() - 1) as f64 * link + (rows as f64).log2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stamp::DAY;

    /// Five parents with four people each, those of a parent `apart` microseconds from each other, the parents dated as
    /// `begin` says; all inserted as they are dated.
    fn blocks(begin: impl Fn(i64) -> i64, apart: impl Fn(i64, i64) -> i64) -> (Vec<Person>, Vec<Row>, TableFacts) {
        let places = (0..5).flat_map(|parent| (0..4).map(move |place| (parent, place)));
        let people = places.clone().zip(0..).map(|((_, place), row)| Person { name: place as u64 + 1, row, address: row, used: false });
        let mut people: Vec<Person> = people.collect();
        people.sort_unstable();
        let mut created: Vec<Option<i64>> = places.clone().map(|(parent, place)| Some(begin(parent) + apart(parent, place))).collect();
        let mut under: Vec<Row> = places.map(|(parent, _)| parent as Row).collect();
        // Thirty others, each under a parent of their own, long before.
        created.extend((0..30).map(|other| Some(other * DAY)));
        under.extend(5..35);
        let facts = TableFacts {
            rows: created.len(),
            people: true,
            created: std::sync::Arc::new(created.into_iter().collect()),
            ..TableFacts::default()
        };
        (people, under, facts)
    }

    fn how(people: &[Person], under: &[Row], facts: &TableFacts) -> Option<&'static str> {
        let found = copies(people, under, 35, facts);
        assert!(found.iter().all(|copies| copies.parents == [0, 1, 2, 3, 4] && copies.rows.len() == 20 && copies.block.len() == 4));
        found.first().map(|copies| copies.how)
    }

    const LONG_APART: fn(i64, i64) -> i64 = |_, place| place * place * MINUTE;

    #[test]
    fn finds_what_was_shifted_and_what_came_in_one_run() {
        let (people, under, facts) = blocks(|parent| (100 + parent * parent) * DAY, LONG_APART);
        assert_eq!(how(&people, &under, &facts), Some("dated the same times apart"));
        let (people, under, facts) = blocks(|parent| 100 * DAY + parent * 3 * SECOND, |parent, place| place * (1_000 + parent));
        assert_eq!(how(&people, &under, &facts), Some("entered one block after the other"));
    }

    #[test]
    fn what_people_enter_is_none() {
        // Each on another day, at the pace of whoever types; one after the other, while as many others come.
        let (people, under, facts) = blocks(|parent| (100 + parent * 7) * DAY, |parent, place| place * (MINUTE + parent * 5 * SECOND));
        assert_eq!(how(&people, &under, &facts), None);
        let (people, under, facts) = blocks(|parent| parent * 3 * SECOND, |parent, place| place * (1_000 + parent));
        assert!(how(&people, &under, &facts).is_some());
        let among = |row: usize, time: Option<i64>| if row < 20 { time } else { Some(row as i64 * SECOND / 3) };
        let created = facts.created.iter().enumerate().map(|(row, time)| among(row, time)).collect();
        assert_eq!(how(&people, &under, &TableFacts { created: std::sync::Arc::new(created), ..facts }), None);
    }

    #[test]
    fn accounts_with_one_address_in_use_or_beside_others_are_none() {
        let (people, under, facts) = blocks(|parent| (100 + parent * parent) * DAY, LONG_APART);
        let with = |change: &dyn Fn(&mut Person)| {
            let mut people = people.clone();
            people.iter_mut().for_each(change);
            how(&people, &under, &facts)
        };
        assert!(with(&|_| {}).is_some());
        assert_eq!(with(&|person| person.address = person.name as u32), None);
        assert_eq!(with(&|person| person.used = person.row % 2 == 0), None);
        // Two others under each of these parents; under half of all parents.
        let beside: Vec<Row> = under.iter().enumerate().map(|(row, parent)| if row < 20 { *parent } else { row as Row % 5 }).collect();
        assert_eq!(how(&people, &beside, &facts), None);
        let fewer: Vec<Row> = under.iter().map(|parent| if *parent < 9 { *parent } else { NO_ROW }).collect();
        assert_eq!(how(&people, &fewer, &facts), None);
    }
}
