//! Each medium of notifications against the real receiver: Alertmanager 0.25, a mail server (aiosmtpd), Icinga 2, NSCA, and servers
//! over HTTP in Python that answer badly. `scripts/test` installs the programs, `scripts/python` the mail server.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod agent;
mod alertmanager;
mod bench;
mod command;
mod icinga;
mod mail;
mod nrdp;
mod nsca;
mod webhook;

#[path = "../stage/mod.rs"]
mod stage;
