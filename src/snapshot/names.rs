//! Physical names: what tables and columns are called inside the case file, where SQLite or unseed
//! reserve a name or two names differ only in case.

use std::collections::HashSet;

use crate::model::QualifiedName;

/// Hands out names that are free, comparing without regard to case as SQLite does.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// Returns the physical name of a table: its own name where free, else `schema.name`, then `name~2`.
    pub(super) fn table(&mut self, name: &QualifiedName) -> String {
        let reserved = |n: &str| {
            let lower = n.to_lowercase();
            lower.starts_with("sqlite_") || lower.starts_with("unseed_") || n.is_empty() || n.contains('\0')
        };
        let plain = name.name.replace('\0', "\u{fffd}");
        let qualified = format!("{}.{}", name.schema.replace('\0', "\u{fffd}"), plain);
        if !reserved(&name.name) && self.take(&plain) {
            return plain;
        }
        if self.take(&qualified) {
            return qualified;
        }
        let base = if reserved(&name.name) { qualified } else { plain };
        self.numbered(&base)
    }

    /// Returns the physical name of a column within its table.
    pub(super) fn column(&mut self, name: &str) -> String {
        let plain = if name.is_empty() { "column".to_owned() } else { name.replace('\0', "\u{fffd}") };
        if self.take(&plain) { plain } else { self.numbered(&plain) }
    }

    /// Gives a name free again.
    pub(super) fn release(&mut self, physical: &str) {
        self.taken.remove(&physical.to_lowercase());
    }

    fn numbered(&mut self, base: &str) -> String {
        (2_u32..).map(|n| format!("{base}~{n}")).find(|candidate| self.take(candidate)).unwrap_or_default()
    }

    fn take(&mut self, name: &str) -> bool {
        // SQLite folds ASCII only; folding all of Unicode can only make more names differ.
        self.taken.insert(name.to_lowercase())
    }
}

/// Quotes a name for SQLite.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_where_they_are_free() {
        let mut names = Names::default();
        let mut table = |schema: &str, name: &str| names.table(&QualifiedName::new(schema, name));
        assert_eq!(table("public", "users"), "users");
        assert_eq!(table("app", "users"), "app.users");
        assert_eq!(table("app", "Users"), "app.Users~2".trim_start_matches("app.").to_owned());
        assert_eq!(table("public", "unseed_meta"), "public.unseed_meta");
        assert_eq!(table("", "sqlite_x"), ".sqlite_x");
    }
}
