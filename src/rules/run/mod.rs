//! The run of a rule's check: what a judgement came to, as texts for people, instances and metrics.

mod element;
mod made;
#[cfg(test)]
mod tests;
mod text;

pub use made::run_of;
