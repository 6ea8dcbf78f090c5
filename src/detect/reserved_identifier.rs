//! Names, addresses and numbers that standards reserve for examples and tests, so that nobody real
//! can have them. Exact lists only: `test.com` and `example.de` belong to somebody.

use super::address;
use super::marks::{Finding, Kind, Marked, Marks};
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role};

/// Finds reserved identifiers.
pub(super) struct ReservedIdentifier;

const META: DetectorMeta = DetectorMeta {
    id: "reserved-identifier",
    title: "Reserved identifiers",
    family: Family::Identifier,
    reads: &[Role::Email, Role::Ip, Role::Phone, Role::Url],
    finds: "Addresses at domains that cannot exist (RFC 2606, RFC 6761), IP addresses of documentation networks (RFC 5737, RFC 3849) or outside all unicast space, telephone numbers set aside for fiction.",
    false_positives: "Rows anonymised on request often get such an address; they are told by their words and kept. A person who typed a made-up address stays in review: the fact alone never reaches a script.",
    source: "RFC 2606 section 2 and 3, RFC 6761 section 6, RFC 5737, RFC 3849, RFC 9637; RFC 1112, RFC 6890; NANPA: 555-0100 to 555-0199; Ofcom, ACMA, ComReg, Bundesnetzagentur, Arcep and PTS: numbers for drama and fiction; share among real addresses: 1 of 1,267 public commit authors.",
};

/// Share of real rows with such an identifier, at least.
///
/// Source: 1 of 1,267 addresses of public commit authors.
const REAL_FLOOR: f64 = 0.0008;

/// Kind of an IPv4 address in 0.0.0.0/8, 224.0.0.0/4 or 240.0.0.0/4, and how many of evenly drawn ones lie there.
///
/// Source: RFC 1112, RFC 6890; (1 + 16 + 15) of 256 first bytes, 255 being broadcast.
const OUTSIDE_UNICAST: &str = "outside unicast";
const DRAWN_OUTSIDE: f64 = 0.125;

const RESERVED_TLDS: &[&str] = &["test", "example", "invalid", "localhost"];
const RESERVED_DOMAINS: &[&str] = &["example.com", "example.net", "example.org"];

impl Marks for ReservedIdentifier {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no e-mail, IP, telephone or web address";

    fn mark(&self, role: Role, text: &str) -> Option<Kind> {
        match role {
            Role::Email => address::parts(text).and_then(|(_, domain)| reserved_host(domain)).map(Into::into),
            Role::Url => host_of(text).and_then(reserved_host).map(Into::into),
            Role::Ip => reserved_ip(text).map(Into::into),
            _ => reserved_phone(text).map(Into::into),
        }
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        if of.kind == OUTSIDE_UNICAST {
            // An address that was hashed or drawn to hide a person's looks the same, and stands in every row.
            return Some(Finding {
                detail: "an IP address outside all unicast space".to_owned(),
                measure: Measure::Rate { seeded: DRAWN_OUTSIDE, real_floor: REAL_FLOOR },
                certainty: Certainty::Suggests,
                proposes: false,
            });
        }
        Some(Finding {
            detail: format!("{} is reserved for tests and examples; nobody can have it", of.kind),
            measure: Measure::Rate { seeded: 1.0, real_floor: REAL_FLOOR },
            certainty: Certainty::CannotBeHuman,
            proposes: true,
        })
    }
}

/// Returns the reserved part of a host name.
pub(super) fn reserved_host(host: &str) -> Option<String> {
    let host = host.trim_end_matches('.');
    let ends_with = |domain: &str| {
        let rest = host.len().checked_sub(domain.len());
        rest.and_then(|rest| Some((host.get(..rest)?, host.get(rest..)?)))
            .is_some_and(|(rest, end)| end.eq_ignore_ascii_case(domain) && (rest.is_empty() || rest.ends_with('.')))
    };
    if let Some(domain) = RESERVED_DOMAINS.iter().find(|domain| ends_with(domain)) {
        return Some((*domain).to_owned());
    }
    RESERVED_TLDS.iter().find(|tld| ends_with(tld)).map(|tld| format!(".{tld}"))
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
            // This network, multicast, and what was never given out: no client has such an address.
            [0, rest @ ..] if rest != [0, 0, 0] => Some(OUTSIDE_UNICAST),
            [224..=254, ..] => Some(OUTSIDE_UNICAST),
            _ => None,
        },
        IpAddr::V6(ip) => match ip.segments() {
            [0x2001, 0x0db8, ..] => Some("2001:db8::/32"),
            [0x3fff, second, ..] if second < 0x1000 => Some("3fff::/20"),
            _ => None,
        },
    }
}

