//! The names and words that public data generators draw from, by list; and which lists a value's words
//! are all in.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

/// Most lists of one kind.
const WORDS: usize = 5;

/// A set of lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListSet([u64; WORDS]);

impl ListSet {
    /// Adds a list.
    pub fn insert(&mut self, list: usize) {
        self.0[list / 64] |= 1 << (list % 64);
    }

    /// Returns whether a list is in the set.
    #[must_use]
    pub const fn contains(self, list: usize) -> bool {
        self.0[list / 64] & (1 << (list % 64)) != 0
    }

    /// Returns whether no list is in the set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Returns the lists in both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut out = self;
        for (a, b) in out.0.iter_mut().zip(other.0) {
            *a &= b;
        }
        out
    }

    /// Returns the lists in either set.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let mut out = self;
        for (a, b) in out.0.iter_mut().zip(other.0) {
            *a |= b;
        }
        out
    }

    /// Walks the lists of the set.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(place, word)| {
            let rest = std::iter::successors(Some(word), |left| Some(left & left.wrapping_sub(1))).take_while(|left| *left != 0);
            rest.map(move |left| place * 64 + left.trailing_zeros() as usize)
        })
    }

    /// Returns the set's words, for a frame.
    #[must_use]
    pub const fn words(self) -> [u64; WORDS] {
        self.0
    }

    /// Makes a set of a frame's words.
    #[must_use]
    pub const fn from_words(words: [u64; WORDS]) -> Self {
        Self(words)
    }
}

/// The lists that a word is in: as a given name or at all, and as a family name.
type Sets = (ListSet, ListSet);

/// Words with the lists that they are in. They are looked up several times a row: many words share their lists, and a
/// number for these keeps the table small.
#[derive(Default)]
struct Words {
    numbers: HashMap<Box<str>, u32, FixedState>,
    sets: Vec<Sets>,
    known: HashMap<Sets, u32>,
}

impl Words {
    fn get(&self, word: &str) -> Option<Sets> {
        self.numbers.get(word).map(|number| self.sets[*number as usize])
    }

    /// Adds a word to lists.
    fn add(&mut self, word: Box<str>, sets: Sets) {
        let own = self.get(&word).unwrap_or_default();
        let sets = (own.0.or(sets.0), own.1.or(sets.1));
        let next = self.sets.len() as u32;
        let number = *self.known.entry(sets).or_insert(next);
        if number == next {
            self.sets.push(sets);
        }
        self.numbers.insert(word, number);
    }

    fn iter(&self) -> impl Iterator<Item = (&str, Sets)> {
        self.numbers.iter().map(|(word, number)| (&**word, self.sets[*number as usize]))
    }
}

/// A vocabulary file: titles of lists, and the sets that each word is in.
struct Vocabulary {
    titles: Vec<String>,
    words: Words,
}

impl Vocabulary {
    /// Reads the form that `data/rebuild/merge.py` writes: `= title`, `@ lists`, words between tabs.
    fn read(compressed: &[u8]) -> Self {
        let bytes = zstd::decode_all(compressed).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let mut vocabulary = Self { titles: Vec::new(), words: Words::default() };
        let mut sets = (ListSet::default(), ListSet::default());
        for line in text.lines() {
            if let Some(title) = line.strip_prefix("= ") {
                vocabulary.titles.push(title.to_owned());
            } else if let Some(places) = line.strip_prefix("@ ") {
                sets = (ListSet::default(), ListSet::default());
                for place in places.split(' ') {
                    let digits = place.trim_end_matches(['f', 'l']);
                    let Ok(list) = digits.parse::<usize>() else { continue };
                    if place.ends_with('l') { sets.1.insert(list) } else { sets.0.insert(list) }
                }
            } else if !line.starts_with('#') {
                line.split('\t').for_each(|word| vocabulary.words.add(word.into(), sets));
            }
        }
        vocabulary
    }
}

