//! Serving: the NRPE listener. It turns what clients ask into [`Request`]s for the agent and sends its [`Answer`]s.
//!
//! Nothing is executed or recorded here: a request takes the same path as a scheduled run.

mod accept;
mod access;
mod answer;
mod coalesce;
mod complaint;
mod connection;
mod counters;
mod decide;
mod disk;
mod error;
mod explain;
mod fresh;
mod inherited;
mod log;
mod memory;
mod pid_file;
mod request;
mod request_log;
mod reverse;
mod room;
mod server;
mod settings;
mod socket;
mod stdin;
mod stream;
mod tls;
mod tls_log;
mod user;
mod wrappers;

pub use access::CommandAccess;
pub use decide::NRPE_VERSION;
pub use error::Error;
pub use explain::{explain, weaknesses};
pub use inherited::adopt as adopt_inherited_sockets;
pub use log::{Log, LogSettings};
pub use pid_file::PidFile;
pub use request::{Answer, Origin, Request, Task, Transport};
pub use server::Server;
pub use settings::{Listen, Overrides, ServedCommand, ServedTask, Settings, read_config};
pub use stdin::answer_stdin;
pub use tls::{is_anonymous, offers_anonymous};
