//! User agents that no browser has ever sent.

use super::marks::{Finding, Kind, Marked, Marks};
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role};

/// Finds what [`META`] says.
pub(super) struct ImpossibleAgent;

const META: DetectorMeta = DetectorMeta {
    id: "impossible-agent",
    title: "Impossible user agents",
    family: Family::Shape,
    reads: &[Role::UserAgent],
    finds: "User agents that no browser has sent: FakerBot, Chrome with a minor version, Opera with Presto and a language of this decade's lists, Gecko builds with a time of day; and those of tools that run tests.",
    false_positives: "Some bots and old proxies send made-up agents. The share of such agents in the rest of the table is weighed.",
    source: "Providers of faker-js 8 to 10 (91 % of its Chrome agents have a minor version that is not 0), Python's Faker and FakerPHP; Chrome's version is NNN.0.B.P since 2010.",
};

/// Share of real rows with such an agent, at least.
const REAL_FLOOR: f64 = 0.001;

/// Share of a generator's agents that give themselves away.
const SEEDED: f64 = 0.5;

/// Programs that drive a browser for tests, or that are no browser.
const TOOLS: &[&str] = &["HeadlessChrome", "PhantomJS", "Cypress/", "Playwright", "jsdom/", "k6/", "Artillery", "Apache-JMeter", "Locust"];

/// Says what is wrong with an agent.
fn flaw(agent: &str) -> Option<&'static str> {
    if agent.contains("FakerBot") {
        return Some("FakerBot");
    }
    if TOOLS.iter().any(|t| agent.contains(t)) {
        return Some("test tool");
    }
    if let Some((_, version)) = agent.split_once("Chrome/") {
        let mut parts = version.split(['.', ' ']);
        let major: u32 = parts.next()?.parse().ok()?;
        let minor: u32 = parts.next()?.parse().ok()?;
        // From version 1 to 4 there were minor versions; since then there is none.
        return (major >= 5 && minor != 0).then_some("Chrome with a minor version");
    }
    if agent.contains("Presto/2.9.1") && agent.contains("Version/1") {
        return Some("Presto of a generator");
    }
    if let Some((_, rest)) = agent.split_once("Gecko/") {
        return (rest.starts_with("20") && rest.len() > 18 && rest.as_bytes().get(4) == Some(&b'-')).then_some("Gecko with a time of day");
    }
    None
}

impl Marks for ImpossibleAgent {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no user agent";

    fn mark(&self, _role: Role, text: &str) -> Option<Kind> {
        flaw(text).map(Into::into)
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        Some(Finding {
            detail: format!("user agent that no browser sends: {}", of.kind),
            measure: Measure::Rate { seeded: SEEDED, real_floor: REAL_FLOOR },
            certainty: if of.kind == "FakerBot" { Certainty::CannotBeHuman } else { Certainty::Suggests },
            proposes: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_on_what_generators_write() {
        for (agent, what) in [
            ("FakerBot/1.2.0 (Windows)", "FakerBot"),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/98.2.1004.1 Safari/537.36",
                "Chrome with a minor version",
            ),
            ("Opera/9.41.(Windows NT 5.1; ja-JP) Presto/2.9.180 Version/12.00", "Presto of a generator"),
            ("Mozilla/5.0 (X11; Linux i686; rv:1.9.6.20) Gecko/2014-03-09 06:16:54 Firefox/3.8", "Gecko with a time of day"),
        ] {
            assert_eq!(flaw(agent), Some(what), "{agent}");
        }
    }

    #[test]
    fn stays_quiet_on_browsers() {
        for agent in [
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:133.0) Gecko/20100101 Firefox/133.0",
            "Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18",
            "curl/8.5.0",
        ] {
            assert_eq!(flaw(agent), None, "{agent}");
        }
    }
}
