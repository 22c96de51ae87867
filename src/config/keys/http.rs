//! The `http` section: queries over HTTP, as Prometheus answers them.

use crate::config::keys::shapes::path;
use crate::document::key::{Is, Key, Own, key, section};
use crate::document::kind::Flag;
use crate::document::section::{Rule, Shape};

/// Where HTTP is answered unless `listen` says otherwise.
pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:43191";
/// An address with port, or a path, which has a slash.
const LISTEN_AT: &str = r"^(.*/.*|(localhost|[0-9.]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5})$";
/// A scheme and a host, perhaps with a port.
const ORIGIN: &str = r"^https?://[^/?#\s]+$";
/// A name or an address, without a port.
const HOST: &str = r"^[^\s/:@?#]+$|^\[[0-9A-Fa-f:.]+\]$";

section! {
    /// Queries over HTTP.
    HTTP = "http" rules [
        Rule::With(&TLS_CERTIFICATE, &TLS_KEY),
        Rule::With(&TLS_KEY, &TLS_CERTIFICATE),
        Rule::With(&TLS_CLIENT_CA, &TLS_CERTIFICATE),
    ];
    LISTEN: Key<Own> = key("listen", Own(|| Shape::Pattern(LISTEN_AT).one_or_more()),
        "an address with port, the path of a socket, or a list of them; what other hosts can reach needs a certificate, and \
         `tokens` or `tls_client_ca`")
        .says("`127.0.0.1:43191`");
    TLS_CERTIFICATE: Key<Own> = key("tls_certificate", Own(path),
        "PEM file with the certificate and its chain; with one, all addresses speak TLS")
        .says("no TLS");
    TLS_KEY: Key<Own> = key("tls_key", Own(path), "PEM file with the key of the certificate");
    TLS_CLIENT_CA: Key<Own> = key("tls_client_ca", Own(path),
        "PEM file of the authorities that clients' certificates are verified against; without `tokens`, each client needs one")
        .says("no certificate is asked for");
    TOKENS: Key<Own> = key("tokens", Own(|| path().one_or_more()),
        "a file with a token in its only line, or a list of them: at addresses a client sends one, as `Authorization: Bearer` or \
         as the password of any user, or has a certificate; sockets need none")
        .says("no token is asked for");
    CORS: Key<Own> = key("cors", Own(|| Shape::Pattern(ORIGIN).one_or_more()),
        "origins of web pages that may ask, such as `https://grafana.example`")
        .says("none");
    HOSTS: Key<Own> = key("hosts", Own(|| Shape::Pattern(HOST).one_or_more()),
        "names and addresses that requests may call this host by")
        .says("`localhost`, `host`, and the address that the request came to");
    OPEN_WATCH: Key<Flag, Is<bool>> = key("open_watch", Flag,
        "whether whoever may ask may also have checks run more often while they are watched; otherwise only those who show a token \
         or a certificate may")
        .is(false);
}
