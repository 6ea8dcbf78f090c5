//! UUIDs that somebody typed: all digits alike, counters, `12345678-1234-...`, impossible versions.

use super::marks::{Finding, Kind, Marked, Marks};
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role};
use crate::profile::ColumnProfile;

/// Finds what [`META`] says.
pub(super) struct PatternedId;

const META: DetectorMeta = DetectorMeta {
    id: "patterned-id",
    title: "UUIDs typed by hand",
    family: Family::Identifier,
    reads: &[Role::Key, Role::ExternalId, Role::Token, Role::Code],
    finds: "UUIDs with so few different digits, or so long a row of rising ones, that no generator gave them (11111111-1111-..., 00000000-0000-4000-8000-000000000001, 12345678-1234-1234-1234-123456789012), in a column of UUIDs as generators give them.",
    false_positives: "Accounts of the system itself (an anonymous or deleted user) and reference data have such ids too; the nil and the all-ones UUID are left out, and one row by itself is for a person to look at.",
    source: "RFC 9562: 122 random bits. Six or fewer different digits among the 30 random ones of a UUID of version 4 occur once in 700 million; a row of eight rising digits once in 10 million.",
};

/// Most different hexadecimal digits of a UUID that was typed.
const FEW_DIGITS: usize = 6;

/// The same where most digits are a clock and a machine.
const FEW_DIGITS_WITH_CLOCK: usize = 4;

/// Length of a row of digits that each rise by one.
const RISING: usize = 8;

/// Share of the rows with UUIDs that must have one as a generator gives it.
const USUAL: f64 = 0.5;

/// Share of a seed's rows with such a UUID, where it gives ids itself, and of real ones, at least.
const SEEDED: f64 = 0.95;
const REAL_FLOOR: f64 = 0.0003;

const FEW: &str = "few different digits";
const ROW: &str = "rising digits";
const VERSION: &str = "impossible version";
const USUAL_KIND: &str = "usual";

impl Marks for PatternedId {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no UUIDs";

    fn wants(&self, column: &ColumnProfile) -> bool {
        column.facts.uuids * 2 > column.facts.values()
    }

    fn mark(&self, _role: Role, text: &str) -> Option<Kind> {
        kind(text).map(Into::into)
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        let count = |kind| of.all.get(kind).map_or(0, Vec::len) as f64;
        let usual = count(USUAL_KIND) >= USUAL * (count(USUAL_KIND) + count(FEW) + count(ROW) + count(VERSION));
        (of.kind != USUAL_KIND && usual).then(|| Finding {
            detail: format!("its UUID has {} that no generator gives", if of.kind == VERSION { "a version" } else { of.kind }),
            measure: Measure::Rate { seeded: SEEDED, real_floor: REAL_FLOOR },
            // A system of another make may write another version; digits like these only hands do.
            certainty: if of.kind == VERSION { Certainty::Suggests } else { Certainty::CannotBeHuman },
            proposes: true,
        })
    }
}

/// Says what kind of UUID a text is; `None` where it is none, or nil or all ones.
fn kind(text: &str) -> Option<&'static str> {
    let digits: Vec<u32> = text.chars().filter(|c| *c != '-').map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    if digits.len() != 32 || !matches!(text.len(), 32 | 36) || digits.iter().all(|d| *d == 0) || digits.iter().all(|d| *d == 15) {
        return None;
    }
    let (version, variant) = (digits[12], digits[16] >> 2);
    let known = variant == 2 && (1..=8).contains(&version);
    let clocked = known && matches!(version, 1 | 2 | 6 | 7);
    let random: Vec<u32> = digits.iter().enumerate().filter(|(place, _)| !known || !matches!(place, 12 | 16)).map(|(_, d)| *d).collect();
    let different = random.iter().fold(0_u32, |seen, d| seen | 1 << d).count_ones() as usize;
    if different <= if clocked { FEW_DIGITS_WITH_CLOCK } else { FEW_DIGITS } {
        return Some(FEW);
    }
    let mut row = 1;
    for pair in digits.windows(2) {
        row = if pair[1] == pair[0] + 1 { row + 1 } else { 1 };
        if row >= RISING {
            return Some(ROW);
        }
    }
    Some(if known { USUAL_KIND } else { VERSION })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_hands_type() {
        for text in [
            "11111111-1111-1111-1111-111111111111",
            "00000000-0000-4000-8000-000000000001",
            "00000000-0000-0000-0000-000000000042",
            "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
            "deadbeef-dead-beef-dead-beefdeadbeef",
        ] {
            assert_eq!(kind(text), Some(FEW), "{text}");
        }
        assert_eq!(kind("12345678-9abc-4def-8123-456789abcdef"), Some(ROW));
        assert_eq!(kind("f81d4fae-7dec-0dd0-a765-00a0c91e6bf6"), Some(VERSION));
    }

    #[test]
    fn stays_quiet_on_what_generators_give() {
        for text in [
            "f81d4fae-7dec-41d0-a765-00a0c91e6bf6",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
            "c232ab00-9414-11ec-b3c8-9f6bdeced846",
            "f81d4fae7dec41d0a76500a0c91e6bf6",
        ] {
            assert_eq!(kind(text), Some(USUAL_KIND), "{text}");
        }
        for text in ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "12", "", "not-a-uuid"] {
            assert_eq!(kind(text), None, "{text}");
        }
    }
}
