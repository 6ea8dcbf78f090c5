//! Small facts of every row that one program gives all its rows: which columns are NULL, how exact a
//! time is, which domain an address has, how a hash begins. They accuse nobody: they tell who belongs to
//! a group that was convicted, and who was only near.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::context::cell_text;
use super::{NO_ROW, TableFacts};
use crate::model::stamp::Stamp;
use crate::model::{Family, Role, ValueRef};
use crate::parallel;
use crate::profile::{Profile, TableProfile};
use crate::snapshot::{CHUNK_ROWS, Case, Part, Reader, SnapshotError};

/// Different values of a feature that are kept apart; all rarer ones are one.
const VALUES: usize = 250;

/// A feature of a table's rows.
#[derive(Clone, Debug)]
pub struct Feature {
    /// What it is of, for reports.
    pub title: String,
    /// Features of one family depend on each other.
    pub family: Family,
    /// By row: the value's number.
    pub values: Vec<u8>,
}

/// Numbers values in the order in which they appear.
#[derive(Default)]
struct Numbering {
    known: HashMap<u64, u8, BuildHasherDefault<Spread>>,
    values: Vec<u8>,
    /// The last value with its number: the next is often the same.
    last: Option<(u64, u8)>,
}

/// Spreads numbers of which many are digests already: by the golden ratio, as Fibonacci hashing does.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.write_u64(self.0 ^ u64::from(*b)));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 32;
    }
}

impl Numbering {
    fn with_room(rows: usize) -> Self {
        Self { known: HashMap::default(), values: Vec::with_capacity(rows), last: None }
    }

    fn push(&mut self, value: u64) {
        if let Some((last, number)) = self.last
            && last == value
        {
            self.values.push(number);
            return;
        }
        let next = self.known.len();
        let number = match self.known.get(&value) {
            Some(number) => *number,
            None if next < VALUES => {
                self.known.insert(value, next as u8);
                next as u8
            }
            None => u8::MAX,
        };
        self.last = Some((value, number));
        self.values.push(number);
    }

    fn finish(self, title: impl Into<String>, family: Family) -> Option<Feature> {
        // A feature with one value tells nothing; one where nearly every row has its own neither.
        let rare = self.values.iter().filter(|v| **v == u8::MAX).count();
        (self.known.len() > 1 && rare * 2 < self.values.len()).then(|| Feature { title: title.into(), family, values: self.values })
    }
}

/// How one column is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Domain,
    Shape,
    Value,
    Prefix,
    Decimals,
    Digits,
    Against,
    Words,
}

/// Chooses how to look at a column of a role.
fn looks(role: Role) -> &'static [(Look, Family)] {
    match role {
        Role::Email => &[(Look::Domain, Family::Identifier), (Look::Shape, Family::Shape)],
        Role::Username | Role::Phone | Role::ExternalId | Role::Code | Role::Token | Role::PostalCode | Role::Url | Role::ImageUrl => {
            &[(Look::Shape, Family::Shape)]
        }
        Role::PersonName | Role::GivenName | Role::FamilyName | Role::Title | Role::Company | Role::City | Role::Street => {
            &[(Look::Words, Family::Shape)]
        }
        Role::Text => &[(Look::Words, Family::Shape)],
        Role::Credential => &[(Look::Prefix, Family::Credential)],
        Role::UserAgent => &[(Look::Prefix, Family::Shape)],
        Role::Flag
        | Role::ModeFlag
        | Role::Category
        | Role::Privilege
        | Role::Currency
        | Role::Country
        | Role::Locale
        | Role::ReferenceType
        | Role::Region => &[(Look::Value, Family::Template)],
        Role::Amount | Role::Coordinate => &[(Look::Decimals, Family::Template)],
        Role::CreatedAt => &[(Look::Digits, Family::Time)],
        Role::UpdatedAt | Role::ActivityAt | Role::StartAt | Role::EndAt | Role::Time | Role::DeletedAt => {
            &[(Look::Digits, Family::Time), (Look::Against, Family::Time)]
        }
        _ => &[],
    }
}

/// A column as it is looked at.
struct Looked {
    column: usize,
    look: Look,
    family: Family,
    numbering: Numbering,
}

/// Measures the features of every table, by ordinal.
///
/// # Errors
/// Returns what the case file says.
pub fn features(case: &Case, profile: &Profile, facts: &[TableFacts]) -> Result<Vec<Vec<Feature>>, SnapshotError> {
    let reader = case.reader();
    profile.tables.iter().map(|table| of_table(reader, table, &facts[table.id.index()], facts)).collect()
}

