//! Texts whose every word comes from one generator's list: lorem ipsum in its many languages, product
//! names, slogans.

use polars::prelude::{DataFrame, PolarsResult};

use super::closure::{self, Closure};
use super::vocabulary::{self, ListSet};
use super::{Detector, TableView};
use crate::model::{DetectorMeta, Evidence, Family, Role};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds texts of generators.
pub(super) struct GeneratorText;

const META: DetectorMeta = DetectorMeta {
    id: "generator-text",
    title: "Texts of one generator",
    family: Family::Vocabulary,
    reads: &[Role::Text, Role::Title, Role::Company],
    finds: "Groups in which nearly every text has all its words in one list: lorem ipsum, Faker's word list, adjective-material-product names, slogans.",
    false_positives: "Short texts of common words. Texts of fewer than three words are left out, and the share of texts in a list is compared with the rest of the same table.",
    source: "Lists of faker-js 5 to 10, Faker for Python, FakerPHP and Ruby's faker, all locales (data/rebuild).",
};

/// Fewest words of a text that tell anything.
const LEAST_WORDS: usize = 3;

/// Characters of a text that are looked at.
const LOOKED_AT: usize = 400;

impl Detector for GeneratorText {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        table.texts_or(META.reads, "no text or title")
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let mut found: Vec<Option<ListSet>> = vec![None; chunk.frame.height()];
        for read in table.texts(META.reads) {
            for (slot, text) in found.iter_mut().zip(chunk.frame.column(&read.name())?.str()?.iter()) {
                let Some(text) = text else { continue };
                let end = text.char_indices().nth(LOOKED_AT).map_or(text.len(), |(at, _)| at);
                let (lists, words) = vocabulary::text(&text[..end]);
                // A text that ends early is in no list, however short what was read of it.
                if words >= LEAST_WORDS || (lists.is_empty() && words > 0) {
                    // A row is drawn from a list when any of its texts is.
                    *slot = Some(slot.unwrap_or_default().or(lists));
                }
            }
        }
        closure::partial(chunk.first_row, &found)
    }

    fn finish(&self, _merged: &DataFrame, _table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        Ok(Vec::new())
    }

    fn closures(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Closure>> {
        Ok(vec![closure::gather(&META, "every word", merged, table, vocabulary::word_lists())?])
    }
}
