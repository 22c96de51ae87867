//! Other hosts: network namespaces, each with a link to this one.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::stage::{as_root, text};

/// A network namespace with an address. It is removed when this is dropped.
pub(crate) struct Namespace {
    name: String,
    /// The end of the link on this side.
    link: String,
    pub(crate) address: String,
}

fn ip(words: &str) {
    let output = Command::new("ip").args(words.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "ip {words}: {}", text(&output.stderr));
}

impl Namespace {
    /// Makes one that no other test of this machine has.
    pub(crate) fn new() -> Namespace {
        static MADE: AtomicU32 = AtomicU32::new(0);
        as_root();
        let number = (std::process::id() * 8 + MADE.fetch_add(1, Ordering::Relaxed)) % 0x4000;
        let name = format!("custos-w{number}");
        let (link, other) = (format!("cw{number}"), format!("cx{number}"));
        // 198.18.0.0/15 is for such networks.
        let of = |host: u32| {
            let low = number * 4 + host;
            format!("198.{}.{}.{}", 18 + (low >> 16), (low >> 8) & 0xff, low & 0xff)
        };
        ip(&format!("netns add {name}"));
        let namespace = Namespace { name, link, address: of(2) };
        let Namespace { name, link, address } = &namespace;
        ip(&format!("link add {link} type veth peer name {other} netns {name}"));
        ip(&format!("address add {}/30 dev {link}", of(1)));
        ip(&format!("link set {link} up"));
        ip(&format!("-n {name} address add {address}/30 dev {other}"));
        ip(&format!("-n {name} link set {other} up"));
        ip(&format!("-n {name} link set lo up"));
        namespace
    }

    /// A command there.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Whether anything gets there.
    pub(crate) fn connect(&self, is_connected: bool) {
        ip(&format!("link set {} {}", self.link, if is_connected { "up" } else { "down" }));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The link goes with it.
        let _ = Command::new("ip").args(["link", "del", &self.link]).output();
        let _ = Command::new("ip").args(["netns", "del", &self.name]).output();
    }
}
