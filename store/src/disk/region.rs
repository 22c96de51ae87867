//! The bytes of an immutable file.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// The bytes of an immutable file: mapped or copied.
#[derive(Clone)]
pub struct Region(Arc<dyn Deref<Target = [u8]> + Send + Sync>);

impl Region {
    /// Wraps whatever holds the bytes.
    pub fn new(bytes: impl Deref<Target = [u8]> + Send + Sync + 'static) -> Region {
        Region(Arc::new(bytes))
    }
}

impl Deref for Region {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({} bytes)", self.len())
    }
}
