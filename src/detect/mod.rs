//! Detectors: frames in, evidence out. They measure and never judge, do no I/O and never see a
//! column's name: they ask for roles.
//!
//! A detector works in two steps, so that a table of any size is read once and parts of it can be
//! scanned apart: `scan` turns a chunk of rows into a small partial frame, `finish` turns the merged
//! partials into evidence. To add one: a new file, and two adjacent lines here.
//!
//! Chunks are scanned on two threads, whatever the number of tables, and a table's detectors finish side by side. A
//! partial holds numbers and digests, never a text of every row: what a fact calls by its name is fetched by row
//! ([`TableView::texts_of`]).

mod address;
mod arrival_train;
mod back_dated;
mod changed_at_once;
mod child_older;
mod clock_text;
mod closure;
mod context;
mod correspondence;
mod counted_address;
mod counted_name;
mod even_step;
mod features;
mod few_names;
mod framework_fixture;
mod generator_address;
mod generator_company;
mod generator_domain;
mod generator_image;
mod generator_name;
mod generator_phone;
mod generator_text;
mod id_clock;
mod impossible_agent;
mod known_credential;
mod later;
mod later_activity;
mod later_edit;
mod live_payment;
mod loop_counter;
mod marks;
mod moments;
mod name_mismatch;
mod numbered;
mod numbered_template;
mod outside_subject;
mod pace;
mod patterned_id;
mod phase_lock;
mod placeholder_name;
mod placeholder_word;
mod random_handle;
mod recurring_block;
mod reference_row;
mod reserved_identifier;
mod rhythm;
mod seed_source;
mod shared_credential;
mod short_token;
mod steady_step;
mod tagged_mailbox;
mod test_payment;
mod time_contradiction;
mod turn;
mod unrounded_amount;
mod vocabulary;
mod work_domain;
mod wrong_duration;

use std::collections::BTreeMap;
use std::sync::Mutex;

use polars::prelude::{DataFrame, PolarsError, PolarsResult};

use crate::config::Config;
use crate::model::known::{Known, KnownTable, SeedPatterns};
use crate::model::{DetectorMeta, Evidence, Family, Role, Row, TableId, ValueRef};
use crate::parallel;
use crate::profile::{Profile, TableProfile};
use crate::progress::Progress;
use crate::snapshot::{CHUNK_ROWS, Case, Chunk, ColumnRead, Reader, SnapshotError, scan_with};
use crate::timing::timed;

pub use closure::Closure;
pub use context::{Life, NO_ROW, Order, ParentLink, Ranks, TableFacts, Times, gather};
pub use features::{Feature, Numbers, features};
pub(crate) use numbered_template::ROSTER;
pub use reference_row::value_digest;

/// Every detector, in report order.
pub const DETECTORS: &[&dyn Detector] = &[
    &reserved_identifier::ReservedIdentifier,
    &framework_fixture::FrameworkFixture,
    &patterned_id::PatternedId,
    &test_payment::TestPayment,
    &placeholder_word::PlaceholderWord,
    &placeholder_name::PlaceholderName,
    &generator_name::GeneratorName,
    &few_names::FewNames,
    &generator_text::GeneratorText,
    &generator_company::GeneratorCompany,
    &generator_domain::GeneratorDomain,
    &generator_address::GeneratorAddress,
    &generator_phone::GeneratorPhone,
    &generator_image::GeneratorImage,
    &random_handle::RandomHandle,
    &impossible_agent::ImpossibleAgent,
    &tagged_mailbox::TaggedMailbox,
    &counted_name::CountedName,
    &numbered_template::NumberedTemplate,
    &counted_address::CountedAddress,
    &even_step::EvenStep,
    &loop_counter::LoopCounter,
    &clock_text::ClockText,
    &turn::Turn,
    &recurring_block::RecurringBlock,
    &unrounded_amount::UnroundedAmount,
    &known_credential::KnownCredential,
    &shared_credential::SharedCredential,
    &short_token::ShortToken,
    &name_mismatch::NameMismatch,
    &wrong_duration::WrongDuration,
    &arrival_train::ArrivalTrain,
    &phase_lock::PhaseLock,
    &steady_step::SteadyStep,
    &back_dated::BackDated,
    &id_clock::IdClock,
    &changed_at_once::ChangedAtOnce,
    &child_older::ChildOlder,
    &time_contradiction::TimeContradiction,
    &later_activity::LaterActivity,
    &outside_subject::OutsideSubject,
    &live_payment::LivePayment,
    &later_edit::LaterEdit,
    &correspondence::Correspondence,
    &work_domain::WorkDomain,
    &reference_row::ReferenceRow,
    &seed_source::SeedSource,
];

