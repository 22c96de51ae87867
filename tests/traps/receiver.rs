//! An agent that receives traps in a directory of its own, and net-snmp's senders.

use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::stage::{Daemon, Stage, free_port, text, wait_for};

/// An agent, unless a test has killed it, and the directory that it works in.
pub(crate) struct Receiver {
    pub(crate) stage: Stage,
    agent: Option<Daemon>,
    /// Where the agent listens.
    pub(crate) address: String,
}

/// The profiles of every test. The passphrases stand in files beside the configuration.
const PROFILES: &str = "\
snmp:
  profiles:
    one: { version: 1, community: { file: community } }
    two: { version: 2c, community: { file: community } }
    open: { version: 3, user: open }
    signed: { version: 3, user: signed, auth: { protocol: sha256, file: auth } }
    md5: { version: 3, user: oldest, auth: { protocol: md5, file: auth }, priv: { protocol: des, file: priv } }
    secure: { version: 3, user: secure, auth: { protocol: sha512, file: auth }, priv: { protocol: aes256, file: priv } }
";
/// The community of the profiles.
pub(crate) const COMMUNITY: &str = "watchword";
/// The passphrases.
pub(crate) const AUTH: &str = "signing secret";
pub(crate) const PRIV: &str = "hiding secret";

impl Receiver {
    /// Starts an agent: `traps` are further keys of `traps`, `checks` the lines below `checks:`.
    pub(crate) fn start(traps: &str, checks: &str) -> Receiver {
        let (stage, address) = (Stage::new(), format!("127.0.0.1:{}", free_port()));
        for (name, secret) in [("community", COMMUNITY), ("auth", AUTH), ("priv", PRIV)] {
            stage.write_secret(name, &format!("{secret}\n"));
        }
        let mut receiver = Receiver { stage, agent: None, address };
        receiver.configure(traps, checks);
        receiver.resume();
        receiver
    }

    /// Writes the configuration anew.
    pub(crate) fn configure(&self, traps: &str, checks: &str) {
        let listen = &self.address;
        self.stage.configure(&format!("{PROFILES}  traps:\n    listen: \"{listen}\"\n{traps}"), checks);
    }

    /// Starts the agent, again after it was killed, and waits until it listens.
    pub(crate) fn resume(&mut self) {
        let mut agent = self.stage.start();
        wait_for("the agent to listen", || {
            assert!(agent.is_alive(), "the agent ended");
            let status = self.stage.custos(&["status"]);
            text(&status.stdout).contains("traps on").then_some(())
        });
        self.agent = Some(agent);
    }

    /// Process id of the agent.
    pub(crate) fn pid(&self) -> i32 {
        self.agent.as_ref().unwrap().pid()
    }

    /// Sends the agent a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        self.agent.as_ref().unwrap().signal(signal);
    }

    /// Kills the agent with no chance to tidy up.
    pub(crate) fn kill(&mut self) {
        self.agent.take().unwrap().kill();
    }

    /// Ends the agent in order.
    pub(crate) fn end(&mut self) -> bool {
        self.agent.take().unwrap().end().success()
    }

    /// The log of the agent.
    pub(crate) fn log(&self) -> String {
        self.agent.as_ref().unwrap().log()
    }

    /// Waits until a check has that many runs, and returns them, oldest first.
    pub(crate) fn runs(&self, check: &str, count: usize) -> Vec<Value> {
        self.stage.runs(check, count)
    }

    /// A count of the agent by name; 0 if the agent does not show it.
    pub(crate) fn count(&self, name: &str) -> u64 {
        let status = text(&self.stage.custos(&["status"]).stdout);
        let line =
            status.lines().find_map(|line| line.strip_prefix("traps: ")).unwrap_or_default().to_owned();
        let count =
            line.split(", ").find_map(|count| count.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        count.unwrap_or(0)
    }

    /// Waits until a count is that high.
    pub(crate) fn await_count(&self, name: &str, count: u64) {
        wait_for(&format!("{name} {count}"), || (self.count(name) >= count).then_some(()));
    }

    /// Sends with `snmptrap` or `snmpinform`: options, then what is sent. Returns whether it says that it succeeded.
    pub(crate) fn send(&self, program: &str, options: &[&str], what: &[&str]) -> bool {
        self.send_to(&self.address, program, options, what)
    }

    /// The same, to another address.
    pub(crate) fn send_to(&self, address: &str, program: &str, options: &[&str], what: &[&str]) -> bool {
        let output = Command::new(program)
            .args(["-m", "", "-r", "1", "-t", "20"])
            .args(options)
            .arg(address)
            .args(what)
            // A state of its own: senders of version 3 count their starts in it.
            .env("SNMP_PERSISTENT_DIR", self.stage.root())
            .env("SNMPCONFPATH", self.stage.root())
            .output()
            .unwrap();
        output.status.success()
    }

    /// A trap of version 2c with the right community.
    pub(crate) fn trap(&self, what: &[&str]) {
        assert!(self.send("snmptrap", &["-v2c", "-c", COMMUNITY], what));
    }

    /// linkDown or linkUp of an interface, as net-snmp's own agent sends it.
    pub(crate) fn link(&self, trap: &str, index: &str) {
        let oid = |column: &str| format!("1.3.6.1.2.1.2.2.1.{column}.{index}");
        let status = if trap == LINK_DOWN { "2" } else { "1" };
        let (index_oid, admin, oper) = (oid("1"), oid("7"), oid("8"));
        self.trap(&["", trap, &index_oid, "i", index, &admin, "i", "1", &oper, "i", status]);
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the agent's status:\n{}", text(&self.stage.custos(&["status"]).stdout));
        }
    }
}

pub(crate) const LINK_DOWN: &str = "1.3.6.1.6.3.1.1.5.3";
pub(crate) const LINK_UP: &str = "1.3.6.1.6.3.1.1.5.4";

/// A check of links, keyed by interface.
pub(crate) const LINK: &str = "  link:
    trap:
      oid: [linkDown, linkUp]
      state: { linkDown: critical, linkUp: ok }
      key: ifIndex
      text: \"{trap} on {ifIndex} of {source}: {ifOperStatus}\"
      metrics: { status: ifOperStatus }
";
