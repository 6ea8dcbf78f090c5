//! Masks values by their column's role, and makes characters visible that change what a reader sees.

use crate::config::Redact;
use crate::model::{Role, Value};

/// Longest cell shown, in characters.
pub(super) const LONGEST: usize = 120;

/// Longest sentence shown, in characters: findings quote values.
const LONGEST_LINE: usize = 300;

/// Shows a value under a masking mode, at most `longest` characters of it.
pub(super) fn show(value: &Value, role: Role, mode: Redact, longest: usize) -> String {
    let Some(text) = value.key_text() else { return "NULL".to_owned() };
    let masked = match mode {
        Redact::None => text.into_owned(),
        Redact::Full => "\u{2022}".repeat(text.chars().take(8).count()),
        Redact::Partial => partial(&text, role),
    };
    cut(&visible(&masked), longest)
}

/// Masks what identifies a person and keeps what can be evidence: domains, shapes, numbers, prefixes.
fn partial(text: &str, role: Role) -> String {
    match role {
        Role::Email => match text.rsplit_once('@') {
            Some((local, domain)) => format!("{}@{domain}", mask_word(local)),
            None => mask_word(text),
        },
        Role::Username | Role::GivenName | Role::FamilyName | Role::PersonName | Role::Street => {
            text.split(' ').map(mask_word).collect::<Vec<_>>().join(" ")
        }
        Role::Phone => {
            let digits = text.chars().filter(char::is_ascii_digit).count();
            let mut seen = 0;
            text.chars()
                .map(|c| {
                    let digit = c.is_ascii_digit();
                    seen += usize::from(digit);
                    if digit && seen > 3 && seen + 2 <= digits { '\u{2022}' } else { c }
                })
                .collect()
        }
        Role::Credential | Role::Token | Role::ExternalId => {
            let head: String = text.chars().take(7).collect();
            if text.chars().count() > 7 { format!("{head}\u{2026}") } else { mask_word(text) }
        }
        Role::Ip => match text.rsplit_once('.') {
            Some((head, _)) => format!("{head}.\u{2022}"),
            None => text.chars().take(9).chain(std::iter::once('\u{2026}')).collect(),
        },
        Role::Text | Role::Json => text.chars().take(48).collect(),
        Role::BirthDate => text.chars().take(4).collect(),
        _ => text.to_owned(),
    }
}

/// Keeps the first letter and trailing digits: `user12` becomes `u***12`.
fn mask_word(word: &str) -> String {
    let Some(first) = word.chars().next() else { return String::new() };
    let digits: String = word.chars().rev().take_while(char::is_ascii_digit).collect::<Vec<_>>().into_iter().rev().collect();
    if digits.len() == word.len() { word.to_owned() } else { format!("{first}***{digits}") }
}

/// Returns whether a character acts, or hides, instead of showing: controls, directions, zero widths, tags.
pub(super) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{e0000}'..='\u{e007f}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// Replaces control, direction and zero-width characters by visible marks.
#[must_use]
pub fn visible(text: &str) -> String {
    if !text.chars().any(is_hidden) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_hidden(c) {
            out.push_str(&format!("\u{27e8}U+{:04X}\u{27e9}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// Makes hidden characters of a text visible and cuts it to what a reader can take in.
pub(super) fn line(text: &str) -> String {
    cut(&visible(text), LONGEST_LINE)
}

/// Shows a row key as a JSON array of texts; masked where a column of it names a person.
pub(super) fn show_key(key: &[Value], roles: &[Role], mode: Redact) -> String {
    let texts: Vec<String> = key.iter().zip(roles).map(|(value, role)| show(value, *role, mode, LONGEST)).collect();
    serde_json::to_string(&texts).unwrap_or_default()
}

/// Returns whether a row key shows nothing that is masked elsewhere, so that a decision may name it.
pub(super) fn is_open_key(key: &[Value], roles: &[Role], mode: Redact) -> bool {
    key.iter().zip(roles).all(|(value, role)| {
        let Some(text) = value.key_text() else { return false };
        text.len() <= LONGEST && (mode == Redact::None || mode == Redact::Partial && partial(&text, *role) == text)
    })
}

/// Cuts a long text and says how much is missing.
fn cut(text: &str, longest: usize) -> String {
    let count = text.chars().count();
    if count <= longest {
        return text.to_owned();
    }
    let head: String = text.chars().take(longest).collect();
    format!("{head}\u{2026} (+{} characters)", count - longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_people_and_keeps_evidence() {
        let show = |text: &str, role| super::show(&Value::Text(text.to_owned()), role, Redact::Partial, LONGEST);
        assert_eq!(show("mary.smith@example.com", Role::Email), "m***@example.com");
        assert_eq!(show("user12@test.com", Role::Email), "u***12@test.com");
        assert_eq!(show("Mary Smith", Role::PersonName), "M*** S***");
        assert_eq!(show("$2b$10$abcdefgh", Role::Credential), "$2b$10$\u{2026}");
        assert_eq!(show("+1 212 555 0123", Role::Phone), "+1 21\u{2022} \u{2022}\u{2022}\u{2022} \u{2022}\u{2022}23");
    }

    #[test]
    fn hidden_characters_show() {
        assert_eq!(visible("a\u{202e}b\u{1b}[0m"), "a\u{27e8}U+202E\u{27e9}b\u{27e8}U+001B\u{27e9}[0m");
    }
}
