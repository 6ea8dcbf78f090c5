//! Rows that must stay whatever the evidence: privileged accounts, rows anonymised on request, and
//! what `unseed.toml` protects.

use std::collections::{BTreeMap, BTreeSet};

use regex::RegexBuilder;

use crate::config::{Config, ProtectConfig};
use crate::model::{Role, Row, TableClass, TableId};
use crate::profile::{Profile, is_privileged};
use crate::snapshot::{CHUNK_ROWS, Case, Chunk, ColumnRead, SnapshotError, scan_with};

/// What is protected, and why.
#[derive(Clone, Debug, Default)]
pub struct Guarded {
    /// Privileged accounts: listed as protected even where nothing is suspicious.
    pub privileged: BTreeMap<(TableId, Row), String>,
    /// Rows that are protected where they would be seeded or in review.
    pub kept: BTreeMap<(TableId, Row), String>,
    /// Whole tables that are protected in the same way.
    pub tables: BTreeMap<TableId, String>,
}

/// Words of rows that were anonymised on request.
///
/// Source: default texts of `gdpr_admin`, Discourse, WordPress (`deleted-user`), GitLab (`ghost`) and Rails data-anonymisation guides.
const ERASED: &[&str] =
    &["deleted", "anonymized", "anonymised", "anonymous", "erased", "removed", "gdpr", "redacted", "forgotten", "purged"];

/// Share of a table's accounts above which a role gives no special power.
const COMMON_SHARE: f64 = 0.2;

/// Finds what must stay.
///
/// # Errors
/// Returns what the case file says, or that a rule of `unseed.toml` cannot be applied (one sentence).
pub fn guard(case: &Case, profile: &Profile, config: &Config) -> Result<Guarded, GuardError> {
    let mut guarded = Guarded::default();
    for table in &profile.tables {
        if table.class == TableClass::Reference {
            guarded.tables.insert(table.id, "reference data that other rows need".to_owned());
        }
        if table.class == TableClass::People {
            privileged(case, profile, table.id, &mut guarded)?;
            erased(case, profile, table.id, &mut guarded)?;
        }
    }
    for rule in &config.protect {
        apply(case, rule, &mut guarded)?;
    }
    Ok(guarded)
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The case file.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A rule cannot be applied.
    #[error("unseed.toml: [[protect]] \"{rule}\": {what}")]
    Rule {
        /// Id of the rule.
        rule: String,
        /// Why, and the next step.
        what: String,
    },
}

/// Looks at the texts of some columns of every row of a table, on two threads: lists the rows of which `look` makes
/// something, with what it is.
fn look_up<R: Send>(
    case: &Case,
    table: TableId,
    columns: &[usize],
    look: impl Fn(&[Option<&str>]) -> Option<R> + Sync,
) -> Result<Vec<(Row, R)>, SnapshotError> {
    let reads: Vec<ColumnRead> = columns.iter().map(|c| ColumnRead::Text(*c)).collect();
    let turn = |chunk: Chunk| {
        let mut texts = Vec::new();
        for read in &reads {
            texts.push(chunk.frame.column(&read.name()).and_then(|c| c.str().cloned()).map_err(SnapshotError::Frame)?);
        }
        let mut cells = vec![None; texts.len()];
        let mut found = Vec::new();
        for (offset, row) in (0..chunk.frame.height()).zip(chunk.first_row..) {
            for (cell, text) in cells.iter_mut().zip(&texts) {
                *cell = text.get(offset);
            }
            found.extend(look(&cells).map(|made| (row, made)));
        }
        Ok::<_, SnapshotError>(found)
    };
    let mut all = Vec::new();
    scan_with(case, table, &reads, CHUNK_ROWS, turn, |found| {
        all.extend(found);
        Ok(())
    })?;
    Ok(all)
}

fn privileged(case: &Case, profile: &Profile, table: TableId, guarded: &mut Guarded) -> Result<(), SnapshotError> {
    for column in profile.table(table).columns_with(Role::Privilege) {
        let flag = profile.table(table).columns[column].facts.booleans > 0;
        let mut found: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        let rows = case.table(table).rows as f64;
        for (row, role) in look_up(case, table, &[column], |cells| cells[0].filter(|t| is_privileged(t, flag)).map(str::to_owned))? {
            found.entry(role).or_default().push(row);
        }
        for (value, members) in found {
            if members.len() > 3 && members.len() as f64 > COMMON_SHARE * rows {
                continue;
            }
            let why = if flag { "a privileged account".to_owned() } else { format!("a privileged account: its role is \"{value}\"") };
            guarded.privileged.extend(members.into_iter().map(|row| ((table, row), why.clone())));
        }
    }
    Ok(())
}

