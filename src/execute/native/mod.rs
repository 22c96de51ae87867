//! Standard plugins whose work is done here, in the place of a process.

mod distribution;
mod machine;
mod network;
mod own;
mod work;
mod workers;

pub use own::own_plugin;
pub(super) use work::NativeWork;
pub use work::why_not;
pub(super) use workers::{NativeEnd, Natives};
