//! Every key of the configuration, in a table for each section: the one place that says which keys there are, how their
//! values are written, what holds without them, and what they are for.
//!
//! What reads a section goes by its table, and so does all that describes one: the schema for editors, the tables of
//! `docs/`, `custos.yaml(5)`.

pub(crate) mod check;
pub(crate) mod http;
pub(crate) mod notify;
pub(crate) mod nrpe;
pub(crate) mod passive;
pub(crate) mod period;
pub(crate) mod poll;
pub(crate) mod process;
pub(crate) mod rule;
pub(crate) mod settings;
pub(crate) mod shapes;
pub(crate) mod sink;
pub(crate) mod snmp;
pub(crate) mod threshold;
pub(crate) mod top;
pub(crate) mod trap;
