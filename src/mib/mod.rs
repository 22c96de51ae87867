//! Names of objects: what `ifDescr.3` is on the wire, and back, with enumerations and units.
//!
//! A table of common MIBs is built in; files of the user's own come on top of it when a configuration is read. Nothing
//! is looked up in files afterwards.

mod builtin;
mod depth;
mod known;
mod mibs;
mod object;
mod show;
mod table;

pub use known::KnownNames;
pub use mibs::{MibFault, read_mibs};
pub use object::{Object, Syntax};
pub use show::without_padding;
pub use table::{NameError, Names};
