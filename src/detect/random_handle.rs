//! Addresses and handles of letters or hexadecimal digits drawn at random: `qxwzkfjp@gmail.com`, `8ebfc923ac@mail.com`.

use std::sync::LazyLock;

use super::address;
use super::marks::{Finding, Kind, Marked, Marks};
use super::vocabulary;
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role};

/// Finds what [`META`] says.
pub(super) struct RandomHandle;

const META: DetectorMeta = DetectorMeta {
    id: "random-handle",
    title: "Handles of random letters",
    family: Family::Shape,
    reads: &[Role::Email, Role::Username],
    finds: "Handles, and addresses before the @, that hold six letters or more in a sequence that no language writes: likelier drawn letter by letter than spoken; or that are nothing but eight hexadecimal digits or more.",
    false_positives: "Initials and abbreviations are short; people who mash keys exist, and so do robots that sign up everywhere: such rows count where they lie together in the order of insertion, weighed against the table's own share.",
    source: "randomString of k6, __RandomString of JMeter and faker.string.alpha in load tests; substr(md5(random()::text), 1, n) in hand-written SQL; pairs of letters in the shipped name lists of 60 languages, written in ASCII.",
};

/// Fewest letters in a row.
const LEAST_LETTERS: usize = 6;

/// Bits by which drawn letters must be likelier than those of names.
const LEAST_BITS: f64 = 6.0;

/// Fewest rows with as many letters: a generator draws strings of one length.
const LEAST_ROWS: usize = 5;

/// Share of a load test's rows that look so, and of real rows at least.
///
/// Source: half of all strings of eight random letters pass [`LEAST_BITS`]; people's nicknames do in less than one
/// of two hundred cases.
const SEEDED: f64 = 0.6;
const REAL_FLOOR: f64 = 0.005;

/// Letters, and one place for the begin of a word.
const LETTERS: usize = 26;

/// By letter before (the last place is the begin) and letter: bits by which a drawn letter is likelier than one of a
/// name.
static DRAWN: LazyLock<[[f64; LETTERS]; LETTERS + 1]> = LazyLock::new(|| {
    let mut counts = [[1.0_f64; LETTERS]; LETTERS + 1];
    for name in vocabulary::folded_names() {
        let mut before = LETTERS;
        for letter in name.bytes().filter(u8::is_ascii_lowercase) {
            let letter = usize::from(letter - b'a');
            counts[before][letter] += 1.0;
            before = letter;
        }
    }
    counts.map(|row| {
        let total: f64 = row.iter().sum();
        row.map(|count| -(LETTERS as f64).log2() - (count / total).log2())
    })
});

impl Marks for RandomHandle {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no address and no handle";

    fn mark(&self, _role: Role, text: &str) -> Option<Kind> {
        let local = address::local(text);
        if hexadecimal(local) {
            return Some(Kind::from(format!("{} hexadecimal digits", local.len())));
        }
        let letters = local.as_bytes().split(|b| !b.is_ascii_alphabetic()).filter(|w| w.len() >= LEAST_LETTERS);
        letters.filter(|word| drawn(word) >= LEAST_BITS).map(|word| Kind::from(format!("{} random letters", word.len()))).next()
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        (of.rows.len() >= LEAST_ROWS).then(|| Finding {
            detail: format!("{} in a handle or an address", of.kind),
            measure: Measure::Rate { seeded: if of.kind.ends_with("digits") { 1.0 } else { SEEDED }, real_floor: REAL_FLOOR },
            certainty: Certainty::Suggests,
            proposes: false,
        })
    }
}

/// Fewest hexadecimal digits, and most: a UUID without its hyphens.
const HEXADECIMAL: std::ops::RangeInclusive<usize> = 8..=32;

/// Returns whether a text is nothing but hexadecimal digits, in lower case: letters and digits, and more than two turns
/// from one to the other, which a name and a year behind it do not take.
fn hexadecimal(text: &str) -> bool {
    let bytes = text.as_bytes();
    if !HEXADECIMAL.contains(&bytes.len()) || !bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return false;
    }
    let turns = bytes.windows(2).filter(|w| w[0].is_ascii_digit() != w[1].is_ascii_digit()).count();
    turns > 2
}

/// Returns by how many bits a word of ASCII letters is likelier drawn letter by letter than a name or like one.
fn drawn(word: &[u8]) -> f64 {
    let mut before = LETTERS;
    let mut bits = 0.0;
    for letter in word.iter().map(|b| usize::from(b.to_ascii_lowercase() - b'a')) {
        bits += DRAWN[before][letter];
        before = letter;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_drawn_letters_from_words() {
        for random in ["qxwzkfjp", "vbnxqtrd", "hjwqpzmx", "kzvqbftw"] {
            assert!(drawn(random.as_bytes()) >= LEAST_BITS, "{random}: {}", drawn(random.as_bytes()));
        }
        let words = [
            "marysmith",
            "wojciechowska",
            "szczepanska",
            "turystapszczola",
            "nguyenvanhung",
            "krzysztof",
            "schwarzkopf",
            "christophjr",
            "sunnycoffee",
            "wedkarz",
            "zajacogrodnik",
            "hernandezruiz",
            "papadopoulos",
            "skywalker",
            "fitnessqueen",
            "yildizhan",
            "mvdberg",
            "jkowalczyk",
            "dschmidt",
            "xavierlopez",
            "gwynnjhones",
        ];
        for word in words {
            assert!(drawn(word.as_bytes()) < LEAST_BITS, "{word}: {}", drawn(word.as_bytes()));
        }
    }

    #[test]
    fn reads_the_part_before_the_at() {
        let kind = |text: &str| RandomHandle.mark(Role::Email, text).map(Kind::into_owned);
        assert_eq!(kind("qxwzkfjp@gmail.com").as_deref(), Some("8 random letters"));
        assert_eq!(kind("mary.smith@qxwzkfjp.com"), None);
        assert_eq!(kind("qxwz@gmail.com"), None);
        assert_eq!(kind("8ebfc923ac@mail.com").as_deref(), Some("10 hexadecimal digits"));
        // A name and a year, a telephone number, a short word.
        for text in ["abe1984@gmail.com", "4915112345@web.de", "cafe@web.de"] {
            assert_eq!(kind(text), None, "{text}");
        }
    }
}
