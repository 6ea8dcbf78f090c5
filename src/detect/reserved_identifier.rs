//! Names, addresses and numbers that standards reserve for examples and tests, so that nobody real
//! can have them. Exact lists only: `test.com` and `example.de` belong to somebody.

use polars::prelude::{DataFrame, PolarsResult};

use super::cells::{self, Finding};
use super::{Detector, TableView};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds reserved identifiers.
pub(super) struct ReservedIdentifier;

const META: DetectorMeta = DetectorMeta {
    id: "reserved-identifier",
    title: "Reserved identifiers",
    family: Family::Identifier,
    reads: &[Role::Email, Role::Ip, Role::Phone, Role::Url],
    finds: "Addresses at domains that cannot exist (RFC 2606, RFC 6761), IP addresses of documentation networks (RFC 5737, RFC 3849), telephone numbers set aside for fiction.",
    false_positives: "Rows anonymised on request often get such an address; they are told by their words and kept. A person who typed a made-up address stays in review: the fact alone never reaches a script.",
    source: "RFC 2606 section 2 and 3, RFC 6761 section 6, RFC 5737, RFC 3849, RFC 9637; NANPA: 555-0100 to 555-0199; share among real addresses: 1 of 1,267 public commit authors.",
};

/// Share of real rows with such an identifier, at least.
///
/// Source: 1 of 1,267 addresses of public commit authors.
const REAL_FLOOR: f64 = 0.0008;

const RESERVED_TLDS: &[&str] = &["test", "example", "invalid", "localhost"];
const RESERVED_DOMAINS: &[&str] = &["example.com", "example.net", "example.org"];

impl Detector for ReservedIdentifier {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        let reads = table.texts(META.reads);
        if reads.is_empty() { Err("no e-mail, IP, telephone or web address".to_owned()) } else { Ok(reads) }
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        cells::mark(chunk, table, META.reads, |role, text| match role {
            Role::Email => text.rsplit_once('@').and_then(|(_, domain)| reserved_host(domain)),
            Role::Url => host_of(text).and_then(reserved_host),
            Role::Ip => reserved_ip(text).map(str::to_owned),
            _ => reserved_phone(text).map(str::to_owned),
        })
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        cells::facts(&META, merged, table, |kind, _| {
            Some(Finding {
                detail: format!("{kind} is reserved for tests and examples; nobody can have it"),
                measure: Measure::Rate { seeded: 1.0, real_floor: REAL_FLOOR },
                certainty: Certainty::CannotBeHuman,
                proposes: true,
            })
        })
    }
}

/// Returns the reserved part of a host name.
pub(super) fn reserved_host(host: &str) -> Option<String> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if let Some(domain) = RESERVED_DOMAINS.iter().find(|d| host == **d || host.strip_suffix(*d).is_some_and(|rest| rest.ends_with('.'))) {
        return Some((*domain).to_owned());
    }
    let tld = host.rsplit('.').next().unwrap_or_default();
    RESERVED_TLDS.contains(&tld).then(|| format!(".{tld}"))
}

fn host_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = host.split(':').next()?;
    host.contains('.').then_some(host)
}

fn reserved_ip(text: &str) -> Option<&'static str> {
    use std::net::IpAddr;
    match text.split('/').next()?.parse::<IpAddr>().ok()? {
        IpAddr::V4(ip) => match ip.octets() {
            [192, 0, 2, _] => Some("192.0.2.0/24"),
            [198, 51, 100, _] => Some("198.51.100.0/24"),
            [203, 0, 113, _] => Some("203.0.113.0/24"),
            _ => None,
        },
        IpAddr::V6(ip) => match ip.segments() {
            [0x2001, 0x0db8, ..] => Some("2001:db8::/32"),
            [0x3fff, second, ..] if second < 0x1000 => Some("3fff::/20"),
            _ => None,
        },
    }
}

fn reserved_phone(text: &str) -> Option<&'static str> {
    let main = text.split(['x', 'e']).next().unwrap_or_default();
    let digits: String = main.chars().filter(char::is_ascii_digit).collect();
    let national = match digits.len() {
        11 => digits.strip_prefix('1')?,
        10 if !text.trim_start().starts_with('+') => digits.as_str(),
        _ => return None,
    };
    let last: u32 = national[6..].parse().ok()?;
    (&national[3..6] == "555" && (100..=199).contains(&last)).then_some("NXX-555-0100 to 0199")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_on_what_is_reserved() {
        for (host, kind) in [
            ("example.com", "example.com"),
            ("Mail.EXAMPLE.org", "example.org"),
            ("shop.test", ".test"),
            ("localhost", ".localhost"),
            ("x.invalid.", ".invalid"),
        ] {
            assert_eq!(reserved_host(host).as_deref(), Some(kind), "{host}");
        }
        for ip in ["192.0.2.7", "203.0.113.255/32", "2001:db8::1", "3fff:0fff::1"] {
            assert!(reserved_ip(ip).is_some(), "{ip}");
        }
        for phone in ["+1 (212) 555-0123", "212-555-0199", "12125550100"] {
            assert!(reserved_phone(phone).is_some(), "{phone}");
        }
        assert_eq!(host_of("https://user@example.com:8080/x?y").and_then(reserved_host).as_deref(), Some("example.com"));
    }

    #[test]
    fn stays_quiet_on_what_somebody_owns() {
        for host in
            ["test.com", "test.de", "example.de", "example.co.uk", "myexample.com", "demo.io", "latest", "contest.org", "localhost.run"]
        {
            assert_eq!(reserved_host(host), None, "{host}");
        }
        for ip in ["192.0.3.1", "10.0.0.1", "8.8.8.8", "3fff:1000::1", "2001:db9::1"] {
            assert_eq!(reserved_ip(ip), None, "{ip}");
        }
        for phone in ["+44 20 7946 0018", "212-555-1234", "212-554-0123", "5550123"] {
            assert_eq!(reserved_phone(phone), None, "{phone}");
        }
    }
}
