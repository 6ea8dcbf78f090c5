//! Tests some rows as one group: what each family of evidence says, whether they stand, and whether no person, no live
//! system and no import can have made them.

use std::collections::{BTreeMap, BTreeSet};

use super::listed::{Closed, IN_ONE_LIST, LANGUAGES, NATIVE_LATIN, closed};
use super::table::{OWN_FAMILIES, Table, VALUE_FAMILIES};
use super::{propagate, refine, same_run};
use crate::model::{Bits, Certainty, Family, Row};
use crate::weigh::cap;

/// The detectors of rows whose dates lie behind their insertion, and that of rows older than those they refer to.
const MADE_UP_DATES: [&str; 3] = ["back-dated", "id-clock", "changed-at-once"];
const CHILD_OLDER: &str = "child-older";

/// Evidence that a group needs in one family that a generator decides.
///
/// Source: thresholds of the prototype that judged 370,000 labelled rows without a wrong one.
const ONE_FAMILY: Bits = Bits::from_hundredths(1_800);

/// Evidence that a group needs in all.
const IN_ALL: Bits = Bits::from_hundredths(2_800);

/// Evidence from which a family counts as a second one.
const SECOND_FAMILY: Bits = Bits::from_hundredths(600);

/// What a member without a family's fact takes off that family's sum: a quarter of a seed's rows may lack it.
const ABSENT: f64 = -2.0;

/// Share of members that must show a fact before it speaks for the group: a generator's form shows in six rows of
/// ten, and in four at least of a small group.
const SPEAKS: f64 = 0.4;

/// Share of members that must show what no person makes before the group is certainly made.
const CLOSURE: f64 = 0.5;

/// Share of members that may show signs of a person: strangers that are still among them.
const STRANGERS: f64 = 0.1;

/// Fewest accounts of a roster that were used since, and their least share of it.
const LEAST_USED: usize = 2;
const USED: f64 = 0.05;

/// Share of members of which a family must be able to say something before it speaks for the group.
const COULD_SHOW: f64 = 0.25;

/// Bits from which being in one list cannot be chance: p below 1e-9 after correction.
const NOT_CHANCE: f64 = 30.0;

/// Bits of what an import cannot show from which rows are certainly made: one import in 16,000.
const MADE: f64 = 14.0;

/// Fewest rows of such a group.
const LEAST_CERTAIN: usize = 8;

/// Families besides time that, with all names in one list, leave no import either.
const MANY_FAMILIES: usize = 3;

/// Bits a row, on average, by which a family of features must differ from the table to show another writer.
const WRITER: f64 = 2.0;

/// Families of features that must differ so.
const WRITERS: usize = 2;

/// Share of what people own that must be older than they are before their dates were drawn apart: of dates drawn over
/// one span, half are.
const CONTRADICTING: f64 = 0.2;

/// What testing some rows gave.
#[derive(Clone, Debug)]
pub(super) struct Tested {
    pub(super) families: BTreeMap<Family, Bits>,
    pub(super) bits: Bits,
    pub(super) accepted: bool,
    pub(super) convicted: bool,
    pub(super) closed: Option<Closed>,
    /// Families that most of the rows show.
    pub(super) shown: BTreeSet<Family>,
    /// Whether no person, no live system and no import can have made the rows.
    pub(super) certain: bool,
}

