//! Small facts of every row that one program gives all its rows: which columns are NULL, how exact a
//! time is, which domain an address has, how a hash begins. They accuse nobody: they tell who belongs to
//! a group that was convicted, and who was only near.

mod look;
mod numbers;

use super::context::cell_text;
use super::{NO_ROW, TableFacts};
use crate::model::stamp::Stamp;
use crate::model::{Family, Role, ValueRef};
use crate::parallel;
use crate::profile::{Profile, TableProfile};
use crate::snapshot::{self, CHUNK_ROWS, Case, Reader, SnapshotError};

pub(super) use look::shape;
use look::{Look, distance, exactness, looks, value, word};
pub use numbers::Numbers;
use numbers::{Numbering, Part};

/// A feature of a table's rows.
#[derive(Clone, Debug)]
pub struct Feature {
    /// What it is of, for reports.
    pub title: String,
    /// Features of one family depend on each other.
    pub family: Family,
    /// By row: the value's number.
    pub values: Numbers,
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
            plan.push(Looked { column, look: *look, family: *family, numbering: Numbering::default() });
        }
    }
    let created = table.column(Role::CreatedAt);
    let timed: Vec<usize> = (0..table.columns.len()).filter(|c| table.columns[*c].role.is_time()).collect();
    let looked: Vec<(usize, Look)> = plan.iter().map(|l| (l.column, l.look)).collect();
    let mut nulls = Numbering::default();
    let turn = |part: &snapshot::Part| parts_of(reader, part, table.columns.len(), &timed, created, &looked);
    parallel::in_order(&reader.parts(table.id, CHUNK_ROWS)?, turn, |parts: Result<Vec<Part>, SnapshotError>| {
        for (numbering, part) in std::iter::once(&mut nulls).chain(plan.iter_mut().map(|l| &mut l.numbering)).zip(parts?) {
            numbering.append(&part);
        }
        Ok::<(), SnapshotError>(())
    })?;
    let mut found: Vec<Feature> = Vec::new();
    let feature = |title: String, family, numbering: Numbering| Some(Feature { title, family, values: numbering.finish()? });
    found.extend(feature("which columns are NULL".to_owned(), Family::Template, nulls));
    for Looked { column, look, family, numbering } in plan {
        found.extend(feature(format!("{} of column {}", word(look), column + 1), family, numbering));
    }
    found.extend(children(table, facts, all));
    Ok(found)
}

/// Numbers, for a part of a table, what each look gives of each row, behind which cells are NULL.
fn parts_of(
    reader: Reader<'_>,
    part: &snapshot::Part,
    columns: usize,
    timed: &[usize],
    created: Option<usize>,
    looked: &[(usize, Look)],
) -> Result<Vec<Part>, SnapshotError> {
    let all: Vec<usize> = (0..columns).collect();
    let mut stamps: Vec<Option<Stamp>> = vec![None; columns];
    let mut parts: Vec<Part> = (0..=looked.len()).map(|_| Part::with_room(part.rows())).collect();
    let mut digits = String::new();
    reader.visit_part(part, &all, |_, cells| {
        parts[0].push(pattern(cells));
        for column in timed {
            stamps[*column] = Stamp::of(cells[*column]);
        }
        let created = created.and_then(|c| stamps[c]).map(|s| s.micros);
        for ((column, look), part) in looked.iter().zip(&mut parts[1..]) {
            let stamp = stamps[*column];
            part.push(match look {
                Look::Digits => stamp.map_or(99, |s| exactness(i64::from(s.fraction_digits), s.micros)),
                Look::Against => distance(stamp.map(|s| s.micros), created),
                look => cell_text(cells[*column], &mut digits).map_or(0, |t| value(*look, &t)),
            });
        }
        Ok::<(), SnapshotError>(())
    })?;
    Ok(parts)
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

/// How many children of each relation a row has.
fn children(table: &TableProfile, facts: &TableFacts, all: &[TableFacts]) -> Vec<Feature> {
    let mut found = Vec::new();
    for child in all {
        for link in child.parents.iter().filter(|l| l.parent == table.id) {
            let mut counts = vec![0_u32; facts.rows];
            for parent in link.rows.iter().filter(|p| **p != NO_ROW) {
                counts[*parent as usize] += 1;
            }
            let mut numbering = Numbering::default();
            for counts in counts.chunks(CHUNK_ROWS) {
                let mut part = Part::with_room(counts.len());
                for count in counts {
                    part.push(match count {
                        0..=3 => u64::from(*count),
                        4..=7 => 4,
                        _ => 5,
                    });
                }
                numbering.append(&part);
            }
            let values = numbering.finish();
            found.extend(values.map(|values| Feature { title: "number of children".into(), family: Family::Relational, values }));
        }
    }
    found
}
