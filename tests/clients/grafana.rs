//! Grafana's own data source, with a stand-in for Grafana's server.

use crate::library::node;
use crate::server::Server;

#[test]
fn grafanas_data_source_works() {
    node("node/grafana.cjs", &Server::start());
}
