//! From text to tree: precedence climbing over the tokens, then the types.

mod aggregation;
mod binary;
mod call;
mod check;
mod length;
mod parser;
mod primary;
mod selector;

pub use parser::{parse, parse_selector};
