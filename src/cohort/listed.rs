//! Whether rows were drawn from one list of names or words: nearly all are in it, and the rest of the table is not.

use std::collections::BTreeSet;

use super::table::{CLOSURE_FLOOR, SHIPPED_CLOSURE, Table};
use crate::model::{Bits, Row};
use crate::weigh::LEAST_OUTSIDE;

/// Share of members that must be in one list.
///
/// Source: an import of 500 real people shows the table's own share, a generator's rows 97 to 100 %.
pub(super) const IN_ONE_LIST: f64 = 0.8;

/// Share of people of one Western language that are in its fullest list, rounded up to be safe.
pub(super) const NATIVE_LATIN: f64 = 0.5;

/// Price of choosing among the lists, bits: those of one language hold much the same names, and there are
/// some 60 languages.
pub(super) const LANGUAGES: f64 = 6.0;

/// That nearly all members are in one list.
#[derive(Clone, Debug)]
pub(super) struct Closed {
    /// Index into the table's closures.
    pub(super) closure: usize,
    /// The list.
    pub(super) list: usize,
    /// Members in the list, of those with a value.
    pub(super) hits: usize,
    /// Members with a value.
    pub(super) of: usize,
    /// Share of the other rows in the list.
    pub(super) elsewhere: f64,
    /// Log2 likelihood ratio, less the price of having tried every list at every place.
    pub(super) bits: f64,
    /// The same against people from where the list is at home.
    pub(super) against_natives: f64,
    /// Share of people of the list's own language that are in it.
    pub(super) native: f64,
    /// The same of the rows alone, where they were put together by something else than the list.
    pub(super) of_natives: f64,
}

impl Closed {
    /// Returns what being in the list adds to a member, bits.
    pub(super) fn hit(&self) -> Bits {
        let share = (self.hits as f64 / self.of as f64).min(0.98);
        Bits::new((share / self.elsewhere).log2())
    }

    /// Returns what not being in it takes off.
    pub(super) fn miss(&self) -> Bits {
        let share = (self.hits as f64 / self.of as f64).clamp(0.02, 0.98);
        Bits::new(((1.0 - share) / (1.0 - self.elsewhere)).log2())
    }
}

/// Finds the list that nearly all rows are in and the rest of the table is not.
///
/// The bits are those of all candidates, with the share of drawn rows among them fitted: to throw out who
/// is not in the list and then find everybody in it shows nothing.
pub(super) fn closed(table: &Table<'_>, rows: &[Row], candidates: &[Row]) -> Option<Closed> {
    let mut best: Option<Closed> = None;
    for (index, closure) in table.closures.iter().enumerate() {
        let (with, hits) = closure.totals_of(rows);
        if with < 3 || with * 2 < rows.len() {
            continue;
        }
        let (applicable, everywhere) = &table.totals[index];
        let tried = LANGUAGES + (table.rows() as f64).log2();
        for (list, count) in hits.into_iter().enumerate() {
            let share = count as f64 / with as f64;
            if share < IN_ONE_LIST {
                continue;
            }
            let everywhere = everywhere[list];
            let outside = applicable - with;
            let native = native_share(&closure.titles[list]);
            // Where the rows are most of the table, the few others no longer tell what real looks like; people of other tables may.
            let elsewhere = if outside < LEAST_OUTSIDE || with > outside {
                let shipped = if native > NATIVE_LATIN { native } else { SHIPPED_CLOSURE.min(native) };
                shipped.max(table.at_home(closure, list))
            } else {
                ((everywhere - count) as f64 + 0.5) / (outside as f64 + 1.0)
            };
            let elsewhere = elsewhere.max(CLOSURE_FLOOR);
            if share <= elsewhere {
                continue;
            }
            let (mut inside, mut strangers) = (0, 0);
            for row in candidates.iter().filter(|r| closure.applies(**r)) {
                if closure.holds(*row, list) { inside += 1 } else { strangers += 1 }
            }
            let bits = mixture(inside, strangers, elsewhere) - tried;
            let against_natives = mixture(inside, strangers, elsewhere.max(native)) - tried;
            let of_natives = mixture(count, with - count, elsewhere.max(native)) - LANGUAGES;
            if best.as_ref().is_none_or(|b| bits > b.bits) {
                best = Some(Closed { closure: index, list, hits: count, of: with, elsewhere, bits, against_natives, native, of_natives });
            }
        }
    }
    best.filter(|b| b.bits > 0.0)
}

/// Languages that share one list of words from which it is none of theirs: generators fall back on Latin.
const NOBODYS: usize = 3;

/// Languages that are written without blanks: what stands between two marks is a sentence, and no word of a list.
const WITHOUT_BLANKS: [&str; 3] = ["ja", "zh", "th"];

/// Share of real texts that hold nothing but such words, rounded up to be safe: names and headings of a few words.
const NATIVE_TEXT: f64 = 0.02;

/// Share of people of a list's own language whose both names are in it, where they write with few or
/// with many different names; of texts, the share that holds no other words.
///
/// Source: a hundred surnames cover 85 % of Chinese, and three of them half of Vietnamese and Koreans; both
/// names of a random American are in the fullest English list in a third of cases.
pub(super) fn native_share(title: &str) -> f64 {
    const FEW_NAMES: [&str; 4] = ["zh", "ko", "vi", "ne_"];
    if let Some(lists) = title.strip_prefix("lorem: ") {
        let language = |list: &'_ str| list.split_once(' ').and_then(|(_, locale)| locale.split('_').next().map(str::to_owned));
        let languages: BTreeSet<String> = lists.split(", ").filter_map(language).collect();
        let unlike_texts = languages.len() >= NOBODYS || languages.iter().all(|l| WITHOUT_BLANKS.contains(&l.as_str()));
        return if unlike_texts { NATIVE_TEXT } else { NATIVE_LATIN };
    }
    let few = title.split(", ").filter_map(|list| list.split(' ').nth(1)).any(|locale| FEW_NAMES.iter().any(|l| locale.starts_with(l)));
    if few { 0.97 } else { NATIVE_LATIN }
}

/// Log2 likelihood of so many hits and misses, where an unknown share was drawn from the list and the rest
/// shows it at a known rate, against nobody drawn.
fn mixture(hits: usize, misses: usize, real: f64) -> f64 {
    let drawn = 0.98;
    let (hit, miss) = (drawn / real, (1.0 - drawn) / (1.0 - real).max(1e-9));
    let score = |share: f64| hits as f64 * (1.0 - share + share * hit).log2() + misses as f64 * (1.0 - share + share * miss).log2();
    (1..=20).map(|step| score(f64::from(step) / 20.0)).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_at_home_where_people_write_so() {
        // Latin, which generators of many languages share, and Japanese words with blanks between them.
        for nobodys in ["lorem: faker-js cz, faker-js de, faker-php base, faker-ruby pt", "lorem: faker-js ja, faker-ruby ja"] {
            assert!(native_share(nobodys) < 0.1, "{nobodys}");
        }
        for somebodys in
            ["lorem: python-faker de_AT, python-faker de_DE", "lorem: python-faker en_US", "faker-js de, faker-ruby de", "mimesis ru"]
        {
            assert!((native_share(somebodys) - NATIVE_LATIN).abs() < 1e-9, "{somebodys}");
        }
        assert!(native_share("faker-js zh_CN") > 0.9);
    }
}
