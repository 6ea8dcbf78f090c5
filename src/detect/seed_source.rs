//! Values that stand in the project's own seed files, or that a template there makes.

use std::collections::BTreeMap;

use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::{Detector, TableView, rows_of};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct SeedSource;

const META: DetectorMeta = DetectorMeta {
    id: "seed-source",
    title: "Texts of seed files",
    family: Family::Source,
    reads: &[Role::Email, Role::Username, Role::PersonName, Role::Phone, Role::Credential, Role::Title, Role::Text],
    finds: "Values that a template of the files that `--seed-source` names makes (user${i}@test.com and a counter in its place), and addresses, hashes and sentences that stand there as they are; each with file and line.",
    false_positives: "Words, names, states and countries of a seed file are anybody's and are not looked for. An owner's address may stand in the file and be a person's: a text alone never brings a row to review. A site may title its orders as the seed does: what much of the table shows counts for little, and only counted addresses and names are certain, and only where their counters stand close together.",
    source: "Counters of seed loops run from 0 or 1 without holes; a person who chose the same form by chance stands alone. Share of real rows with such a value: below 1 in 1,000 in the labelled tables of the research notes.",
};

/// Rows of a template from which its counters tell a loop.
const LOOP: usize = 5;

/// Numbers that a loop of so many rows may span, at most, by row: deleted rows leave holes.
const HOLES: u64 = 2;

/// Share of real rows with a template's value, at least.
const TEMPLATE_FLOOR: f64 = 0.000_5;

/// The same of a text: alone it leaves a row real.
const TEXT_FLOOR: f64 = 0.001;

impl Detector for SeedSource {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        if table.patterns.all.is_empty() {
            return Err("no seed source was given".to_owned());
        }
        table.texts_or(META.reads, "no column of texts")
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let (mut rows, mut places, mut sure, mut numbers): (Vec<Row>, Vec<u32>, Vec<bool>, Vec<u64>) = Default::default();
        for role in META.reads {
            for read in table.texts(&[*role]) {
                for (offset, text) in chunk.frame.column(&read.name())?.str()?.iter().enumerate() {
                    if let Some((place, number)) = text.and_then(|t| table.patterns.find(t)) {
                        rows.push(chunk.first_row + offset as Row);
                        places.push(place as u32);
                        sure.push(matches!(role, Role::Email | Role::Username | Role::PersonName));
                        numbers.push(number.unwrap_or(u64::MAX));
                    }
                }
            }
        }
        DataFrame::new(
            rows.len(),
            vec![
                Series::new("row".into(), rows).into_column(),
                Series::new("place".into(), places).into_column(),
                Series::new("sure".into(), sure).into_column(),
                Series::new("number".into(), numbers).into_column(),
            ],
        )
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let places: Vec<u32> = merged.column("place")?.u32()?.into_no_null_iter().collect();
        let sure: Vec<bool> = merged.column("sure")?.bool()?.iter().flatten().collect();
        let numbers: Vec<u64> = merged.column("number")?.u64()?.into_no_null_iter().collect();
        let mut found: BTreeMap<(u32, bool), Vec<(Row, u64)>> = BTreeMap::new();
        for (i, row) in rows_of(merged)?.into_iter().enumerate() {
            found.entry((places[i], sure[i])).or_default().push((row, numbers[i]));
        }
        let fact = |((place, sure), hits): ((u32, bool), Vec<(Row, u64)>)| {
            let pattern = &table.patterns.all[place as usize];
            let template = pattern.parts.len() > 1;
            let mut rows: Vec<Row> = hits.iter().map(|h| h.0).collect();
            rows.sort_unstable();
            rows.dedup();
            let certain = template && sure && is_loop(hits.iter().map(|h| h.1).collect());
            Evidence {
                detector: META.id,
                family: META.family,
                table: table.profile.id,
                kind: if template { format!("{} of {}", pattern.shown, pattern.place) } else { format!("text of {}", pattern.place) },
                detail: if template {
                    format!("{} of the seed file at {}", pattern.shown, pattern.place)
                } else {
                    format!("a text that stands in the seed file at {}", pattern.place)
                },
                measure: Measure::Rate { seeded: 0.9, real_floor: if template { TEMPLATE_FLOOR } else { TEXT_FLOOR } },
                certainty: if certain { Certainty::CannotBeHuman } else { Certainty::Suggests },
                proposes: template && rows.len() > 1,
                rows,
            }
        };
        Ok(found.into_iter().map(fact).collect())
    }
}

/// Returns whether numbers are those of a loop: enough of them, close together.
fn is_loop(mut numbers: Vec<u64>) -> bool {
    numbers.sort_unstable();
    numbers.dedup();
    match numbers.as_slice() {
        [first, .., last] => numbers.len() >= LOOP && last - first <= HOLES * numbers.len() as u64,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_counts_on() {
        assert!(is_loop((1..=20).collect()) && is_loop(vec![1, 2, 4, 5, 7]));
        assert!(!is_loop(vec![1, 2, 3]) && !is_loop(vec![7, 85, 1990, 2001, 99]) && !is_loop(vec![3; 20]));
    }
}
