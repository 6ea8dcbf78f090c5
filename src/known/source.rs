//! Seed and factory files: their string literals, and templates in which a counter stands. Reads them as texts of
//! quotes and escapes; runs and understands nothing else.

use std::path::{Path, PathBuf};

use super::KnownError;
use crate::model::known::{KnownInput, SeedPattern, SeedPatterns};

/// Endings of files that are read.
const KINDS: &[&str] = &["js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "php", "py", "rb", "sql", "json", "yml", "yaml", "csv"];

/// Folders of other people's code.
const FOREIGN: &[&str] = &["node_modules", "vendor", "dist", "build", "target", "__pycache__"];

/// Largest file that is read, bytes: a seed file beyond it holds data, for which a reference is the way.
const MOST_FILE_BYTES: u64 = 4 << 20;

/// Most bytes in all.
const MOST_BYTES: u64 = 64 << 20;

/// Most files.
const MOST_FILES: usize = 5_000;

/// Deepest folder below the one that is given.
const DEEPEST: usize = 16;

/// Most texts and templates.
const MOST_PATTERNS: usize = 50_000;

/// Longest literal, in bytes.
const LONGEST: usize = 400;

/// Reads the files of a folder, or one file.
pub(super) fn read(folder: &Path, patterns: &mut SeedPatterns) -> Result<KnownInput, KnownError> {
    let io = |path: &Path, source| KnownError::Io { file: path.display().to_string(), source };
    let mut files = Vec::new();
    if folder.is_file() {
        files.push(folder.to_owned());
    } else {
        walk(folder, 0, &mut files)?;
    }
    files.sort();
    let before = patterns.all.len();
    let mut bytes = 0;
    let mut hasher = blake3::Hasher::new();
    for path in &files {
        let size = std::fs::metadata(path).map_err(|e| io(path, e))?.len();
        if size > MOST_FILE_BYTES {
            continue;
        }
        let content = std::fs::read(path).map_err(|e| io(path, e))?;
        bytes += content.len() as u64;
        if bytes > MOST_BYTES {
            let what = format!("more than {} MB of seed files", MOST_BYTES >> 20);
            return Err(KnownError::TooMuch { file: folder.display().to_string(), what });
        }
        let shown = path
            .strip_prefix(folder)
            .ok()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or_else(|| Path::new(path.file_name().unwrap_or_default()));
        let shown = shown.to_string_lossy().into_owned();
        for part in [shown.as_bytes(), &content] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let text = String::from_utf8_lossy(&content);
        for literal in literals(&text, ending(path)) {
            if let Some(pattern) = pattern(&literal, &shown) {
                patterns.push(pattern);
            }
            if patterns.all.len() > MOST_PATTERNS {
                let what = format!("more than {MOST_PATTERNS} texts in its seed files");
                return Err(KnownError::TooMuch { file: folder.display().to_string(), what });
            }
        }
    }
    let found = patterns.all.len() - before;
    if found == 0 {
        return Err(KnownError::NoSource { folder: folder.display().to_string(), kinds: KINDS.join(", ") });
    }
    Ok(KnownInput {
        kind: "seed-source".to_owned(),
        name: folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned(),
        bytes,
        digest: hasher.finalize().to_hex()[..32].to_owned(),
        patterns: found,
    })
}

fn ending(path: &Path) -> &str {
    path.extension().and_then(|e| e.to_str()).unwrap_or_default()
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), KnownError> {
    let io = |source| KnownError::Io { file: folder.display().to_string(), source };
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Links are not followed: they may lead anywhere, and in circles.
        let kind = entry.file_type().map_err(io)?;
        if name.starts_with('.') {
            continue;
        }
        if kind.is_dir() && depth < DEEPEST && !FOREIGN.contains(&name.as_str()) {
            walk(&entry.path(), depth + 1, files)?;
        } else if kind.is_file() && KINDS.contains(&ending(Path::new(&name)).to_ascii_lowercase().as_str()) {
            files.push(entry.path());
            if files.len() > MOST_FILES {
                return Err(KnownError::TooMuch { file: folder.display().to_string(), what: format!("more than {MOST_FILES} seed files") });
            }
        }
    }
    Ok(())
}

/// A literal with the sign that opened it and where it stood.
#[derive(Debug, PartialEq, Eq)]
struct Literal {
    text: String,
    quote: char,
    /// Letters right before the quote: Python's `f`.
    prefix: String,
    line: usize,
}

