//! An agent that listens for traps in a directory of its own, and net-snmp's senders.

use std::fs::{self, File};
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long an event is waited for. Far longer than it takes, so that a slow machine fails no test.
const PATIENCE: Duration = Duration::from_secs(120);

/// A directory with a configuration, a store, and an agent if one was started.
pub(crate) struct Stage {
    directory: tempfile::TempDir,
    daemon: Option<Child>,
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

impl Stage {
    /// Starts an agent: `traps` are further keys of `traps`, `checks` the lines below `checks:`.
    pub(crate) fn start(traps: &str, checks: &str) -> Stage {
        let directory = tempfile::tempdir().unwrap();
        let address = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut stage = Stage { directory, daemon: None, address };
        for (name, secret) in [("community", COMMUNITY), ("auth", AUTH), ("priv", PRIV)] {
            let path = stage.write(name, &format!("{secret}\n"));
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        stage.configure(traps, checks);
        stage.resume();
        stage
    }

    /// Writes the configuration anew.
    pub(crate) fn configure(&self, traps: &str, checks: &str) {
        let listen = &self.address;
        self.write(
            "custos.yaml",
            &format!(
                "store: store\n{PROFILES}  traps:\n    listen: \"{listen}\"\n{traps}\nchecks:\n{checks}"
            ),
        );
    }

    /// A path in the directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Starts the agent, again after it was killed, and waits until it answers.
    pub(crate) fn resume(&mut self) {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_custos"))
            .args(["run", "--config"])
            .arg(self.path("custos.yaml"))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.daemon = Some(child);
        wait_for("the agent to listen", || {
            let daemon = self.daemon.as_mut().unwrap();
            assert!(daemon.try_wait().unwrap().is_none(), "the agent ended");
            let status = self.custos(&["status"]);
            text(&status.stdout).contains("traps on").then_some(())
        });
    }

    /// Process id of the agent.
    pub(crate) fn pid(&self) -> u32 {
        self.daemon.as_ref().unwrap().id()
    }

    /// Kills the agent with no chance to tidy up.
    pub(crate) fn kill(&mut self) {
        let mut daemon = self.daemon.take().unwrap();
        daemon.kill().unwrap();
        daemon.wait().unwrap();
    }

    /// `custos` with arguments and `--config`.
    pub(crate) fn custos(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_custos"))
            .args(arguments)
            .arg("--config")
            .arg(self.path("custos.yaml"))
            .env("NO_COLOR", "1")
            .env("TZ", "UTC")
            .output()
            .unwrap()
    }

    /// The stored runs of a check, oldest first.
    pub(crate) fn history(&self, check: &str) -> Vec<Value> {
        let output = self.custos(&["history", check, "--json"]);
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until a check has so many runs, and returns them.
    pub(crate) fn runs(&self, check: &str, count: usize) -> Vec<Value> {
        wait_for(&format!("{count} runs of {check}"), || {
            let history = self.history(check);
            (history.len() >= count).then_some(history)
        })
    }

    /// A count of the agent by name; 0 if it does not tell.
    pub(crate) fn count(&self, name: &str) -> u64 {
        let status = text(&self.custos(&["status"]).stdout);
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
        let output = Command::new(program)
            .args(["-m", "", "-r", "1", "-t", "20"])
            .args(options)
            .arg(&self.address)
            .args(what)
            // A state of its own: senders of version 3 count their starts in it.
            .env("SNMP_PERSISTENT_DIR", self.directory.path())
            .env("SNMPCONFPATH", self.directory.path())
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

    /// The log of the agent.
    pub(crate) fn log(&self) -> String {
        text(&fs::read(self.path("log")).unwrap_or_default())
    }

    /// The directory.
    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the agent's log:\n{}", self.log());
            eprintln!("its status:\n{}", text(&self.custos(&["status"]).stdout));
        }
        if let Some(mut daemon) = self.daemon.take() {
            // It may have ended already, which is what is wanted.
            let _ = daemon.kill();
            let _ = daemon.wait();
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

/// Asks again and again until there is an answer.
#[allow(clippy::disallowed_methods)]
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Bytes as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
