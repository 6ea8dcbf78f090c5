//! Addresses that end with the row's number in base 36, as Mockaroo writes them: `icollisson0`, `jhansel1`,
//! ... `nblareaa`.

use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::{Detector, TableView, rows_of};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct CountedAddress;

const META: DetectorMeta = DetectorMeta {
    id: "counted-address",
    title: "Addresses counted in base 36",
    family: Family::Template,
    reads: &[Role::Email, Role::Username],
    finds: "Rows, one after the other, whose addresses or handles end with 0, 1, 2 ... 9, a, b ... in the order of insertion.",
    false_positives: "None is known: people's addresses end with what comes next in one case of 36.",
    source: "The default schema of Mockaroo: first initial, family name and the row's index from 0 in base 36; public seed files.",
};

/// Fewest rows of a chain: past 9, so that it is no decimal counter, and with odds of one in millions among people.
const LEAST_ROWS: usize = 12;

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
        if reads.is_empty() { Err("no address and no handle".to_owned()) } else { Ok(reads) }
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let (mut rows, mut columns, mut ends): (Vec<Row>, Vec<u32>, Vec<String>) = (Vec::new(), Vec::new(), Vec::new());
        for read in table.texts(META.reads) {
            for (offset, text) in chunk.frame.column(&read.name())?.str()?.iter().enumerate() {
                let Some(text) = text else { continue };
                let local = text.rsplit_once('@').map_or(text, |(local, _)| local);
                if local.len() >= 3 && local.is_ascii() {
                    rows.push(chunk.first_row + offset as Row);
                    columns.push(read.column() as u32);
                    ends.push(local[local.len().saturating_sub(KEPT)..].to_ascii_lowercase());
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
        let rows = rows_of(merged)?;
        let columns: Vec<u32> = merged.column("column")?.u32()?.into_no_null_iter().collect();
        let ends: Vec<&str> = merged.column("end")?.str()?.iter().flatten().collect();
        let ranks = table.facts.ranks();
        let mut evidence = Vec::new();
        for read in table.texts(META.reads) {
            let of_column = (0..rows.len()).filter(|i| columns[*i] as usize == read.column());
            let mut ordered: Vec<(Row, Row, &str)> =
                of_column.map(|i| (ranks.get(rows[i] as usize).copied().unwrap_or(rows[i]), rows[i], ends[i])).collect();
            ordered.sort_unstable();
            let ordered: Vec<(Row, &str)> = ordered.into_iter().map(|(_, row, end)| (row, end)).collect();
            evidence.extend(chains(&ordered).into_iter().map(|rows| fact(table, rows)));
        }
        Ok(evidence)
    }
}

fn fact(table: &TableView<'_>, mut rows: Vec<Row>) -> Evidence {
    let count = rows.len();
    rows.sort_unstable();
    Evidence {
        detector: META.id,
        family: META.family,
        table: table.profile.id,
        kind: "row number in base 36".to_owned(),
        detail: format!("{count} addresses that end with 0 to {} in base 36, in order", base36(count - 1)),
        rows,
        // One address in 36 ends with the sign that comes next, and it may be any of the next few.
        measure: Measure::Chance { log2_p: (count - 1) as f64 * (LARGEST_STEP as f64 / 36.0).log2() + (table.rows() as f64).log2() },
        certainty: Certainty::CannotBeHuman,
        proposes: true,
    }
}

/// Finds chains of ends that count from 0.
fn chains(ordered: &[(Row, &str)]) -> Vec<Vec<Row>> {
    let mut open: Vec<(Vec<Row>, usize)> = Vec::new();
    let mut found = Vec::new();
    for (place, (row, end)) in ordered.iter().enumerate() {
        let (still, over): (Vec<_>, Vec<_>) = open.into_iter().partition(|(_, last)| place - last <= LARGEST_STEP);
        found.extend(over.into_iter().map(|(rows, _)| rows));
        open = still;
        let next = open.iter_mut().filter(|(rows, _)| counts(end, rows.len())).max_by_key(|(rows, _)| rows.len());
        match next {
            Some((rows, last)) => {
                rows.push(*row);
                *last = place;
            }
            None if counts(end, 0) => open.push((vec![*row], place)),
            None => {}
        }
    }
    found.extend(open.into_iter().map(|(rows, _)| rows));
    found.retain(|rows| rows.len() >= LEAST_ROWS);
    found
}

/// Returns whether an end is a number in base 36 behind something else.
fn counts(end: &str, number: usize) -> bool {
    end.strip_suffix(&base36(number)).is_some_and(|rest| !rest.is_empty())
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

    #[test]
    fn follows_the_count_past_a_stranger() {
        let ends = [
            "mary", "sson0", "nsel1", "mpio2", "smith", "gles3", "ller4", "nnie5", "ohns6", "emmy7", "lisa8", "karl9", "paula", "pietb",
            "hansc",
        ];
        let ordered: Vec<(Row, &str)> = ends.into_iter().enumerate().map(|(i, e)| (i as Row, e)).collect();
        assert_eq!(chains(&ordered), [[1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]]);
        assert_eq!((base36(10), base36(35), base36(36), base36(1_000)), ("a".into(), "z".into(), "10".into(), "rs".into()));
    }

    #[test]
    fn stays_quiet_on_people() {
        let ends = ["mary0", "john1", "anna7", "ella2", "otto3", "paul9", "nina5", "tom85", "max12"];
        let ordered: Vec<(Row, &str)> = ends.into_iter().enumerate().map(|(i, e)| (i as Row, e)).collect();
        assert!(chains(&ordered).is_empty());
    }
}
