//! Runs the layers over a case, from profile to verdicts, and stores what they give.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::cohort::{self, GuardError, Judgement, Measures};
use crate::config::{Config, Loaded};
use crate::detect::{self, Closure, DetectError, Measured, Outcome};
use crate::known::Given;
use crate::model::known::Known;
use crate::model::verdict::SnapshotVerdict;
use crate::model::{Family, Row, RowVerdict, TableClass, TableId};
use crate::parallel;
use crate::profile::{self, Profile, ProfileError};
use crate::progress::Progress;
use crate::snapshot::{Case, SnapshotError};
use crate::timing::timed;
use crate::weigh::{self, Weighed};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The case file.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Profiling.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// Detecting.
    #[error(transparent)]
    Detect(#[from] DetectError),
    /// Protection rules.
    #[error(transparent)]
    Guard(#[from] GuardError),
}

/// What an analysis gave.
#[derive(Debug)]
pub struct Analysis {
    /// Roles, classes, relations.
    pub profile: Profile,
    /// Cohorts and verdicts.
    pub judgement: Judgement,
    /// The snapshot's verdict.
    pub verdict: SnapshotVerdict,
    /// What was measured of rows, weighed.
    pub weighed: Vec<Weighed>,
}

/// What an analysis is asked beyond its configuration.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// A family of evidence that is left out.
    pub without: Option<Family>,
    /// What the project says of its seed.
    pub given: Given,
}

/// Analyses a case and stores the results; the decision log stays as it is.
///
/// `now` bounds which timestamps are plausible (UTC microseconds).
///
/// # Errors
/// Returns what a layer says; the case is then as it was.
pub fn analyze(case: &mut Case, config: &Loaded, now: i64, progress: &dyn Progress) -> Result<Analysis, PipelineError> {
    analyze_as(case, config, now, &Ask::default(), progress)
}

/// Does the same as it is asked to.
///
/// # Errors
/// Returns what a layer says; the case is then as it was.
pub fn analyze_as(case: &mut Case, config: &Loaded, now: i64, ask: &Ask, progress: &dyn Progress) -> Result<Analysis, PipelineError> {
    case.transaction(|case| {
        case.clear_analysis()?;
        let profile = timed(|| "profile", || profile::profile(case, config, now, progress))?;
        let facts = timed(|| "gather", || detect::gather(case, &profile))?;
        let given = ask.given.fit(case, &profile);
        let Measured { evidence, closures, applicable, runs } =
            timed(|| "detect", || detect::detect(case, &profile, &facts, &without(&config.config, ask.without), &given, progress))?;
        // What is found may be more than SQLite's cache holds, and reach the file at once.
        case.settle()?;
        case.set_meta("given", &serde_json::to_string(&ask.given.inputs).unwrap_or_default())?;
        let checked = is_checked(case, &profile, &runs);
        for (detector, table, outcome) in &runs {
            let (count, why) = match outcome {
                Outcome::Found(count) => (*count, ""),
                Outcome::Nothing => (0, ""),
                Outcome::NotApplicable(why) => (0, why.as_str()),
            };
            case.put_detector_run(detector, TableId(*table as u32), outcome.as_str(), count, why)?;
        }
        let weighed = timed(|| "weigh", || weigh::weigh(evidence, &facts));
        timed(|| "store evidence", || weighed.iter().try_for_each(|fact| case.put_evidence(&fact.evidence, fact.bits.get())))?;
        let guarded = timed(|| "guard", || cohort::guard(case, &profile, &config.config))?;
        let mut features = timed(|| "features", || detect::features(case, &profile, &facts))?;
        features.iter_mut().for_each(|own| own.retain(|f| ask.without != Some(f.family)));
        let measures = Measures {
            facts: &facts,
            weighed: &weighed,
            closures: &closures,
            applicable: &applicable,
            features: &features,
            without: ask.without,
        };
        let masked = timed(|| "masked", || cohort::masked(&profile, &measures));
        if !masked.is_empty() {
            let said: Vec<String> = masked.iter().map(|(t, why)| format!("table {}: {why}", case.table(*t).table.name)).collect();
            case.set_meta("anonymised", &said.join("; "))?;
            case.warn(
                "cohort",
                &format!("the snapshot was masked before it was handed over ({}): a seed cannot be told in it", said.join("; ")),
            )?;
        }
        let unmasked;
        let measures = if masked.is_empty() {
            measures
        } else {
            unmasked = without_masks(&weighed, &closures);
            Measures { weighed: &unmasked.0, closures: &unmasked.1, ..measures }
        };
        let mut judgement = timed(|| "judge", || cohort::judge(&profile, &measures, &guarded));
        let keys = timed(|| "read keys", || keys(case, &judgement))?;
        timed(|| "name cohorts", || name_cohorts(case, &mut judgement, &keys));
        timed(|| "store verdicts", || store(case, &judgement, &keys))?;
        let verdict = cohort::snapshot_verdict(&judgement.verdicts, checked && masked.is_empty() && !case.facts().truncated);
        case.set_meta("verdict", verdict.as_str())?;
        case.set_meta("config_sha256", &config.sha256)?;
        case.set_meta("config", &serde_json::to_string(&config.config).unwrap_or_default())?;
        Ok(Analysis { profile, judgement, verdict, weighed })
    })
}

