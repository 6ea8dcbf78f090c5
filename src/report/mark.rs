//! Marks, in a sample row's cells, what the row's reasons speak of.

use std::ops::Range;

use crate::detect::DETECTORS;
use crate::model::{Bits, Reason, Role, Value};

use super::model::Cell;
use super::redact::{show, visible};
use crate::config::Redact;

/// Shortest word of a finding that is looked for in a cell.
const SHORTEST: usize = 3;

/// Shows a cell and marks what is evidence in it.
pub(super) fn cell(value: &Value, role: Role, mode: Redact, longest: usize, reasons: &[Reason]) -> Cell {
    let text = show(value, role, mode, longest);
    let raw = value.key_text().map(|t| visible(&t)).unwrap_or_default();
    if value.is_null() || mode == Redact::Full {
        return Cell { text, mark: None };
    }
    for reason in reasons.iter().filter(|r| r.bits > Bits::ZERO) {
        let whole = Some((0..text.len(), reason.detector.to_string()));
        match &*reason.detector {
            "prior" | "cohort" | "protect" => continue,
            "owner" if role == Role::Reference => return Cell { text, mark: whole },
            _ => {}
        }
        let Some(meta) = DETECTORS.iter().map(|d| d.meta()).find(|m| m.id == reason.detector) else { continue };
        if !meta.reads.contains(&role) {
            continue;
        }
        if role.is_time() || meta.reads.len() <= 2 {
            return Cell { text, mark: whole };
        }
        match spoken_of(&reason.detail, &raw) {
            Some(Spoken::All) => return Cell { text, mark: whole },
            Some(Spoken::Word(word)) => {
                let mark = place(&text, word).map_or(whole, |range| Some((range, reason.detector.to_string())));
                return Cell { text, mark };
            }
            None => {}
        }
    }
    Cell { text, mark: None }
}

/// What a finding says of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoken<'a> {
    /// It follows the finding's template.
    All,
    /// It holds this word.
    Word(&'a str),
}

/// Returns what a finding says of a cell: that it follows its template, else the longest whole word of the finding that
/// occurs in the cell, whatever its case.
fn spoken_of<'a>(detail: &'a str, raw: &str) -> Option<Spoken<'a>> {
    let lower = raw.to_ascii_lowercase();
    // `user{n}@test.com from 1 to 100 without holes`: what stands before `from` is the template.
    let template = detail.split(" from ").next().unwrap_or(detail);
    if let (Some(open), Some(close)) = (template.find('{'), template.rfind('}')) {
        let (before, after) = (&template[..open], &template[close + 1..]);
        let follows = lower.starts_with(&before.to_ascii_lowercase()) && lower.contains(&after.to_ascii_lowercase());
        return (follows && before.len() + after.len() >= SHORTEST).then_some(Spoken::All);
    }
    let words = detail.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@'))).map(|w| w.trim_matches(['.', '-']));
    words.filter(|w| w.chars().count() >= SHORTEST && is_word_of(&w.to_ascii_lowercase(), &lower)).max_by_key(|w| w.len()).map(Spoken::Word)
}

/// Returns whether a word occurs in a text with no letter or digit on either side.
fn is_word_of(word: &str, text: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        let after = text[at + word.len()..].chars().next().is_none_or(|c| !c.is_alphanumeric());
        before && after
    })
}

fn place(text: &str, word: &str) -> Option<Range<usize>> {
    let start = text.to_ascii_lowercase().find(&word.to_ascii_lowercase())?;
    Some(start..start + word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_findings_are_found_in_cells() {
        assert_eq!(spoken_of("user{n}@test.com from 1 to 100 without holes", "user7@test.com"), Some(Spoken::All));
        assert_eq!(spoken_of("user{n} from 1 to 100 without holes", "DROP TABLE users"), None);
        assert_eq!(spoken_of("holds the word \"test\"", "a tester's test"), Some(Spoken::Word("test")));
        assert_eq!(spoken_of("holds the word \"test\"", "a tester"), None);
        assert_eq!(spoken_of("the domain example.org is reserved", "Mary@EXAMPLE.org"), Some(Spoken::Word("example.org")));
        assert_eq!(spoken_of("100 accounts share one stored password", "hunter2"), None);
        assert_eq!(place("m***@Example.org", "example.org"), Some(5..16));
    }
}
