//! Labelled fixtures: runs the detection on an export whose rows somebody labelled, and counts what was
//! missed and what was wrong. Judges nothing itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::config::{self, ConfigError, Loaded};
use crate::detect::DETECTORS;
use crate::ingest::{self, IngestError, Options};
use crate::model::value::row_key_json;
use crate::model::{Bits, Family, Row, TableId, Verdict};
use crate::pipeline::{self, Analysis, Ask, PipelineError};
use crate::progress::Progress;
use crate::snapshot::{Case, SnapshotError};

/// Name of the file of labels.
pub const LABELS: &str = "labels.csv";

/// Rows that a failure lists by key.
const SHOWN: usize = 20;

/// What somebody says of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// A seed made it: it must be found.
    Seeded,
    /// It must not be flagged.
    Real,
    /// It must stay, whatever it looks like.
    Protected,
    /// A seed made it, and it is known that it is not found yet.
    TodoSeeded,
    /// It is real, and it is known that it is flagged as yet.
    TodoReal,
}

impl Label {
    /// Every label, with the word for it.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Seeded, "seeded"),
        (Self::Real, "real"),
        (Self::Protected, "protected"),
        (Self::TodoSeeded, "todo_seeded"),
        (Self::TodoReal, "todo_real"),
    ];
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum LabelledError {
    /// A file or folder cannot be read.
    #[error("{file}: cannot read it: {source}; check the path and its permissions")]
    Io {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no fixture.
    #[error("{folder} holds no {LABELS}, nor does a folder in it; a fixture is a folder with an export and its {LABELS} (table,pk,label)")]
    NoFixture {
        /// The folder.
        folder: String,
    },
    /// The labels are not as they should be.
    #[error("{file}:{line}: {what}")]
    Label {
        /// The file.
        file: String,
        /// Line from 1.
        line: u64,
        /// What, and the next step.
        what: String,
    },
    /// The export.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The fixture's own configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The case file.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The analysis.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
}

/// Counts of labelled rows; flagged means seeded or in review.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows labelled as seeded.
    pub seeded: usize,
    /// Of these, those found: seeded.
    pub found: usize,
    /// Of these, those in review.
    pub reviewed: usize,
    /// Rows labelled as real.
    pub real: usize,
    /// Of these, those flagged.
    pub wrong: usize,
    /// Rows labelled as protected.
    pub protected: usize,
    /// Of these, those flagged.
    pub hit: usize,
    /// Real and protected rows that a script might delete: those flagged as seeded.
    pub grave: usize,
}

impl Tally {
    fn add(&mut self, label: Label, verdict: Verdict) {
        let flagged = usize::from(matches!(verdict, Verdict::Seeded | Verdict::Review));
        self.grave += usize::from(matches!(label, Label::Real | Label::Protected) && verdict == Verdict::Seeded);
        match label {
            Label::Seeded => {
                self.seeded += 1;
                self.found += usize::from(verdict == Verdict::Seeded);
                self.reviewed += usize::from(verdict == Verdict::Review);
            }
            Label::Real => {
                self.real += 1;
                self.wrong += flagged;
            }
            Label::Protected => {
                self.protected += 1;
                self.hit += flagged;
            }
            Label::TodoSeeded | Label::TodoReal => {}
        }
    }

    /// Returns the share of the seeded rows that were flagged; `None` where there are none.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        share(self.found + self.reviewed, self.seeded)
    }

    /// Returns the share of the real rows that were flagged; `None` where there are none.
    #[must_use]
    pub fn false_positive_rate(&self) -> Option<f64> {
        share(self.wrong, self.real)
    }

    /// Returns the share of the flagged rows, labelled as seeded, real or protected, that are seeded.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        let right = self.found + self.reviewed;
        share(right, right + self.wrong + self.hit)
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// What a detector or a cohort came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Detector or cohort id.
    pub id: String,
    /// Family, or the cohort's title.
    pub about: String,
    /// Counts; a row that a detector says something for counts as found.
    pub tally: Tally,
}

