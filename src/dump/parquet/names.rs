//! Tables and partitions by the names of files and folders.
//!
//! Source: AWS, "File naming convention for exports to Amazon S3 for Amazon RDS"
//! (`export/database/schema.table/1/part-00000-....gz.parquet`, `export_info_*.json`); Hive's `column=value` folders.

use std::collections::BTreeMap;

use crate::dump::Part;
use crate::model::QualifiedName;

/// Hive's word for NULL in the name of a partition's folder.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

pub(super) fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}

/// Returns whether a file of the folder tells of the export instead of holding rows.
pub(super) fn is_note(name: &str) -> bool {
    let base = base(name);
    matches!(base, "_SUCCESS" | "_metadata" | "_common_metadata" | "_committed" | "_started")
        || ((base.starts_with("export_info") || base.starts_with("export_tables_info")) && base.ends_with(".json"))
}

/// Returns the table that a file holds rows of, and the columns that its folders tell.
pub(super) fn table_of(part: &Part) -> (QualifiedName, BTreeMap<String, Option<String>>) {
    let mut partitions = BTreeMap::new();
    let mut folders: Vec<&str> = part.name.split('/').collect();
    folders.pop();
    folders.retain(|folder| match folder.split_once('=') {
        Some((column, value)) if !column.is_empty() => {
            partitions.insert(column.to_owned(), (value != HIVE_NULL).then(|| value.to_owned()));
            false
        }
        _ => true,
    });
    let stem = part.stem();
    let piece = stem.starts_with("part-") || !partitions.is_empty() || stem.bytes().all(|b| b.is_ascii_digit());
    let folder = folders.iter().rev().find(|f| !f.is_empty() && !f.bytes().all(|b| b.is_ascii_digit()));
    let name = match folder {
        Some(folder) if piece => folder.strip_suffix(".parquet").unwrap_or(folder).to_owned(),
        _ => stem,
    };
    (QualifiedName::new("", name), partitions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_name_tables_and_partitions() {
        let of = |name: &str| {
            let (table, partitions) = table_of(&Part::file(std::path::Path::new("x"), name.to_owned(), name.to_owned()));
            (table.name, partitions.into_iter().collect::<Vec<_>>())
        };
        assert_eq!(of("export/shop/public.users/1/part-00000-1f.gz.parquet"), ("public.users".to_owned(), Vec::new()));
        assert_eq!(of("users.parquet"), ("users".to_owned(), Vec::new()));
        assert_eq!(of("shop/users.parquet"), ("users".to_owned(), Vec::new()));
        assert_eq!(of("users/day=2024-01-01/00000.parquet"), ("users".to_owned(), vec![("day".to_owned(), Some("2024-01-01".to_owned()))]));
    }
}