/// Sums a group's evidence by family and says whether it stands.
///
/// `candidates` are the rows that it was chosen from; `listed` says that nothing but a list put them together.
pub(super) fn test(table: &Table<'_>, rows: &[Row], candidates: &[Row], listed: bool, price: f64) -> Tested {
    let mut families: BTreeMap<Family, Bits> = BTreeMap::new();
    let mut shown: BTreeSet<Family> = BTreeSet::new();
    let mut impossible: BTreeSet<Row> = BTreeSet::new();
    let (mut timed, mut of_list, mut used) = (0, 0, 0);
    // Copies are a reason to look, and hold up no group.
    for family in Family::ALL.into_iter().filter(|family| *family != Family::Copy) {
        let mut sum = 0.0;
        let (mut hits, mut mute, mut firm) = (0, 0, 0);
        let mut terms = table.scores.terms(table.id, family, rows);
        if terms.is_empty() {
            continue;
        }
        for row in rows {
            match terms.of(*row) {
                Some(term) => {
                    hits += 1;
                    // What owners in review have shows no more than they do.
                    firm += usize::from(family != Family::Relational || table.people() || term.bits >= propagate::ALL_SEEDED);
                    sum += term.bits.get();
                    used += usize::from(family == Family::Human && term.bits < Bits::ZERO);
                    if term.certainty == Certainty::CannotBeHuman && family != Family::Relational {
                        impossible.insert(*row);
                        of_list += usize::from(family == Family::Vocabulary);
                    }
                }
                None if family == Family::Human => {}
                None if !table.could_show(family, *row) => mute += 1,
                None => sum += ABSENT,
            }
        }
        if hits == 0 {
            continue;
        }
        if family == Family::Time {
            timed = hits;
        }
        let sum = match family {
            // One train is one fact, however many rows ride on it.
            Family::Time => sum.clamp(0.0, cap(family).get()),
            // What all members share is the seed's own, not signs of people.
            Family::Human if hits * 10 > rows.len() * 9 && rows.len() >= 10 => sum / rows.len() as f64,
            Family::Human => sum,
            _ => sum.max(0.0),
        };
        families.insert(family, Bits::new(sum));
        let could = (rows.len() - mute) as f64;
        if firm as f64 >= SPEAKS * could && could >= COULD_SHOW * rows.len() as f64 && sum >= SECOND_FAMILY.get() {
            shown.insert(family);
        }
    }
    let closed = closed(table, rows, candidates);
    // A short list that a seed's author typed is a list like a generator's.
    let mut drawn = of_list as f64 >= IN_ONE_LIST * rows.len() as f64 && of_list >= LEAST_CERTAIN;
    let mut certain = impossible.len() as f64 >= CLOSURE * rows.len() as f64 && !impossible.is_empty();
    if let Some(closed) = &closed {
        let family = table.closures[closed.closure].family;
        let known = families.get(&family).copied().unwrap_or_default();
        families.insert(family, known.max(Bits::new(closed.bits)));
        if closed.bits >= SECOND_FAMILY.get() {
            shown.insert(family);
        }
        drawn |= closed.against_natives - price >= NOT_CHANCE;
        certain |= drawn;
    }
    // What an import of people cannot show: names of one list, shapes that programs write, names against addresses.
    let made = closed.as_ref().map_or(0.0, |c| if listed { 0.0 } else { c.of_natives })
        + made_families(table).iter().map(|f| families.get(f).map_or(0.0, |b| b.get())).sum::<f64>();
    certain |= made - price >= MADE;
    let few_names = closed.as_ref().is_none_or(|c| c.native > NATIVE_LATIN || (c.hits as f64) < 0.95 * c.of as f64);
    certain |= shown.iter().filter(|f| OWN_FAMILIES.contains(f)).count() >= MANY_FAMILIES && !few_names && rows.len() >= LEAST_CERTAIN;
    let total = families.values().copied().sum::<Bits>() - Bits::new(price);
    let get = |family: Family| families.get(&family).copied().unwrap_or_default();
    // Rows that are no people may stand on their owners.
    let carries = |family: &Family| VALUE_FAMILIES.contains(family) || (!table.people() && *family == Family::Relational);
    let strongest = Family::ALL.into_iter().filter(carries).map(get).max().unwrap_or_default();
    let besides_time = shown.iter().filter(|f| OWN_FAMILIES.contains(f)).count();
    // Names of one list over most of a table may be its people's own, or a mask's.
    let most = rows.len() * 2 > table.rows();
    let second = besides_time >= 2 || get(Family::Time) > Bits::ZERO || (besides_time == 1 && certain && !most);
    // People whose dates were drawn are no import, whoever wrote the rows; that a program other than the site's did,
    // all that it gave them shows.
    let drawn_dates = get(Family::Clock) >= ONE_FAMILY && dates_were_drawn(table, rows) && writers(table, rows, candidates) >= WRITERS;
    certain |= drawn_dates;
    let accepted = total >= IN_ALL && ((strongest >= ONE_FAMILY && second) || drawn_dates);
    // An import of people comes as fast and as uniform as a seed; but its names are not all of one list.
    let machine = timed * 2 >= rows.len() && get(Family::Human) >= Bits::ZERO;
    let written = || writers(table, rows, candidates) >= WRITERS;
    // Where the rows are most of their table, nobody is left to tell how common the names are among the site's own people:
    // a list of leads from a fair has the names of its country, and nothing else.
    let of_one_list = drawn && !most && (machine || written());
    let convicted = accepted && certain && (besides_time >= 2 || drawn_dates || of_one_list);
    let convicted = convicted && !is_roster(&shown, used, rows.len());
    Tested { families, bits: total, accepted, convicted, closed, shown, certain }
}

