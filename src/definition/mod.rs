//! Definitions: what the configuration says, read whole and checked, as plain data.
//!
//! Nothing here touches a process, a socket or a clock; reading files is the only effect. A file becomes a tree
//! with places (`yaml`), the tree is walked by known keys (`fields`, then a file per noun), and every mistake is
//! noted on the way (`mistake`).

mod check;
mod command;
mod dependency;
mod duration;
mod fields;
mod glob;
mod include;
mod load;
mod mistake;
mod model;
mod native;
mod nrpe;
mod period;
mod place;
mod poll;
mod process;
mod scalar;
mod secret;
mod secret_file;
mod settings;
mod show;
mod show_snmp;
mod snmp;
mod snmp_model;
mod suggest;
mod template;
mod threshold;
mod trap;
mod variable;
mod yaml;

pub use load::{DEFAULT_PATH, DEFAULT_PLUGINS, DEFAULT_STORE, Loaded, Surroundings, load, load_with};
pub use mistake::{Mistake, Mistakes, Severity};
pub use model::{
    ByteUnits, Check, Command, Config, Hold, Native, NrpeConfig, OnMissing, Priority, Process, RunAs,
    Serving, Stale, SyncPolicy, Threshold, UnitRange,
};
pub use place::{Place, SourceFile};
pub use show::show;
pub use snmp_model::{
    Condition, KeyPart, Limit, NativeCheck, Network, Part, Secret, SnmpAccess, SnmpConfig, SnmpPoll,
    SnmpProfile, SnmpUser, SnmpWanted, TablePoll, Template, TrapRule, TrapsConfig, Variable, Wanted,
};
