//! Folders of `mysqldump --tab` and `mariadb-dump --tab`: for each table a `.sql` with its schema and a
//! `.txt` with its rows, as `SELECT ... INTO OUTFILE` writes them.
//!
//! Source: MySQL manual, "Dumping Data in Delimited-Text Format", and SELECT ... INTO.

use super::delimited::{Delimited, Dialect, sample};
use super::sql::guess;
use super::wrap::ENDINGS;
use super::{CellKind, DumpError, DumpFormat, FormatMeta, Input, Limits, Note, Part, Position, RowBatch, Sink, mysql};
use crate::model::{Engine, QualifiedName};

/// `--tab` folders.
pub struct MysqlTab;

const META: FormatMeta = FormatMeta {
    id: "mysql-tab",
    title: "mysqldump --tab folders",
    engine: Engine::Mysql,
    source: "MySQL manual, mysqldump --tab; outputs of mariadb-dump 10.11",
};

/// Records of each file's beginning that decide on the dialect.
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
        if let Some(charset) = input.hints.charset {
            sink.charset(charset);
        }
        let (dialect, why) = dialect(input, &rows, sink)?;
        sink.note(Note::Dialect(format!("{}: {why}", input.shown)))?;
        for part in rows {
            read_rows(input, part, &dialect, sink)?;
        }
        Ok(())
    }
}

/// Returns a name without the ending that a wrapper adds.
fn plain_name(name: &str) -> &str {
    ENDINGS.iter().find_map(|e| name.strip_suffix(e)).unwrap_or(name)
}

/// Returns how many fields a table's rows may have: without the columns that the server computes, or with them.
fn widths(part: &Part, at: Position, sink: &mut dyn Sink) -> Result<(Vec<String>, usize), DumpError> {
    let table = QualifiedName::new("", part.stem());
    let Some(columns) = sink.declared(&table) else {
        let help = "each .txt needs the .sql of its table beside it";
        return Err(DumpError::malformed(&part.shown, at, format!("rows for table {table}, which nothing declares"), help));
    };
    let (_, all) = sink.open(&table, None, false, at)?;
    Ok((columns, all))
}

fn read_rows(input: &Input, part: &Part, dialect: &Dialect, sink: &mut dyn Sink) -> Result<(), DumpError> {
    let window = input.window(part)?;
    let at = window.position();
    let (columns, all) = widths(part, at, sink)?;
    // Versions differ in whether they write what they compute.
    let first = sample(window.data(), dialect, window.at_end(), 1).ok().and_then(|records| records.rows().next().map(|row| row.len()));
    let named = (first != Some(all)).then_some(columns.as_slice());
    let (source, width) = sink.open(&QualifiedName::new("", part.stem()), named, false, at)?;
    Delimited { window, sink, dialect: dialect.clone(), batch: RowBatch::new() }.rest(source, width)
}

/// Finds which of the dialects that the options can ask for all files agree with: one run writes them all.
fn dialect(input: &Input, parts: &[&Part], sink: &mut dyn Sink) -> Result<(Dialect, String), DumpError> {
    let mut heads = Vec::new();
    for part in parts {
        let (columns, all) = widths(part, Position::default(), sink)?;
        heads.push((part.head(&input.limits)?.0, [columns.len(), all]));
    }
    let default = Dialect::escaped_tsv();
    for separator in input.hints.separator.map_or_else(|| vec![b'\t', b',', b';', b'|'], |s| vec![s]) {
        let plain = Dialect { separator, ..default.clone() };
        for quote in [Some(b'"'), Some(b'\''), None] {
            let found = Dialect { quote, ..plain.clone() };
            let fits = heads.iter().all(|(head, widths)| {
                let records = sample(head, &found, false, SNIFF_RECORDS);
                records.is_ok_and(|records| widths.iter().any(|width| records.rows().all(|row| row.len() == *width)))
            });
            if fits && quote.is_none_or(|quote| all_enclosed(&heads, &plain, quote)) {
                let enclosed = quote.map_or(String::new(), |q| format!(", enclosed by {}", char::from(q)));
                let shown = std::ascii::escape_default(separator).to_string();
                let why = format!("fields end with {shown}{enclosed}: as many as the tables have columns; \\ escapes, NULL is \\N");
                return Ok((found, why));
            }
        }
    }
    Ok((default, "the defaults of INTO OUTFILE".to_owned()))
}

/// Returns whether all texts of the first records stand between quotes, and some do: a value may begin and
/// end with a quote of its own.
fn all_enclosed(heads: &[(Vec<u8>, [usize; 2])], plain: &Dialect, quote: u8) -> bool {
    let mut enclosed = 0_usize;
    for (head, _) in heads {
        let Ok(records) = sample(head, plain, false, SNIFF_RECORDS) else { return false };
        for cell in records.rows().flat_map(|row| row.iter().collect::<Vec<_>>()) {
            let between = cell.bytes.len() > 1 && cell.bytes.first() == Some(&quote) && cell.bytes.last() == Some(&quote);
            let number = !cell.bytes.is_empty() && cell.bytes.iter().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'+' | b'e'));
            if between {
                enclosed += 1;
            } else if cell.kind != CellKind::Null && !number && !cell.bytes.contains(&quote) {
                return false;
            }
        }
    }
    enclosed > 2
}