/// What a fixture came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The fixture's folder.
    pub name: String,
    /// Over all rows.
    pub overall: Tally,
    /// By detector, in the registry's order; those that were on.
    pub detectors: Vec<Line>,
    /// By cohort, largest first.
    pub cohorts: Vec<Line>,
    /// Keys of seeded rows that were missed.
    pub missed: Vec<String>,
    /// Keys of real and protected rows that were flagged.
    pub wrong: Vec<String>,
    /// Rows marked as "to do" that are right by now, and those that are not yet.
    pub todo: (usize, usize),
    /// Rows that were flagged and have no label.
    pub unlabelled: usize,
    /// Digest of every verdict with its bits.
    pub digest: String,
}

impl Outcome {
    /// Returns whether nothing was missed and nothing wrong.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.missed.is_empty() && self.wrong.is_empty()
    }
}

/// What is switched off or looked at alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    /// The only detector: a row counts as flagged where it says something for a seed.
    pub only: Option<&'a str>,
    /// A detector that is left out.
    pub off: Option<&'a str>,
    /// A family that is left out.
    pub without: Option<Family>,
}

/// Lists the fixtures in a folder: itself, or the folders in it, by name.
///
/// # Errors
/// Returns that there are none.
pub fn fixtures(folder: &Path) -> Result<Vec<PathBuf>, LabelledError> {
    if folder.join(LABELS).is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let io = |source| LabelledError::Io { file: folder.display().to_string(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.join(LABELS).is_file() {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() { Err(LabelledError::NoFixture { folder: folder.display().to_string() }) } else { Ok(found) }
}

/// A fixture, read in.
#[expect(missing_debug_implementations, reason = "holds an open case file")]
pub struct Fixture {
    folder: PathBuf,
    loaded: Loaded,
    case: Case,
    labels: BTreeMap<(TableId, Row), Label>,
    /// Holds the case file.
    _scratch: tempfile::TempDir,
}

impl Fixture {
    /// Reads a fixture in. Its own `unseed.toml` goes before `configured`.
    ///
    /// # Errors
    /// Returns what is wrong with the export, the labels or the configuration.
    pub fn open(folder: &Path, configured: &Loaded, progress: &dyn Progress) -> Result<Self, LabelledError> {
        let own = folder.join(config::FILE_NAME);
        let loaded = if own.is_file() { config::load(Some(&own), folder)? } else { configured.clone() };
        let io = |source| LabelledError::Io { file: folder.display().to_string(), source };
        let scratch = tempfile::tempdir().map_err(io)?;
        let target = scratch.path().join("case.db");
        let options = Options { taken_at: taken_at(&loaded), ..Options::default() };
        ingest::ingest(&inputs(folder)?, &target, &options, progress)?;
        let case = Case::open(&target)?;
        Ok(Self { folder: folder.to_owned(), loaded, case, labels: BTreeMap::new(), _scratch: scratch })
    }

    /// Runs the detection and counts; `now` is in UTC microseconds.
    ///
    /// # Errors
    /// Returns what is wrong with the labels, or what a layer says.
    pub fn run(&mut self, now: i64, scope: Scope<'_>, progress: &dyn Progress) -> Result<Outcome, LabelledError> {
        let mut loaded = self.loaded.clone();
        for id in DETECTORS.iter().map(|d| d.meta().id) {
            if scope.only.is_some_and(|only| only != id) || scope.off == Some(id) {
                loaded.config.detectors.entry(id.to_owned()).or_default().enabled = false;
            }
        }
        let ask = Ask { without: scope.without, ..Ask::default() };
        let analysis = pipeline::analyze_as(&mut self.case, &loaded, now, &ask, progress)?;
        if self.labels.is_empty() {
            // Only now are keys known that the export does not declare.
            self.labels = read_labels(&self.case, &self.folder.join(LABELS))?;
        }
        count(&self.case, &self.folder, &analysis, &self.labels, scope)
    }
}

fn taken_at(loaded: &Loaded) -> Option<i64> {
    let text = loaded.config.snapshot.taken_at.as_deref()?;
    crate::model::Stamp::parse(text.as_bytes()).map(|s| s.micros)
}

/// Lists what a fixture's export is: all but labels, configuration, notes and hidden files.
fn inputs(folder: &Path) -> Result<Vec<PathBuf>, LabelledError> {
    let io = |source| LabelledError::Io { file: folder.display().to_string(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let note = Path::new(&name).extension().is_some_and(|e| e.eq_ignore_ascii_case("md"));
        if name != LABELS && name != config::FILE_NAME && !name.starts_with('.') && !note {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Reads labels and finds their rows.
fn read_labels(case: &Case, path: &Path) -> Result<BTreeMap<(TableId, Row), Label>, LabelledError> {
    let file = path.display().to_string();
    let wrong = |line: u64, what: String| LabelledError::Label { file: file.clone(), line, what };
    let unread = |e: csv::Error| wrong(e.position().map_or(0, csv::Position::line), format!("no CSV: {e}"));
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_path(path).map_err(unread)?;
    let headers = reader.headers().map_err(unread)?.clone();
    let place = |name: &str| headers.iter().position(|h| h.trim_start_matches('\u{feff}') == name);
    let (Some(table_at), Some(key_at), Some(label_at)) = (place("table"), place("pk"), place("label")) else {
        return Err(wrong(1, "the header must name table, pk and label".to_owned()));
    };
    let mut labels = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(unread)?;
        let line = record.position().map_or(0, csv::Position::line);
        let (name, key, word) = (&record[table_at], &record[key_at], &record[label_at]);
        let Some((label, _)) = Label::ALL.into_iter().find(|l| l.1 == word) else {
            let known: Vec<&str> = Label::ALL.iter().map(|l| l.1).collect();
            return Err(wrong(line, format!("\"{word}\" is no label; there are {}", known.join(", "))));
        };
        let table = case.find_table(name).ok_or_else(|| wrong(line, format!("the export has no table \"{name}\"")))?;
        let parts = key_parts(key, case.table(table).key().len()).map_err(|what| wrong(line, what))?;
        let row = case.find_row(table, &parts)?.ok_or_else(|| wrong(line, format!("table {name} has no row with the key {key}")))?;
        if labels.insert((table, row), label).is_some_and(|known| known != label) {
            return Err(wrong(line, format!("the row {key} of {name} is labelled twice, and differently")));
        }
    }
    Ok(labels)
}

/// Reads a key: one value as it stands, several as a JSON array.
fn key_parts(text: &str, columns: usize) -> Result<Vec<String>, String> {
    if columns <= 1 && !text.starts_with('[') {
        return Ok(vec![text.to_owned()]);
    }
    let parts: Vec<serde_json::Value> = match serde_json::from_str(text) {
        Ok(parts) => parts,
        // A single key may begin with a bracket.
        Err(_) if columns <= 1 => return Ok(vec![text.to_owned()]),
        Err(_) => return Err(format!("the key {text} has {columns} columns: write it as a JSON array, [\"1\",\"2\"]")),
    };
    if parts.len() != columns.max(1) {
        return Err(format!("the key {text} has {} values, and the table's key {columns} columns", parts.len()));
    }
    Ok(parts.into_iter().map(|part| if let serde_json::Value::String(text) = part { text } else { part.to_string() }).collect())
}

/// Says which rows each detector found something for a seed in: by itself, or within a cohort.
fn said(analysis: &Analysis) -> BTreeMap<&str, BTreeSet<(TableId, Row)>> {
    let mut said: BTreeMap<&str, BTreeSet<(TableId, Row)>> = BTreeMap::new();
    for fact in analysis.weighed.iter().filter(|w| w.bits > Bits::ZERO) {
        said.entry(fact.evidence.detector).or_default().extend(fact.evidence.rows.iter().map(|r| (fact.evidence.table, *r)));
    }
    for verdict in &analysis.judgement.verdicts {
        for reason in verdict.reasons.iter().filter(|r| r.bits > Bits::ZERO) {
            said.entry(&reason.detector).or_default().insert((verdict.table, verdict.row));
        }
    }
    said
}

fn digest(analysis: &Analysis) -> String {
    let mut hasher = blake3::Hasher::new();
    for verdict in &analysis.judgement.verdicts {
        hasher.update(format!("{} {} {} {}\n", verdict.table.index(), verdict.row, verdict.verdict.as_str(), verdict.bits).as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

fn count(
    case: &Case,
    folder: &Path,
    analysis: &Analysis,
    labels: &BTreeMap<(TableId, Row), Label>,
    scope: Scope<'_>,
) -> Result<Outcome, LabelledError> {
    let said = said(analysis);
    let hits = |id: &str, row: &(TableId, Row)| said.get(id).is_some_and(|rows| rows.contains(row));
    let judged: BTreeMap<(TableId, Row), Verdict> = analysis.judgement.verdicts.iter().map(|v| ((v.table, v.row), v.verdict)).collect();
    let verdict = |row: &(TableId, Row)| match scope.only {
        Some(only) => {
            if hits(only, row) {
                Verdict::Seeded
            } else {
                Verdict::Real
            }
        }
        None => judged.get(row).copied().unwrap_or(Verdict::Real),
    };
    let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
    let mut outcome = Outcome {
        name,
        overall: Tally::default(),
        detectors: Vec::new(),
        cohorts: Vec::new(),
        missed: Vec::new(),
        wrong: Vec::new(),
        todo: (0, 0),
        unlabelled: 0,
        digest: digest(analysis),
    };
    for (row, label) in labels {
        let verdict = verdict(row);
        outcome.overall.add(*label, verdict);
        let flagged = matches!(verdict, Verdict::Seeded | Verdict::Review);
        let key = || -> Result<String, LabelledError> {
            Ok(format!("{} {} is {}", case.table(row.0).table.name, row_key_json(&case.row_key(row.0, row.1)?), verdict.as_str()))
        };
        match label {
            Label::Seeded if !flagged => outcome.missed.push(key()?),
            Label::Real | Label::Protected if flagged => outcome.wrong.push(key()?),
            Label::TodoSeeded | Label::TodoReal => {
                let done = flagged == (*label == Label::TodoSeeded);
                outcome.todo.0 += usize::from(done);
                outcome.todo.1 += usize::from(!done);
            }
            _ => {}
        }
    }
    let flagged = judged.iter().filter(|(row, v)| matches!(v, Verdict::Seeded | Verdict::Review) && !labels.contains_key(row));
    outcome.unlabelled = flagged.count();
    for meta in DETECTORS.iter().map(|d| d.meta()) {
        if scope.only.is_some_and(|only| only != meta.id) || scope.off == Some(meta.id) || scope.without == Some(meta.family) {
            continue;
        }
        let mut tally = Tally::default();
        for (row, label) in labels {
            tally.add(*label, if hits(meta.id, row) { Verdict::Seeded } else { Verdict::Real });
        }
        outcome.detectors.push(Line { id: meta.id.to_owned(), about: meta.family.as_str().to_owned(), tally });
    }
    for cohort in &analysis.judgement.cohorts {
        let mut tally = Tally { seeded: outcome.overall.seeded, real: outcome.overall.real, ..Tally::default() };
        let rows = cohort.tables.iter().flat_map(|part| part.rows.iter().map(|row| (part.table, *row)));
        for row in rows {
            let Some(label) = labels.get(&row) else { continue };
            let mut one = Tally::default();
            one.add(*label, verdict(&row));
            tally.found += one.found;
            tally.reviewed += one.reviewed;
            tally.wrong += one.wrong;
            tally.protected += one.protected;
            tally.hit += one.hit;
            tally.grave += one.grave;
        }
        outcome.cohorts.push(Line { id: cohort.id.0.clone(), about: cohort.title.clone(), tally });
    }
    Ok(outcome)
}

/// Returns the first keys of a list, and how many there are besides.
#[must_use]
pub fn first(keys: &[String]) -> (Vec<&str>, usize) {
    (keys.iter().take(SHOWN).map(String::as_str).collect(), keys.len().saturating_sub(SHOWN))
}