fn erased(case: &Case, profile: &Profile, table: TableId, guarded: &mut Guarded) -> Result<(), SnapshotError> {
    let profiled = profile.table(table);
    let named: Vec<usize> = [Role::Email, Role::Username, Role::PersonName, Role::GivenName, Role::FamilyName]
        .iter()
        .flat_map(|r| profiled.columns_with(*r))
        .collect();
    if named.is_empty() {
        return Ok(());
    }
    let deleted: Vec<usize> = profiled.columns_with(Role::DeletedAt).collect();
    let credential: Vec<usize> = profiled.columns_with(Role::Credential).collect();
    let columns: Vec<usize> = named.iter().chain(&deleted).chain(&credential).copied().collect();
    let is_erased = |cells: &[Option<&str>]| {
        let (names, rest) = cells.split_at(named.len());
        let (deleted, credential) = rest.split_at(deleted.len());
        // The word alone is a person's choice; a time of deletion or a missing password is the system's.
        let marked = deleted.iter().any(Option::is_some) || credential.iter().any(|c| c.is_none_or(str::is_empty));
        let may_be = marked || (deleted.is_empty() && credential.is_empty());
        (may_be && names.iter().flatten().any(|text| has_erasure_word(text))).then_some(())
    };
    for (row, ()) in look_up(case, table, &columns, is_erased)? {
        guarded.kept.insert((table, row), "anonymised on request: accounts still need the row".to_owned());
    }
    Ok(())
}

fn has_erasure_word(text: &str) -> bool {
    let erased = |word: &str| {
        if word.is_ascii() { ERASED.iter().any(|e| e.eq_ignore_ascii_case(word)) } else { ERASED.contains(&word.to_lowercase().as_str()) }
    };
    text.split(|c: char| !c.is_alphabetic()).any(erased)
}

fn apply(case: &Case, rule: &ProtectConfig, guarded: &mut Guarded) -> Result<(), GuardError> {
    let unfit = |what: String| GuardError::Rule { rule: rule.id.clone(), what };
    let Some(table) = case.find_table(&rule.table) else {
        return if rule.optional { Ok(()) } else { Err(unfit(format!("there is no table \"{}\"", rule.table))) };
    };
    let column_of = |table: TableId, name: &str| {
        let info = &case.table(table).table;
        info.column(name).ok_or_else(|| unfit(format!("table {} has no column \"{name}\"", info.name)))
    };
    let mut rows: Vec<Row> = Vec::new();
    if let Some(condition) = &rule.condition {
        let column = column_of(table, &condition.column)?;
        let pattern = condition
            .matches
            .as_ref()
            .map(|m| RegexBuilder::new(m).size_limit(1 << 20).build())
            .transpose()
            .map_err(|e| unfit(e.to_string()))?;
        let suffix = condition.ends_with.as_ref().map(|s| s.to_lowercase());
        let hit = |cells: &[Option<&str>]| match cells[0] {
            None => condition.present == Some(false),
            Some(text) => {
                condition.present == Some(true)
                    || condition.one_of.as_ref().is_some_and(|list| list.iter().any(|v| v == text))
                    || suffix.as_ref().is_some_and(|s| text.to_lowercase().ends_with(s.as_str()))
                    || pattern.as_ref().is_some_and(|p| p.is_match(text))
            }
        };
        rows.extend(look_up(case, table, &[column], |cells| hit(cells).then_some(()))?.into_iter().map(|(row, ())| row));
    }
    for key in &rule.keys {
        rows.extend(case.find_row(table, std::slice::from_ref(key))?);
    }
    if let Some(reference) = &rule.referenced_by {
        let (child, column) =
            reference.rsplit_once('.').ok_or_else(|| unfit(format!("\"{reference}\" is not of the form table.column")))?;
        let child = case.find_table(child).ok_or_else(|| unfit(format!("there is no table \"{child}\"")))?;
        let column = column_of(child, column)?;
        let named = look_up(case, child, &[column], |cells| cells[0].map(str::to_owned))?;
        let keys: BTreeSet<String> = named.into_iter().map(|(_, key)| key).collect();
        if let [key] = case.table(table).key() {
            let referred = look_up(case, table, &[*key], |cells| cells[0].filter(|k| keys.contains(*k)).map(drop))?;
            rows.extend(referred.into_iter().map(|(row, ())| row));
        }
    }
    let why = format!("{} (rule {} of unseed.toml)", rule.reason, rule.id);
    guarded.kept.extend(rows.into_iter().map(|row| ((table, row), why.clone())));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erasure_words_are_whole_words() {
        assert!(
            has_erasure_word("deleted-user-42") && has_erasure_word("anonymized.user42@company.org") && has_erasure_word("Deleted User")
        );
        assert!(!has_erasure_word("undeleted") && !has_erasure_word("removedor@gmail.com"));
    }
}
