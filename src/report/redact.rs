//! Masks values by their column's role, and makes characters visible that change what a reader sees.

use crate::config::Redact;
use crate::model::{Role, Value};

/// Longest cell shown, in characters.
const LONGEST: usize = 120;

/// Shows a value under a masking mode.
pub(super) fn show(value: &Value, role: Role, mode: Redact) -> String {
    let Some(text) = value.key_text() else { return "NULL".to_owned() };
    let masked = match mode {
        Redact::None => text.into_owned(),
        Redact::Full => "\u{2022}".repeat(text.chars().count().min(8)),
        Redact::Partial => partial(&text, role),
    };
    cut(&visible(&masked))
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

/// Replaces control, direction and zero-width characters by visible marks.
#[must_use]
pub fn visible(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
    };
    if !text.chars().any(hidden) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if hidden(c) {
            out.push_str(&format!("\u{27e8}U+{:04X}\u{27e9}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// Cuts a long text and says how much is missing.
fn cut(text: &str) -> String {
    let count = text.chars().count();
    if count <= LONGEST {
        return text.to_owned();
    }
    let head: String = text.chars().take(LONGEST).collect();
    format!("{head}\u{2026} (+{} characters)", count - LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_people_and_keeps_evidence() {
        let show = |text: &str, role| super::show(&Value::Text(text.to_owned()), role, Redact::Partial);
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
