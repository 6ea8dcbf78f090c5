//! The same people again and again: demo tenants cloned from one template, each with its own Maya, Oliver and Hannah.

mod blocks;
mod under;

use std::cmp::Reverse;

use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use self::blocks::{Copies, LEAST_PEOPLE, copies, recurring};
use self::under::groupings;
use super::context::text_hash;
use super::{Detector, TableView, few_names, vocabulary};
use crate::model::stamp::DAY;
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row, TableId};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct RecurringBlock;

const META: DetectorMeta = DetectorMeta {
    id: "recurring-block",
    title: "The same people under many parents",
    family: Family::Copy,
    reads: &[Role::PersonName, Role::GivenName],
    finds: "Accounts of the same four or more names, each with an address of its own, under five or more rows of another table: dated the same times apart, or entered one block after the other. And the rows that they are under.",
    false_positives: "Lists of tasks, prices, courses and default rows come under many parents by nature, and are not looked at. Default accounts bear the names of posts, and most parents have them; who looks after many branches has one address, or the branches have people of their own; accounts that are used are nobody's copies. What is left looks the same, a chain whose few managers have an account in each shop, and the template itself: this asks a person, and seeds nothing.",
    source: "Scripts that clone a template tenant for each demo, copying its rows with all dates shifted or with the time of the run. Of real people no four are together under five parents with five addresses each.",
};

/// Share of the block's names that must begin with somebody's: `Front Desk` and `Night Audit` are posts.
const NAMED: f64 = 0.5;

impl Detector for RecurringBlock {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        if !table.facts.people {
            return Err("no table of people".to_owned());
        }
        let (first, last) = few_names::names(table)?;
        let Some(address) = table.profile.column(Role::Email) else { return Err("no address".to_owned()) };
        if table.facts.created.is_empty() {
            return Err("no creation time".to_owned());
        }
        if groupings(table).is_empty() {
            return Err("no rows of another table that people are under".to_owned());
        }
        let texts = std::iter::once(first).chain(last).chain([address]).map(ColumnRead::Text);
        Ok(texts.chain(table.profile.columns_with(Role::ActivityAt).map(ColumnRead::Time)).collect())
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let (Ok((first, last)), Some(address)) = (few_names::names(table), table.profile.column(Role::Email)) else {
            return Ok(DataFrame::default());
        };
        let texts = |column: usize| chunk.frame.column(&ColumnRead::Text(column).name())?.str();
        let (first, last, address) = (texts(first)?, last.map(texts).transpose()?, texts(address)?);
        let active = table.profile.columns_with(Role::ActivityAt).map(|c| chunk.frame.column(&ColumnRead::Time(c).name())?.i64());
        let active = active.collect::<PolarsResult<Vec<_>>>()?;
        let mut word = String::new();
        let (mut rows, mut names, mut addresses, mut used): (Vec<Row>, Vec<u64>, Vec<u32>, Vec<bool>) = Default::default();
        for at in 0..chunk.frame.height() {
            let row = chunk.first_row + at as Row;
            let Some((own, address)) = first.get(at).zip(address.get(at).filter(|a| !a.is_empty())) else { continue };
            let family = last.and_then(|last| last.get(at)).unwrap_or_default();
            let name = digest(digest(0, own, &mut word), family, &mut word);
            let Some(created) = table.facts.created.get(row) else { continue };
            rows.push(row);
            names.push(name);
            addresses.push((text_hash(0, address) >> 32) as u32);
            used.push(active.iter().any(|times| times.get(at).is_some_and(|time| time > created + DAY)));
        }
        let height = rows.len();
        DataFrame::new(
            height,
            vec![
                Series::new("row".into(), rows).into_column(),
                Series::new("name".into(), names).into_column(),
                Series::new("address".into(), addresses).into_column(),
                Series::new("used".into(), used).into_column(),
            ],
        )
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let people = recurring(merged)?;
        if people.chunk_by(|a, b| a.name == b.name).count() < LEAST_PEOPLE {
            return Ok(Vec::new());
        }
        let found = groupings(table).into_iter().map(|grouping| {
            let (parent, under) = (grouping.parent, grouping.under(table.rows()));
            (parent, copies(&people, &under, table.all[parent.index()].rows, table.facts))
        });
        // Of several ways from people to what they are under the one that shows most.
        let most = found.max_by_key(|(parent, copies)| (copies.iter().map(|c| c.rows.len()).sum::<usize>(), Reverse(*parent)));
        let Some((parent, copies)) = most else { return Ok(Vec::new()) };
        let mut evidence = Vec::new();
        for copy in copies {
            if are_people(&copy, table)? {
                evidence.extend(copy.facts(table, parent));
            }
        }
        Ok(evidence)
    }
}

/// Digests a name in small letters and without its digits: `Demo 17` and `Demo 18` are alike.
fn digest(seed: u64, name: &str, word: &mut String) -> u64 {
    word.clear();
    word.extend(name.trim().chars().filter(|c| !c.is_ascii_digit()).flat_map(char::to_lowercase));
    text_hash(seed, word)
}

/// Returns whether a block's names are people's.
fn are_people(copies: &Copies, table: &TableView<'_>) -> PolarsResult<bool> {
    let Ok((first, _)) = few_names::names(table) else { return Ok(false) };
    let texts = table.texts_of(first, &copies.block)?;
    let named = texts.iter().filter(|t| t.split(' ').next().is_some_and(|word| vocabulary::is_given_name(&word.to_lowercase())));
    Ok(named.count() as f64 >= NAMED * texts.len() as f64)
}

impl Copies {
    /// Says what the people and what the rows that they are under show.
    fn facts(self, table: &TableView<'_>, parent: TableId) -> [Evidence; 2] {
        let (people, parents) = (self.block.len(), self.parents.len());
        let fact = |table: TableId, rows: Vec<Row>, detail: String| Evidence {
            detector: META.id,
            family: META.family,
            table,
            kind: "copies of one block".to_owned(),
            detail,
            rows,
            measure: Measure::Chance { log2_p: self.log2_p },
            certainty: Certainty::Suggests,
            proposes: false,
        };
        let how = self.how;
        [
            fact(table.profile.id, self.rows, format!("the same {people} names under each of {parents} parents, {how}")),
            fact(parent, self.parents, format!("the same {people} names are under this and {} others, {how}", parents - 1)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_a_name_are_put_aside() {
        let of = |name: &str| digest(0, name, &mut String::new());
        assert_eq!(of("Demo 17"), of("demo 18"));
        assert_ne!(of("Maya Lind"), of("Maya Lund"));
    }
}
