//! Facts about each column, the role it plays, the class of each table, keys and relations, and
//! whether the order of rows tells when they were inserted. Each with its reason; no verdicts.

mod apply;
mod class;
mod clock;
mod facts;
mod keys;
mod leftover;
mod packed;
mod polymorphic;
mod role;
mod values;
mod words;

use std::sync::Arc;

use crate::config::{ConfigError, Loaded};
use crate::model::{Role, Source, TableClass, TableId, TakenAt};
use crate::parallel;
use crate::progress::Progress;
use crate::snapshot::{Case, Reader, SnapshotError};
use crate::timing::timed;
use clock::Dated;

pub(crate) use clock::agreement;
pub use clock::{InsertionClock, MintedColumn, longest_non_decreasing, rising_line};
pub use facts::ColumnFacts;
pub use packed::{Packed, Times};
pub use polymorphic::{Only, Polymorphic, polymorphic};
pub use role::is_privileged;
pub use words::name_words;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The case file.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The configuration names what is not there.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// All that is known of the snapshot's tables.
#[derive(Clone, Debug)]
pub struct Profile {
    /// By table ordinal.
    pub tables: Vec<TableProfile>,
    /// Relations between tables of the snapshot.
    pub relations: Vec<Relation>,
}

/// What is known of a table.
#[derive(Clone, Debug)]
pub struct TableProfile {
    /// The table.
    pub id: TableId,
    /// Its class.
    pub class: TableClass,
    /// Where the class was learnt.
    pub class_source: Source,
    /// Why.
    pub class_reason: String,
    /// By column ordinal.
    pub columns: Vec<ColumnProfile>,
    /// The column of ids that carry the time at which they were made.
    pub ids: Option<MintedColumn>,
    /// The order in which rows were inserted, where that can be told.
    pub clock: InsertionClock,
    /// Creation times by row, UTC microseconds; empty where the table has none.
    pub created: Arc<Times>,
    /// Whether rows lie in the table as their keys rise.
    pub(crate) lies_by_key: bool,
}

/// What is known of a column.
#[derive(Clone, Debug)]
pub struct ColumnProfile {
    /// Its role.
    pub role: Role,
    /// Where the role was learnt.
    pub source: Source,
    /// Why.
    pub reason: String,
    /// Counts over a sample of its values.
    pub facts: ColumnFacts,
}

/// A relation between two tables of the snapshot, by ordinals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Child table.
    pub child: TableId,
    /// Its columns.
    pub child_columns: Vec<usize>,
    /// Parent table.
    pub parent: TableId,
    /// Its columns.
    pub parent_columns: Vec<usize>,
    /// Where the relation was learnt.
    pub source: Source,
    /// Which rows it holds for, where not for all.
    pub only: Option<Only>,
}

impl TableProfile {
    /// Returns the first column with a role.
    #[must_use]
    pub fn column(&self, role: Role) -> Option<usize> {
        self.columns.iter().position(|c| c.role == role)
    }

    /// Returns every column with a role.
    pub fn columns_with(&self, role: Role) -> impl Iterator<Item = usize> {
        self.columns.iter().enumerate().filter(move |(_, c)| c.role == role).map(|(i, _)| i)
    }

    /// Returns whether rows are judged at all: not leftovers of a script, nor the schema's bookkeeping.
    #[must_use]
    pub const fn is_judged(&self) -> bool {
        !matches!(self.class, TableClass::Leftover | TableClass::System)
    }
}

impl Profile {
    /// Returns a table's profile.
    #[must_use]
    pub fn table(&self, id: TableId) -> &TableProfile {
        &self.tables[id.index()]
    }

    /// Returns the relations of a child table.
    pub fn parents_of(&self, child: TableId) -> impl Iterator<Item = &Relation> {
        self.relations.iter().filter(move |r| r.child == child)
    }

    /// Returns the relations to a parent table.
    pub fn children_of(&self, parent: TableId) -> impl Iterator<Item = &Relation> {
        self.relations.iter().filter(move |r| r.parent == parent)
    }
}

/// Rows of which the times and keys may be held at once, with room to sort them: some 40 bytes each.
pub(crate) const HELD_ROWS: u64 = 8_000_000;

