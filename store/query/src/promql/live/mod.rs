//! The newest samples in memory, older ones in the store, as one source of series for what is asked again and again.

mod check;
mod column;
mod interest;
mod memory;
mod newest;
mod older;
mod selections;
mod source;
#[cfg(test)]
mod tests;

pub use older::Look;
pub use selections::Selections;
pub use source::LiveSource;