/// Finds string literals, and in YAML and CSV plain values.
fn literals(text: &str, ending: &str) -> Vec<Literal> {
    let mut found = Vec::new();
    match ending {
        "csv" => {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            for record in reader.records().flatten() {
                let line = record.position().map_or(0, |p| p.line() as usize);
                let plain = |field: &str| Literal { text: field.to_owned(), quote: '"', prefix: String::new(), line };
                found.extend(record.iter().filter(|f| f.len() <= LONGEST).map(plain));
            }
            return found;
        }
        "yml" | "yaml" => {
            for (index, line) in text.lines().enumerate() {
                let value = line.split_once(": ").map_or_else(|| line.trim().strip_prefix("- ").unwrap_or_default(), |(_, v)| v).trim();
                if !value.starts_with(['"', '\'', '#', '&', '*', '[', '{']) && !value.is_empty() && value.len() <= LONGEST {
                    found.push(Literal { text: value.to_owned(), quote: '"', prefix: String::new(), line: index + 1 });
                }
            }
        }
        _ => {}
    }
    let mut line = 1;
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        if c == '\n' {
            line += 1;
        }
        let quoted = matches!(c, '"' | '\'') || (c == '`' && ending != "sql");
        if !quoted {
            continue;
        }
        let before: String = text[..start].chars().rev().take_while(char::is_ascii_alphabetic).take(3).collect();
        let (mut literal, began, mut closed) = (String::new(), line, false);
        let mut ahead = chars.clone();
        let mut lines = line;
        while let Some((_, c2)) = ahead.next() {
            match c2 {
                '\\' => {
                    let Some((_, escaped)) = ahead.next() else { break };
                    lines += usize::from(escaped == '\n');
                    literal.push(match escaped {
                        'n' | 't' | 'r' => ' ',
                        other => other,
                    });
                }
                // A doubled quote is one sign in SQL.
                _ if c2 == c && ending == "sql" && ahead.peek().is_some_and(|n| n.1 == c) => {
                    ahead.next();
                    literal.push(c);
                }
                _ if c2 == c => {
                    closed = true;
                    break;
                }
                // Only back ticks go over lines: an apostrophe in a comment ends with its line.
                '\n' if c != '`' => break,
                _ => {
                    lines += usize::from(c2 == '\n');
                    literal.push(c2);
                }
            }
            if literal.len() > LONGEST {
                break;
            }
        }
        if closed {
            chars = ahead;
            line = lines;
            found.push(Literal { text: literal, quote: c, prefix: before.chars().rev().collect(), line: began });
        }
    }
    found
}

/// Turns a literal into something to look for; `None` for words that anybody may use.
fn pattern(literal: &Literal, file: &str) -> Option<SeedPattern> {
    let parts = holes(literal);
    let place = format!("{file}:{}", literal.line);
    let fixed: String = parts.concat();
    if parts.len() == 1 {
        let text = parts[0].trim().to_lowercase();
        return is_telling(&text).then(|| SeedPattern { parts: vec![text], place, shown: String::new() });
    }
    let lower: Vec<String> = parts.iter().map(|p| p.to_lowercase()).collect();
    let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
    // Counters that touch, or digits alone, are anybody's; of an address, its name must be a program's too.
    let told = letters(&fixed) >= 4 && lower[1..lower.len() - 1].iter().all(|p| !p.is_empty());
    let address = lower.iter().position(|p| p.contains('@'));
    let named = address.is_none_or(|at| {
        let local: String = lower[..at].concat() + lower[at].split('@').next().unwrap_or_default();
        let domain = lower[at].split('@').nth(1).unwrap_or_default();
        letters(&local) >= 3 && domain.contains('.') && at + 1 == lower.len()
    });
    let plain = !fixed.contains(['<', '>', '{', '}', '\n', '=']) && !fixed.contains("://") && !fixed.contains('/');
    (told && named && plain && fixed.len() <= 160).then(|| SeedPattern { shown: lower.join("{n}"), parts: lower, place })
}