static NAMES: LazyLock<Vocabulary> = LazyLock::new(|| Vocabulary::read(include_bytes!("data/names.txt.zst")));
static TEXTS: LazyLock<Vocabulary> = LazyLock::new(|| Vocabulary::read(include_bytes!("data/words.txt.zst")));

/// The same names in the letters of an address, as generators write them there.
static FOLDED: LazyLock<Words> = LazyLock::new(|| {
    let mut folded = Words::default();
    for (word, sets) in NAMES.words.iter() {
        fold(word).into_iter().for_each(|form| folded.add(form.into(), sets));
    }
    folded
});

/// Writes a lower-case name in ASCII letters only, in the ways that slugs do; nothing where letters are left over.
pub(super) fn fold(word: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut german = String::new();
    for c in word.chars() {
        let (a, b) = match c {
            'a'..='z' => {
                plain.push(c);
                german.push(c);
                continue;
            }
            ' ' | '\'' | '-' | '.' | '\u{2019}' => continue,
            'ä' => ("a", "ae"),
            'ö' => ("o", "oe"),
            'ü' => ("u", "ue"),
            'ß' => ("ss", "ss"),
            'å' => ("a", "aa"),
            'ø' => ("o", "oe"),
            'æ' => ("ae", "ae"),
            'à' | 'á' | 'â' | 'ã' | 'ą' | 'ă' => ("a", "a"),
            'ç' | 'ć' | 'č' => ("c", "c"),
            'è' | 'é' | 'ê' | 'ë' | 'ę' | 'ě' => ("e", "e"),
            'ì' | 'í' | 'î' | 'ï' | 'ı' => ("i", "i"),
            'ł' => ("l", "l"),
            'ñ' | 'ń' | 'ň' => ("n", "n"),
            'ò' | 'ó' | 'ô' | 'õ' => ("o", "o"),
            'ř' => ("r", "r"),
            'ś' | 'š' | 'ş' | 'ș' => ("s", "s"),
            'ť' | 'ț' => ("t", "t"),
            'ù' | 'ú' | 'û' | 'ů' => ("u", "u"),
            'ý' => ("y", "y"),
            'ź' | 'ż' | 'ž' => ("z", "z"),
            'ğ' => ("g", "g"),
            'đ' | 'ð' => ("d", "d"),
            _ => return Vec::new(),
        };
        plain.push_str(a);
        german.push_str(b);
    }
    if plain.len() < 2 {
        return Vec::new();
    }
    if german == plain { vec![plain] } else { vec![plain, german] }
}

/// Returns the titles of the lists of names.
#[must_use]
pub(super) fn name_lists() -> &'static [String] {
    &NAMES.titles
}

/// Returns the titles of the lists of words.
#[must_use]
pub(super) fn word_lists() -> &'static [String] {
    &TEXTS.titles
}

/// Walks the words of all lists of names, in ASCII letters.
pub(super) fn folded_names() -> impl Iterator<Item = &'static str> {
    FOLDED.iter().map(|(word, _)| word)
}

/// Returns whether any list holds a lower-case word of ASCII letters as a name, as addresses write it.
pub(super) fn is_folded_name(word: &str) -> bool {
    FOLDED.get(word).is_some()
}

/// Returns whether any list holds a lower-case word as a name.
pub(super) fn is_name(word: &str) -> bool {
    let (given, family) = lookup(word);
    !given.is_empty() || !family.is_empty()
}

/// Returns whether any list holds a lower-case word as a given name.
pub(super) fn is_given_name(word: &str) -> bool {
    !lookup(word).0.is_empty()
}

/// Returns whether any list holds a lower-case word as a family name.
pub(super) fn is_family_name(word: &str) -> bool {
    !lookup(word).1.is_empty()
}

fn given(name: &str) -> ListSet {
    let whole = lookup(name).0;
    if !whole.is_empty() {
        return whole;
    }
    // Two given names joined by a hyphen, both of one list, as French and German generators make them.
    match name.split_once('-') {
        Some((a, b)) => lookup(a).0.and(lookup(b).0),
        None => whole,
    }
}

