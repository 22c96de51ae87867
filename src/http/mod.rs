//! HTTP: the queries that Prometheus' API has, over a store.
//!
//! What a request means and what its answer is, is decided in `api/`, which knows neither sockets nor hyper; `server.rs` has
//! the connections.

mod api;
mod params;
mod reply;
mod server;
mod stores;

pub use server::{Listening, ServerError, serve};
pub use stores::Stores;
