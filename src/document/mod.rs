//! A configuration file as a tree: every node with its position, scalars with their kind, mistakes as they are found.

pub(crate) mod diagnostic;
pub(crate) mod duration;
pub(crate) mod fields;
pub(crate) mod glob;
pub(crate) mod include;
pub(crate) mod json;
pub(crate) mod key;
pub(crate) mod kind;
pub(crate) mod place;
pub(crate) mod real_path;
pub(crate) mod scalar;
pub(crate) mod section;
pub(crate) mod size;
pub(crate) mod suggest;
pub(crate) mod yaml;

pub use diagnostic::{Mistake, Mistakes, Severity};
pub use place::{Place, SourceFile};