/// Measures the features of a table in one pass.
fn of_table(reader: Reader<'_>, table: &TableProfile, facts: &TableFacts, all: &[TableFacts]) -> Result<Vec<Feature>, SnapshotError> {
    if facts.rows == 0 || !table.is_judged() {
        return Ok(Vec::new());
    }
    let mut plan: Vec<Looked> = Vec::new();
    for (column, profile) in table.columns.iter().enumerate() {
        for (look, family) in looks(profile.role) {
            plan.push(Looked { column, look: *look, family: *family, numbering: Numbering::with_room(facts.rows) });
        }
    }
    let created = table.column(Role::CreatedAt);
    let timed: Vec<usize> = (0..table.columns.len()).filter(|c| table.columns[*c].role.is_time()).collect();
    let looked: Vec<(usize, Look)> = plan.iter().map(|l| (l.column, l.look)).collect();
    let mut nulls = Numbering::with_room(facts.rows);
    let turn = |part: &Part| values_of(reader, part, table.columns.len(), &timed, created, &looked);
    parallel::in_order(&reader.parts(table.id, CHUNK_ROWS)?, turn, |values: Result<Vec<Vec<u64>>, SnapshotError>| {
        for (numbering, values) in std::iter::once(&mut nulls).chain(plan.iter_mut().map(|l| &mut l.numbering)).zip(values?) {
            values.into_iter().for_each(|value| numbering.push(value));
        }
        Ok::<(), SnapshotError>(())
    })?;
    let mut found: Vec<Feature> = Vec::new();
    found.extend(nulls.finish("which columns are NULL", Family::Template));
    for Looked { column, look, family, numbering } in plan {
        found.extend(numbering.finish(format!("{} of column {}", word(look), column + 1), family));
    }
    found.extend(children(table, facts, all));
    Ok(found)
}

/// Returns, for a part of a table, what each look gives of each row, behind which cells are NULL.
fn values_of(
    reader: Reader<'_>,
    part: &Part,
    columns: usize,
    timed: &[usize],
    created: Option<usize>,
    looked: &[(usize, Look)],
) -> Result<Vec<Vec<u64>>, SnapshotError> {
    let all: Vec<usize> = (0..columns).collect();
    let mut stamps: Vec<Option<Stamp>> = vec![None; columns];
    let mut values: Vec<Vec<u64>> = (0..=looked.len()).map(|_| Vec::with_capacity(part.rows())).collect();
    let mut digits = String::new();
    reader.visit_part(part, &all, |_, cells| {
        values[0].push(pattern(cells));
        for column in timed {
            stamps[*column] = Stamp::of(cells[*column]);
        }
        let created = created.and_then(|c| stamps[c]).map(|s| s.micros);
        for ((column, look), values) in looked.iter().zip(&mut values[1..]) {
            let stamp = stamps[*column];
            values.push(match look {
                Look::Digits => stamp.map_or(99, |s| exactness(i64::from(s.fraction_digits), s.micros)),
                Look::Against => distance(stamp.map(|s| s.micros), created),
                look => cell_text(cells[*column], &mut digits).map_or(0, |t| value(*look, &t)),
            });
        }
        Ok::<(), SnapshotError>(())
    })?;
    Ok(values)
}

/// Digests which cells of a row are NULL. Empty is as good as NULL to many programs, but not to all: both are told
/// apart.
fn pattern(cells: &[ValueRef<'_>]) -> u64 {
    let mut pattern: u64 = 1;
    for cell in cells {
        let state = match cell {
            ValueRef::Null => 0,
            ValueRef::Text([]) => 1,
            _ => 2,
        };
        pattern = pattern.wrapping_mul(3).wrapping_add(state).rotate_left(7) ^ 0x9e37_79b9;
    }
    pattern
}

const fn word(look: Look) -> &'static str {
    match look {
        Look::Domain => "domain",
        Look::Shape => "shape",
        Look::Value => "value",
        Look::Prefix => "beginning",
        Look::Decimals => "decimals",
        Look::Digits => "exactness",
        Look::Against => "distance from creation",
        Look::Words => "number and form of words",
    }
}

