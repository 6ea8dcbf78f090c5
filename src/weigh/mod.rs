//! Turns measured facts into bits: log2 of how much likelier a fact is among a seed's rows than among
//! others of the same table.

use std::collections::BTreeSet;

use crate::detect::TableFacts;
use crate::model::{Bits, Evidence, Family, Measure, Row, TableId};

/// Log2 odds that a row is seeded before anything is known of it: one row in 1,024.
///
/// Source: seeds of tens to hundreds of rows in tables of tens of thousands; erring low protects people.
pub const PRIOR: Bits = Bits::from_hundredths(-1_000);

/// Rows outside candidate cohorts below which a table cannot tell what real looks like, so that the
/// shipped base rates apply.
pub const LEAST_OUTSIDE: usize = 200;

/// Most bits that a family may add to one row: facts inside a family depend on each other.
///
/// Source: caps of the evidence model: 12 bits a family, 4 for bursts, so that no family convicts alone
/// against a prior of -10.
#[must_use]
pub const fn cap(family: Family) -> Bits {
    Bits::from_hundredths(match family {
        Family::Time => 400,
        Family::Discordance => 800,
        Family::Human => 1_600,
        _ => 1_200,
    })
}

/// A fact with the bits that it gives each of its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighed {
    /// The fact.
    pub evidence: Evidence,
    /// Bits for each row, within the family's cap.
    pub bits: Bits,
}

/// Weighs facts. Base rates are estimated again from each table's rows outside candidate cohorts.
#[must_use]
pub fn weigh(evidence: Vec<Evidence>, facts: &[TableFacts]) -> Vec<Weighed> {
    let candidates: Vec<BTreeSet<Row>> =
        (0..facts.len()).map(|table| candidate_rows(&evidence, TableId(table as u32), facts[table].rows)).collect();
    evidence
        .into_iter()
        .map(|evidence| {
            let rows = facts[evidence.table.index()].rows;
            let bits = Bits::new(match evidence.measure {
                Measure::Rate { seeded, real_floor } => {
                    (seeded / base_rate(&evidence, &candidates[evidence.table.index()], rows, real_floor)).log2()
                }
                Measure::Chance { log2_p } => -log2_p,
                Measure::Against { bits } => bits,
            });
            Weighed { bits: bits.capped(cap(evidence.family)), evidence }
        })
        .collect()
}

/// Rows that some group fact puts together: what they show says nothing of the rest.
fn candidate_rows(evidence: &[Evidence], table: TableId, rows: usize) -> BTreeSet<Row> {
    let groups = evidence
        .iter()
        .filter(|e| e.table == table && e.proposes && !matches!(e.measure, Measure::Rate { .. }) && e.rows.len() * 2 <= rows);
    groups.flat_map(|e| e.rows.iter().copied()).collect()
}

/// Share of real rows that show a fact: among rows outside candidate cohorts, with half a row more
/// (Jeffreys' prior), and never below the shipped floor.
fn base_rate(evidence: &Evidence, candidates: &BTreeSet<Row>, rows: usize, floor: f64) -> f64 {
    let outside = rows - candidates.len().min(rows);
    if outside < LEAST_OUTSIDE {
        return floor;
    }
    let hits = evidence.rows.iter().filter(|r| !candidates.contains(r)).count();
    floor.max((hits as f64 + 0.5) / (outside as f64 + 1.0)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Certainty;

    fn fact(rows: Vec<Row>, measure: Measure, proposes: bool) -> Evidence {
        Evidence {
            detector: "test",
            family: Family::Identifier,
            table: TableId(0),
            kind: "k".into(),
            rows,
            measure,
            certainty: Certainty::Suggests,
            proposes,
            detail: String::new(),
        }
    }

    #[test]
    fn what_the_table_shows_anyway_counts_for_less() {
        let facts = vec![TableFacts { rows: 1_000, ..TableFacts::default() }];
        let rate = Measure::Rate { seeded: 1.0, real_floor: 0.0008 };
        let rare = weigh(vec![fact(vec![7], rate, false)], &facts)[0].bits;
        let common = weigh(vec![fact((0..200).collect(), rate, false)], &facts)[0].bits;
        assert!(rare > Bits::new(9.0) && common < Bits::new(3.0), "{rare} {common}");
        // The same 200 rows inside one group say nothing of the rest.
        let grouped =
            weigh(vec![fact((0..200).collect(), rate, false), fact((0..200).collect(), Measure::Chance { log2_p: -50.0 }, true)], &facts)
                [0]
            .bits;
        assert!(grouped > Bits::new(9.0), "{grouped}");
    }
}
