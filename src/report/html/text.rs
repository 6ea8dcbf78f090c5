//! How figures are printed on the page.

/// Prints a count with commas between thousands.
pub(super) fn number(n: u64) -> String {
    grouped(&n.to_string())
}

/// Prints a count with its noun: `1 row`, `2,000 rows`.
pub(super) fn counted(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", number(n), if n == 1 { "" } else { "s" })
}

/// Puts commas between the thousands of a decimal number's text.
pub(super) fn grouped(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("\u{2212}", rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(w, f)| (w, Some(f)));
    let mut out = String::from(sign);
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// Prints a row key: a key of one part without the brackets and quotes of its JSON.
pub(super) fn key(json: &str) -> String {
    match serde_json::from_str::<Vec<String>>(json) {
        Ok(parts) if parts.len() == 1 => parts.into_iter().next().unwrap_or_default(),
        _ => json.to_owned(),
    }
}

/// Prints a length of time.
pub(super) fn span(seconds: i64) -> String {
    let (n, unit) = match seconds {
        s if s % 86_400 == 0 => (s / 86_400, "day"),
        s if s % 3_600 == 0 => (s / 3_600, "hour"),
        s if s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    if n == 1 { unit.to_owned() } else { format!("{n} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(grouped("-1234.5600"), "\u{2212}1,234.5600");
        assert_eq!(span(300), "5 minutes");
    }
}
