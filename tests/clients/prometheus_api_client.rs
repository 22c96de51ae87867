//! prometheus-api-client, with which Python asks Prometheus.

use crate::library::python;
use crate::server::Server;

#[test]
fn prometheus_api_client_works() {
    python("python/client.py", &Server::start(), &[]);
}

#[test]
fn prometheus_api_client_works_over_tls_with_a_token() {
    let guarded = Server::guarded();
    let token = std::fs::read_to_string(&guarded.token).unwrap();
    let environment = [("CUSTOS_TOKEN", token.trim()), ("REQUESTS_CA_BUNDLE", &guarded.authority)];
    python("python/client.py", &guarded.server, &environment);
}