/// Numbers that regulators set aside for drama and fiction: the country's code, the digits behind it, and how
/// many follow that may be anything.
///
/// Source: Ofcom "Telephone numbers for drama", ACMA "Numbers for use in radio, film and television", `ComReg`
/// "Numbering Conventions" (020 91X), Bundesnetzagentur "Rufnummern für Medienproduktionen", Arcep decision 2018-0881,
/// PTS "Nummer för användning i böcker och filmer".
const FICTION: &[(&str, &str, usize)] = &[
    ("44", "1134960", 3),
    ("44", "1144960", 3),
    ("44", "1154960", 3),
    ("44", "1164960", 3),
    ("44", "1174960", 3),
    ("44", "1184960", 3),
    ("44", "1214960", 3),
    ("44", "1314960", 3),
    ("44", "1414960", 3),
    ("44", "1514960", 3),
    ("44", "1614960", 3),
    ("44", "1632960", 3),
    ("44", "1914980", 3),
    ("44", "2079460", 3),
    ("44", "2896496", 3),
    ("44", "2920180", 3),
    ("44", "3069990", 3),
    ("44", "7700900", 3),
    ("44", "8081570", 3),
    ("44", "9098790", 3),
    ("61", "25550", 4),
    ("61", "27010", 4),
    ("61", "35550", 4),
    ("61", "37010", 4),
    ("61", "75550", 4),
    ("61", "77010", 4),
    ("61", "85550", 4),
    ("61", "87010", 4),
    ("61", "491570006", 0),
    ("61", "491570156", 0),
    ("61", "491570157", 0),
    ("61", "491570158", 0),
    ("61", "491570159", 0),
    ("61", "491570110", 0),
    ("61", "1800160401", 0),
    ("61", "1800975707", 0),
    ("353", "2091", 5),
    ("49", "3023125", 3),
    ("49", "17139200", 2),
    ("49", "2214710", 3),
    ("49", "4066969", 3),
    ("49", "6990009", 3),
    ("49", "8999998", 3),
    ("33", "19900", 4),
    ("33", "26191", 4),
    ("33", "35301", 4),
    ("33", "46571", 4),
    ("33", "53649", 4),
    ("33", "63998", 4),
    ("46", "8465004", 2),
    ("46", "3139006", 2),
    ("46", "4062804", 2),
];

fn reserved_phone(text: &str) -> Option<&'static str> {
    let main = text.split(['x', 'e']).next().unwrap_or_default();
    let digits: String = main.chars().filter(char::is_ascii_digit).collect();
    if !(9..=15).contains(&digits.len()) {
        return None;
    }
    if american(text, &digits) {
        return Some("NXX-555-0100 to 0199");
    }
    FICTION.iter().find(|(country, prefix, rest)| is_fiction(text, &digits, country, prefix, *rest)).map(|(country, _, _)| match *country {
        "44" => "a British number for drama",
        "61" => "an Australian number for fiction",
        "353" => "an Irish number for drama",
        "49" => "a German number for drama",
        "33" => "a French number for fiction",
        _ => "a Swedish number for fiction",
    })
}

fn american(text: &str, digits: &str) -> bool {
    let national = match digits.len() {
        11 => digits.strip_prefix('1'),
        10 if !text.trim_start().starts_with('+') => Some(digits),
        _ => None,
    };
    national.is_some_and(|n| &n[3..6] == "555" && n[6..].parse::<u32>().is_ok_and(|last| (100..=199).contains(&last)))
}

/// Only a number that names its country counts, but for two ranges that no other plan can be meant by: a British
/// 07700 900xxx and 020 7946 0xxx are written without it as a rule.
fn is_fiction(text: &str, digits: &str, country: &str, prefix: &str, rest: usize) -> bool {
    let international = text.trim_start().starts_with('+').then_some(digits).or_else(|| digits.strip_prefix("00"));
    let national = match international {
        Some(number) => number.strip_prefix(country).map(|n| n.strip_prefix('0').unwrap_or(n)),
        None if country == "44" && matches!(prefix, "7700900" | "2079460") => digits.strip_prefix('0'),
        None => None,
    };
    national.and_then(|n| n.strip_prefix(prefix)).is_some_and(|end| end.len() == rest)
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
        for ip in ["192.0.2.7", "203.0.113.255/32", "2001:db8::1", "3fff:0fff::1", "0.12.7.1", "239.1.2.3", "250.4.4.4"] {
            assert!(reserved_ip(ip).is_some(), "{ip}");
        }
        for phone in [
            "+1 (212) 555-0123",
            "212-555-0199",
            "12125550100",
            "+44 20 7946 0018",
            "+44 (0)1632 960123",
            "07700 900 123",
            "020 7946 0999",
            "+61 491 570 156",
            "+61 2 5550 1234",
            "0049 30 23125 123",
            "+33 6 39 98 12 34",
        ] {
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
        for ip in
            ["192.0.3.1", "10.0.0.1", "8.8.8.8", "3fff:1000::1", "2001:db9::1", "0.0.0.0", "127.0.0.1", "255.255.255.255", "223.255.1.1"]
        {
            assert_eq!(reserved_ip(ip), None, "{ip}");
        }
        for phone in [
            "212-555-1234",
            "212-554-0123",
            "5550123",
            "+44 20 7946 1018",
            "+44 7700 901123",
            "01632 960123",
            "+49 7700 900123",
            "+61 491 571 156",
            "+44 1632 96012345",
            "",
            "+",
        ] {
            assert_eq!(reserved_phone(phone), None, "{phone}");
        }
    }
}
