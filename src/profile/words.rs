//! The words inside a table's or column's name: `lastLoginAt`, `last_login_at` and `LAST LOGIN AT` alike.

/// Splits a name into lower-case words.
#[must_use]
pub fn name_words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let chars: Vec<char> = name.chars().collect();
    for (i, c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        let after_lower = i > 0 && chars[i - 1].is_lowercase();
        let acronym_ends = i > 0 && chars[i - 1].is_uppercase() && chars.get(i + 1).is_some_and(|n| n.is_lowercase());
        if c.is_uppercase() && (after_lower || acronym_ends) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        word.extend(c.to_lowercase());
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Returns an English noun's singular, as table names form their plurals.
pub(super) fn singular(word: &str) -> String {
    let irregular =
        [("people", "person"), ("children", "child"), ("addresses", "address"), ("statuses", "status"), ("data", "data"), ("news", "news")];
    if let Some((_, singular)) = irregular.iter().find(|(plural, _)| *plural == word) {
        return (*singular).to_owned();
    }
    if let Some(stem) = word.strip_suffix("ies").filter(|s| s.len() > 1) {
        return format!("{stem}y");
    }
    for ending in ["sses", "xes", "ches", "shes", "zes"] {
        if word.ends_with(ending) {
            return word[..word.len() - 2].to_owned();
        }
    }
    match word.strip_suffix('s') {
        Some(stem) if !stem.ends_with('s') && !stem.ends_with('u') && stem.len() > 1 => stem.to_owned(),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_every_habit_of_naming() {
        for name in ["last_login_at", "lastLoginAt", "LastLoginAt", "LAST LOGIN AT", "last-login-at"] {
            assert_eq!(name_words(name), ["last", "login", "at"], "{name}");
        }
        assert_eq!(name_words("userID"), ["user", "id"]);
        assert_eq!(name_words("HTTPStatus2"), ["http", "status2"]);
    }

    #[test]
    fn finds_singulars() {
        for (plural, one) in [
            ("users", "user"),
            ("companies", "company"),
            ("boxes", "box"),
            ("people", "person"),
            ("status", "status"),
            ("addresses", "address"),
            ("class", "class"),
        ] {
            assert_eq!(singular(plural), one);
        }
    }
}
