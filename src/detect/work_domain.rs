//! Addresses at the domain of an employer whose people came one by one, on different days.

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

use foldhash::fast::FixedState;
use polars::prelude::{DataFrame, PolarsResult};

use super::address;
use super::later::BATCH;
use super::reserved_identifier::reserved_host;
use super::{Detector, Ranks, TableFacts, TableView, grouped, marks, rows_of};
use crate::model::stamp::{DAY, HOUR, SECOND};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row, TableClass};
use crate::profile::is_privileged;
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct WorkDomain;

const META: DetectorMeta = DetectorMeta {
    id: "work-domain",
    title: "Colleagues came before and after",
    family: Family::Human,
    reads: &[Role::Email],
    finds: "Accounts that were inserted by themselves and whose address is at a domain, no mail provider's, of which others were too, on at least four days of at least four weeks and at different times of the day. Counts against a seed, which inserts all its accounts in one run or, day by day, at one time.",
    false_positives: "The site's own domain is where its testers have their addresses: a domain with an administrator, a role mailbox or a test account tells nothing, nor does one of whose accounts some came together. Applies only where the order of insertion can be told.",
    source: "Onboarding of companies: colleagues sign up over weeks. Mail providers and relays by name, and any domain of more than 2 % of the table.",
};

/// Bits against a seed: as much as in eight accounts of a seed one is so placed by hand.
const AGAINST: f64 = -3.0;

/// Fewest days on which people of a domain came, and from the first to the last, microseconds.
const LEAST_DAYS: usize = 4;
const LEAST_SPAN: i64 = 28 * DAY;

/// Accounts of one domain within this, microseconds, came together.
const TOGETHER: i64 = HOUR;

/// Accounts whose times of day differ by at most this, microseconds, came from a job that runs daily.
const SAME_TIME: i64 = 10 * SECOND;

/// Share of a domain's accounts that may have come within one stretch of the day, microseconds: a job runs at its hour.
const ONE_STRETCH: f64 = 0.5;
const STRETCH: i64 = 2 * HOUR;

/// Share of a domain's accounts that must have come by themselves.
const BY_THEMSELVES: f64 = 0.8;

/// Share of the table from which a domain is a mail provider's, whatever its name, where it has more than a company's
/// accounts.
const PROVIDER_SHARE: f64 = 0.02;
const PROVIDER_LEAST: usize = 100;

/// Mail providers and relays, by a label of their domain.
///
/// Source: the most frequent domains of public lists of free mail providers.
const PROVIDERS: &[&str] = &[
    "126",
    "163",
    "anonaddy",
    "aol",
    "appleid",
    "att",
    "bluewin",
    "bol",
    "btinternet",
    "centrum",
    "comcast",
    "cox",
    "daum",
    "duck",
    "email",
    "fastmail",
    "free",
    "freenet",
    "gmail",
    "gmx",
    "googlemail",
    "hanmail",
    "hey",
    "hotmail",
    "icloud",
    "inbox",
    "interia",
    "kpnmail",
    "laposte",
    "libero",
    "list",
    "live",
    "mac",
    "mail",
    "mailbox",
    "me",
    "mozmail",
    "msn",
    "naver",
    "noreply",
    "o2",
    "onet",
    "orange",
    "outlook",
    "planet",
    "posteo",
    "privaterelay",
    "proton",
    "protonmail",
    "qq",
    "rambler",
    "rediffmail",
    "sbcglobal",
    "seznam",
    "sfr",
    "simplelogin",
    "sina",
    "t-online",
    "telia",
    "terra",
    "tiscali",
    "uol",
    "verizon",
    "virgilio",
    "wanadoo",
    "web",
    "wp",
    "yahoo",
    "yandex",
    "ya",
    "ymail",
    "ziggo",
];

/// The same, to look labels up.
static KNOWN_PROVIDERS: LazyLock<HashSet<&str, FixedState>> = LazyLock::new(|| PROVIDERS.iter().copied().collect());

/// Words of role mailboxes and of accounts that testers make.
const NO_PERSON: &[&str] = &[
    "admin",
    "administrator",
    "billing",
    "contact",
    "demo",
    "dev",
    "dummy",
    "e2e",
    "fake",
    "help",
    "hello",
    "info",
    "noreply",
    "office",
    "postmaster",
    "qa",
    "reply",
    "root",
    "sales",
    "sample",
    "service",
    "staging",
    "support",
    "sysadmin",
    "team",
    "test",
    "tester",
    "testing",
    "user",
    "webmaster",
];