/// Something that measures one kind of fact.
pub trait Detector: Sync {
    /// Returns its words.
    fn meta(&self) -> &'static DetectorMeta;

    /// Returns the columns that it wants of a table, or why it does not apply.
    ///
    /// # Errors
    /// Returns the reason, one sentence for a person.
    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String>;

    /// Turns a chunk into a partial frame: group-by counts, minima, small keyed rows.
    ///
    /// # Errors
    /// Returns what polars says.
    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame>;

    /// Turns the partial frames, stacked in any order of partitions, into evidence: about its rows, and about those that
    /// they hang on.
    ///
    /// # Errors
    /// Returns what polars says.
    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>>;

    /// Turns them into closures: facts that only a group can show.
    ///
    /// # Errors
    /// Returns what polars says.
    fn closures(&self, _merged: &DataFrame, _table: &TableView<'_>) -> PolarsResult<Vec<Closure>> {
        Ok(Vec::new())
    }

    /// Tells which rows could have shown its fact at all, sorted; `None` where every row could. Of the others its
    /// silence says nothing.
    ///
    /// # Errors
    /// Returns what polars says.
    fn applies_to(&self, _merged: &DataFrame, _table: &TableView<'_>) -> PolarsResult<Option<Vec<Row>>> {
        Ok(None)
    }
}

/// The rows of a table of which a family of facts can say something.
#[derive(Clone, Debug)]
pub struct Applicable {
    /// The family.
    pub family: Family,
    /// The table.
    pub table: TableId,
    /// Rows, sorted.
    pub rows: Vec<Row>,
}

/// A table as detectors see it.
#[derive(Clone, Copy, Debug)]
pub struct TableView<'a> {
    /// Roles and facts of its columns.
    pub profile: &'a TableProfile,
    /// Creation times, insertion order, parents.
    pub facts: &'a TableFacts,
    /// The same of every table, by ordinal, for those who look at parents.
    pub all: &'a [TableFacts],
    /// When the snapshot was taken; UTC microseconds.
    pub taken_at: Option<i64>,
    /// What the project says of its seed.
    pub given: &'a Known,
    /// Texts and templates of its seed files.
    pub patterns: &'a SeedPatterns,
    /// The rows, for [`Self::texts_of`] alone.
    reader: Reader<'a>,
}

impl TableView<'_> {
    /// Returns the number of rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.facts.rows
    }

    /// Returns what a reference says of this table.
    #[must_use]
    pub fn known(&self) -> Option<&KnownTable> {
        self.given.tables.get(self.profile.id.index())?.as_ref()
    }

    /// Returns the texts of a column in some rows, which rise, to put a fact into words: partials keep digests, and
    /// the few texts that are shown are fetched by the rows that have them.
    ///
    /// # Errors
    /// Returns what the case file says.
    pub fn texts_of(&self, column: usize, rows: &[Row]) -> PolarsResult<Vec<String>> {
        let mut texts = Vec::with_capacity(rows.len());
        let text = |_: Row, cells: &[ValueRef<'_>]| context::cell_text(cells[0], &mut String::new()).unwrap_or_default().into_owned();
        let picked = self.reader.pick(self.profile.id, rows, &[column], text, |text| texts.push(text));
        picked.map_err(|e| PolarsError::ComputeError(e.to_string().into()))?;
        Ok(texts)
    }

    /// Returns the columns with any of these roles, as text reads.
    #[must_use]
    pub fn texts(&self, roles: &[Role]) -> Vec<ColumnRead> {
        roles.iter().flat_map(|r| self.profile.columns_with(*r)).map(ColumnRead::Text).collect()
    }

    /// Returns the same, or what the table lacks where it has none, for a person: "no telephone number".
    fn texts_or(&self, roles: &[Role], lacks: &str) -> Result<Vec<ColumnRead>, String> {
        Some(self.texts(roles)).filter(|reads| !reads.is_empty()).ok_or_else(|| lacks.to_owned())
    }
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// The case file.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A detector's frame work; names the detector.
    #[error("detector {detector}: {source}")]
    Frame {
        /// Id of the detector.
        detector: &'static str,
        /// What polars says.
        source: PolarsError,
    },
}

/// What a detector did with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It measured this many facts.
    Found(usize),
    /// It looked, and there was nothing.
    Nothing,
    /// It does not apply, for this reason.
    NotApplicable(String),
}

