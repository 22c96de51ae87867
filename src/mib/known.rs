//! The names that a configuration knows.

use std::ops::Deref;
use std::sync::Arc;

use super::table::Names;

/// The built-in names, which take memory only once one is looked up, or those with the user's own files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KnownNames {
    with_files: Option<Arc<Names>>,
}

impl KnownNames {
    /// The names, to be kept beside the configuration.
    pub fn shared(&self) -> Arc<Names> {
        Arc::clone(self.with_files.as_ref().unwrap_or_else(|| Names::builtin()))
    }
}

impl From<Names> for KnownNames {
    fn from(names: Names) -> KnownNames {
        KnownNames { with_files: Some(Arc::new(names)) }
    }
}

impl Deref for KnownNames {
    type Target = Names;

    fn deref(&self) -> &Names {
        self.with_files.as_ref().unwrap_or_else(|| Names::builtin())
    }
}
