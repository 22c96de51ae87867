//! Templates of labels and annotations: Go's `text/template` with the functions that Prometheus adds.
//!
//! `gotmpl` reads and runs the language. What it has otherwise than Go for maps is put right by [`tree`], and the functions
//! are in [`functions`].

mod budget;
mod context;
mod functions;
mod humanize;
mod judgement;
mod links;
mod printed;
mod text;
mod title;
mod tree;
mod value;

pub use context::{Context, External};
pub use judgement::{Judgement, QueryFunction, StopFunction};
pub use text::Template;
