//! What Prometheus' own page completes by.

use crate::library::node;
use crate::server::Server;

#[test]
fn prometheus_own_completion_completes() {
    node("node/codemirror.cjs", &Server::start());
}
