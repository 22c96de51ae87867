//! From the tree of a document to the model: a file per noun, each with its keys, defaults and mistakes.

mod askable;
pub(crate) mod check;
pub(crate) mod command;
pub(crate) mod dependency;
pub(crate) mod http;
pub(crate) mod load;
pub(crate) mod medium;
pub(crate) mod native;
pub(crate) mod notify;
pub(crate) mod nrpe;
pub(crate) mod passive;
pub(crate) mod period;
pub(crate) mod poll;
pub(crate) mod process;
mod raw_counter;
pub(crate) mod rule;
pub(crate) mod rule_files;
pub(crate) mod secret_file;
pub(crate) mod settings;
pub(crate) mod severities;
pub(crate) mod sink;
mod sink_file;
pub(crate) mod snmp;
mod store_named;
pub(crate) mod template;
pub(crate) mod threshold;
pub(crate) mod trap;
pub(crate) mod variable;

pub use load::{DEFAULT_PATH, Loaded, Surroundings, load, load_with};
pub use rule_files::rules_not_checks;
pub use store_named::store_named;
