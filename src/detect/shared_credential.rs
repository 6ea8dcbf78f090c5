//! One password value on several accounts. A salted hash is random: two equal ones were copied.

use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::{Detector, TableView, rows_of};
use crate::model::stamp::DAY;
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds shared credentials.
pub(super) struct SharedCredential;

const META: DetectorMeta = DetectorMeta {
    id: "shared-credential",
    title: "Shared credential",
    family: Family::Credential,
    reads: &[Role::Credential],
    finds: "The same stored password value on two or more accounts. Seeds hash one password once, or store a constant.",
    false_positives: "A reset campaign, LDAP and single sign-on store one placeholder on many accounts: values of one or two signs are left out, and a value that covers more than a twentieth of the table over more than a month counts for nothing; where many groups share one each, somebody gives passwords out, and it counts by how usual it is.",
    source: "bcrypt, Argon2 and scrypt salts have 128 bits; Laravel's UserFactory and Prisma seeds hash once per run.",
};

/// Share of a table above which a value that is spread over time is a placeholder.
const PLACEHOLDER_SHARE: f64 = 0.05;

/// The bit of a value's digest that says whether it is a hash.
const HASHED: u64 = 1;

impl Detector for SharedCredential {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        table.texts_or(META.reads, "no password column")
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let mut rows: Vec<u32> = Vec::new();
        let mut values: Vec<u64> = Vec::new();
        for read in table.texts(META.reads) {
            for (offset, text) in chunk.frame.column(&read.name())?.str()?.iter().enumerate() {
                let Some(text) = text.filter(|t| t.trim().chars().count() > 2) else { continue };
                rows.push(chunk.first_row + offset as u32);
                let hashed = text.len() >= 20 && text.contains('$');
                values.push(super::context::text_hash(read.column() as u64, text) & !HASHED | u64::from(hashed));
            }
        }
        DataFrame::new(rows.len(), vec![Series::new("row".into(), rows).into_column(), Series::new("value".into(), values).into_column()])
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let mut sorted: Vec<(u64, Row)> = merged.column("value")?.u64()?.into_no_null_iter().zip(rows_of(merged)?).collect();
        sorted.sort_unstable();
        let mut evidence = Vec::new();
        for members in sorted.chunk_by(|a, b| a.0 == b.0).filter(|members| members.len() > 1) {
            let value = members[0].0;
            let is_hash = value & HASHED != 0;
            let mut rows: Vec<Row> = members.iter().map(|m| m.1).collect();
            if is_placeholder(&rows, table) {
                continue;
            }
            let what = if is_hash { "salted password hash" } else { "stored password that is no hash" };
            rows.dedup();
            evidence.push(Evidence {
                detector: META.id,
                family: META.family,
                table: table.profile.id,
                kind: format!("credential {:08x}", value >> 32),
                detail: format!("{} accounts share one {what}", rows.len()),
                rows,
                // Two accounts that share an unhashed value may both have been set up by hand.
                measure: Measure::Chance { log2_p: if is_hash { -128.0 } else { -4.0 * (members.len() - 1) as f64 } },
                certainty: Certainty::Suggests,
                proposes: true,
            });
        }
        give_out(&mut evidence, table.rows());
        Ok(evidence)
    }
}

/// Groups that share a credential each, and their share of the table, from which somebody gives out the passwords: a
/// school's to each class, a company's to each office.
const GIVEN_GROUPS: usize = 4;
const GIVEN_SHARE: f64 = 0.1;

/// Weighs what is a table's habit by how usual it is there.
fn give_out(evidence: &mut [Evidence], rows: usize) {
    let shared: usize = evidence.iter().map(|e| e.rows.len()).sum();
    let share = shared as f64 / rows.max(1) as f64;
    if evidence.len() >= GIVEN_GROUPS && share >= GIVEN_SHARE {
        for fact in evidence {
            fact.measure = Measure::Against { bits: -share.min(1.0).log2() };
            fact.proposes = false;
        }
    }
}

fn is_placeholder(members: &[u32], table: &TableView<'_>) -> bool {
    let times: Vec<i64> = members.iter().filter_map(|r| table.facts.created.get(*r)).collect();
    let spread = match (times.iter().min(), times.iter().max()) {
        (Some(first), Some(last)) => last - first > 30 * DAY,
        _ => true,
    };
    spread && members.len() as f64 > PLACEHOLDER_SHARE * table.rows() as f64 && members.len() > 20
}
