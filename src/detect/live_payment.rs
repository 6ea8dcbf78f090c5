//! Payments that a provider took in live mode, by themselves, on later days: somebody has paid.

use std::collections::BTreeMap;

use polars::prelude::{DataFrame, PolarsResult};

use super::later::{inserted_by, later_rows};
use super::{Detector, NO_ROW, TableView, grouped, marks, rows_of};
use crate::model::stamp::DAY;
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row, TableClass, TableId};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct LivePayment;

const META: DetectorMeta = DetectorMeta {
    id: "live-payment",
    title: "Paid in live mode",
    family: Family::Human,
    reads: &[Role::ExternalId, Role::Code, Role::Token],
    finds: "Payments, refunds and disputes with an id in the form that Stripe, PayPal, Razorpay or Mollie gives, in live mode where the table says the mode, that were inserted by themselves a day or more after the account that they belong to. Counts against a seed, for the payment and for the account.",
    false_positives: "A seed may write such ids and \"live\" beside them; but it inserts its payments in the run in which it inserts its accounts, or all at once. Only where the order of insertion of both can be told, and only rows that lie where their date says.",
    source: "Forms of ids in the API references of Stripe (pi_, ch_, py_, re_, dp_ and 14 or 24 letters and digits), PayPal (17), Razorpay (pay_ and 14) and Mollie (tr_ and 10). Mode: the value that most of the table's payments have, as a site in production takes them.",
};

/// Bits against a seed where the table says the mode: one seed's account in 256 is paid for by somebody later.
const LIVE: f64 = -8.0;

/// The same where it does not: test mode has ids of the same form.
const UNSAID: f64 = -6.0;

/// Least time between an account's insertion and its payment's, microseconds: longer than a seed runs.
const LATER: i64 = DAY;

/// Share of the payments that must have one mode before it is taken for the live one.
const MOSTLY: f64 = 0.6;

/// Stands for a mode that the table does not say.
const NO_MODE: &str = "";

/// Fewest different characters of an id that was given and not typed.
const LEAST_DIFFERENT: u32 = 7;

/// Says whose id a text has the form of.
fn given_by(role: Role, text: &str) -> Option<&'static str> {
    let drawn = |t: &str| {
        let different = t.bytes().fold(0_u128, |seen, b| seen | 1 << (b & 127)).count_ones();
        t.bytes().all(|b| b.is_ascii_alphanumeric()) && t.bytes().any(|b| b.is_ascii_digit()) && different >= LEAST_DIFFERENT
    };
    let mixed = |t: &str| drawn(t) && t.bytes().any(|b| b.is_ascii_lowercase()) && t.bytes().any(|b| b.is_ascii_uppercase());
    if let Some((prefix, rest)) = text.split_once('_') {
        return match prefix {
            "pi" | "ch" | "py" | "re" | "dp" | "du" if matches!(rest.len(), 14 | 24) && mixed(rest) => Some("Stripe"),
            "pay" if rest.len() == 14 && mixed(rest) => Some("Razorpay"),
            "tr" if rest.len() == 10 && mixed(rest) => Some("Mollie"),
            _ => None,
        };
    }
    let paypal = role == Role::ExternalId && text.len() == 17 && drawn(text) && !text.bytes().any(|b| b.is_ascii_lowercase());
    (paypal && text.bytes().any(|b| b.is_ascii_uppercase())).then_some("PayPal")
}

