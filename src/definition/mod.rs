//! Definitions: what the configuration says, read whole and checked, as plain data.
//!
//! Nothing here touches a process, a socket or a clock; reading files is the only effect.

mod model;

pub use model::{
    ByteUnits, Check, Command, Config, Hold, Native, NrpeConfig, OnMissing, SyncPolicy, Threshold, UnitRange,
};