fn value(look: Look, text: &str) -> u64 {
    let hash = |t: &str| super::context::text_hash(0, t);
    match look {
        Look::Domain => match text.rsplit_once('@').map_or("", |(_, domain)| domain) {
            domain if domain.bytes().any(|b| b.is_ascii_uppercase()) => hash(&domain.to_ascii_lowercase()),
            domain => hash(domain),
        },
        Look::Shape => {
            let mut digest = 0xcbf2_9ce4_8422_2325_u64;
            kinds(text.split_once('@').map_or(text, |(local, _)| local), |kind| {
                digest = (digest ^ u64::from(u32::from(kind))).wrapping_mul(0x0100_0000_01b3);
            });
            digest
        }
        Look::Value => hash(text),
        Look::Prefix => {
            let end = text.char_indices().nth(7).map_or(text.len(), |(at, _)| at);
            hash(&text[..end]).wrapping_add((text.len() / 4) as u64)
        }
        Look::Decimals => text.split_once('.').map_or(100, |(_, f)| f.len().min(9) as u64),
        Look::Words => {
            let (mut words, mut capitals) = (0_u64, 0_u64);
            for word in text.split_whitespace() {
                words += 1;
                capitals += u64::from(word.chars().next().is_some_and(char::is_uppercase));
                // More of either make no difference.
                if words >= 12 && capitals >= 4 {
                    break;
                }
            }
            let words = words.min(12);
            let mark = u64::from(text.ends_with('.')) + 2 * u64::from(text.contains('\n'));
            1 + words * 64 + capitals.min(4) * 4 + mark
        }
        Look::Digits | Look::Against => 0,
    }
}

/// Replaces letters and digits by their kind, runs by one: `Mary.Smith85` becomes `Aa.Aa9`.
#[must_use]
pub(super) fn shape(text: &str) -> String {
    let mut out = String::new();
    kinds(text, |kind| out.push(kind));
    out
}

/// Tells the first sixteen kinds of a text's first 48 characters, runs as one.
fn kinds(text: &str, mut take: impl FnMut(char)) {
    let (mut last, mut count) = (None, 0);
    for c in text.chars().take(48) {
        let kind = match c {
            '0'..='9' => '9',
            'A'..='Z' => 'A',
            'a'..='z' => 'a',
            _ if c.is_ascii() => c,
            _ if c.is_uppercase() => 'A',
            _ if c.is_alphabetic() => 'a',
            _ => c,
        };
        if last != Some(kind) {
            take(kind);
            last = Some(kind);
            count += 1;
            if count == 16 {
                return;
            }
        }
    }
}

/// How exact a time is: the digits of its fraction as the value shows them, and whether lower units are zero.
fn exactness(digits: i64, micros: i64) -> u64 {
    use crate::model::stamp::{DAY, SECOND};
    if micros % DAY == 0 {
        0
    } else if micros % (60 * SECOND) == 0 {
        1
    } else if micros % SECOND == 0 {
        2
    } else if micros % 1_000 == 0 {
        3
    } else {
        4 + digits as u64 / 4
    }
}

/// How far a time lies from the row's creation.
fn distance(time: Option<i64>, created: Option<i64>) -> u64 {
    use crate::model::stamp::{DAY, HOUR, SECOND};
    match (time, created) {
        (None, _) => 0,
        (_, None) => 1,
        (Some(time), Some(created)) => match time - created {
            0 => 2,
            d if d < 0 => 3,
            d if d <= SECOND => 4,
            d if d <= HOUR => 5,
            d if d <= DAY => 6,
            d if d <= 30 * DAY => 7,
            _ => 8,
        },
    }
}

/// How many children of each relation a row has.
fn children(table: &TableProfile, facts: &TableFacts, all: &[TableFacts]) -> Vec<Feature> {
    let mut found = Vec::new();
    for child in all {
        for link in child.parents.iter().filter(|l| l.parent == table.id) {
            let mut counts = vec![0_u32; facts.rows];
            for parent in link.rows.iter().filter(|p| **p != NO_ROW) {
                counts[*parent as usize] += 1;
            }
            let mut numbering = Numbering::with_room(facts.rows);
            for count in counts {
                numbering.push(match count {
                    0..=3 => u64::from(count),
                    4..=7 => 4,
                    _ => 5,
                });
            }
            found.extend(numbering.finish("number of children", Family::Relational));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_collapse_runs() {
        assert_eq!(shape("Mary.Smith85"), "Aa.Aa9");
        assert_eq!(shape("txn_a1b2"), "a_a9a9");
    }
}
