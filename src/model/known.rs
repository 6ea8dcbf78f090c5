//! What a project knows of its own seed: rows of a database right after the seed ran, and texts and templates of
//! its seed files. Plain data; where it came from is recorded with it.

use std::collections::HashMap;

use super::role::Role;

/// Something that was given beside the snapshot.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KnownInput {
    /// `reference` or `seed-source`.
    pub kind: String,
    /// Name of the file or folder, without its path.
    pub name: String,
    /// Bytes that were read.
    pub bytes: u64,
    /// Digest of what was read, hexadecimal (BLAKE3, first 32 digits).
    pub digest: String,
    /// Rows, or texts and templates, that can be looked for.
    pub patterns: usize,
}

/// Digest of one value, so that a copy of the reference's values is never kept.
pub type ValueDigest = u128;

/// A table of a reference whose columns were found in the snapshot's table of that name.
#[derive(Clone, Debug, Default)]
pub struct KnownTable {
    /// Ordinals of the snapshot's columns that tell rows apart, with their roles.
    pub columns: Vec<(usize, Role)>,
    /// Ordinal of the snapshot's creation time, if the reference has that column too.
    pub created: Option<usize>,
    /// By row of the reference: a digest a column; `None` where it is NULL or empty.
    pub rows: Vec<Vec<Option<ValueDigest>>>,
    /// By row of the reference: its creation time; `None` where it has none.
    pub created_at: Vec<Option<ValueDigest>>,
}

/// A text of a seed file, or a template with holes that counters fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedPattern {
    /// The fixed parts, lower case; a counter between each two. One part: a text without a hole.
    pub parts: Vec<String>,
    /// `prisma/seed.ts:12`.
    pub place: String,
    /// The template as it is shown, `user{n}@test.com`; empty for a text, which may be somebody's.
    pub shown: String,
}

/// Texts and templates of seed files, by what digits are taken out.
#[derive(Clone, Debug, Default)]
pub struct SeedPatterns {
    /// In the order in which they were found.
    pub all: Vec<SeedPattern>,
    /// Indices by skeleton.
    pub by_skeleton: HashMap<String, Vec<usize>>,
}

impl SeedPatterns {
    /// Adds a pattern unless it is known.
    pub fn push(&mut self, pattern: SeedPattern) {
        let places = self.by_skeleton.entry(skeleton(&pattern.parts.join("0"))).or_default();
        if places.iter().all(|p| self.all[*p].parts != pattern.parts) {
            places.push(self.all.len());
            self.all.push(pattern);
        }
    }

    /// Finds the pattern that a text is made by, with the number in its first hole.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<(usize, Option<u64>)> {
        let lower = text.trim().to_lowercase();
        let places = self.by_skeleton.get(&skeleton(&lower))?;
        places.iter().find_map(|place| matches(&self.all[*place].parts, &lower).map(|number| (*place, number)))
    }
}

/// Takes runs of digits out of a text.
fn skeleton(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_ascii_digit() {
            out.push(c);
        } else if !out.ends_with('\u{0}') {
            out.push('\u{0}');
        }
    }
    out
}

/// Returns whether fixed parts with counters between them make the text, and the first counter.
fn matches(parts: &[String], text: &str) -> Option<Option<u64>> {
    let (first, rest) = parts.split_first()?;
    let mut left = text.strip_prefix(first.as_str())?;
    let mut number = None;
    for (index, part) in rest.iter().enumerate() {
        let digits = left.bytes().take_while(u8::is_ascii_digit).count();
        // A fixed part that begins with digits ends the counter before them.
        let fixed = part.bytes().take_while(u8::is_ascii_digit).count();
        let end = digits.checked_sub(fixed).filter(|end| (1..=9).contains(end))?;
        if index == 0 {
            number = left[..end].parse().ok();
        }
        left = left[end..].strip_prefix(part.as_str())?;
    }
    left.is_empty().then_some(number)
}

/// What is known, fitted to a snapshot's tables.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// By table ordinal.
    pub tables: Vec<Option<KnownTable>>,
    /// Texts and templates; empty where no seed source was given.
    pub patterns: SeedPatterns,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(parts: &[&[&str]]) -> SeedPatterns {
        let mut all = SeedPatterns::default();
        for p in parts {
            all.push(SeedPattern { parts: p.iter().map(|s| (*s).to_owned()).collect(), place: "seed.ts:1".into(), shown: String::new() });
        }
        all
    }

    #[test]
    fn templates_are_met_exactly() {
        let all = patterns(&[&["user", "@test.com"], &["alice@prisma.io"], &["web2", "@x.io"], &["t", "-", ".example"]]);
        assert_eq!(all.find("user12@test.com"), Some((0, Some(12))));
        assert_eq!(all.find("USER7@test.com"), Some((0, Some(7))));
        assert_eq!(all.find("Alice@prisma.io"), Some((1, None)));
        assert_eq!(all.find("web217@x.io"), Some((2, Some(17))));
        assert_eq!(all.find("t1-22.example"), Some((3, Some(1))));
        for other in
            ["user@test.com", "userx@test.com", "user1@test.com.au", "auser1@test.com", "web317@x.io", "user1234567890@test.com", ""]
        {
            assert_eq!(all.find(other), None, "{other}");
        }
    }
}
