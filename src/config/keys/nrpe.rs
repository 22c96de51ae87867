//! The `nrpe` section: an `nrpe.cfg` to read in place, and keys of our own that win over it.

use crate::config::keys::notify::GRAPHS;
use crate::config::keys::shapes::{addresses, path};
use crate::config::model::notify::GraphStyle;
use crate::document::key::{Is, Key, Own, key, section};
use crate::document::kind::{Choice, Flag, Span};
use crate::document::section::Shape;
use crate::limits::{INTERVAL_MAX, TIMEOUT_MIN};

/// What may be asked of clients.
const CLIENT_CERTIFICATES: [(&str, &str); 3] = [("ignore", "ignore"), ("ask", "ask"), ("require", "require")];
const TLS_VERSION: &str = r"^(SSLv3|TLSv1|TLSv1\.[123])\+?$";

section! {
    /// The NRPE listener.
    NRPE = "nrpe";
    CONFIG: Key<Own> = key("config", Own(path), "an `nrpe.cfg`, read in place with what it includes");
    LISTEN: Key<Own> = key("listen", Own(addresses),
        "addresses with port: `0.0.0.0:5666`, `[::1]:5666`; port 0 lets the system choose")
        .says("as `config` says");
    ALLOWED_HOSTS: Key<Own> = key("allowed_hosts", Own(|| Shape::Scalar.one_or_more()),
        "who may connect, in the forms of nrpe: addresses, networks, names; a list, or one text with commas")
        .says("as `config` says");
    TLS: Key<Flag, Is<bool>> = key("tls", Flag, "`false`: no TLS at all, as nrpe's `-n`").is(true);
    TLS_CERTIFICATE: Key<Own> = key("tls_certificate", Own(path), "PEM file with the certificate and its chain")
        .says("as `config` says; without one TLS is anonymous");
    TLS_KEY: Key<Own> = key("tls_key", Own(path), "PEM file with the key of the certificate").says("as `config` says");
    TLS_CLIENT_CA: Key<Own> = key("tls_client_ca", Own(path),
        "PEM file of the authorities that clients' certificates are verified against")
        .says("as `config` says");
    TLS_CLIENT_CERTIFICATES: Key<Choice<&'static str>> = key("tls_client_certificates", Choice(&CLIENT_CERTIFICATES),
        "what is asked of clients: `ignore`, `ask` or `require`")
        .says("as `config` says, else `ignore`");
    TLS_VERSIONS: Key<Own> = key("tls_versions", Own(|| Shape::Pattern(TLS_VERSION)),
        "in the form of nrpe's `ssl_version`: `TLSv1.2+`, `TLSv1.3`, …")
        .says("as `config` says, else `TLSv1+`");
    TLS_CIPHERS: Key<Own> = key("tls_ciphers", Own(|| Shape::Text), "a cipher list of OpenSSL, for TLS 1.2 and older")
        .says("as `config` says");
    TLS_ANONYMOUS: Key<Flag, Is<bool>> = key("tls_anonymous", Flag,
        "`false`: no cipher suite in which neither side shows a certificate")
        .is(true);
    ALLOW_ARGUMENTS: Key<Flag, Is<bool>> = key("allow_arguments", Flag,
        "`true`: clients may send arguments to the commands of `config`, if it says `dont_blame_nrpe=1` too")
        .is(false);
    COMMANDS_AS_ROOT: Key<Flag, Is<bool>> = key("commands_as_root", Flag,
        "`true`: an agent that runs as root runs the commands of `config` as root where that names no `nrpe_user`; without it, \
         such a configuration is refused")
        .is(false);
    TCP_WRAPPERS: Key<Flag, Is<bool>> = key("tcp_wrappers", Flag, "whether `/etc/hosts.allow` and `/etc/hosts.deny` count")
        .is(true);
    COMMAND_TIMEOUT: Key<Span> = key("command_timeout", Span(TIMEOUT_MIN, INTERVAL_MAX),
        "how long a command of `config` may run")
        .says("as `config` says, else `60s`");
    COALESCE: Key<Flag, Is<bool>> = key("coalesce", Flag,
        "`true`: a request for a command of `config` that is under way for somebody else gets that answer")
        .is(false);
    GRAPH: Key<Choice<GraphStyle>, Is<GraphStyle>> = key("graph", Choice(&GRAPHS),
        "`braille` or `ascii`: a [graph](#graphs-in-answers) stands below the answer of each check, where it fits")
        .is(GraphStyle::None);
    ACCESS: Key<Own> = key("access", Own(|| Shape::Scalar.one_or_more().by_name()),
        "who may run which commands: a mapping of command names or globs to lists of addresses, networks and `cert:SUBJECT`")
        .says("everybody who may connect");
}
