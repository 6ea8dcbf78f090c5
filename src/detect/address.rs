//! The two parts of an address, told by its last @: asked of every row by many detectors, and so at memory speed.

/// Splits an address at its last @; `None` where it has none.
pub(super) fn parts(text: &str) -> Option<(&str, &str)> {
    let at = memchr::memrchr(b'@', text.as_bytes())?;
    Some((&text[..at], &text[at + 1..]))
}

/// Returns what stands before the last @; all of a text that has none.
pub(super) fn local(text: &str) -> &str {
    parts(text).map_or(text, |(local, _)| local)
}

/// Returns what stands behind the last @; nothing where there is none.
pub(super) fn domain(text: &str) -> &str {
    parts(text).map_or("", |(_, domain)| domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_the_last_one() {
        assert_eq!(parts("a@b@c.de"), Some(("a@b", "c.de")));
        assert_eq!(parts("é@ü.de"), Some(("é", "ü.de")));
        assert_eq!((local("mary"), domain("mary"), parts("")), ("mary", "", None));
        assert_eq!((local("mary@"), domain("mary@")), ("mary", ""));
    }
}
