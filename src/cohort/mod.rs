//! Proposes groups of rows, tests each alone, merges what belongs together, ejects strangers,
//! propagates along foreign keys, and gives the verdicts. Touches neither files nor SQL.

mod container;
mod jobs;
mod judge;
mod listed;
mod masked;
mod pairs;
mod propagate;
mod propose;
mod protect;
mod refine;
mod same_run;
mod scores;
mod shared;
mod table;
mod trial;
mod verdicts;

use std::collections::BTreeMap;

use crate::detect::{Applicable, Closure, Feature, TableFacts};
use crate::model::verdict::{SnapshotVerdict, Spared};
use crate::model::{Bits, Cohort, CohortId, Reason, Row, RowVerdict, TableClass, TableId, Verdict};
use crate::profile::Profile;
use crate::timing::timed;
use crate::weigh::Weighed;

pub use masked::{MASKED_FAMILIES, masked};
pub use protect::{GuardError, Guarded, guard};
pub use scores::Scores;

/// What the engine made of the evidence.
#[derive(Debug, Default)]
pub struct Judgement {
    /// Cohorts with at least one row that is not real, largest first.
    pub cohorts: Vec<Cohort>,
    /// Rows that are not real, by table and row.
    pub verdicts: Vec<RowVerdict>,
    /// Rows that looked like seeded ones and stay real, by table and row.
    pub spared: Vec<Spared>,
    /// How many there are in all: of those with the same terms only the first are listed.
    pub spared_total: usize,
}

/// A row that the configuration, a role or a veto keeps, and why.
pub type Protections = BTreeMap<(TableId, Row), String>;

/// Bits from which a row is seeded, where its cohort is convicted: odds of 10,000 to 1.
pub const SEEDED_FROM: Bits = Bits::from_hundredths(1_329);

/// Bits from which a person must look: even odds.
pub const REVIEW_FROM: Bits = Bits::ZERO;

/// Bits of evidence for a seed from which a row that stays real is listed as spared.
pub const SPARED_FROM: Bits = Bits::from_hundredths(300);

/// A group that was accepted, while it grows.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The table that it was found in.
    pub(crate) began: TableId,
    /// Members by table.
    pub(crate) members: BTreeMap<TableId, Vec<Row>>,
    /// Sums by family of the table that it began in.
    pub(crate) families: BTreeMap<crate::model::Family, Bits>,
    /// Sum over families, less the price of having looked at many groups.
    pub(crate) bits: Bits,
    /// Whether two families besides time and one fact that cannot be human hold it up.
    pub(crate) convicted: bool,
    /// What membership adds to a row.
    pub(crate) term: Bits,
    /// First and last time at which its first table's rows were inserted, where they are all known; UTC microseconds.
    pub(crate) run: Option<(i64, i64)>,
    /// Time over which its first table's other rows were made, microseconds.
    pub(crate) life: i64,
    /// Shortest time in which the rows that its members have in one table were inserted, microseconds.
    pub(crate) pace: Option<i64>,
    /// Whether its rows only stand beside each other: no fact says that they belong together.
    pub(crate) alone: bool,
    /// Whether nothing but a fact of each row by itself put it together: a real row may show that fact too.
    pub(crate) scattered: bool,
    /// Title, from its strongest fact.
    pub(crate) title: String,
    /// Sentences for a person.
    pub(crate) findings: Vec<String>,
}

/// A row's place in a group.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Index of the group.
    pub(crate) group: usize,
    /// What membership adds.
    pub(crate) term: Bits,
    /// What the row's place in the group's lists says, by family.
    pub(crate) terms: Vec<(crate::model::Family, Reason)>,
    /// Whether the row lies outside the group's windows and only looks like it.
    pub(crate) taught: bool,
}

/// What the engine judges by.
#[derive(Clone, Copy, Debug)]
pub struct Measures<'a> {
    /// Facts by table.
    pub facts: &'a [TableFacts],
    /// Facts of rows and groups, weighed.
    pub weighed: &'a [Weighed],
    /// What only groups can show.
    pub closures: &'a [Closure],
    /// Where a family cannot say something of every row.
    pub applicable: &'a [Applicable],
    /// Features by table.
    pub features: &'a [Vec<Feature>],
    /// A family that says nothing: neither what was measured nor what owners say of it.
    pub without: Option<crate::model::Family>,
}