/// Splits a literal at its holes: `${i}`, `#{n}`, `{n}` of an f-string or a format, `{$i}`, `$i`, `%d`.
fn holes(literal: &Literal) -> Vec<String> {
    let text = &literal.text;
    let formatted = literal.prefix.to_ascii_lowercase().contains('f') && literal.prefix.len() <= 2;
    let mut parts = vec![String::new()];
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let braces =
            |open: &str| rest.strip_prefix(open).and_then(|r| r.find('}').map(|end| open.len() + end + 1)).filter(|end| *end <= 80);
        let word = |text: &str| text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').map(char::len_utf8).sum::<usize>();
        let hole = match c {
            '$' if literal.quote == '`' => braces("${"),
            '$' if literal.quote == '"' => braces("${")
                .or_else(|| Some(1 + word(&rest[1..])).filter(|n| *n > 1 && !rest[1..].starts_with(|c: char| c.is_ascii_digit()))),
            '#' => braces("#{"),
            '{' if formatted || rest.starts_with("{$") => braces("{"),
            // A format's hole: `{}`, `{0}`, `{n}`.
            '{' => braces("{").filter(|end| word(&rest[1..*end - 1]) == end - 2),
            '%' => ["%d", "%s", "%i", "%u"].iter().any(|p| rest.starts_with(p)).then_some(2),
            _ => None,
        };
        match hole {
            Some(bytes) => {
                parts.push(String::new());
                rest = &rest[bytes..];
            }
            None => {
                if let Some(last) = parts.last_mut() {
                    last.push(c);
                }
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    parts
}

/// Returns whether a text is so much the seed's own that few would come upon it: an address, a hash, a telephone
/// number, a sentence. Words, names, states and countries are not.
fn is_telling(text: &str) -> bool {
    let words = text.split_whitespace().count();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let address = words == 1
        && text.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.') && !domain.contains('@'));
    let hash = words == 1 && text.len() >= 40 && text.starts_with('$');
    let phone = (9..=20).contains(&text.len())
        && digits >= 9
        && text.bytes().all(|b| b.is_ascii_digit() || b"+-() .".contains(&b))
        && text.starts_with(['+', '(']);
    let sentence = words >= 6 && text.len() >= 30 && !text.contains(['<', '>', '{', '}', '=', ';']);
    address || hash || phone || sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, ending: &str) -> Vec<(String, String)> {
        let all: Vec<SeedPattern> = literals(text, ending).iter().filter_map(|l| pattern(l, "seed")).collect();
        all.into_iter().map(|p| (p.parts.join("{n}"), p.place)).collect()
    }

    #[test]
    fn templates_of_every_language() {
        for (text, ending) in [
            ("// it's\nconst e = `user${i}@test.com`;", "ts"),
            ("\nemail = f\"user{n}@test.com\"", "py"),
            ("\nemail = 'user{}@test.com'.format(n)", "py"),
            ("\nemail = 'user%d@test.com' % n", "py"),
            ("\nsequence(:email) { |n| \"user#{n}@test.com\" }", "rb"),
            ("\n$e = \"user{$i}@test.com\";", "php"),
            ("\n$e = \"user$i@test.com\";", "php"),
            ("\n$e = sprintf('user%d@test.com', $i);", "php"),
        ] {
            assert_eq!(found(text, ending), [("user{n}@test.com".to_owned(), "seed:2".to_owned())], "{text}");
        }
    }

    #[test]
    fn literals_that_tell_and_those_that_do_not() {
        assert_eq!(found("INSERT INTO u VALUES ('o''hara@acme.io', 'Ireland', 'active');", "sql")[0].0, "o'hara@acme.io");
        assert_eq!(found("- email: ann@acme.io\n  name: Ann\n", "yml"), [("ann@acme.io".to_owned(), "seed:1".to_owned())]);
        assert_eq!(found("name,email\nAnn,ann@acme.io\n", "csv"), [("ann@acme.io".to_owned(), "seed:2".to_owned())]);
        for quiet in [
            "x = 'Germany'",
            "x = 'admin@'",
            "x = 'active'",
            "x = 'Ann Lee'",
            "x = `${first}.${last}@acme.io`",
            "x = `${i}`",
            "x = `${id}@qq.com`",
            "x = `/users/${id}`",
            "x = 'created_at'",
            "x = `<p>${n}</p> text of a page`",
        ] {
            assert!(found(quiet, "ts").is_empty(), "{quiet}: {:?}", found(quiet, "ts"));
        }
    }

    #[test]
    fn hostile_files_end() {
        for text in ["'".repeat(100_000), "`${".repeat(50_000), "\"\\".repeat(50_000), "f\"{".repeat(50_000), "%".repeat(200_000)] {
            for ending in KINDS {
                let _ = found(&text, ending);
            }
        }
    }
}
