//! Tests each proposal alone, merges accepted ones that overlap, refines the members, and gives the
//! groups.

use std::collections::{BTreeMap, BTreeSet};

use super::scores::Proposal;
use super::table::{CLOSURE_FLOOR, OWN_FAMILIES, SHIPPED_CLOSURE, Table, VALUE_FAMILIES};
use super::{Group, Judgement, Member, propagate, propose, refine, same_run};
use crate::model::stamp::SECOND;
use crate::model::{Bits, Certainty, Family, Row, TableId};
use crate::weigh::{LEAST_OUTSIDE, cap};

/// Evidence that a group needs in one family that a generator decides.
///
/// Source: thresholds of the prototype that judged 370,000 labelled rows without a wrong one.
const ONE_FAMILY: Bits = Bits::from_hundredths(1_800);

/// Evidence that a group needs in all.
const IN_ALL: Bits = Bits::from_hundredths(2_800);

/// Evidence from which a family counts as a second one.
const SECOND_FAMILY: Bits = Bits::from_hundredths(600);

/// The detectors of rows whose dates lie behind their insertion, and of rows older than those they refer to.
const BACK_DATED: &str = "back-dated";
const CHILD_OLDER: &str = "child-older";

/// What a member without a family's fact takes off that family's sum: a quarter of a seed's rows may lack it.
const ABSENT: f64 = -2.0;

/// Share of members that must show a fact before it speaks for the group: a generator's form shows in six rows of
/// ten, and in four at least of a small group.
const SPEAKS: f64 = 0.4;

/// Share of members that must show what no person makes before the group is certainly made.
const CLOSURE: f64 = 0.5;

/// Share of members that may show signs of a person: strangers that are still among them.
const STRANGERS: f64 = 0.1;

/// Share of members of which a family must be able to say something before it speaks for the group.
const COULD_SHOW: f64 = 0.25;

/// Share of members that must be in one list.
///
/// Source: an import of 500 real people shows the table's own share, a generator's rows 97 to 100 %.
const IN_ONE_LIST: f64 = 0.8;

/// Share of people of one Western language that are in its fullest list, rounded up to be safe.
const NATIVE_LATIN: f64 = 0.5;

/// Bits from which being in one list cannot be chance: p below 1e-9 after correction.
const NOT_CHANCE: f64 = 30.0;

/// Bits of its own, besides time, that a member needs to be in the core.
pub(super) const CORE: Bits = Bits::from_hundredths(300);

/// Bits of what an import cannot show from which rows are certainly made: one import in 16,000.
const MADE: f64 = 14.0;

/// Fewest rows of such a group.
const LEAST_CERTAIN: usize = 8;

/// Families besides time that, with all names in one list, leave no import either.
const MANY_FAMILIES: usize = 3;

/// Price of choosing among the lists, bits: those of one language hold much the same names, and there are
/// some 60 languages.
const LANGUAGES: f64 = 6.0;

/// Bits a row, on average, by which a family of features must differ from the table to show another writer.
const WRITER: f64 = 2.0;

/// Families of features that must differ so.
const WRITERS: usize = 2;

/// Share of what people own that must be older than they are before their dates were drawn apart: of dates drawn over
/// one span, half are.
const CONTRADICTING: f64 = 0.2;

/// Overlap, of the smaller group, from which two groups are one.
const OVERLAP: f64 = 0.3;

/// Share of a group's rows whose owners another group has from which it is that group's: a seed that gives rows to
/// whoever is there too gives its own people half of them, and seldom less than a fifth of a few.
const OWNED: f64 = 0.2;

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

