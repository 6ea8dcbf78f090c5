//! Folders of `mysqldump --tab` and `mariadb-dump --tab`: for each table a `.sql` with its schema and a
//! `.txt` with its rows, as `SELECT ... INTO OUTFILE` writes them.
//!
//! Source: MySQL manual, "Dumping Data in Delimited-Text Format", and SELECT ... INTO.

use super::delimited::{Delimited, Dialect, sample};
use super::sql::guess;
use super::wrap::ENDINGS;
use super::{DumpError, DumpFormat, FormatMeta, Input, Limits, Note, Part, RowBatch, Sink, Window, mysql};
use crate::model::{Engine, QualifiedName};

/// `--tab` folders.
pub struct MysqlTab;

const META: FormatMeta = FormatMeta {
    id: "mysql-tab",
    title: "mysqldump --tab folders",
    engine: Engine::Mysql,
    source: "MySQL manual, mysqldump --tab; outputs of mariadb-dump 10.11",
};

/// Records of a file's beginning that decide on its dialect.
const SNIFF_RECORDS: usize = 100;

impl DumpFormat for MysqlTab {
    fn meta(&self) -> &'static FormatMeta {
        &META
    }

    fn sniff(&self, _head: &[u8]) -> bool {
        false
    }

    fn claims(&self, parts: &[Part], limits: &Limits) -> Result<Vec<usize>, DumpError> {
        let mut claimed = Vec::new();
        let mut folder = None;
        for (place, part) in parts.iter().enumerate() {
            let Some(stem) = plain_name(&part.name).strip_suffix(".txt") else { continue };
            let schema = parts.iter().position(|p| plain_name(&p.name).strip_suffix(".sql") == Some(stem));
            let Some(schema) = schema else { continue };
            let own = stem.rsplit_once('/').map_or("", |s| s.0);
            if folder.is_some_and(|f| f != own) || guess::dialect(&parts[schema].head(limits)?.0) != Some(guess::Dialect::Mysql) {
                continue;
            }
            folder = Some(own);
            claimed.extend([schema, place]);
        }
        claimed.sort_unstable();
        Ok(claimed)
    }

    fn read(&self, input: &Input, sink: &mut dyn Sink) -> Result<(), DumpError> {
        let (rows, schemas): (Vec<&Part>, Vec<&Part>) = input.parts.iter().partition(|p| plain_name(&p.name).ends_with(".txt"));
        for part in schemas {
            mysql::read(input.window(part)?, sink)?;
        }
        for part in rows {
            if let Some(charset) = input.hints.charset {
                sink.charset(charset);
            }
            read_rows(input, part, sink)?;
        }
        Ok(())
    }
}

/// Returns a name without the ending that a wrapper adds.
fn plain_name(name: &str) -> &str {
    ENDINGS.iter().find_map(|e| name.strip_suffix(e)).unwrap_or(name)
}

fn read_rows(input: &Input, part: &Part, sink: &mut dyn Sink) -> Result<(), DumpError> {
    let window = input.window(part)?;
    let at = window.position();
    let table = QualifiedName::new("", part.stem());
    let Some(columns) = sink.declared(&table) else {
        let help = "each .txt needs the .sql of its table beside it";
        return Err(DumpError::malformed(window.file(), at, format!("rows for table {table}, which nothing declares"), help));
    };
    let (dialect, why) = dialect(&window, input, columns.len());
    sink.note(Note::Dialect(format!("{}: {why}", part.shown)))?;
    let (source, width) = sink.open(&table, Some(&columns), false, at)?;
    Delimited { window, sink, dialect, batch: RowBatch::new() }.rest(source, width)
}

/// Finds which of the dialects that the options can ask for gives the first records the table's number of
/// columns; the default one where none does.
fn dialect(window: &Window, input: &Input, columns: usize) -> (Dialect, String) {
    let default = Dialect::escaped_tsv();
    let fits = |dialect: &Dialect| {
        let records = sample(window.data(), dialect, window.at_end(), SNIFF_RECORDS);
        records.is_ok_and(|records| records.rows().all(|row| row.len() == columns))
    };
    let separators = input.hints.separator.map_or_else(|| vec![b'\t', b',', b';', b'|'], |s| vec![s]);
    for separator in separators {
        for quote in [None, Some(b'"'), Some(b'\'')] {
            let found = Dialect { separator, quote, ..default.clone() };
            if fits(&found) {
                let enclosed = quote.map_or(String::new(), |q| format!(", enclosed by {}", char::from(q)));
                let shown = std::ascii::escape_default(separator).to_string();
                return (found, format!("fields end with {shown}{enclosed}: as many as the table has columns; \\ escapes, NULL is \\N"));
            }
        }
    }
    (default, "the defaults of INTO OUTFILE".to_owned())
}
