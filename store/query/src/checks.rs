//! The checks of a store by name.

use custos_store::Snapshot;

use crate::error::{Error, Offer, Result};

/// The names of all checks that have a run in the store, sorted.
pub fn check_names(store: &Snapshot) -> Vec<String> {
    store.checks().into_iter().map(|check| check.name).collect()
}

/// Looks whether each of these checks is known.
///
/// # Errors
/// [`Error::UnknownCheck`] for the first that is not.
pub fn all_known<'n>(wanted: impl IntoIterator<Item = &'n String>, known: &[String]) -> Result<()> {
    let mut wanted = wanted.into_iter();
    let Some(unknown) = wanted.find(|check| !known.contains(check)) else { return Ok(()) };
    let offer = Offer::of(unknown, known.iter().map(String::as_str));
    Err(Error::UnknownCheck { check: unknown.clone(), offer })
}