fn family(name: &str) -> ListSet {
    let whole = lookup(name).1;
    if !whole.is_empty() {
        return whole;
    }
    // Two family names joined by a hyphen, both of one list.
    match name.split_once('-') {
        Some((a, b)) => lookup(a).1.and(lookup(b).1),
        None => whole,
    }
}

/// Returns the lists that hold a name as a given one, and those that hold it as a family name.
fn both(name: &str) -> Sets {
    let found = lookup(name);
    if name.contains('-') { (given(name), family(name)) } else { found }
}

fn lookup(name: &str) -> Sets {
    NAMES.words.get(name).unwrap_or_default()
}

/// Titles and degrees before and behind names.
///
/// Source: prefixes and suffixes of faker-js, FakerPHP and Python's Faker, and of common forms of address.
const AFFIXES: &[&str] = &[
    "graf",
    "gräfin",
    "baron",
    "baronin",
    "freiherr",
    "freifrau",
    "fürst",
    "fürstin",
    "mr",
    "mrs",
    "ms",
    "miss",
    "dr",
    "prof",
    "herr",
    "frau",
    "sr",
    "sra",
    "srta",
    "dra",
    "m",
    "mme",
    "mlle",
    "dott",
    "sig",
    "jr",
    "ii",
    "iii",
    "iv",
    "v",
    "i",
    "md",
    "dds",
    "phd",
    "dvm",
    "prof.dr",
    "dipl.-ing",
    "ing",
    "mx",
    "b.sc",
    "b.a",
    "mag",
    "b.eng",
    "mba",
    "univ.prof",
    "freiherrin",
    "fr",
    "sta",
    "pan",
    "pani",
    "hr",
    "fru",
];

/// Returns a text in lower case, as it is where it has no capitals.
pub(super) fn lower_case(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) { text.into() } else { text.to_lowercase().into() }
}

/// Returns the lists that hold both the given and the family name of a whole name.
#[must_use]
pub(super) fn whole_name(name: &str) -> ListSet {
    let lower = lower_case(name);
    let mut parts: Vec<&str> = lower.split_whitespace().collect();
    while parts.len() > 2 && parts.first().is_some_and(|p| AFFIXES.contains(&p.trim_end_matches('.'))) {
        parts.remove(0);
    }
    while parts.len() > 2 && parts.last().is_some_and(|p| AFFIXES.contains(&p.trim_end_matches(['.', ',']))) {
        parts.pop();
    }
    match parts.as_slice() {
        [] => ListSet::default(),
        [one] => joined_name(one),
        // Some languages write the family name first.
        [first, last] => {
            let (one, other) = (both(first), both(last));
            one.0.and(other.1).or(other.0.and(one.1))
        }
        [first, rest @ ..] => {
            let last = rest[rest.len() - 1];
            let mut lists = given(first).and(family(&rest.join(" "))).or(given(first).and(family(last)));
            // Some languages write the family name first.
            lists = lists.or(given(last).and(family(first)));
            if parts.len() > 2 {
                let front = parts[..parts.len() - 1].join(" ");
                lists = lists.or(given(&front).and(family(last)));
            }
            lists
        }
    }
}

/// Splits a name that is written without a blank, as Chinese and Japanese ones are.
fn joined_name(name: &str) -> ListSet {
    let mut lists = ListSet::default();
    if name.is_ascii() || name.chars().count() > 6 {
        return lists;
    }
    for (place, _) in name.char_indices().skip(1) {
        let (a, b) = name.split_at(place);
        lists = lists.or(family(a).and(given(b))).or(given(a).and(family(b)));
    }
    lists
}

/// Returns the lists that hold a given and a family name that are stored apart.
#[must_use]
pub(super) fn split_name(first: &str, last: &str) -> ListSet {
    given(&lower_case(first.trim())).and(family(&lower_case(last.trim())))
}

