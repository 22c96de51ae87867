//! A real `snmpd` on a port of its own, what net-snmp's tools say of it, and a poller to ask it with.

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use custos::snmp::{Answers, Credentials, Device, Outcome, Poller, Question};
use custos_compat::snmp::usm::{AuthProtocol, MasterKeys, PrivProtocol};
use custos_compat::snmp::{Message, Oid, Pdu, PduKind, Value, Version};

use crate::stage::{Daemon, Stage, free_port};

/// The passphrase of every user's digest.
pub const AUTH: &str = "auth passphrase";
/// The passphrase of every user's cipher.
pub const PRIVACY: &str = "priv passphrase";

/// A running `snmpd`, ended when dropped.
pub struct Snmpd {
    pub port: u16,
    stage: Stage,
    _daemon: Daemon,
}

impl Snmpd {
    /// Starts one with community `public`, and further lines of configuration.
    pub fn start(lines: &str) -> Snmpd {
        let stage = Stage::new();
        let config =
            stage.write("snmpd.conf", &format!("rocommunity public\nsysLocation Here, there\n{lines}\n"));
        // Another program may take the port before snmpd does: then it ends, and the next port is tried.
        for _ in 0..5 {
            let port = free_port();
            let mut command = Command::new("/usr/sbin/snmpd");
            command
                .args(["-f", "-Le", "-C", "-c"])
                .arg(&config)
                .arg(format!("udp:127.0.0.1:{port}"))
                .env("SNMP_PERSISTENT_DIR", stage.root())
                .env("MIBS", "");
            let mut daemon = Daemon::start(&mut command, &stage.path("log"));
            if answers(port, &mut daemon) {
                return Snmpd { port, stage, _daemon: daemon };
            }
        }
        panic!("snmpd does not start");
    }

    /// What a tool of net-snmp prints, by variable. Values are in numbers and hexadecimal digits.
    pub fn tool(&self, program: &str, access: &[&str], rest: &[&str]) -> BTreeMap<Oid, String> {
        let output = Command::new(program)
            .args(["-m", "", "-OQnetUx"])
            .args(access)
            .arg(format!("127.0.0.1:{}", self.port))
            .args(rest)
            .env("SNMP_PERSISTENT_DIR", self.stage.root())
            .stderr(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{program} {access:?} {rest:?}: {}", output.status);
        let mut values = BTreeMap::new();
        let mut last = None;
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            match line.split_once(" = ").filter(|_| line.starts_with(".1.")) {
                Some((oid, value)) => {
                    let oid: Oid = oid.parse().unwrap();
                    values.insert(oid.clone(), value.to_owned());
                    last = Some(oid);
                }
                // Long bytes go on in the next line.
                None => values.get_mut(last.as_ref().unwrap()).unwrap().push_str(line),
            }
        }
        values
    }

    /// This daemon, asked by some right.
    pub fn device(&self, credentials: Credentials) -> Device {
        device(self.port, credentials)
    }
}

fn answers(port: u16, daemon: &mut Daemon) -> bool {
    // Not connected, so that a port where nobody listens yet is silent.
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let pdu = Pdu::request(PduKind::Get, 1, [oid("1.3.6.1.2.1.1.3.0")]);
    let request = Message::write_pdu(Version::V2c, b"public", &pdu);
    for _ in 0..300 {
        socket.send_to(&request, ("127.0.0.1", port)).unwrap();
        if socket.recv(&mut [0; 1500]).is_ok() {
            return true;
        }
        if !daemon.is_alive() {
            return false;
        }
    }
    false
}

pub fn oid(text: &str) -> Oid {
    text.parse().unwrap()
}

pub fn device(port: u16, credentials: Credentials) -> Device {
    Device {
        host: "127.0.0.1".into(),
        port,
        credentials: Arc::new(credentials),
        timeout: Duration::from_millis(500),
        retries: 4,
        max_repetitions: 25,
        answers: Answers::default(),
    }
}

pub fn community(version: Version) -> Credentials {
    Credentials::Community { version, community: b"public".to_vec() }
}

pub fn user(name: &str, auth: Option<AuthProtocol>, privacy: Option<PrivProtocol>) -> Credentials {
    let privacy = privacy.map(|protocol| (protocol, PRIVACY.as_bytes()));
    let keys = auth.map(|auth| MasterKeys::derive(auth, AUTH.as_bytes(), privacy).unwrap());
    Credentials::User { name: name.into(), context: Vec::new(), keys }
}

/// Asks one question and waits for its end.
pub async fn ask(device: &Device, question: Question) -> Outcome {
    let (poller, mut outcomes) = Poller::start().unwrap();
    poller.submit(1, device, question, Duration::from_secs(30));
    outcomes.recv().await.unwrap().1
}

/// A value as the tools print it.
pub fn printed(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::OctetString(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02X} ")).collect();
            format!("\"{digits}\"")
        }
        Value::ObjectId(oid) => format!(".{oid}"),
        Value::IpAddress(address) => address.to_string(),
        Value::Counter32(number) | Value::Gauge32(number) | Value::TimeTicks(number) => number.to_string(),
        Value::Counter64(number) => number.to_string(),
        Value::Float(number) => format!("{number:.6}"),
        other => format!("{other:?}"),
    }
}