/// Judges a table's proposals; the groups and their members are added to.
pub(super) fn table(table: &Table<'_>, groups: &mut Vec<Group>, members: &mut BTreeMap<Row, Member>) {
    // Children go with their owners; their groups grow from the owners' groups.
    if !table.people() {
        for (row, owner) in table.owners {
            if let Some(group) = owner.inherits {
                groups[group].members.entry(table.id).or_default().push(*row);
                members.insert(*row, Member { group, term: groups[group].term, terms: Vec::new(), taught: false });
            }
        }
    }
    same_run::join(table, groups, members);
    let proposals = propose::all(table);
    let price = (proposals.len().max(1) as f64).log2();
    let mut accepted: Vec<(Vec<Row>, Tested, &Proposal)> = Vec::new();
    for proposal in &proposals {
        let tested = test(table, &proposal.rows, &proposal.rows, by_list(proposal), price);
        if tested.accepted {
            accepted.push((core(table, &proposal.rows, &tested), tested, proposal));
        }
    }
    for cluster in merge(&accepted) {
        let core = union(cluster.iter().map(|i| accepted[*i].0.as_slice()));
        let candidates = union(cluster.iter().map(|i| accepted[*i].2.rows.as_slice()));
        let windows: Vec<&Proposal> = cluster.iter().map(|i| accepted[*i].2).collect();
        let listed = windows.iter().all(|w| by_list(w));
        let tested = test(table, &core, &candidates, listed, price);
        if core.is_empty() || !tested.accepted {
            continue;
        }
        let refined = refine::members(table, &core, &candidates, &windows, tested.closed.as_ref());
        let rows: Vec<Row> = refined.iter().filter(|m| !m.1.taught).map(|m| m.0).collect();
        let tested = test(table, &rows, &candidates, listed, price);
        if rows.is_empty() || !tested.accepted {
            continue;
        }
        let strangers = candidates.iter().filter(|r| rows.binary_search(r).is_err()).count();
        let convicted = tested.convicted || with_children(table, &rows, &tested);
        let (title, findings) = details(table, &rows, strangers, &windows, tested.closed.as_ref());
        let known = joined(table, &rows, members);
        let group = known.unwrap_or(groups.len());
        if known.is_none() {
            groups.push(Group {
                began: table.id,
                members: BTreeMap::new(),
                families: tested.families.clone(),
                bits: tested.bits,
                convicted,
                term: refine::usual_term(&refined, convicted),
                run: table.run(&rows),
                life: table.life,
                pace: None,
                alone: false,
                scattered: windows.iter().all(|w| w.picked.is_some()),
                title,
                findings,
            });
        } else {
            let place = table.class;
            groups[group].findings.extend(findings.into_iter().map(|d| format!("among its {place} rows: {d}")));
        }
        let convicted = groups[group].convicted;
        for (row, mut member) in refined {
            member.group = group;
            member.term = member.term.capped(refine::most(convicted));
            match members.get_mut(&row) {
                Some(known) => known.terms = member.terms,
                None => {
                    groups[group].members.entry(table.id).or_default().push(row);
                    members.insert(row, member);
                }
            }
        }
    }
    for group in groups.iter_mut() {
        if let Some(rows) = group.members.get_mut(&table.id) {
            rows.sort_unstable();
            rows.dedup();
            same_run::note_pace(table, group);
        }
    }
}

/// Puts rows of people that stand by themselves side by side, so that what they own can go with them.
pub(super) fn gather_alone(
    table: TableId,
    alone: &BTreeMap<(String, bool), (Vec<Row>, String)>,
    groups: &mut Vec<Group>,
    members: &mut BTreeMap<Row, Member>,
) {
    for ((_, seeded), (rows, title)) in alone {
        for row in rows {
            members.insert(*row, Member { group: groups.len(), term: Bits::ZERO, terms: Vec::new(), taught: false });
        }
        groups.push(Group {
            began: table,
            members: BTreeMap::from([(table, rows.clone())]),
            families: BTreeMap::new(),
            bits: Bits::ZERO,
            convicted: *seeded,
            term: refine::usual_term(&[], *seeded),
            run: None,
            life: 0,
            pace: None,
            alone: true,
            scattered: true,
            title: title.clone(),
            findings: Vec::new(),
        });
    }
}

/// Returns whether only a list of names or words put a proposal together.
fn by_list(proposal: &Proposal) -> bool {
    proposal.family == Family::Vocabulary
}

