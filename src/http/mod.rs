//! HTTP: the queries that Prometheus' API has, over a store.
//!
//! What a request means and what its answer is, is decided in `api/`, which knows neither sockets nor hyper; `access.rs`
//! decides who may ask, `server.rs` has the connections, `answering.rs` brings both together.

mod access;
mod answering;
mod api;
mod counters;
mod follow;
mod gzip;
mod openmetrics;
mod page;
mod params;
mod places;
mod reply;
mod rules;
mod server;
mod settings;
mod socket;
mod stores;
mod strain;
mod tls;
mod watch;
mod wire;

pub use counters::Report;
pub use rules::{Alerting, ShownGroup, ShownRule};
pub use server::{ServerError, serve};
pub use settings::{Settings, judged};
pub use socket::Socket;
pub use stores::Stores;
pub use strain::Strain;
pub use tls::Tls;
