//! The settings of a listener, and where they come from: `nrpe.cfg`, the YAML, the command line.

mod disk;
mod keys;
mod model;
mod nrpe_cfg;
mod user;

pub use model::{Listen, Overrides, ServedCommand, ServedTask, Settings};
pub use nrpe_cfg::read_config;
