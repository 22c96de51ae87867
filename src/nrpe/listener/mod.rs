//! The NRPE listener. It turns what clients ask into [`Request`]s for the agent and sends its [`Answer`]s.
//!
//! It executes and records nothing: a request takes the same path as a scheduled run.

mod accept;
mod access;
mod answer;
mod coalesce;
mod connection;
mod counters;
mod decide;
mod error;
mod explain;
mod log;
mod path_owner;
mod pid_file;
mod request;
mod server;
mod settings;
mod state;
mod stdin;
mod tls;

pub use accept::adopt_inherited_sockets;
pub use access::CommandAccess;
pub use error::Error;
pub use explain::{explain, weaknesses};
pub use log::{Log, LogSettings};
pub(crate) use path_owner::other_owner;
pub use pid_file::PidFile;
pub use request::{Answer, Origin, Request, Task, Transport};
pub use server::Server;
pub use settings::{Listen, Overrides, ServedCommand, ServedTask, Settings, read_config};
pub use stdin::answer_stdin;
pub use tls::{is_anonymous, offers_anonymous};
