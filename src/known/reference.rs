//! A dump of a database right after the seed ran: digests of its rows, by table and column name.

use std::collections::HashMap;
use std::path::Path;

use super::KnownError;
use crate::detect::value_digest;
use crate::ingest::{self, Options};
use crate::model::known::{KnownInput, KnownTable, ValueDigest};
use crate::model::{Role, Row, TableClass};
use crate::profile::Profile;
use crate::progress::Progress;
use crate::snapshot::{CHUNK_ROWS, Case, ColumnRead, scan};

/// Rows of a table above which a reference is no seed's.
///
/// Source: the largest seeds met make 10,000 rows a table; a copy of production has more.
const MOST_ROWS: u64 = 200_000;

/// Columns by which rows are told apart; what else there is, other rows share or the database makes.
const TELLING: &[Role] = &[
    Role::Email,
    Role::Username,
    Role::PersonName,
    Role::GivenName,
    Role::FamilyName,
    Role::Company,
    Role::Phone,
    Role::Street,
    Role::City,
    Role::PostalCode,
    Role::Credential,
    Role::Token,
    Role::ExternalId,
    Role::Url,
    Role::ImageUrl,
    Role::BirthDate,
    Role::Title,
    Role::Text,
];

/// Columns of a table that are looked at, at most.
const MOST_COLUMNS: usize = 32;

/// Digests of a reference's rows.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    tables: HashMap<String, RefTable>,
}

#[derive(Clone, Debug, Default)]
struct RefTable {
    /// Ordinals by name, lower case.
    columns: HashMap<String, usize>,
    /// By row, a digest a column.
    rows: Vec<Vec<Option<ValueDigest>>>,
}

/// Reads a reference.
pub(super) fn read(path: &Path, progress: &dyn Progress) -> Result<(Reference, KnownInput), KnownError> {
    let file = path.display().to_string();
    let io = |source| KnownError::Io { file: file.clone(), source };
    let scratch = tempfile::tempdir().map_err(io)?;
    let target = scratch.path().join("reference.db");
    let summary = ingest::ingest(&[path.to_owned()], &target, &Options::default(), progress)?;
    let case = Case::open(&target)?;
    let mut reference = Reference::default();
    let mut rows = 0;
    for info in case.tables() {
        if info.rows > MOST_ROWS {
            let what = format!("table {} has {} rows, more than any seed makes", info.table.name, info.rows);
            return Err(KnownError::TooMuch { file, what });
        }
        let reads: Vec<ColumnRead> = (0..info.table.columns.len()).map(ColumnRead::Text).collect();
        let mut table = RefTable {
            columns: info.table.columns.iter().enumerate().map(|(i, c)| (c.name.to_lowercase(), i)).collect(),
            rows: Vec::new(),
        };
        scan(&case, info.id, &reads, CHUNK_ROWS, |chunk| {
            let mut columns = Vec::new();
            for read in &reads {
                columns
                    .push(chunk.frame.column(&read.name()).and_then(|c| c.str().cloned()).map_err(crate::snapshot::SnapshotError::Frame)?);
            }
            for offset in 0..chunk.frame.height() {
                table.rows.push(columns.iter().map(|c| c.get(offset).and_then(value_digest)).collect());
            }
            Ok::<(), crate::snapshot::SnapshotError>(())
        })?;
        rows += table.rows.len();
        reference.tables.insert(info.table.name.name.to_lowercase(), table);
    }
    let input = KnownInput {
        kind: "reference".to_owned(),
        name: path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        bytes: summary.bytes,
        digest: summary.id.to_string().chars().take(32).collect(),
        patterns: rows,
    };
    Ok((reference, input))
}

/// Finds the tables and columns of references in a snapshot: tables of people, which nobody needs for reference.
pub(super) fn fit(references: &[Reference], case: &Case, profile: &Profile) -> Vec<Option<KnownTable>> {
    let one = |table: &crate::profile::TableProfile| {
        if table.class != TableClass::People {
            return None;
        }
        let info = &case.table(table.id).table;
        let names: Vec<String> = info.columns.iter().map(|c| c.name.to_lowercase()).collect();
        let columns: Vec<(usize, Role)> = table
            .columns
            .iter()
            .enumerate()
            .filter(|(_, c)| TELLING.contains(&c.role))
            .map(|(i, c)| (i, c.role))
            .take(MOST_COLUMNS)
            .collect();
        let created = table.column(Role::CreatedAt);
        let mut known = KnownTable { columns, created, ..KnownTable::default() };
        for reference in references.iter().filter_map(|r| r.tables.get(&info.name.name.to_lowercase())) {
            let place = |ordinal: usize| reference.columns.get(&names[ordinal]).copied();
            for row in &reference.rows {
                known.rows.push(known.columns.iter().map(|c| place(c.0).and_then(|p| row[p])).collect());
                known.created_at.push(created.and_then(place).and_then(|p| row[p]));
            }
        }
        (!known.rows.is_empty() && known.rows.len() <= Row::MAX as usize).then_some(known)
    };
    profile.tables.iter().map(one).collect()
}
