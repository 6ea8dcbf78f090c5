//! Names that all come from one generator's lists. One such name is nothing: common names are in many
//! lists. A group in which nearly every row has both names in one list was drawn from it.

use polars::prelude::{DataFrame, PolarsResult};

use super::address;
use super::closure::{self, Closure};
use super::vocabulary::{self, ListSet};
use super::{Detector, TableView};
use crate::model::{DetectorMeta, Evidence, Family, Role};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds names of generators.
pub(super) struct GeneratorName;

const META: DetectorMeta = DetectorMeta {
    id: "generator-name",
    title: "Names of one generator",
    family: Family::Vocabulary,
    reads: &[Role::PersonName, Role::GivenName, Role::FamilyName, Role::Email, Role::Username],
    finds: "Groups in which nearly every row has its given and its family name in one list of faker-js, Python's Faker, mimesis, FakerPHP, Ruby's faker or Bogus.",
    false_positives: "Common names are in many lists, and a town of Nordic or German families in some. The share of rows in a list is compared with the rest of the same table; an import of 500 real people shows the same share as the table.",
    source: "Lists of faker-js 5 to 10, Faker and mimesis for Python, FakerPHP and Ruby's faker, all locales (data/rebuild); of 1,267 public commit authors 4.3 % have both names in the largest English list.",
};

/// How the names are had.
enum Names {
    Whole(usize),
    Split(usize, usize),
    Address(usize),
    Handle(usize),
}

fn names(table: &TableView<'_>) -> Option<Names> {
    let column = |role: Role| table.profile.column(role);
    if let (Some(first), Some(last)) = (column(Role::GivenName), column(Role::FamilyName)) {
        return Some(Names::Split(first, last));
    }
    column(Role::PersonName)
        .map(Names::Whole)
        .or_else(|| column(Role::Email).map(Names::Address))
        .or_else(|| column(Role::Username).map(Names::Handle))
}

impl Detector for GeneratorName {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        match names(table) {
            Some(Names::Split(a, b)) => Ok(vec![ColumnRead::Text(a), ColumnRead::Text(b)]),
            Some(Names::Whole(c) | Names::Address(c) | Names::Handle(c)) => Ok(vec![ColumnRead::Text(c)]),
            None => Err("no name, address or handle".to_owned()),
        }
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let texts =
            |column: usize| Ok::<_, polars::error::PolarsError>(chunk.frame.column(&ColumnRead::Text(column).name())?.str()?.clone());
        let rows = chunk.frame.height();
        let found: Vec<Option<ListSet>> = match names(table) {
            Some(Names::Split(a, b)) => {
                let (a, b) = (texts(a)?, texts(b)?);
                (0..rows).map(|i| a.get(i).zip(b.get(i)).map(|(a, b)| vocabulary::split_name(a, b))).collect()
            }
            Some(Names::Whole(c)) => texts(c)?.iter().map(|t| t.filter(|t| !t.is_empty()).map(vocabulary::whole_name)).collect(),
            Some(Names::Address(c)) => {
                texts(c)?.iter().map(|t| t.and_then(address::parts).map(|(l, _)| vocabulary::handle_name(l))).collect()
            }
            Some(Names::Handle(c)) => texts(c)?.iter().map(|t| t.map(vocabulary::handle_name)).collect(),
            None => vec![None; rows],
        };
        closure::partial(chunk.first_row, &found)
    }

    fn finish(&self, _merged: &DataFrame, _table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        Ok(Vec::new())
    }

    fn closures(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Closure>> {
        Ok(vec![closure::gather(&META, "both names", merged, table, vocabulary::name_lists())?])
    }
}