/// Judges all tables, parents before children.
#[must_use]
pub fn judge(profile: &Profile, measures: &Measures<'_>, guarded: &Guarded) -> Judgement {
    let facts = measures.facts;
    let mut scores = Scores::new(measures.weighed, facts).without(measures.without);
    let mut groups: Vec<Group> = Vec::new();
    let mut member_of: Vec<BTreeMap<Row, Member>> = vec![BTreeMap::new(); profile.tables.len()];
    timed(|| "judge: upward", || propagate::upward(profile, measures, &mut scores));
    let mut settled: Vec<(TableId, BTreeMap<Row, Verdict>)> = Vec::new();
    for id in propagate::parents_first(profile) {
        if profile.table(id).class == TableClass::People {
            scores.explain_rosters(id, &facts[id.index()]);
        }
        let owners = timed(|| "judge: owners", || propagate::owners(profile, facts, id, &member_of, &settled, guarded));
        propagate::score(&mut scores, id, &owners);
        let table = table::Table::new(profile.table(id), measures, &scores, &owners).with_children(profile);
        timed(|| format!("judge: table {}", id.0), || judge::table(&table, &mut groups, &mut member_of[id.index()]));
        scores.explain_imports(id, facts[id.index()].rows, |row| member_of[id.index()].contains_key(&row));
        if profile.table(id).class == TableClass::People {
            let alone = verdicts::alone(&scores, id, &member_of[id.index()]);
            judge::gather_alone(id, &alone, &mut groups, &mut member_of[id.index()]);
        }
        settled.push((id, verdicts::settle(&scores, id, &member_of[id.index()], &groups)));
    }
    timed(|| "judge: containers", || container::join(profile, facts, &mut scores, &mut groups, &mut member_of, &mut settled));
    timed(|| "judge: give", || verdicts::give(profile, facts, &scores, &groups, &member_of, guarded))
}

/// Lists the terms of a row that belongs to no cohort.
#[must_use]
pub fn explain(scores: &Scores, table: TableId, row: Row) -> RowVerdict {
    verdicts::explain(scores, table, row)
}

/// Gives the snapshot's verdict.
///
/// `checked`: whether some detector applied to a table of people, or, where the snapshot has no such
/// table, to any table.
#[must_use]
pub fn snapshot_verdict(verdicts: &[RowVerdict], checked: bool) -> SnapshotVerdict {
    let has = |verdict: Verdict| verdicts.iter().any(|v| v.verdict == verdict);
    if has(Verdict::Seeded) {
        SnapshotVerdict::Seeded
    } else if has(Verdict::Review) {
        SnapshotVerdict::Suspect
    } else if checked {
        SnapshotVerdict::Clean
    } else {
        SnapshotVerdict::Unchecked
    }
}

/// Returns whether rows of a table need an approval that names it, and evidence of their own.
#[must_use]
pub const fn is_guarded_class(class: TableClass) -> bool {
    matches!(class, TableClass::Money | TableClass::Audit)
}

/// Makes a cohort's id from its members' names and keys.
#[must_use]
pub fn cohort_id(members: &[String]) -> CohortId {
    let mut sorted: Vec<&String> = members.iter().collect();
    sorted.sort();
    let mut hasher = blake3::Hasher::new();
    for member in sorted {
        hasher.update(&(member.len() as u64).to_le_bytes());
        hasher.update(member.as_bytes());
    }
    CohortId(format!("c{}", &hasher.finalize().to_hex()[..8]))
}

/// Makes the digest that decisions on a row are bound to: its verdict and the terms behind it.
#[must_use]
pub fn row_digest(verdict: &RowVerdict) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(verdict.verdict.as_str().as_bytes());
    for Reason { detector, family, bits, detail } in &verdict.reasons {
        for part in [detector, family, bits.to_string().as_str(), detail] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
    }
    hasher.finalize().to_hex()[..32].to_owned()
}