impl Outcome {
    /// Returns the word used in reports.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Found(_) => "found",
            Self::Nothing => "nothing",
            Self::NotApplicable(_) => "not applicable",
        }
    }
}

/// All that was measured.
#[derive(Debug, Default)]
pub struct Measured {
    /// By the table in which it was found, then detector, then rows.
    pub evidence: Vec<Evidence>,
    /// What only groups can show.
    pub closures: Vec<Closure>,
    /// Where a family cannot say something of every row.
    pub applicable: Vec<Applicable>,
    /// Detector, table ordinal, outcome.
    pub runs: Vec<(&'static str, usize, Outcome)>,
}

/// Runs every enabled detector over every judged table; each table is read once.
///
/// # Errors
/// Returns what the case file or polars says.
pub fn detect(
    case: &Case,
    profile: &Profile,
    facts: &[TableFacts],
    config: &Config,
    given: &Known,
    progress: &dyn Progress,
) -> Result<Measured, DetectError> {
    let enabled: Vec<&dyn Detector> =
        DETECTORS.iter().copied().filter(|d| config.detectors.get(d.meta().id).is_none_or(|c| c.enabled)).collect();
    let total: u64 = case.tables().iter().map(|t| t.rows).sum();
    progress.begin("detect", Some(total));
    let mut done = 0;
    let (reader, taken_at) = (case.reader(), case.facts().taken_at.micros());
    let mut measured = Measured::default();
    for table in profile.tables.iter().filter(|t| t.is_judged()) {
        let view =
            TableView { profile: table, facts: &facts[table.id.index()], all: facts, taken_at, given, patterns: &given.patterns, reader };
        run_table(reader, &enabled, &view, &mut measured)?;
        done += reader.table(table.id).rows;
        progress.advance(done, done);
    }
    progress.end();
    Ok(measured)
}

/// What a detector made of a table.
struct Told {
    found: Vec<Evidence>,
    closures: Vec<Closure>,
    applicable: Option<Vec<Row>>,
}

/// Runs the detectors over a table.
fn run_table(reader: Reader<'_>, enabled: &[&dyn Detector], view: &TableView<'_>, measured: &mut Measured) -> Result<(), DetectError> {
    let table = view.profile.id;
    let mut detectors: Vec<&dyn Detector> = Vec::new();
    // Places of those that hold partials of rows, and of those that look at no column.
    let (mut holding, mut others): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    for detector in enabled {
        match if view.rows() == 0 { Err("the table is empty".to_owned()) } else { detector.reads(view) } {
            Ok(reads) => {
                if reads.is_empty() { &mut others } else { &mut holding }.push(detectors.len());
                detectors.push(*detector);
            }
            Err(why) => measured.runs.push((detector.meta().id, table.index(), Outcome::NotApplicable(why))),
        }
    }
    // Every so many detectors share a pass: those that lie side by side hold much the same.
    let together = if view.rows() > MOST_ROWS { (HELD_PARTIALS / view.rows()).max(1) } else { holding.len().max(1) };
    let passes = holding.len().div_ceil(together).max(1);
    let mut told: Vec<Option<Told>> = detectors.iter().map(|_| None).collect();
    for pass in 0..passes {
        let mut places: Vec<usize> = holding.iter().copied().skip(pass).step_by(passes).collect();
        places.append(&mut others);
        let of_pass: Vec<&dyn Detector> = places.iter().map(|place| detectors[*place]).collect();
        run_pass(reader, &of_pass, view, |place, found| told[places[place]] = Some(found))?;
    }
    for (detector, told) in detectors.into_iter().zip(told) {
        let Some(Told { found, closures, applicable }) = told else { continue };
        debug_assert!(found.iter().all(|e| e.rows.is_sorted()));
        let facts = found.len() + closures.len();
        let outcome = if facts == 0 { Outcome::Nothing } else { Outcome::Found(facts) };
        measured.closures.extend(closures);
        measured.applicable.extend(applicable.map(|rows| Applicable { family: detector.meta().family, table, rows }));
        measured.runs.push((detector.meta().id, table.index(), outcome));
        measured.evidence.extend(found);
    }
    Ok(())
}

/// Rows from which on the partials of all detectors are more than memory should hold at once: some of them keep
/// twenty bytes of every row. Such a table is read once for every few detectors instead.
const MOST_ROWS: usize = 2_000_000;

/// Rows of the partials of one pass over such a table, over all its detectors.
const HELD_PARTIALS: usize = 12_000_000;

/// Runs some detectors over a table: its chunks on two threads, then what each makes of its own, side by side.
fn run_pass(
    reader: Reader<'_>,
    detectors: &[&dyn Detector],
    view: &TableView<'_>,
    mut tell: impl FnMut(usize, Told),
) -> Result<(), DetectError> {
    let table = view.profile.id;
    let mut reads: Vec<ColumnRead> = detectors.iter().filter_map(|d| d.reads(view).ok()).flatten().collect();
    reads.sort_unstable();
    reads.dedup();
    let mut partials: Vec<Vec<DataFrame>> = detectors.iter().map(|_| Vec::new()).collect();
    let turn = |chunk: Chunk| -> Result<Vec<DataFrame>, DetectError> {
        let partial = |detector: &&dyn Detector| {
            let id = detector.meta().id;
            let name = || format!("detect: table {}: scan {id}", table.0);
            timed(name, || detector.scan(&chunk, view)).map_err(|source| DetectError::Frame { detector: id, source })
        };
        detectors.iter().map(partial).collect()
    };
    let mut keep = |found: Vec<DataFrame>| {
        partials.iter_mut().zip(found).for_each(|(of, partial)| of.push(partial));
        Ok(())
    };
    let name = || format!("detect: table {}: read and scan", table.0);
    // What looks at no column needs no row of the table.
    let scanned = timed(name, || match reads.is_empty() {
        true => turn(Chunk::empty()).and_then(&mut keep),
        false => scan_with(reader, table, &reads, CHUNK_ROWS, turn, &mut keep),
    });
    scanned?;
    // Who looked at no column goes through the facts of all rows.
    let rows = |(detector, partials): (&&dyn Detector, &Vec<DataFrame>)| match detector.reads(view) {
        Ok(reads) if !reads.is_empty() => partials.iter().map(DataFrame::height).sum(),
        _ => view.rows(),
    };
    let heights: Vec<usize> = detectors.iter().zip(&partials).map(rows).collect();
    let work: Vec<(&dyn Detector, Mutex<Vec<DataFrame>>, usize)> =
        detectors.iter().zip(partials).zip(heights).map(|((detector, partials), rows)| (*detector, Mutex::new(partials), rows)).collect();
    let finish = |(detector, partials, _): &(&dyn Detector, Mutex<Vec<DataFrame>>, usize)| {
        let partials = partials.lock().map(|mut p| std::mem::take(&mut *p)).unwrap_or_default();
        let name = || format!("detect: table {}: finish {}", table.0, detector.meta().id);
        timed(name, || finish(*detector, partials, view)).map_err(|source| DetectError::Frame { detector: detector.meta().id, source })
    };
    let told = parallel::each(&work, |(_, _, rows)| *rows as u64, finish, |_| {});
    told.into_iter().enumerate().try_for_each(|(place, told)| {
        tell(place, told?);
        Ok(())
    })
}

fn finish(detector: &dyn Detector, partials: Vec<DataFrame>, view: &TableView<'_>) -> PolarsResult<Told> {
    let merged = stack(partials)?;
    let mut found = detector.finish(&merged, view)?;
    found.retain(|e| !e.rows.is_empty());
    found.sort_by(|a, b| a.rows.cmp(&b.rows).then_with(|| a.kind.cmp(&b.kind)));
    Ok(Told { found, closures: detector.closures(&merged, view)?, applicable: detector.applies_to(&merged, view)? })
}

/// Stacks partial frames of one schema.
fn stack(partials: Vec<DataFrame>) -> PolarsResult<DataFrame> {
    let mut partials = partials.into_iter();
    let Some(mut merged) = partials.next() else { return Ok(DataFrame::default()) };
    for partial in partials {
        merged.vstack_mut_owned(partial)?;
    }
    Ok(merged)
}

/// Returns the rows of a frame's `row` column.
fn rows_of(frame: &DataFrame) -> PolarsResult<Vec<Row>> {
    Ok(frame.column("row")?.u32()?.into_no_null_iter().collect())
}

/// Gathers rows by kind; kinds in order, rows sorted and without doubles.
fn grouped<'k>(rows: &[Row], kinds: &[&'k str]) -> BTreeMap<&'k str, Vec<Row>> {
    let mut groups: BTreeMap<&str, Vec<Row>> = BTreeMap::new();
    for (row, kind) in rows.iter().zip(kinds) {
        groups.entry(kind).or_default().push(*row);
    }
    for rows in groups.values_mut() {
        rows.sort_unstable();
        rows.dedup();
    }
    groups
}

/// Returns log2 of n!: how many bits it takes to say in which of all orders n things stand.
fn log2_factorial(n: usize) -> f64 {
    (2..=n).map(|k| (k as f64).log2()).sum()
}