/// Switches off the detectors of a family.
fn without(config: &Config, family: Option<Family>) -> Config {
    let mut config = config.clone();
    for meta in detect::DETECTORS.iter().map(|d| d.meta()).filter(|m| Some(m.family) == family) {
        config.detectors.entry(meta.id.to_owned()).or_default().enabled = false;
    }
    config
}

/// Leaves out what a mask made: in a masked snapshot it says nothing of who made a row.
fn without_masks(weighed: &[Weighed], closures: &[Closure]) -> (Vec<Weighed>, Vec<Closure>) {
    let kept = |family| !cohort::MASKED_FAMILIES.contains(&family);
    (weighed.iter().filter(|w| kept(w.evidence.family)).cloned().collect(), closures.iter().filter(|c| kept(c.family)).cloned().collect())
}

/// Returns whether some detector applied to every table of people that has rows, and there is one.
fn is_checked(case: &Case, profile: &Profile, runs: &[(&'static str, usize, Outcome)]) -> bool {
    let mut people = profile.tables.iter().filter(|t| t.class == TableClass::People && case.table(t.id).rows > 0).peekable();
    let applied = |table: TableId| runs.iter().any(|r| r.1 == table.index() && !matches!(r.2, Outcome::NotApplicable(_)));
    people.peek().is_some() && people.all(|t| applied(t.id))
}

/// The keys of rows that are not real, as stored texts, by table and row.
type Keys = BTreeMap<(TableId, Row), String>;

/// Reads the keys of all rows that are stored by name: each is written in several places.
fn keys(case: &Case, judgement: &Judgement) -> Result<Keys, SnapshotError> {
    let of_cohorts = judgement.cohorts.iter().flat_map(|c| &c.tables).flat_map(|part| part.rows.iter().map(|row| (part.table, *row)));
    let mut rows: Vec<(TableId, Row)> = of_cohorts.chain(judgement.verdicts.iter().map(|v| (v.table, v.row))).collect();
    rows.sort_unstable();
    rows.dedup();
    let mut keys = Keys::new();
    for of_table in rows.chunk_by(|a, b| a.0 == b.0) {
        let own: Vec<Row> = of_table.iter().map(|(_, row)| *row).collect();
        keys.extend(of_table.iter().copied().zip(case.keys_of(of_table[0].0, &own)?));
    }
    Ok(keys)
}

/// Gives each cohort the id that its members' keys make, and each row its cohort's.
fn name_cohorts(case: &Case, judgement: &mut Judgement, keys: &Keys) {
    let mut cohort_of: BTreeMap<(TableId, Row), crate::model::CohortId> = BTreeMap::new();
    for cohort in &mut judgement.cohorts {
        let mut members = Vec::new();
        for part in &cohort.tables {
            let name = &case.table(part.table).table.name;
            for row in &part.rows {
                let key = keys.get(&(part.table, *row)).map_or("", String::as_str);
                members.push(format!("{}\0{}\0{}\0{key}", name.database, name.schema, name.name));
            }
        }
        cohort.id = cohort::cohort_id(&members);
        for part in &cohort.tables {
            cohort_of.extend(part.rows.iter().map(|row| ((part.table, *row), cohort.id.clone())));
        }
    }
    // What is said of a cohort's members is said once: by where the words lie, with the words themselves, so that no
    // others come to lie there.
    let mut said: HashMap<(usize, crate::model::CohortId), (Arc<str>, Arc<str>)> = HashMap::new();
    for verdict in &mut judgement.verdicts {
        verdict.cohort = cohort_of.get(&(verdict.table, verdict.row)).cloned();
        if let Some(id) = &verdict.cohort {
            for reason in verdict.reasons.iter_mut().filter(|r| r.detector == "cohort") {
                let named = |detail: &Arc<str>| (Arc::clone(detail), detail.replacen("a group", &format!("cohort {id}"), 1).into());
                let of = said.entry((Arc::as_ptr(&reason.detail).addr(), id.clone())).or_insert_with(|| named(&reason.detail));
                reason.detail = Arc::clone(&of.1);
            }
        }
    }
    judgement
        .cohorts
        .sort_by(|a, b| b.convicted.cmp(&a.convicted).then(b.rows().cmp(&a.rows())).then(b.bits.cmp(&a.bits)).then(a.id.cmp(&b.id)));
}

/// Verdicts that are put into words at a time.
const STORED_TOGETHER: usize = 1_024;

/// A verdict's terms as they are stored, and the digest of them.
struct Words {
    reasons: String,
    digest: String,
}

impl Words {
    fn of(verdict: &RowVerdict) -> Self {
        Self { reasons: serde_json::to_string(&verdict.reasons).unwrap_or_default(), digest: cohort::row_digest(verdict) }
    }
}

fn store(case: &Case, judgement: &Judgement, keys: &Keys) -> Result<(), SnapshotError> {
    let mut digests: BTreeMap<&crate::model::CohortId, blake3::Hasher> = BTreeMap::new();
    let names: Vec<String> = case.tables().iter().map(|t| t.table.name.to_string()).collect();
    // Put into words on two threads, and stored in order meanwhile.
    let chunks: Vec<&[RowVerdict]> = judgement.verdicts.chunks(STORED_TOGETHER).collect();
    let in_words = |chunk: &&[RowVerdict]| -> Vec<Words> { chunk.iter().map(Words::of).collect() };
    let mut left = judgement.verdicts.iter();
    parallel::in_order(&chunks, in_words, |words| {
        for (verdict, Words { reasons, digest }) in left.by_ref().take(words.len()).zip(&words) {
            let key = keys.get(&(verdict.table, verdict.row)).map_or("", String::as_str);
            case.put_verdict_of(verdict, key, reasons, digest)?;
            if let Some(id) = &verdict.cohort {
                let hasher = digests.entry(id).or_default();
                for part in [names[verdict.table.index()].as_str(), key, digest.as_str()] {
                    hasher.update(&(part.len() as u64).to_le_bytes());
                    hasher.update(part.as_bytes());
                }
            }
        }
        Ok::<(), SnapshotError>(())
    })?;
    for cohort in &judgement.cohorts {
        let digest = digests.get(&cohort.id).map(|h| h.finalize().to_hex()[..32].to_owned()).unwrap_or_default();
        case.put_cohort(cohort, &digest)?;
    }
    case.put_spared(&judgement.spared, judgement.spared_total)?;
    Ok(())
}

/// Explains one row: its stored verdict, else what the evidence says of a row that is real.
///
/// # Errors
/// Returns what the case file or a layer says.
pub fn explain(
    case: &mut Case,
    config: &Loaded,
    now: i64,
    table: TableId,
    row: Row,
    progress: &dyn Progress,
) -> Result<RowVerdict, PipelineError> {
    if let Some((verdict, _)) = case.verdict(table, row)? {
        return Ok(verdict);
    }
    // Evidence about rows that stay real is not kept: measure again, and leave the case as it is.
    let profile = profile::profile(case, config, now, progress)?;
    let facts = detect::gather(case, &profile)?;
    let measured = detect::detect(case, &profile, &facts, &config.config, &Known::default(), progress)?;
    let weighed = weigh::weigh(measured.evidence, &facts);
    let scores = cohort::Scores::new(&weighed, &facts);
    Ok(cohort::explain(&scores, table, row))
}
