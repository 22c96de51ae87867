//! What selectors found, as long as no new series appears.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use custos_promql::Matcher;

use super::check::SeriesNumber;

/// What the selectors of one expression found. Goes with the expression: selectors are known by where they are in memory, so
/// an expression must neither move nor be dropped before this is.
#[derive(Debug, Default)]
pub struct Selections {
    found: Mutex<HashMap<(usize, usize), Selection>>,
}

/// What a selector found.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    /// The version of the memory that it was found in.
    pub(super) version: u64,
    pub(super) series: std::sync::Arc<[(u32, SeriesNumber)]>,
}

fn place(matchers: &[Matcher]) -> (usize, usize) {
    (matchers.as_ptr() as usize, matchers.len())
}

impl Selections {
    pub(super) fn get(&self, matchers: &[Matcher]) -> Option<Selection> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).get(&place(matchers)).cloned()
    }

    pub(super) fn put(&self, matchers: &[Matcher], selection: Selection) {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).insert(place(matchers), selection);
    }
}
