//! nrpe's log lines about requests that get no answer, over a socket or, with `-i`, on standard input.

use std::fmt::Display;

use custos_compat::nrpe::{Fault, Refusal};

/// Log lines about a malformed packet. `peer` is empty with `-i`.
pub(in crate::nrpe::listener) fn of_fault(fault: &Fault, tls: bool, peer: impl Display) -> [String; 2] {
    let (what, read) = match fault {
        Fault::Version(_) => {
            (format!("Error: (use_ssl == {tls}): Request packet version was invalid!"), false)
        }
        Fault::Length(_) => {
            ("Error: (use_ssl == true): Received packet with invalid buffer size".to_owned(), false)
        }
        Fault::Kind(_) => ("Error: Request packet type was invalid!".to_owned(), true),
        _ => ("Error: Request packet had invalid CRC32.".to_owned(), true),
    };
    [what, if read { invalid(peer) } else { unread(peer) }]
}

/// Log lines about a refused query; `withheld` if arguments are refused by the command line, not by the file.
pub(in crate::nrpe::listener) fn of_refusal(
    refusal: &Refusal,
    withheld: bool,
    peer: impl Display,
) -> [String; 2] {
    let what = match refusal {
        Refusal::Empty | Refusal::NoCommand => "Error: Request contained no query!",
        Refusal::Metachar(_) => "Error: Request contained illegal metachars!",
        Refusal::Arguments if withheld => "Error: Request contained command arguments!",
        Refusal::Arguments => {
            "Error: Request contained command arguments, but argument option is not enabled!"
        }
        _ => "Error: Request contained a bash command substitution, but they are disallowed!",
    };
    [what.to_owned(), invalid(peer)]
}

/// The log line about a request that did not arrive whole.
pub(in crate::nrpe::listener) fn unread(peer: impl Display) -> String {
    format!("Could not read request from client {peer}, bailing out...")
}

fn invalid(peer: impl Display) -> String {
    format!("Client request from {peer} was invalid, bailing out...")
}
