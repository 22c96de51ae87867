//! What the client says about itself.

use crate::nrpe::NRPE_VERSION;

/// Name and version.
pub(super) fn version() -> String {
    format!("NRPE Plugin for Nagios\nVersion: {NRPE_VERSION} (custos {})\n\n", env!("CARGO_PKG_VERSION"))
}

/// The licence.
pub(super) const LICENSE: &str = "\
Licensed under either of the MIT licence and the Apache License, Version 2.0, at your option.
";

/// The options.
pub(super) const HELP: &str = "\
Usage: check_nrpe -H <host> [-p <port>] [-c <command>] [-a <arglist...>] [options]

Asks the NRPE daemon of a host to run a command, prints what it says and exits as it did.

 -H, --host=HOST              Name or address of the host
 -p, --port=PORT              Port of the daemon (5666)
 -c, --command=COMMAND        Command to run; without one the daemon tells its version
 -a, --args=LIST              Arguments for the command; must be the last option
 -t, --timeout=SECONDS:STATE  How long to wait (10), and the state to exit with then (CRITICAL): a name or 0-3
 -u, --unknown-timeout        UNKNOWN instead of CRITICAL when the host cannot be reached
 -E, --stderr-to-stdout       Tell on stdout what else goes to stderr
 -4, --ipv4                   IPv4 only
 -6, --ipv6                   IPv6 only
 -b, --bind=IPADDR            Address to connect from
 -2, --v2-packets-only        Version 2 packets only
 -3, --v3-packets-only        Version 3 packets, then version 2
 -P, --payload-size=SIZE      Size of version 2's text field, for NSClient++; needs -2
 -f, --config-file=FILE       Further options, separated by blanks, as far as the command line does not give them;
                              -t has no effect there
 -V, --version                Version
 -l, --license                Licence
 -h, --help                   This text

TLS:
 -n, --no-ssl                 None at all
 -d, --use-adh=0|1|2          Anonymous Diffie-Hellman: not over finite fields, allowed (1), nothing else
 -S, --ssl-version=VERSION    SSLv3, TLSv1, TLSv1.1, TLSv1.2, TLSv1.3: only that one, with a + behind it also newer
                              ones (TLSv1+)
 -L, --cipher-list=LIST       OpenSSL's cipher list (ALL:!MD5:@STRENGTH:@SECLEVEL=0)
 -C, --client-cert=FILE       Certificate to show to the daemon, with
 -K, --key-file=FILE          its private key
 -A, --ca-cert-file=FILE      Verify the daemon's certificate against this authority; anonymous suites are then not
                              offered. The host's name is not compared.

 -s, --ssl-logging=OPTIONS    Taken for compatibility, like
 -g, --log-file=FILE          this one and
 -D, --disable-syslog         that one: nothing is logged
";
