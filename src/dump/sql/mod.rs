//! SQL as dumps write it: tokens, schema statements and rows of INSERT. Nothing is executed.

pub mod ddl;
pub mod insert;
pub mod lexer;

pub(super) mod guess;
pub(super) mod script;

pub use lexer::{Flavor, LexError, Lexer, Token};
