//! What people use today, measured on the same worlds: a rule by hand, and an isolation forest over
//! features that need no knowledge of seeds.

use std::collections::BTreeMap;

use crate::generator::random::Random;
use crate::generator::world::{Label, Table, World};

/// Accounts found and real ones flagged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub seeded: usize,
    pub found: usize,
    pub real: usize,
    pub wrong: usize,
}

impl Tally {
    pub const fn plus(self, other: Self) -> Self {
        Self {
            seeded: self.seeded + other.seeded,
            found: self.found + other.found,
            real: self.real + other.real,
            wrong: self.wrong + other.wrong,
        }
    }
}

/// The table of accounts: the first with a password, an address or a name.
pub fn people(world: &World) -> Option<&Table> {
    let named = |t: &&Table| ["users", "kunden", "usuarios", "members", "accounts"].contains(&t.name.as_str());
    world.tables.iter().find(named).or_else(|| world.tables.iter().find(|t| t.labels.contains(&Label::Protected)))
}

fn tally(table: &Table, flagged: &[bool]) -> Tally {
    let mut tally = Tally::default();
    for (label, flagged) in table.labels.iter().zip(flagged) {
        match label {
            Label::Seeded | Label::Mixed => {
                tally.seeded += 1;
                tally.found += usize::from(*flagged);
            }
            Label::Real | Label::Protected => {
                tally.real += 1;
                tally.wrong += usize::from(*flagged);
            }
        }
    }
    tally
}

fn is_time(value: &str) -> bool {
    value.len() >= 19 && value.starts_with("20") && value.as_bytes()[4] == b'-' && value.as_bytes()[13] == b':'
}

/// The column of creation: the first that holds times.
fn created(table: &Table) -> Option<usize> {
    let first = table.rows.first()?;
    (0..first.len()).find(|c| table.rows.iter().take(20).any(|r| r[*c].as_deref().is_some_and(is_time)))
}

/// The check that an incident's own team wrote: the address or handle contains "test" or "user", or two
/// accounts were made in one second.
pub fn naive(world: &World) -> Tally {
    let Some(table) = people(world) else { return Tally::default() };
    let time = created(table);
    let second = |row: &[Option<String>]| time.and_then(|c| row[c].as_deref()).map(|t| t[..19.min(t.len())].to_owned());
    let mut per_second: BTreeMap<String, usize> = BTreeMap::new();
    table.rows.iter().filter_map(|r| second(r)).for_each(|s| *per_second.entry(s).or_insert(0) += 1);
    let flagged: Vec<bool> = table
        .rows
        .iter()
        .map(|row| {
            let handles = row.iter().flatten().filter(|v| !v.contains(' ') && !v.starts_with('$'));
            let worded = handles.map(|v| v.to_lowercase()).any(|v| v != "user" && (v.contains("test") || v.contains("user")));
            worded || second(row).is_some_and(|s| per_second[&s] > 1)
        })
        .collect();
    tally(table, &flagged)
}

/// An isolation forest (Liu, Ting and Zhou 2008: 100 trees of 256 rows) over lengths, digits, hours and gaps;
/// flags as many accounts as were seeded, which is more than anyone could know.
pub fn forest(world: &World) -> Tally {
    let Some(table) = people(world) else { return Tally::default() };
    let features = features(table);
    let mut random = Random::new(42);
    let mut depth = vec![0.0; features.len()];
    for _ in 0..100 {
        let sample: Vec<usize> = (0..256.min(features.len())).map(|_| random.index(features.len())).collect();
        let tree = Node::grow(&features, sample, 0, &mut random);
        for (sum, row) in depth.iter_mut().zip(&features) {
            *sum += tree.depth(row);
        }
    }
    let seeded = table.labels.iter().filter(|l| **l == Label::Seeded).count();
    let mut order: Vec<usize> = (0..features.len()).collect();
    order.sort_by(|a, b| depth[*a].total_cmp(&depth[*b]));
    let mut flagged = vec![false; features.len()];
    order.into_iter().take(seeded.max(features.len() / 100)).for_each(|i| flagged[i] = true);
    tally(table, &flagged)
}

fn features(table: &Table) -> Vec<Vec<f64>> {
    let time = created(table);
    let mut last = 0.0;
    table
        .rows
        .iter()
        .map(|row| {
            let mut found = Vec::new();
            for (index, value) in row.iter().enumerate().skip(1) {
                let text = value.as_deref().unwrap_or_default();
                if Some(index) == time {
                    let number = |range: std::ops::Range<usize>| text.get(range).and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0);
                    let at = ((number(0..4) * 366.0 + number(5..7) * 31.0 + number(8..10)) * 24.0 + number(11..13)) * 3_600.0
                        + number(14..16) * 60.0
                        + number(17..19);
                    found.extend([number(11..13), at, at - last]);
                    last = at;
                } else {
                    found.extend([text.chars().count() as f64, text.chars().filter(char::is_ascii_digit).count() as f64]);
                }
            }
            found
        })
        .collect()
}

enum Node {
    Leaf(f64),
    Split(usize, f64, Box<Self>, Box<Self>),
}

impl Node {
    fn grow(features: &[Vec<f64>], rows: Vec<usize>, depth: usize, random: &mut Random) -> Self {
        if depth >= 8 || rows.len() <= 1 {
            // The mean depth of an unsuccessful search in a binary tree of so many rows.
            let n = rows.len() as f64;
            let rest = if n > 1.0 { 2.0 * ((n - 1.0).ln() + 0.577) - 2.0 * (n - 1.0) / n } else { 0.0 };
            return Self::Leaf(depth as f64 + rest);
        }
        let feature = random.index(features[0].len());
        let values = || rows.iter().map(|r| features[*r][feature]);
        let (least, most) = (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
        let at = least + random.unit() * (most - least);
        let (left, right): (Vec<usize>, Vec<usize>) = rows.into_iter().partition(|r| features[*r][feature] < at);
        let grown = |rows, random: &mut Random| Box::new(Self::grow(features, rows, depth + 1, random));
        Self::Split(feature, at, grown(left, random), grown(right, random))
    }

    fn depth(&self, row: &[f64]) -> f64 {
        match self {
            Self::Leaf(depth) => *depth,
            Self::Split(feature, at, left, right) => if row[*feature] < *at { left } else { right }.depth(row),
        }
    }
}
