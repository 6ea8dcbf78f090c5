//! The tokens of a statement, read one after the other.

use super::Parser;
use crate::dump::sql::lexer::Token;
use crate::model::QualifiedName;

impl<'a> Parser<'a> {
    pub(super) fn peek(&self) -> Option<&Token<'a>> {
        self.tokens.get(self.pos).map(|t| &t.0)
    }

    pub(super) fn peek_is(&self, keyword: &str) -> bool {
        self.peek().is_some_and(|t| t.is(keyword))
    }

    pub(super) fn ahead_is(&self, ahead: usize, keyword: &str) -> bool {
        self.tokens.get(self.pos + ahead).is_some_and(|t| t.0.is(keyword))
    }

    pub(super) fn punct(&self, byte: u8) -> bool {
        self.peek() == Some(&Token::Punct(byte))
    }

    pub(super) fn eat(&mut self, keyword: &str) -> bool {
        let found = self.peek_is(keyword);
        self.pos += usize::from(found);
        found
    }

    pub(super) fn eat_punct(&mut self, byte: u8) -> bool {
        let found = self.punct(byte);
        self.pos += usize::from(found);
        found
    }

    pub(super) fn eat_all(&mut self, keywords: &[&str]) -> bool {
        let found = keywords.iter().enumerate().all(|(ahead, word)| self.ahead_is(ahead, word));
        if found {
            self.pos += keywords.len();
        }
        found
    }

    pub(super) fn done(&self) -> bool {
        self.pos >= self.tokens.len()
    }

    /// Passes tokens until one of `stops` at the outermost level of parentheses, which stays unread.
    pub(super) fn skip_until(&mut self, stops: impl Fn(&Token<'_>) -> bool) {
        let mut parens = 0_usize;
        while let Some(token) = self.peek() {
            if parens == 0 && stops(token) {
                return;
            }
            match token {
                Token::Punct(b'(') => parens += 1,
                Token::Punct(b')') if parens == 0 => return,
                Token::Punct(b')') => parens -= 1,
                _ => {}
            }
            self.pos += 1;
        }
    }

    pub(super) fn skip_parens(&mut self) {
        if self.eat_punct(b'(') {
            self.skip_until(|_| false);
            self.eat_punct(b')');
        }
    }

    pub(super) fn name(&mut self) -> Option<String> {
        let name = match self.peek()? {
            Token::Word(word) => String::from_utf8_lossy(word).into_owned(),
            Token::Name(name) | Token::Text(name) => String::from_utf8_lossy(name).into_owned(),
            _ => return None,
        };
        self.pos += 1;
        Some(name)
    }

    pub(super) fn qualified(&mut self) -> Option<QualifiedName> {
        let mut parts = vec![self.name()?];
        while self.punct(b'.') {
            self.pos += 1;
            parts.push(self.name()?);
        }
        let name = parts.pop()?;
        let schema = parts.pop().unwrap_or_else(|| self.default_schema.to_owned());
        Some(QualifiedName::new(schema, name))
    }

    /// Reads `(a, b)`; `None` where an entry is an expression.
    pub(super) fn column_list(&mut self) -> Option<Vec<String>> {
        if !self.eat_punct(b'(') {
            return None;
        }
        let mut columns = Some(Vec::new());
        while !self.done() && !self.punct(b')') {
            let entry = self.pos;
            let name = self.name();
            // A prefix length (MySQL) or an operator class and order (Postgres) may follow the name.
            let plain = !matches!(self.peek(), Some(Token::Punct(b'(' | b'.' | b':' | b'|' | b'+' | b'-')))
                || matches!(self.tokens.get(self.pos + 1), Some((Token::Number(_), _)));
            match (name, plain) {
                (Some(name), true) => {
                    if let Some(list) = &mut columns {
                        list.push(name);
                    }
                }
                _ => {
                    self.pos = entry;
                    columns = None;
                }
            }
            self.skip_until(|t| *t == Token::Punct(b','));
            self.eat_punct(b',');
        }
        self.eat_punct(b')');
        columns.filter(|c| !c.is_empty())
    }

    pub(super) fn raw(&self, from: usize, to: usize) -> String {
        if from >= to || to > self.tokens.len() {
            return String::new();
        }
        let bytes = &self.statement[self.tokens[from].1.start..self.tokens[to - 1].1.end];
        String::from_utf8_lossy(bytes).into_owned()
    }
}
