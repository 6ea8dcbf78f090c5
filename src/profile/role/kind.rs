//! What a declared type holds.

/// What a declared type holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Yes or no by type.
    Bool,
    /// An integer of at most 16 bits: schemas keep flags and choices there.
    Narrow,
    /// Another integer.
    Integer,
    /// A number with decimals.
    Decimal,
    /// A date, a time or both.
    Time,
    /// Bytes.
    Binary,
    /// A JSON document, or an array.
    Json,
    /// A UUID.
    Uuid,
    /// One of listed words.
    Choice,
    /// A text of at most so many characters.
    Short(u32),
    /// A text of any length.
    Long,
    /// Not told.
    Other,
}

impl Kind {
    /// Reads a declared type, in lower case.
    ///
    /// Source: type names of `PostgreSQL` 17, `MySQL` 9, `MariaDB` 11 and SQLite's affinities.
    pub(super) fn of(type_text: &str) -> Self {
        let base: String = type_text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == ' ').collect();
        let base = base.trim();
        let length = || type_text.split_once('(').and_then(|(_, rest)| rest.split([')', ',']).next()).and_then(|n| n.trim().parse().ok());
        let starts = |words: &[&str]| words.iter().any(|w| base.starts_with(w));
        if type_text.ends_with("[]") || starts(&["json"]) {
            Self::Json
        } else if starts(&["bool"]) || type_text == "bit" || type_text == "bit(1)" || type_text.starts_with("tinyint(1)") {
            Self::Bool
        } else if starts(&["tinyint", "smallint", "int2", "smallserial"]) {
            Self::Narrow
        } else if starts(&["int", "bigint", "mediumint", "serial", "bigserial"]) && !starts(&["interval"]) {
            Self::Integer
        } else if starts(&["numeric", "decimal", "dec", "real", "double", "float", "money", "number"]) {
            Self::Decimal
        } else if starts(&["timestamp", "date", "time", "year"]) {
            Self::Time
        } else if starts(&["bytea", "binary", "varbinary"]) || base.contains("blob") {
            Self::Binary
        } else if base == "uuid" {
            Self::Uuid
        } else if starts(&["enum", "set"]) {
            Self::Choice
        } else if starts(&["varchar", "character varying", "char", "character", "nvarchar", "nchar", "bpchar"]) {
            length().map_or(Self::Long, Self::Short)
        } else if base.contains("text") || base.contains("clob") || starts(&["tsvector", "xml"]) {
            Self::Long
        } else {
            Self::Other
        }
    }

    /// Returns whether it is a whole number.
    pub(super) const fn is_integer(self) -> bool {
        matches!(self, Self::Narrow | Self::Integer)
    }

    /// Returns whether it is a text.
    pub(super) const fn is_text(self) -> bool {
        matches!(self, Self::Short(_) | Self::Long)
    }
}
