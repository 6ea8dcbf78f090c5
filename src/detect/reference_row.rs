//! Rows that the project's own seed made, by a dump of a database right after it ran.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::{Detector, TableView, rows_of};
use crate::model::known::{KnownTable, ValueDigest};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row, Stamp};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct ReferenceRow;

const META: DetectorMeta = DetectorMeta {
    id: "reference-row",
    title: "Rows of a reference",
    family: Family::Source,
    reads: &[],
    finds: "Rows that agree with a row of the database that `--reference` names, taken right after the seed ran: in names, addresses, telephone numbers, hashes, texts; keys and clocks are left out, for they come anew with each run.",
    false_positives: "A first name, a town or a company is many people's: what rows outside the seed have as well weighs little, and a name with its own address is one fact, for a developer's account is in both databases. A reference that is a copy of production has its creation times too, and is then left out. Only tables of people are looked at: products, plans and countries are seeded on purpose.",
    source: "Fellegi and Sunter (1969): agreement weighs by how rare the value is among the rest; whole rows agree by chance once in 2^14 tables at most.",
};

/// Bits from which several kinds of agreement cannot be chance: one table in 16,000.
const CERTAIN: f64 = 14.0;

/// Bits below which an agreement is not worth a word.
const LEAST: f64 = 4.0;

/// Most bits of one kind of agreement alone: less than the prior takes.
const ONE_KIND: f64 = 8.0;

/// Smallest share of native rows that are taken to have a value, where there are few.
const FLOOR: f64 = 0.5 / 1_000.0;

/// Rows of a reference that may share a value for it to lead to them.
const LEADS: usize = 64;

/// Digests a value for comparison: points in time by when, texts whatever their case; `None` where there is nothing.
#[must_use]
pub fn value_digest(text: &str) -> Option<ValueDigest> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let normal = match Stamp::parse(text.as_bytes()) {
        Some(stamp) => format!("\u{1}{}", stamp.micros),
        None => text.to_lowercase(),
    };
    let hash = blake3::hash(normal.as_bytes());
    hash.as_bytes().first_chunk::<16>().map(|bytes| ValueDigest::from_le_bytes(*bytes))
}

/// Kinds of agreement; columns of one kind depend on each other.
const fn kind(role: Role) -> &'static str {
    match role {
        Role::Email | Role::Username | Role::PersonName | Role::GivenName | Role::FamilyName => "name",
        Role::Street | Role::City | Role::PostalCode => "place",
        Role::Phone => "telephone number",
        Role::Credential => "password",
        Role::Company => "company",
        Role::BirthDate => "date of birth",
        Role::Url | Role::ImageUrl => "link",
        Role::Token | Role::ExternalId => "token",
        _ => "text",
    }
}

/// Kinds in which rows agree, and whether that is certain.
type Agreement<'a> = (Vec<&'a str>, bool);

/// What a row agrees in.
struct Match {
    row: Row,
    columns: BTreeSet<usize>,
    of: usize,
}

impl Detector for ReferenceRow {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        let known = table.known().ok_or("no reference has rows of this table of people")?;
        Ok(known.columns.iter().map(|c| ColumnRead::Text(c.0)).chain(known.created.map(ColumnRead::Text)).collect())
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let (mut rows, mut columns, mut values): (Vec<Row>, Vec<u32>, Vec<u64>) = (Vec::new(), Vec::new(), Vec::new());
        if let Some(known) = table.known() {
            let numbers = Numbers::of(known);
            let reads = known.columns.iter().map(|c| c.0).chain(known.created);
            for (place, ordinal) in reads.enumerate() {
                for (offset, text) in chunk.frame.column(&ColumnRead::Text(ordinal).name())?.str()?.iter().enumerate() {
                    if let Some(number) = text.and_then(value_digest).and_then(|d| numbers.0.get(&(place, d))) {
                        rows.push(chunk.first_row + offset as Row);
                        columns.push(place as u32);
                        values.push(*number);
                    }
                }
            }
        }
        DataFrame::new(
            rows.len(),
            vec![
                Series::new("row".into(), rows).into_column(),
                Series::new("column".into(), columns).into_column(),
                Series::new("value".into(), values).into_column(),
            ],
        )
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let Some(known) = table.known() else { return Ok(Vec::new()) };
        let numbers = Numbers::of(known);
        let columns: Vec<u32> = merged.column("column")?.u32()?.into_no_null_iter().collect();
        let values: Vec<u64> = merged.column("value")?.u64()?.into_no_null_iter().collect();
        let mut cells: BTreeMap<Row, BTreeMap<usize, u64>> = BTreeMap::new();
        for ((row, column), value) in rows_of(merged)?.into_iter().zip(columns).zip(values) {
            cells.entry(row).or_default().insert(column as usize, value);
        }
        let rows_with = holders(known, &numbers);
        let mut matches = Vec::new();
        let mut copied = 0;
        for (row, own) in &cells {
            if let Some((reference, agreed)) = best(known, &numbers, &rows_with, own) {
                let created = known.created_at[reference].and_then(|d| numbers.0.get(&(known.columns.len(), d)));
                let alone = created.is_some_and(|c| rows_with.get(&(known.columns.len(), *c)).is_some_and(|r| r.len() == 1));
                copied += usize::from(alone && created == own.get(&known.columns.len()));
                matches.push(Match { row: *row, columns: agreed, of: reference });
            }
        }
        // The same rows at the same moments: no seed ran twice so, the reference is a copy.
        if copied * 2 > matches.len() {
            return Ok(Vec::new());
        }
        Ok(weigh(table, known, &cells, &matches))
    }
}