/// Returns the lists that hold the names inside a handle: `First.Last99`, `last_first`, `First12`.
#[must_use]
pub(super) fn handle_name(handle: &str) -> ListSet {
    let lower = handle.to_ascii_lowercase();
    let trimmed = lower.trim_end_matches(|c: char| c.is_ascii_digit());
    let parts: Vec<&str> = trimmed.split(['.', '_', '-']).filter(|p| !p.is_empty()).collect();
    let look = |part: &str| FOLDED.get(part).unwrap_or_default();
    let lists = match parts.as_slice() {
        [one] => one_word(one),
        [a, b] => {
            let (a, b) = (look(a), look(b));
            a.0.and(b.1).or(a.1.and(b.0))
        }
        [a, b, c] => {
            // A double family name: `first.last-last`.
            let (a, b, c) = (look(a), look(b), look(c));
            a.0.and(b.1).and(c.1)
        }
        _ => ListSet::default(),
    };
    // A hyphen may belong to a double name that is run together with the other one: `ziegerthans-detlef`.
    if lists.is_empty() && parts.len() > 1 && !trimmed.contains(['.', '_']) { one_word(&parts.concat()) } else { lists }
}

/// Returns the lists that hold the names inside a handle of one word: a name, an initial and a family name, or a
/// family and a given name run together.
fn one_word(word: &str) -> ListSet {
    let look = |part: &str| FOLDED.get(part).unwrap_or_default();
    if word.len() < 3 || !word.is_ascii() {
        return ListSet::default();
    }
    let (first, last) = look(word);
    if !first.is_empty() || !last.is_empty() {
        return first.or(last);
    }
    let mut lists = if word.len() > 3 { look(&word[1..]).1 } else { ListSet::default() };
    for place in 3..word.len().min(LONGEST_HANDLE).saturating_sub(2) {
        let (a, b) = word.split_at(place);
        let (a, b) = (look(a), look(b));
        lists = lists.or(a.0.and(b.1)).or(a.1.and(b.0));
    }
    lists
}

/// Longest word in which two names are looked for, in bytes: the longest names of two lists together.
const LONGEST_HANDLE: usize = 40;

/// Returns the lists that hold every word of a text, with the number of words; short texts are in none.
#[must_use]
pub(super) fn text(text: &str) -> (ListSet, usize) {
    let mut lists = ListSet::from_words([u64::MAX; WORDS]);
    let mut words = 0;
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '\u{2019}').filter(|w| !w.is_empty()) {
        if word.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        words += 1;
        let found = TEXTS.words.get(&lower_case(word)).map(|s| s.0).unwrap_or_default();
        lists = lists.and(found);
        if lists.is_empty() {
            break;
        }
    }
    if words == 0 { (ListSet::default(), 0) } else { (lists, words) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(lists: ListSet) -> String {
        lists.iter().map(|l| name_lists()[l].as_str()).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn finds_both_names_in_one_list() {
        for name in ["Kiara Pfannerstill", "Prof. Sandy Prosacco DVM", "Mr. Garnet Reynolds-Miller", "Zieme Hayden"] {
            assert!(titles(whole_name(name)).contains("faker-js en"), "{name}: {}", titles(whole_name(name)));
        }
        assert!(titles(split_name("Leila", "Pusch")).contains("faker-js de"));
        assert!(titles(handle_name("Imani_Donnelly96")).contains("faker-js en"));
        assert!(titles(handle_name("pvandervort")).contains("faker-php"));
        assert!(handle_name("sunnycoffee77").is_empty());
        assert!(titles(handle_name("ziegerthans-detlef")).contains("python-faker de_DE"));
        assert!(titles(whole_name("Olivier-Victor Masse")).contains("python-faker fr_FR"));
    }

    #[test]
    fn finds_texts_of_placeholder_words_only() {
        let (lists, words) = text("Voluptates ut ullam quos. Officia aut ut.");
        assert!(words >= 4 && lists.iter().any(|l| word_lists()[l].starts_with("lorem: ")));
        assert!(text("please find the export attached").0.is_empty());
    }
}
