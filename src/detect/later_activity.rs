//! People who came back: what they own was written on other days than their account.

use polars::prelude::{DataFrame, PolarsResult};

use super::later::{Days, later_rows};
use super::{Detector, TableView, marks};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row, TableClass};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct LaterActivity;

const META: DetectorMeta = DetectorMeta {
    id: "later-activity",
    title: "Came back on later days",
    family: Family::Human,
    reads: &[Role::CreatedAt],
    finds: "Accounts with rows of their own (logins, orders, posts) that were inserted on at least two later days. Counts against a seed: whatever dates it invents, it inserts all its rows in one run.",
    false_positives: "Demo accounts that staff use look used, and are: they come to review instead. Only tables whose order of insertion can be trusted count, and only rows that lie where their date says; messages between two people, which the other one may have written, do not.",
    source: "Days of insertion by the trusted order of the children. Weighed by the share of the table's accounts that came back against 1 in 200 of a seed's.",
};

/// Later days on which rows must have been written.
const LEAST_DAYS: u8 = 2;

/// Share of a seed's accounts that somebody used on later days.
const SEEDED: f64 = 0.005;

/// Most bits against a seed.
const MOST: f64 = 8.0;

impl Detector for LaterActivity {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        if table.profile.class != TableClass::People {
            return Err("no table of people".to_owned());
        }
        if !table.facts.has_times() {
            return Err("no creation time".to_owned());
        }
        let own = table.profile.id;
        if table.all.iter().all(|child| child.order.is_empty() || child.parents.iter().all(|l| l.parent != own)) {
            return Err("no rows of theirs whose order of insertion can be told".to_owned());
        }
        Ok(Vec::new())
    }

    fn scan(&self, _chunk: &Chunk, _table: &TableView<'_>) -> PolarsResult<DataFrame> {
        // Times, orders and parents are at hand in the tables' facts.
        marks::frame(Vec::new(), &[])
    }

    fn finish(&self, _merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let mut days = vec![Days::NONE; table.rows()];
        for child in table.all {
            let mut links = child.parents.iter().filter(|l| l.parent == table.profile.id);
            // Of two people either may have written the row.
            let (Some(link), None) = (links.next(), links.next()) else { continue };
            // In the order of insertion days only rise; of several tables' days those later than all before count.
            later_rows(child, table.facts, &link.rows).for_each(|later| days[later.owner as usize].note(later.day()));
        }
        let rows: Vec<Row> = (0..table.rows() as Row).filter(|row| days[*row as usize].count() >= LEAST_DAYS).collect();
        let share = rows.len() as f64 / table.rows().max(1) as f64;
        let bits = (share / SEEDED).log2().clamp(0.0, MOST);
        if bits == 0.0 {
            return Ok(Vec::new());
        }
        Ok(vec![Evidence {
            detector: META.id,
            family: META.family,
            table: table.profile.id,
            kind: "came back".to_owned(),
            detail: "rows of theirs were inserted on at least two later days".to_owned(),
            rows,
            measure: Measure::Against { bits: -bits },
            certainty: Certainty::Suggests,
            proposes: false,
        }])
    }
}