/// Numbers of the values of a reference, by place of their column.
struct Numbers(HashMap<(usize, ValueDigest), u64>);

impl Numbers {
    fn of(known: &KnownTable) -> Self {
        let mut numbers = HashMap::new();
        for (row, created) in known.rows.iter().zip(&known.created_at) {
            for (place, digest) in row.iter().chain([created]).enumerate() {
                if let Some(digest) = digest {
                    let next = numbers.len() as u64;
                    numbers.entry((place, *digest)).or_insert(next);
                }
            }
        }
        Self(numbers)
    }
}

/// Rows of the reference by place and value.
fn holders(known: &KnownTable, numbers: &Numbers) -> HashMap<(usize, u64), Vec<usize>> {
    let mut holders: HashMap<(usize, u64), Vec<usize>> = HashMap::new();
    for (index, (row, created)) in known.rows.iter().zip(&known.created_at).enumerate() {
        for (place, digest) in row.iter().chain([created]).enumerate() {
            if let Some(number) = digest.and_then(|d| numbers.0.get(&(place, d))) {
                holders.entry((place, *number)).or_default().push(index);
            }
        }
    }
    holders
}

/// Finds the row of the reference that agrees in most columns; clocks do not count.
fn best(
    known: &KnownTable,
    numbers: &Numbers,
    holders: &HashMap<(usize, u64), Vec<usize>>,
    own: &BTreeMap<usize, u64>,
) -> Option<(usize, BTreeSet<usize>)> {
    let leads = own.iter().filter(|(place, _)| **place < known.columns.len());
    let candidates: BTreeSet<usize> =
        leads.filter_map(|(place, value)| holders.get(&(*place, *value))).filter(|r| r.len() <= LEADS).flatten().copied().collect();
    let agreed = |reference: usize| -> BTreeSet<usize> {
        let same = |(place, digest): (usize, &Option<ValueDigest>)| {
            let number = digest.and_then(|d| numbers.0.get(&(place, d)))?;
            (own.get(&place) == Some(number)).then_some(place)
        };
        known.rows[reference].iter().enumerate().filter_map(same).collect()
    };
    let best = candidates.into_iter().map(|r| (agreed(r), r)).max_by(|a, b| a.0.len().cmp(&b.0.len()).then(b.1.cmp(&a.1)))?;
    (!best.0.is_empty()).then_some((best.1, best.0))
}

fn weigh(table: &TableView<'_>, known: &KnownTable, cells: &BTreeMap<Row, BTreeMap<usize, u64>>, matches: &[Match]) -> Vec<Evidence> {
    // Rows that agree in several columns are the seed's, as far as base rates go.
    let own: BTreeSet<Row> = matches.iter().filter(|m| m.columns.len() >= 2).map(|m| m.row).collect();
    let natives = (table.rows() - own.len().min(table.rows())) as f64;
    let mut native: HashMap<(usize, u64), usize> = HashMap::new();
    for (_, values) in cells.iter().filter(|(row, _)| !own.contains(row)) {
        for (place, value) in values {
            *native.entry((*place, *value)).or_insert(0) += 1;
        }
    }
    let mut groups: BTreeMap<Agreement<'_>, (Vec<Row>, f64)> = BTreeMap::new();
    for found in matches {
        let mut kinds: BTreeMap<&str, f64> = BTreeMap::new();
        for place in &found.columns {
            let hits = cells[&found.row].get(place).and_then(|v| native.get(&(*place, *v))).copied().unwrap_or(0);
            let share = ((hits as f64 + 0.5) / (natives + 1.0)).max(FLOOR);
            let bits = kinds.entry(kind(known.columns[*place].1)).or_insert(0.0);
            *bits = bits.max(-share.log2());
        }
        let told = known.rows[found.of].iter().flatten().count();
        let role = |place: &usize| known.columns[*place].1;
        let addressed = found.columns.iter().any(|p| matches!(role(p), Role::Email | Role::Phone));
        let mut bits = kinds.values().sum::<f64>() - (known.rows.len() as f64).log2();
        // One name is many people's; a whole name with its address is one person's, who may be in both databases.
        let several = kinds.len() >= 2;
        if !several {
            if !(addressed && found.columns.len() >= 2) {
                continue;
            }
            bits = bits.min(ONE_KIND);
        }
        if bits < LEAST {
            continue;
        }
        let certain = several
            && bits >= CERTAIN
            && found.columns.len() * 2 >= told
            && (addressed || kinds.contains_key("password") || kinds.len() >= 3);
        let group = groups.entry((kinds.keys().copied().collect(), certain)).or_insert((Vec::new(), f64::MAX));
        group.0.push(found.row);
        group.1 = group.1.min(bits);
    }
    let mut evidence = Vec::new();
    for ((kinds, certain), (mut rows, bits)) in groups {
        rows.sort_unstable();
        rows.dedup();
        let fact = |family: Family, kind: String, detail: String| Evidence {
            detector: META.id,
            family,
            table: table.profile.id,
            kind,
            detail,
            rows: rows.clone(),
            measure: Measure::Against { bits },
            certainty: if certain { Certainty::CannotBeHuman } else { Certainty::Suggests },
            proposes: certain && rows.len() > 1,
        };
        let same = kinds.join(", ");
        evidence.push(fact(META.family, format!("same {same}"), format!("{} rows agree with rows of the reference in {same}", rows.len())));
        // Nobody's salted hash comes twice.
        if certain && kinds.contains(&"password") {
            let detail = format!("{} rows hold the very password hash that the reference's rows hold", rows.len());
            evidence.push(fact(Family::Credential, "password of the reference".to_owned(), detail));
        }
    }
    evidence
}