/// Joins lists of rows; sorted, without doubles.
fn union<'r>(lists: impl Iterator<Item = &'r [Row]>) -> Vec<Row> {
    let mut all: Vec<Row> = lists.flatten().copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Returns the rows of a proposal that have something of their own to show.
fn core(table: &Table<'_>, rows: &[Row], tested: &Tested) -> Vec<Row> {
    let in_list = |row: Row| {
        tested.closed.as_ref().is_some_and(|c| {
            let closure = table.closures[c.closure];
            closure.holds(row, c.list)
        })
    };
    rows.iter().copied().filter(|row| table.own(*row) >= CORE || in_list(*row)).collect()
}

/// Sums a group's evidence by family and says whether it stands.
///
/// `candidates` are the rows that it was chosen from; `listed` says that nothing but a list put them together.
pub(super) fn test(table: &Table<'_>, rows: &[Row], candidates: &[Row], listed: bool, price: f64) -> Tested {
    let mut families: BTreeMap<Family, Bits> = BTreeMap::new();
    let mut shown: BTreeSet<Family> = BTreeSet::new();
    let mut impossible: BTreeSet<Row> = BTreeSet::new();
    let (mut timed, mut of_list) = (0, 0);
    for family in Family::ALL {
        let mut sum = 0.0;
        let (mut hits, mut mute, mut firm) = (0, 0, 0);
        for row in rows {
            match table.scores.term(table.id, family, *row) {
                Some(term) => {
                    hits += 1;
                    // What owners in review have shows no more than they do.
                    firm += usize::from(family != Family::Relational || table.people() || term.bits >= propagate::ALL_SEEDED);
                    sum += term.bits.get();
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
    let convicted = accepted && certain && (besides_time >= 2 || drawn_dates || (drawn && (machine || written())));
    Tested { families, bits: total, accepted, convicted, closed, shown, certain }
}

/// Returns whether the dates of some people were drawn: they lie behind the time at which their rows were inserted, and
/// keep no night; or what was inserted with them is older than they are, which an import's own dates are not.
fn dates_were_drawn(table: &Table<'_>, rows: &[Row]) -> bool {
    let in_blocks = |certain: bool| {
        let blocks = table.scores.proposals(table.id).iter().filter(|p| p.detector == BACK_DATED);
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
fn with_children(table: &Table<'_>, rows: &[Row], tested: &Tested) -> bool {
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
    certain && families >= 2
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

/// Finds the list that nearly all rows are in and the rest of the table is not.
///
/// The bits are those of all candidates, with the share of drawn rows among them fitted: to throw out who
/// is not in the list and then find everybody in it shows nothing.
pub(super) fn closed(table: &Table<'_>, rows: &[Row], candidates: &[Row]) -> Option<Closed> {
    let mut best: Option<Closed> = None;
    for (index, closure) in table.closures.iter().enumerate() {
        let with: Vec<Row> = rows.iter().copied().filter(|r| closure.applies(*r)).collect();
        if with.len() < 3 || with.len() * 2 < rows.len() {
            continue;
        }
        let mut hits = vec![0_usize; closure.titles.len()];
        for lists in with.iter().filter_map(|row| closure.lists(*row)) {
            lists.iter().for_each(|l| hits[l] += 1);
        }
        let (applicable, everywhere) = &table.totals[index];
        let tried = LANGUAGES + (table.rows() as f64).log2();
        for (list, count) in hits.into_iter().enumerate() {
            let share = count as f64 / with.len() as f64;
            if share < IN_ONE_LIST {
                continue;
            }
            let everywhere = everywhere[list];
            let outside = applicable - with.len();
            let native = native_share(&closure.titles[list]);
            // Where the rows are most of the table, the few others no longer tell what real looks like.
            let elsewhere = if outside < LEAST_OUTSIDE || with.len() > outside {
                if native > NATIVE_LATIN { native } else { SHIPPED_CLOSURE.min(native) }
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
            let of_natives = mixture(count, with.len() - count, elsewhere.max(native)) - LANGUAGES;
            if best.as_ref().is_none_or(|b| bits > b.bits) {
                best = Some(Closed {
                    closure: index,
                    list,
                    hits: count,
                    of: with.len(),
                    elsewhere,
                    bits,
                    against_natives,
                    native,
                    of_natives,
                });
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

/// Clusters accepted proposals whose cores share members; returns indexes.
fn merge(accepted: &[(Vec<Row>, Tested, &Proposal)]) -> Vec<Vec<usize>> {
    let mut cluster_of: Vec<usize> = (0..accepted.len()).collect();
    for i in 0..accepted.len() {
        for j in 0..i {
            let shared = accepted[i].0.iter().filter(|r| accepted[j].0.binary_search(r).is_ok()).count();
            let smaller = accepted[i].0.len().min(accepted[j].0.len());
            if smaller > 0 && shared as f64 >= OVERLAP * smaller as f64 {
                let (from, to) = (cluster_of[i], cluster_of[j]);
                cluster_of.iter_mut().filter(|c| **c == from).for_each(|c| *c = to);
            }
        }
    }
    let mut clusters: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, cluster) in cluster_of.iter().enumerate() {
        clusters.entry(*cluster).or_default().push(index);
    }
    clusters.into_values().collect()
}

/// Returns the group that most of the members which have one belong to.
fn joined(table: &Table<'_>, rows: &[Row], members: &BTreeMap<Row, Member>) -> Option<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for member in rows.iter().filter_map(|r| members.get(r)) {
        *counts.entry(member.group).or_insert(0) += 1;
    }
    let best = counts.into_iter().max_by_key(|(group, count)| (*count, usize::MAX - group));
    let least = if table.people() { OVERLAP } else { OWNED };
    best.filter(|(_, count)| *count as f64 >= least * rows.len() as f64).map(|(group, _)| group)
}

/// Names the group and says what was found, strongest first.
fn details(table: &Table<'_>, members: &[Row], strangers: usize, windows: &[&Proposal], closed: Option<&Closed>) -> (String, Vec<String>) {
    // What names a group best: what its author wrote, before what a clock shows.
    let order = [
        Family::Template,
        Family::Identifier,
        Family::Vocabulary,
        Family::Shape,
        Family::Credential,
        Family::Discordance,
        Family::Relational,
        Family::Clock,
        Family::Time,
    ];
    let mut proposals: Vec<&&Proposal> = windows.iter().collect();
    let place = |p: &Proposal| order.iter().position(|f| *f == p.family).unwrap_or(order.len());
    proposals.sort_by(|a, b| {
        place(a)
            .cmp(&place(b))
            .then(b.rows.len().cmp(&a.rows.len()))
            .then_with(|| b.kind.len().cmp(&a.kind.len()))
            .then_with(|| a.kind.cmp(&b.kind))
    });
    let title = proposals.first().map(|p| p.kind.clone()).unwrap_or_default();
    // The largest finding of each detector stands for the smaller ones inside it.
    let mut named = BTreeSet::new();
    let mut findings: Vec<String> =
        proposals.iter().filter(|p| p.detector != "segment" && named.insert(p.detector)).map(|p| p.detail.clone()).collect();
    if let Some(closed) = closed {
        let closure = table.closures[closed.closure];
        findings.retain(|f| !f.contains(&closure.titles[closed.list]));
        findings.push(format!(
            "{} of {} have {} in {}, of the other rows {:.0} %",
            closed.hits,
            closed.of,
            closure.what,
            closure.titles[closed.list],
            closed.elsewhere * 100.0
        ));
    }
    let times: Vec<i64> = members.iter().filter_map(|r| table.created(*r)).collect();
    if let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) {
        let seconds = (last - first) as f64 / SECOND as f64;
        if seconds < 3_600.0 && members.len() > 1 {
            findings.push(format!("created within {seconds:.1} s"));
        }
    }
    match strangers {
        0 => {}
        1 => findings.push("1 row among them shares too little of this and was left out".to_owned()),
        n => findings.push(format!("{n} rows among them share too little of this and were left out")),
    }
    (title, findings)
}

impl Judgement {
    /// Returns the number of rows with a verdict.
    #[must_use]
    pub fn count(&self, verdict: crate::model::Verdict) -> usize {
        self.verdicts.iter().filter(|v| v.verdict == verdict).count()
    }
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