/// Profiles every table, stores roles, classes, keys and relations in the case.
///
/// `now` bounds which timestamps are plausible (UTC microseconds).
///
/// # Errors
/// Returns what the case file says, or that the configuration names what is not there.
pub fn profile(case: &mut Case, config: &Loaded, now: i64, progress: &dyn Progress) -> Result<Profile, ProfileError> {
    progress.begin("profile", Some(case.tables().len() as u64));
    let mut done = 0;
    let reader = case.reader();
    let rows = |table: &TableId| reader.table(*table).rows;
    let tables: Vec<TableId> = case.tables().iter().map(|t| t.id).collect();
    let measured = timed(
        || "profile: sample",
        || {
            parallel::each(
                &tables,
                rows,
                |table| facts::measure(reader, *table),
                |_| {
                    done += 1;
                    progress.advance(done, 0);
                },
            )
        },
    );
    let facts = measured.into_iter().collect::<Result<Vec<Vec<ColumnFacts>>, SnapshotError>>()?;
    progress.end();
    apply::schema(case, config)?;
    timed(|| "profile: keys", || keys::infer_keys(case, &facts))?;
    let mut roles: Vec<Vec<(Role, Source, String)>> = Vec::new();
    let table_words = role::table_words(case);
    for (index, facts) in facts.iter().enumerate() {
        roles.push(role::infer(case.table(TableId(index as u32)), facts, &table_words));
    }
    role::share(case, &facts, &mut roles);
    apply::roles(case, config, &mut roles)?;
    let mut classes = class::infer(case, &roles, &facts);
    apply::classes(case, config, &mut classes)?;
    leftover::mark(case, &mut classes)?;
    timed(|| "profile: relations", || keys::infer_relations(case, config, &mut roles, &classes, &facts))?;
    // Relations found just now may make a reference table or a link of what looked like something else.
    let mut second = class::infer(case, &roles, &facts);
    apply::classes(case, config, &mut second)?;
    leftover::mark(case, &mut second)?;
    let mut relations = keys::resolve(case);
    for some in polymorphic(case, config)? {
        role::mark_polymorphic(&some.relation, &mut roles[some.relation.child.index()]);
        relations.push(some.relation);
    }
    let mut tables = Vec::new();
    for (index, (roles, facts)) in roles.into_iter().zip(facts).enumerate() {
        let id = TableId(index as u32);
        let (class, class_source, class_reason) = second[index].clone();
        case.set_roles(id, (class, class_source, &class_reason), &roles)?;
        let columns: Vec<ColumnProfile> =
            roles.into_iter().zip(facts).map(|((role, source, reason), facts)| ColumnProfile { role, source, reason, facts }).collect();
        let ids = clock::minted(case.table(id), &columns);
        let clock = InsertionClock::NotApplicable(String::new());
        let (created, lies_by_key) = (Arc::default(), false);
        tables.push(TableProfile { id, class, class_source, class_reason, columns, ids, clock, created, lies_by_key });
    }
    let taken_at = case.facts().taken_at;
    let asked = matches!(taken_at, TakenAt::Unknown | TakenAt::Inferred(_));
    let newest = timed(|| "profile: clocks", || read_clocks(case.reader(), &mut tables, asked, now))?;
    // Where neither the user nor the dump tells, the newest plausible time among the rows does.
    if asked {
        case.set_taken_at(newest.map_or(TakenAt::Unknown, TakenAt::Inferred))?;
    }
    timed(|| "profile: index", || case.write_keys_and_relations())?;
    Ok(Profile { tables, relations })
}

/// Reads the clocks of all tables; returns the newest time of any, where it is asked for.
fn read_clocks(reader: Reader<'_>, tables: &mut [TableProfile], asked: bool, now: i64) -> Result<Option<i64>, SnapshotError> {
    let dated = |table: &TableProfile| {
        let created = table.column(Role::CreatedAt);
        let told = |c: &usize| matches!(table.columns[*c].role, Role::CreatedAt | Role::UpdatedAt | Role::ActivityAt);
        let others = (0..table.columns.len()).filter(|c| asked && told(c) && Some(*c) != created).collect();
        Dated { created, ids: table.ids, others }
    };
    let trust = |table: &TableProfile| clock::trust(reader, table.id, &dated(table), now);
    let found = parallel::each_within(tables, HELD_ROWS, |t| reader.table(t.id).rows, trust);
    let mut latest = None;
    for (table, found) in tables.iter_mut().zip(found) {
        let clock::Found { clock, created, lies_by_key, newest } = found?;
        (table.clock, table.created, table.lies_by_key) = (clock, Arc::new(created), lies_by_key);
        latest = latest.max(newest);
    }
    Ok(latest)
}

/// Lists the relations between tables of the case, declared ones first.
#[must_use]
pub fn relations(case: &Case) -> Vec<Relation> {
    keys::resolve(case)
}
