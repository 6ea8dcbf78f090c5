//! Which engine's SQL a text is, from its first bytes: who wrote it by its comments, else by its quotes and
//! words. Never looks at a file's name.

use super::lexer::{Flavor, Lexer, Token};

/// A kind of SQL text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dump) enum Dialect {
    /// `pg_dump`'s, and texts that nothing tells from it.
    Postgres,
    /// MySQL's and MariaDB's.
    Mysql,
    /// SQLite's.
    Sqlite,
}

/// Comments by which tools sign.
///
/// Source: headers that `pg_dump`, `mysqldump`, `mariadb-dump`, phpMyAdmin, Adminer, `HeidiSQL`, Navicat and
/// mydumper write.
const SIGNATURES: &[(&str, Dialect)] = &[
    ("-- PostgreSQL database dump", Dialect::Postgres),
    ("-- PostgreSQL database cluster dump", Dialect::Postgres),
    ("-- MySQL dump", Dialect::Mysql),
    ("-- MariaDB dump", Dialect::Mysql),
    ("-- phpMyAdmin SQL Dump", Dialect::Mysql),
    ("enable the sandbox mode", Dialect::Mysql),
    ("Source Server Type    : MySQL", Dialect::Mysql),
    ("Source Server Type    : MariaDB", Dialect::Mysql),
];

/// Returns the dialect of a text that begins like SQL.
pub(in crate::dump) fn dialect(head: &[u8]) -> Option<Dialect> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if head.iter().take(512).any(|b| *b == 0) || !begins_like_sql(head) {
        return None;
    }
    let top = &head[..head.len().min(2048)];
    let signed =
        SIGNATURES.iter().filter_map(|(text, dialect)| Some((memchr::memmem::find(top, text.as_bytes())?, *dialect))).min_by_key(|s| s.0);
    if let Some((_, dialect)) = signed {
        return Some(dialect);
    }
    by_words(head)
}

/// Counts what only one engine writes, in the statements before the first rows.
fn by_words(head: &[u8]) -> Option<Dialect> {
    let rows = ["\nINSERT ", "\nCOPY ", "\ninsert "].iter().filter_map(|w| memchr::memmem::find(head, w.as_bytes())).min();
    if head.starts_with(b"/*!") || head.starts_with(b"/*M!") {
        return Some(Dialect::Mysql);
    }
    // The first INSERT's own head still tells how names are quoted.
    let schema = &head[..rows.map_or(head.len(), |at| (at + 120).min(head.len()))];
    let upper = schema.to_ascii_uppercase();
    let has = |needle: &str| memchr::memmem::find(&upper, needle.as_bytes()).is_some();
    let mysql =
        ["\n/*!", "\n/*M!", "CREATE TABLE `", "INTO `", "USE `", "EXISTS `", "ENGINE=", "AUTO_INCREMENT", "SET NAMES ", "UNLOCK TABLES"];
    if mysql.iter().any(|w| has(w)) {
        return Some(Dialect::Mysql);
    }
    let sqlite = [
        "PRAGMA ",
        "AUTOINCREMENT",
        "BEGIN TRANSACTION;",
        "CREATE TABLE [",
        "INTO [",
        "EXISTS [",
        "WITHOUT ROWID",
        "/****** CORRUPTION ERROR",
    ];
    Some(if sqlite.iter().any(|w| has(w)) { Dialect::Sqlite } else { Dialect::Postgres })
}

/// Returns whether the first words that are no comment begin a statement of SQL or a client's command.
fn begins_like_sql(head: &[u8]) -> bool {
    let flavor = Flavor { nested_comments: false, ..Flavor::MYSQL };
    if head.starts_with(b"/*!") || head.starts_with(b"/*M!") {
        return true;
    }
    let mut lexer = Lexer::new(head, flavor);
    let signed = || SIGNATURES.iter().any(|s| memchr::memmem::find(&head[..head.len().min(2048)], s.0.as_bytes()).is_some());
    let Ok(Some(first)) = lexer.token() else { return signed() };
    if first == Token::Punct(b'\\') {
        return matches!(lexer.token(), Ok(Some(word)) if ["restrict", "connect", "c", "set", "encoding"].iter().any(|w| word.is(w)));
    }
    let Ok(Some(second)) = lexer.token() else { return signed() };
    let goes_on = |words: &[&str]| words.iter().any(|w| second.is(w));
    let created = [
        "TABLE",
        "SCHEMA",
        "TYPE",
        "SEQUENCE",
        "EXTENSION",
        "DATABASE",
        "UNIQUE",
        "INDEX",
        "UNLOGGED",
        "ROLE",
        "DOMAIN",
        "OR",
        "FUNCTION",
        "USER",
        "TEMPORARY",
        "DEFINER",
        "VIEW",
        "VIRTUAL",
    ];
    (first.is("CREATE") && goes_on(&created))
        || (first.is("DROP") && goes_on(&["TABLE", "DATABASE", "SCHEMA", "INDEX", "VIEW", "TYPE", "ROLE"]))
        || (first.is("ALTER") && goes_on(&["TABLE", "DATABASE", "ROLE"]))
        || ((first.is("INSERT") || first.is("REPLACE")) && goes_on(&["INTO", "IGNORE", "OR"]))
        || (first.is("BEGIN") && (second == Token::Punct(b';') || goes_on(&["TRANSACTION", "WORK"])))
        || (first.is("START") && goes_on(&["TRANSACTION"]))
        || (first.is("SET") && (matches!(second, Token::Word(_)) || second == Token::Punct(b'@')))
        || (first.is("SELECT") && goes_on(&["pg_catalog"]))
        || (first.is("LOCK") && goes_on(&["TABLES"]))
        || (first.is("USE") && matches!(second, Token::Name(_) | Token::Word(_)) && memchr::memchr(b';', head).is_some())
        || (first.is("PRAGMA") && matches!(second, Token::Word(_)))
        || (first.is("COPY") && memchr::memmem::find(head, b"stdin").is_some())
        || signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart() {
        for (text, expected) in [
            ("--\n-- PostgreSQL database dump\n--\n", Some(Dialect::Postgres)),
            ("CREATE TABLE users (id int);", Some(Dialect::Postgres)),
            ("/* hi */\nSET client_encoding = 'UTF8';", Some(Dialect::Postgres)),
            ("\\restrict abc\n", Some(Dialect::Postgres)),
            ("-- PostgreSQL database dump\nCOPY t FROM stdin;\n1\t/*! -- MySQL dump */\n\\.\n", Some(Dialect::Postgres)),
            ("-- MySQL dump 10.13\n/*!40101 SET NAMES utf8 */;", Some(Dialect::Mysql)),
            ("/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump", Some(Dialect::Mysql)),
            ("SET SQL_MODE = \"NO_AUTO_VALUE_ON_ZERO\";\nCREATE TABLE `a` (id int) ENGINE=InnoDB;", Some(Dialect::Mysql)),
            ("INSERT INTO `t` VALUES (1);", Some(Dialect::Mysql)),
            ("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n", Some(Dialect::Sqlite)),
            ("CREATE TABLE [Album] ([AlbumId] INTEGER NOT NULL);", Some(Dialect::Sqlite)),
            ("id,email\n1,a@b.c\n", None),
            ("set,of,words\n", None),
            ("use,case\n1,2\n", None),
            ("SQLite format 3\0", None),
        ] {
            assert_eq!(dialect(text.as_bytes()), expected, "{text}");
        }
    }
}