/// Stands, behind a domain, for an account that is no person's.
const NOBODY: char = '!';

impl Detector for WorkDomain {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        if table.profile.class != TableClass::People {
            return Err("no table of people".to_owned());
        }
        if table.profile.column(Role::Email).is_none() {
            return Err("no e-mail address".to_owned());
        }
        if table.facts.order.is_empty() {
            return Err("the order of insertion cannot be told".to_owned());
        }
        Ok(table.texts(&[Role::Email, Role::Privilege]))
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let Some(email) = table.profile.column(Role::Email) else { return marks::frame(Vec::new(), &[]) };
        let mut privileged: Vec<bool> = vec![false; chunk.frame.height()];
        for column in table.profile.columns_with(Role::Privilege) {
            let flag = table.profile.columns[column].facts.booleans > 0;
            for (offset, text) in chunk.frame.column(&ColumnRead::Text(column).name())?.str()?.iter().enumerate() {
                privileged[offset] |= text.is_some_and(|t| is_privileged(t, flag));
            }
        }
        let (mut rows, mut domains): (Vec<Row>, Vec<String>) = (Vec::new(), Vec::new());
        for (offset, text) in chunk.frame.column(&ColumnRead::Text(email).name())?.str()?.iter().enumerate() {
            let Some((local, domain)) = text.and_then(address::parts) else { continue };
            let domain = domain.to_ascii_lowercase();
            if is_provider(&domain) || reserved_host(&domain).is_some() {
                continue;
            }
            rows.push(chunk.first_row + offset as Row);
            let nobody = privileged[offset] || is_nobody(local);
            domains.push(if nobody { format!("{domain}{NOBODY}") } else { domain });
        }
        let domains: Vec<&str> = domains.iter().map(String::as_str).collect();
        marks::frame(rows, &domains)
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let domains: Vec<&str> = merged.column("kind")?.str()?.iter().flatten().collect();
        let by_domain = grouped(&rows_of(merged)?, &domains);
        let ranks = table.facts.ranks();
        let most = PROVIDER_LEAST.max((PROVIDER_SHARE * table.rows() as f64) as usize);
        let staffed = |domain: &str| by_domain.contains_key(format!("{domain}{NOBODY}").as_str());
        let fact = |(domain, rows): (&&str, &Vec<Row>)| {
            let of = domain.trim_end_matches(NOBODY);
            if rows.len() < LEAST_DAYS || rows.len() > most || staffed(of) {
                return None;
            }
            let rows = by_themselves(table.facts, &ranks, rows)?;
            Some(Evidence {
                detector: META.id,
                family: META.family,
                table: table.profile.id,
                kind: of.to_owned(),
                detail: format!("{} people of {of} came one by one, on different days", rows.len()),
                rows,
                measure: Measure::Against { bits: AGAINST },
                certainty: Certainty::Suggests,
                proposes: false,
            })
        };
        Ok(by_domain.iter().filter_map(fact).collect())
    }
}

/// Returns those of a domain's accounts that came by themselves, where they are nearly all and came over weeks.
fn by_themselves(facts: &TableFacts, ranks: &Ranks, rows: &[Row]) -> Option<Vec<Row>> {
    let mut times: Vec<(i64, Row)> = rows.iter().filter_map(|row| Some((facts.inserted(*row)?, *row))).collect();
    times.sort_unstable();
    let mut of_day: Vec<(i64, Row)> = times.iter().map(|(time, row)| (time.rem_euclid(DAY), *row)).collect();
    of_day.sort_unstable();
    let mut not_alone: BTreeSet<Row> = BTreeSet::new();
    for (sorted, distance) in [(&times, TOGETHER), (&of_day, SAME_TIME)] {
        for pair in sorted.windows(2).filter(|pair| pair[1].0 - pair[0].0 <= distance) {
            not_alone.extend([pair[0].1, pair[1].1]);
        }
    }
    if densest(&of_day) as f64 > ONE_STRETCH * rows.len() as f64 {
        return None;
    }
    let in_batch = |time: i64, row: Row| {
        let Some(rank) = ranks.get(row).map(|rank| rank as usize) else { return false };
        let beside = |place: Option<usize>| {
            let other = place.and_then(|p| facts.order.get(p)).and_then(|r| facts.inserted(r));
            other.is_some_and(|t| (t - time).abs() <= BATCH)
        };
        beside(rank.checked_sub(1)) || beside(Some(rank + 1))
    };
    let alone: Vec<(i64, Row)> =
        times.into_iter().filter(|(time, row)| !not_alone.contains(row) && facts.in_place(*row, 0) && !in_batch(*time, *row)).collect();
    let days: BTreeSet<i64> = alone.iter().map(|(time, _)| time.div_euclid(DAY)).collect();
    let span = alone.last()?.0 - alone.first()?.0;
    if days.len() < LEAST_DAYS || span < LEAST_SPAN || (alone.len() as f64) < BY_THEMSELVES * rows.len() as f64 {
        return None;
    }
    let mut rows: Vec<Row> = alone.into_iter().map(|(_, row)| row).collect();
    rows.sort_unstable();
    Some(rows)
}