/// Returns whether some accounts show no more than those that somebody enters together do, numbers and one first password,
/// and some of them were used since.
fn is_roster(shown: &BTreeSet<Family>, used: usize, rows: usize) -> bool {
    let mut values = shown.iter().filter(|f| OWN_FAMILIES.contains(f));
    let entered = values.all(|f| matches!(f, Family::Template | Family::Credential));
    // What all show is the seed's own.
    entered && used >= LEAST_USED && used as f64 >= USED * rows as f64 && used * 10 <= rows * 9
}

/// Returns whether the dates of some people were drawn: they lie behind the time at which their rows were inserted, and
/// keep no night; or what was inserted with them is older than they are, which an import's own dates are not.
fn dates_were_drawn(table: &Table<'_>, rows: &[Row]) -> bool {
    let in_blocks = |certain: bool| {
        let blocks = table.scores.proposals(table.id).iter().filter(|p| MADE_UP_DATES.contains(&p.detector));
        let of = blocks.filter(|p| !certain || p.certainty == Certainty::CannotBeHuman).map(|p| p.rows.as_slice());
        let held = union(of);
        rows.iter().filter(|row| held.binary_search(row).is_ok()).count() as f64 >= CLOSURE * rows.len() as f64
    };
    if !table.people() || !in_blocks(false) {
        return false;
    }
    let contradicts = |child: &Table<'_>| {
        let older = |row: &Row| child.scores.term(child.id, Family::Clock, *row).is_some_and(|term| term.detector == CHILD_OLDER);
        same_run::owned(table, rows, child)
            .is_some_and(|owned| owned.iter().filter(|row| older(row)).count() as f64 >= CONTRADICTING * owned.len() as f64)
    };
    in_blocks(true) || table.children().iter().any(contradicts)
}

/// Judges people together with what they own, where one run wrote both: a seed's second family, or the fact that
/// cannot be human, is often in the rows of its users.
pub(super) fn with_children(table: &Table<'_>, rows: &[Row], tested: &Tested) -> bool {
    let human = rows.iter().filter(|r| table.scores.term(table.id, Family::Human, **r).is_some_and(|t| t.bits < Bits::ZERO)).count();
    if !table.people() || rows.len() < LEAST_CERTAIN || human as f64 > STRANGERS * rows.len() as f64 {
        return false;
    }
    let (mut shown, mut certain) = (tested.shown.clone(), tested.certain);
    for child in table.children() {
        let Some(owned) = same_run::owned(table, rows, child) else { continue };
        let of_child = test(child, &owned, &owned, false, LANGUAGES);
        shown.extend(of_child.shown);
        certain |= of_child.certain;
    }
    // Dates that lie apart are what an import has too.
    let families = shown.iter().filter(|f| VALUE_FAMILIES.contains(f)).count();
    certain && families >= 2 && !is_roster(&shown, human, rows.len())
}

/// Families that an import of people cannot show: shapes that programs write, names against addresses, and, of
/// people, that a program made what they own.
const fn made_families(table: &Table<'_>) -> &'static [Family] {
    if table.people() { &[Family::Shape, Family::Discordance, Family::Relational] } else { &[Family::Shape, Family::Discordance] }
}

/// Counts the families in which the rows look as if another program had written them.
fn writers(table: &Table<'_>, rows: &[Row], candidates: &[Row]) -> usize {
    let by_family = refine::differences(table, rows, candidates);
    by_family.into_iter().filter(|(family, bits)| *family != Family::Time && *bits >= WRITER * rows.len() as f64).count()
}

/// Joins lists of rows; sorted, without doubles.
pub(super) fn union<'r>(lists: impl Iterator<Item = &'r [Row]>) -> Vec<Row> {
    let mut all: Vec<Row> = lists.flatten().copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}
