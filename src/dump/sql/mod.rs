//! SQL as dumps write it: tokens, schema statements and rows of INSERT. Nothing is executed.

pub mod ddl;
pub mod insert;
pub mod lexer;

pub use lexer::{Flavor, LexError, Lexer, Token};