impl Detector for LivePayment {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        if table.profile.class != TableClass::Money {
            return Err("no table of payments".to_owned());
        }
        let mut reads = table.texts(META.reads);
        if reads.is_empty() {
            return Err("no id of another system".to_owned());
        }
        if table.facts.order.is_empty() || owners(table).is_empty() {
            return Err("no people of theirs, or no order of insertion that can be told".to_owned());
        }
        reads.extend(mode(table));
        Ok(reads)
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let mode = mode(table).map(|m| chunk.frame.column(&m.name()).and_then(|c| c.str().cloned())).transpose()?;
        let (mut rows, mut kinds): (Vec<Row>, Vec<&str>) = (Vec::new(), Vec::new());
        for role in META.reads {
            for column in table.profile.columns_with(*role) {
                for (offset, text) in chunk.frame.column(&ColumnRead::Text(column).name())?.str()?.iter().enumerate() {
                    if text.and_then(|t| given_by(*role, t)).is_some() {
                        rows.push(chunk.first_row + offset as Row);
                        kinds.push(mode.as_ref().map_or(NO_MODE, |m| m.get(offset).unwrap_or(NO_MODE)));
                    }
                }
            }
        }
        marks::frame(rows, &kinds)
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let modes: Vec<&str> = merged.column("kind")?.str()?.iter().flatten().collect();
        let by_mode = grouped(&rows_of(merged)?, &modes);
        let all: usize = by_mode.values().map(Vec::len).sum();
        let Some((mode, paid)) = by_mode.into_iter().max_by_key(|(mode, rows)| (rows.len(), std::cmp::Reverse(*mode))) else {
            return Ok(Vec::new());
        };
        if (paid.len() as f64) < MOSTLY * all as f64 {
            return Ok(Vec::new());
        }
        let bits = if mode == NO_MODE { UNSAID } else { LIVE };
        let fact = |table: TableId, rows: Vec<Row>, detail: &str| Evidence {
            detector: META.id,
            family: META.family,
            table,
            kind: "paid".to_owned(),
            detail: detail.to_owned(),
            rows,
            measure: Measure::Against { bits },
            certainty: Certainty::Suggests,
            proposes: false,
        };
        let mut found = Vec::new();
        let mut payments: Vec<Row> = Vec::new();
        for (people, owner_of) in owners(table) {
            let owners = &table.all[people.index()];
            let by = inserted_by(owners);
            let later = later_rows(table.facts, owners, &owner_of)
                .filter(|l| paid.binary_search(&l.row).is_ok() && by[l.owner as usize].is_some_and(|by| l.inserted - by >= LATER));
            let mut payers: Vec<Row> = Vec::new();
            for row in later {
                payments.push(row.row);
                payers.push(row.owner);
            }
            payers.sort_unstable();
            payers.dedup();
            found.push(fact(people, payers, "a payment of theirs was taken a day or more after the account was made"));
        }
        payments.sort_unstable();
        payments.dedup();
        found.push(fact(table.profile.id, payments, "taken by a payment provider, a day or more after the account was made"));
        Ok(found)
    }
}

/// Returns the column that says the mode, as a read.
fn mode(table: &TableView<'_>) -> Option<ColumnRead> {
    table.profile.column(Role::ModeFlag).map(ColumnRead::Text)
}

/// Finds whose each payment is: people that it names, else those that what it is for names. Of two people, payer and
/// payee, neither is told.
fn owners(table: &TableView<'_>) -> BTreeMap<TableId, Vec<Row>> {
    let facts = |id: TableId| &table.all[id.index()];
    let direct: Vec<_> = table.facts.parents.iter().filter(|l| facts(l.parent).people && l.parent != table.profile.id).collect();
    if let [only] = direct.as_slice() {
        return BTreeMap::from([(only.parent, only.rows.clone())]);
    }
    let mut found: BTreeMap<TableId, Vec<Row>> = BTreeMap::new();
    if !direct.is_empty() {
        return found;
    }
    for link in table.facts.parents.iter().filter(|l| l.parent != table.profile.id) {
        let above: Vec<_> = facts(link.parent).parents.iter().filter(|l| facts(l.parent).people).collect();
        if let [only] = above.as_slice() {
            let owner = |row: &Row| if *row == NO_ROW { NO_ROW } else { only.rows[*row as usize] };
            found.entry(only.parent).or_insert_with(|| link.rows.iter().map(owner).collect());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_forms() {
        for (text, by) in [
            ("pi_3MtwBwLkdIwHu7ix28a3tqPa", "Stripe"),
            ("ch_1Ff5aBCdef2GhI", "Stripe"),
            ("pay_29QQoUBi66xm2f", "Razorpay"),
            ("tr_7UhSN1zuXS", "Mollie"),
            ("5TY05013RG002845M", "PayPal"),
        ] {
            assert_eq!(given_by(Role::ExternalId, text), Some(by), "{text}");
        }
        for text in
            ["pi_1", "pi_test_1234567890", "ch_aaaaaaaaaaaaaa", "pay_7", "txn_4k2j9d8s1", "5ty05013rg002845m", "ORDER-2025-000017", ""]
        {
            assert_eq!(given_by(Role::ExternalId, text), None, "{text}");
        }
        // Seventeen capitals and digits are many a code.
        assert_eq!(given_by(Role::Code, "5TY05013RG002845M"), None);
    }
}
