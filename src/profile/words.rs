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

/// Words that schemas glue together without a mark: `starttime`, `userid`, `tablename`.
///
/// Source: column names of the PHP and COBOL schools (TYPO3, WordPress, phpBB, `OpenCart`, Northwind, SAP reports) that are
/// wholly made of such words; short or ambiguous ones (`on` inside `person`) only count where every part is one.
const GLUED: &[&str] = &[
    "access", "action", "active", "address", "admin", "at", "author", "avatar", "base", "based", "begin", "birth", "body", "border", "by",
    "category", "changed", "city", "class", "client", "code", "col", "color", "cols", "comment", "company", "count", "country", "cr",
    "create", "created", "customer", "data", "date", "day", "default", "delete", "deleted", "display", "doc", "dok", "edit", "email",
    "end", "event", "ext", "fe", "be", "field", "file", "files", "first", "flag", "folder", "form", "full", "given", "group", "groups",
    "hash", "head", "header", "height", "icon", "id", "image", "images", "index", "info", "invoice", "ip", "item", "items", "key", "lang",
    "language", "last", "layout", "level", "life", "link", "local", "lock", "log", "login", "mail", "member", "meta", "mode", "mod",
    "mount", "name", "names", "new", "no", "number", "on", "order", "orient", "orig", "original", "owner", "page", "pages", "parent",
    "path", "perms", "phone", "pid", "point", "points", "pos", "post", "product", "real", "rec", "record", "ref", "reg", "role", "row",
    "seen", "session", "size", "sort", "source", "stamp", "start", "state", "status", "street", "style", "sub", "table", "tag", "tags",
    "target", "text", "time", "tstamp", "title", "tree", "type", "types", "uid", "until", "update", "updated", "url", "user", "username",
    "users", "uuid", "visit", "width", "zip", "zoom",
];

/// Splits a name as [`name_words`] does, and words that are glued together too.
pub(super) fn name_parts(name: &str) -> Vec<String> {
    name_words(name).into_iter().flat_map(|word| unglued(&word).unwrap_or_else(|| vec![word])).collect()
}

/// Splits a word into the fewest words of [`GLUED`] that make the whole of it.
fn unglued(word: &str) -> Option<Vec<String>> {
    // A word of the list is one word; longer ones than any schema's are left alone.
    if GLUED.contains(&word) || !word.is_ascii() || word.len() > 48 {
        return None;
    }
    let mut best: Vec<Option<Vec<&str>>> = vec![None; word.len() + 1];
    best[0] = Some(Vec::new());
    for end in 1..=word.len() {
        for part in GLUED.iter().filter(|p| word[..end].ends_with(**p)) {
            let Some(before) = &best[end - part.len()] else { continue };
            if best[end].as_ref().is_none_or(|known| known.len() > before.len() + 1) {
                best[end] = Some(before.iter().copied().chain([*part]).collect());
            }
        }
    }
    best.pop().flatten().map(|parts| parts.into_iter().map(str::to_owned).collect())
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
    fn splits_what_is_glued() {
        assert_eq!(name_parts("starttime"), ["start", "time"]);
        assert_eq!(name_parts("ses_userid"), ["ses", "user", "id"]);
        assert_eq!(name_parts("lastUpdated"), ["last", "updated"]);
        for whole in ["person", "update", "username", "country", "candidate", "paid", "season"] {
            assert_eq!(name_parts(whole), [whole]);
        }
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
