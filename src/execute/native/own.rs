//! The plugins of this project's own, as programs.

use std::ffi::OsString;

use custos_native::{Live, NotNative, Printed};

use super::network::Talks;
use crate::clock;

/// Does what one of the own plugins does, and says what it says. Waits for as long as that measures.
///
/// # Errors
/// Why its options cannot be used.
pub fn own_plugin(name: &str, words: &[OsString]) -> Result<Printed, String> {
    let plan = custos_native::own(name, words).map_err(|NotNative(why)| why)?;
    let why = |NotNative(why)| why;
    let Some(talk) = plan.talk() else { return plan.run(&live()).map_err(why) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(Talks::new().alone(talk)).map_err(why)
}

/// This machine, for whom nothing is shared with.
fn live() -> Live {
    Live { parent: None, now_s: Some(|| clock::now_ms().div_euclid(1000)) }
}
