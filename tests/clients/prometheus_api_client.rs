//! prometheus-api-client, with which Python asks Prometheus.

use crate::library::python;
use crate::server::Server;

#[test]
fn prometheus_api_client_works() {
    python("python/client.py", &Server::start());
}
