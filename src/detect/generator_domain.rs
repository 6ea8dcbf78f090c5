//! Addresses at domains that generators make of family names: `nader.org`, `towne-raynor.net`.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::context::text_hash;
use super::work_domain::is_provider;
use super::{Detector, TableView, address, rows_of, vocabulary};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct GeneratorDomain;

const META: DetectorMeta = DetectorMeta {
    id: "generator-domain",
    title: "Domains of generators",
    family: Family::Vocabulary,
    reads: &[Role::Email],
    finds: "Addresses at a domain that is somebody else's family name, or two with a hyphen, under a common top-level domain, where hardly two people share one.",
    false_positives: "Family businesses and law firms have such domains, and their staff other names than the owner's; mail providers that are called like a family (cox.net) are left out by name, and what many people share. The share in the rest of the table is weighed, and what is found is never certain.",
    source: "internet.email() of Ruby's faker, email() and company_email() of Faker for Python, companyEmail() of FakerPHP: the domain is the first word of a company, which is a family name, whoever the person is.",
};

/// Top-level domains that the generators choose from.
///
/// Source: `domain_suffix` of Ruby's faker, `tlds` of Faker for Python, `tld` of FakerPHP, in English.
const SUFFIXES: &[&str] = &["com", "net", "org", "biz", "info", "name", "io", "co"];

/// Share of a generator's rows that show it, and of real ones at least: one address in fifty may be a family business's.
const SEEDED: f64 = 0.6;
const REAL_FLOOR: f64 = 0.02;

/// Most rows of one domain, and their share of all that were found, past which it is one firm's, or an unknown mail provider's.
const MOST_SHARED: usize = 3;
const SHARED: f64 = 0.05;

/// Shortest name that is taken for one.
const SHORTEST: usize = 3;

impl Detector for GeneratorDomain {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        table.texts_or(META.reads, "no address")
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let (mut rows, mut domains) = (Vec::new(), Vec::new());
        for read in table.texts(META.reads) {
            for (offset, text) in chunk.frame.column(&read.name())?.str()?.iter().enumerate() {
                if let Some(domain) = text.and_then(of_a_family) {
                    rows.push(chunk.first_row + offset as Row);
                    domains.push(text_hash(0, domain));
                }
            }
        }
        DataFrame::new(rows.len(), vec![Series::new("row".into(), rows).into_column(), Series::new("domain".into(), domains).into_column()])
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        if merged.height() == 0 {
            return Ok(Vec::new());
        }
        let domains: Vec<u64> = merged.column("domain")?.u64()?.into_no_null_iter().collect();
        let rows = hardly_shared(&rows_of(merged)?, &domains);
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![Evidence {
            detector: META.id,
            family: META.family,
            table: table.profile.id,
            kind: "a family name for a domain".to_owned(),
            detail: "the address is at a domain made of somebody else's family name, which hardly two people here share".to_owned(),
            rows,
            measure: Measure::Rate { seeded: SEEDED, real_floor: REAL_FLOOR },
            certainty: Certainty::Suggests,
            proposes: false,
        }])
    }
}

/// Returns the domain of an address, where it is no mail provider's, and one or two family names of the lists that the part
/// before it does not hold.
fn of_a_family(text: &str) -> Option<&str> {
    let (local, domain) = address::parts(text)?;
    let (word, suffix) = domain.split_once('.')?;
    if !SUFFIXES.contains(&suffix) || is_provider(domain) {
        return None;
    }
    let local = local.to_ascii_lowercase();
    let anothers = |name: &str| name.len() >= SHORTEST && !local.contains(name) && vocabulary::is_family_name(name);
    (word.split('-').count() <= 2 && word.split('-').all(anothers)).then_some(domain)
}

/// Lists the rows whose domain hardly another one has; sorted.
fn hardly_shared(rows: &[Row], domains: &[u64]) -> Vec<Row> {
    let mut counts: HashMap<u64, usize, FixedState> = HashMap::default();
    domains.iter().for_each(|domain| *counts.entry(*domain).or_insert(0) += 1);
    let most = ((domains.len() as f64 * SHARED) as usize).max(MOST_SHARED);
    let mut rare: Vec<Row> = rows.iter().zip(domains).filter(|(_, domain)| counts[domain] <= most).map(|(row, _)| *row).collect();
    rare.sort_unstable();
    rare.dedup();
    rare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_domains_made_of_family_names() {
        for made in ["bernier.sherie@berge.net", "janna_lld_marks@nader.org", "cole@howe-mante.com", "ty@abbott.co"] {
            assert!(of_a_family(made).is_some(), "{made}");
        }
        let real = [
            "joe.nader@nader.org",
            "info@bernier-and-berge.com",
            "a@gmail.com",
            "b@btinternet.com",
            "c@berge.de",
            "d@berge",
            "berge.net",
            "e@cox.net",
        ];
        for real in real {
            assert_eq!(of_a_family(real), None, "{real}");
        }
    }

    #[test]
    fn leaves_out_what_many_share() {
        // A mail service with forty customers, and thirty domains of one or two.
        let domains: Vec<u64> = (0..70).map(|row| if row < 40 { 1 } else { 100 + (row - 40) / 2 }).collect();
        let rows: Vec<Row> = (0..70).collect();
        assert_eq!(hardly_shared(&rows, &domains), (40..70).collect::<Vec<Row>>());
        assert!(hardly_shared(&[], &[]).is_empty());
    }
}