/// Counts the accounts in the fullest stretch of the day; takes them in its order.
fn densest(of_day: &[(i64, Row)]) -> usize {
    let day = of_day.iter().map(|(time, _)| *time);
    let round: Vec<i64> = day.clone().chain(day.map(|time| time + DAY)).collect();
    let mut end = 0;
    let within = |start: usize| {
        while end < round.len() && round[end] - round[start] <= STRETCH {
            end += 1;
        }
        end - start
    };
    (0..of_day.len()).map(within).max().unwrap_or(0).min(of_day.len())
}

/// Returns whether a lower-case domain is a mail provider's, or none that anybody could have.
pub(super) fn is_provider(domain: &str) -> bool {
    match domain.rsplit_once('.') {
        // Relays have their service's name before their owner's, and a suffix may have two labels: co.uk, com.br.
        Some((rest, _)) => rest.split('.').any(|label| KNOWN_PROVIDERS.contains(label)),
        None => true,
    }
}

/// Returns whether a local part names no person: a role's mailbox, or what a tester types.
fn is_nobody(local: &str) -> bool {
    let words = local.split(|c: char| !c.is_ascii_alphabetic()).filter(|w| !w.is_empty());
    words.map(str::to_ascii_lowercase).any(|word| NO_PERSON.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn tells_employers_from_providers() {
        for provider in [
            "gmail.com",
            "yahoo.co.uk",
            "hotmail.fr",
            "mail.ru",
            "localhost",
            "uol.com.br",
            "privaterelay.appleid.com",
            "users.noreply.github.com",
        ] {
            assert!(is_provider(provider), "{provider}");
        }
        for employer in ["harborlinefreight.com", "nhs.uk", "acme.co.uk", "post.ch"] {
            assert!(!is_provider(employer), "{employer}");
        }
        assert!(is_nobody("qa.test0") && is_nobody("no-reply") && is_nobody("user12") && is_nobody("Support"));
        assert!(!is_nobody("anna.testa") && !is_nobody("m.adminowska"));
    }

    #[test]
    fn colleagues_come_over_weeks_and_jobs_at_one_time() {
        let facts = |at: &[i64]| TableFacts {
            rows: at.len(),
            created: Arc::new(at.iter().map(|t| Some(*t)).collect()),
            order: (0..at.len() as Row).collect(),
            ..TableFacts::default()
        };
        let people = |at: &[i64]| {
            let facts = facts(at);
            by_themselves(&facts, &facts.ranks(), &(0..at.len() as Row).collect::<Vec<_>>())
        };
        let organic = [DAY + HOUR, 4 * DAY + 7 * HOUR, 9 * DAY + 3 * HOUR, 30 * DAY + 5 * HOUR + 9 * SECOND, 41 * DAY + 9 * HOUR];
        assert_eq!(people(&organic).map(|r| r.len()), Some(5));
        // One of five came with another.
        assert_eq!(people(&[&organic[..], &[41 * DAY + 9 * HOUR + 90 * SECOND]].concat()), None);
        // A job, day by day; a run of an hour; too few weeks.
        assert_eq!(people(&(0..40).map(|i| i * DAY + 9 * HOUR + i * 40_000).collect::<Vec<_>>()), None);
        // The same with an hour's delay, more or less.
        assert_eq!(people(&(0..40).map(|i| i * DAY + 9 * HOUR + i * 37 % 61 * 60 * SECOND).collect::<Vec<_>>()), None);
        assert_eq!(people(&(0..40).map(|i| i * 90 * SECOND).collect::<Vec<_>>()), None);
        assert_eq!(people(&organic.map(|t| t / 2)), None);
    }
}
