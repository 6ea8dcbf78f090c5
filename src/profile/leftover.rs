//! Tables that an applied delete script left behind: listed apart and not judged, but only where the
//! ledger and the columns match. A name alone hides nothing.

use super::class::Class;
use crate::model::plan::{ARCHIVE_NUMBER, LEDGER_COLUMNS, LEDGER_TABLE};
use crate::model::{Source, TableClass};
use crate::snapshot::{Case, CaseTable, SnapshotError};

/// Marks ledgers, and the archives that their rows name.
pub(super) fn mark(case: &Case, classes: &mut [Class]) -> Result<(), SnapshotError> {
    for ledger in case.tables() {
        if !is_ledger(ledger) {
            continue;
        }
        let column = |name: &str| ledger.table.column(name).unwrap_or_default();
        let wanted = [column("schema_name"), column("table_name"), column("archive_table"), column("archived")];
        let mut archives = Vec::new();
        for row in 0..ledger.rows as u32 {
            let cells = case.cells(ledger.id, row, &wanted)?;
            let text = |i: usize| cells[i].key_text().unwrap_or_default().into_owned();
            archives.push((text(0), text(1), text(2)));
        }
        let mut matched = 0;
        for (schema, table, archive) in &archives {
            let original = case.tables().iter().find(|t| t.table.name.schema == *schema && t.table.name.name == *table);
            let stored = case
                .tables()
                .iter()
                .find(|t| t.table.name.schema == ledger.table.name.schema && t.table.name.name == *archive && t.id != ledger.id);
            let (Some(original), Some(stored)) = (original, stored) else { continue };
            // SQLite keeps of an archive's column types the affinity alone.
            let typed = case.facts().engine != crate::model::Engine::Sqlite;
            if same_columns(original, stored, typed) {
                matched += 1;
                classes[stored.id.index()] =
                    (TableClass::Leftover, Source::Inferred, format!("archive of {} according to its ledger", original.table.name));
            }
        }
        if matched > 0 || archives.is_empty() {
            classes[ledger.id.index()] = (TableClass::Leftover, Source::Inferred, "ledger of applied delete scripts".to_owned());
        }
    }
    Ok(())
}

fn is_ledger(info: &CaseTable) -> bool {
    let name = &info.table.name.name;
    let named = name == LEDGER_TABLE
        || name
            .strip_prefix("unseed_")
            .and_then(|rest| rest.split_once('_'))
            .is_some_and(|(id, rest)| id.len() == 8 && format!("unseed_{rest}") == LEDGER_TABLE);
    let columns: Vec<&str> = info.table.columns.iter().map(|c| c.name.as_str()).collect();
    named && columns == LEDGER_COLUMNS
}

fn same_columns(original: &CaseTable, archive: &CaseTable, typed: bool) -> bool {
    let type_of = |c: &crate::model::Column| if typed { c.type_text.clone() } else { String::new() };
    let names = |info: &CaseTable| info.table.columns.iter().map(|c| (c.name.clone(), type_of(c))).collect::<Vec<_>>();
    let stored: Vec<_> = names(archive).into_iter().filter(|c| c.0 != ARCHIVE_NUMBER).collect();
    names(original).iter().all(|c| stored.iter().any(|s| s.0 == c.0 && s.1 == c.1)) && stored.len() <= names(original).len()
}
