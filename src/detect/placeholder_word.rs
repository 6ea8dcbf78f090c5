//! Words that testers type where a name or title belongs. Whole words only: "contest", "Testa" and
//! "latest" hold none.

use std::sync::LazyLock;

use super::address;
use super::marks::{Finding, Kind, Marked, Marks};
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role};
use aho_corasick::{AhoCorasick, MatchKind};

/// Finds placeholder words.
pub(super) struct PlaceholderWord;

const META: DetectorMeta = DetectorMeta {
    id: "placeholder-word",
    title: "Placeholder words",
    family: Family::Vocabulary,
    reads: &[Role::Email, Role::Username, Role::PersonName, Role::GivenName, Role::FamilyName, Role::Title, Role::Company],
    finds: "Whole words such as test, demo, dummy, lorem or John Doe in names, addresses and titles.",
    false_positives: "People are called Test, Demo and Null; a product may be a test kit. A word alone is worth 4 bits at most, below review, and is weighed against how often the table holds it anyway.",
    source: "Words of the fixtures of Prisma, Rails, Laravel and Django examples; 1 of 1,267 real local parts holds one as a whole word (14 % hold one as a part, which is why parts do not count).",
};

/// Share of real rows with such a word, at least.
///
/// Source: 1 of 1,267 addresses of public commit authors.
const REAL_FLOOR: f64 = 0.0008;

/// Share of seeded rows that hold one, so that a word alone adds four bits.
const SEEDED: f64 = 0.0128;

pub(super) const WORDS: &[&str] = &[
    "test",
    "tests",
    "tester",
    "testing",
    "testuser",
    "demo",
    "demouser",
    "sample",
    "dummy",
    "fake",
    "example",
    "foo",
    "bar",
    "baz",
    "qux",
    "foobar",
    "asdf",
    "asdfasdf",
    "qwerty",
    "lorem",
    "ipsum",
    "placeholder",
    "todo",
    "xxx",
    "changeme",
    "john doe",
    "jane doe",
    "johndoe",
    "janedoe",
    "john.doe",
    "jane.doe",
    "max mustermann",
    "erika mustermann",
    "mustermann",
    "fulano de tal",
    "joe bloggs",
    "acme",
    "seed",
    "seeded",
    "mock",
    "qa",
    "e2e",
    "loadtest",
    "cypress",
    "playwright",
    "selenium",
];

/// Words that mean something only in people's identifiers, where a product's title may hold them.
const PEOPLE_ONLY: &[&str] =
    &["bar", "test", "tests", "tester", "testing", "sample", "seed", "seeded", "example", "acme", "mock", "demo", "todo", "fake", "dummy"];

static FINDER: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest).build(WORDS).ok());

impl Marks for PlaceholderWord {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no name, address or title";

    fn mark(&self, role: Role, text: &str) -> Option<Kind> {
        // What follows the @ is somebody's domain.
        let text = if role == Role::Email { address::local(text) } else { text };
        placeholder(text).filter(|w| role != Role::Title || !PEOPLE_ONLY.contains(w)).map(Into::into)
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        Some(Finding {
            detail: format!("holds the word \"{}\"", of.kind),
            measure: Measure::Rate { seeded: SEEDED, real_floor: REAL_FLOOR },
            certainty: Certainty::Suggests,
            proposes: false,
        })
    }
}

/// Returns whether a text holds a whole word of the list.
pub(super) fn holds_one(text: &str) -> bool {
    placeholder(text).is_some()
}

/// Returns the first whole word of the list.
fn placeholder(text: &str) -> Option<&'static str> {
    let finder = FINDER.as_ref()?;
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(found) = finder.find(&text[from..]) {
        let (start, end) = (from + found.start(), from + found.end());
        // Letters on either side make it a part of another word; digits and signs do not.
        let letter = |b: u8| b.is_ascii_alphabetic() || b >= 0x80;
        let free = (start == 0 || !letter(bytes[start - 1])) && bytes.get(end).is_none_or(|b| !letter(*b));
        if free {
            return Some(WORDS[found.pattern().as_usize()]);
        }
        from = start + 1;
        while !text.is_char_boundary(from) {
            from += 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_on_whole_words() {
        for (text, word) in [
            ("test", "test"),
            ("Test User 7", "test"),
            ("qa_12", "qa"),
            ("JOHN DOE", "john doe"),
            ("my+test", "test"),
            ("demo-account", "demo"),
            ("user.asdf1", "asdf"),
        ] {
            assert_eq!(placeholder(text), Some(word), "{text}");
        }
    }

    #[test]
    fn stays_quiet_on_parts_of_words() {
        for text in ["contest", "Testa", "latest.news", "Demosthenes", "democracy", "Barbara", "Quatar", "foote", "tésté", "samplewood"] {
            assert_eq!(placeholder(text), None, "{text}");
        }
    }
}
