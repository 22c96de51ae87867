//! Why the work of a plugin is not done here.

/// Why a plugin has to be run itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotNative(pub String);
