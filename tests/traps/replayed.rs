//! Messages of version 3 that somebody recorded and sends again count once: at once, after a reload, after a restart in
//! order, and after a kill.

use std::net::UdpSocket;

use nix::sys::signal::Signal;

use crate::receiver::{AUTH, LINK, LINK_DOWN, LINK_UP, PRIV, Receiver};
use crate::stage::wait_for;

/// A wire that keeps what it carries from `snmptrap`.
struct Tap(UdpSocket);

impl Tap {
    fn new() -> Tap {
        Tap(UdpSocket::bind("127.0.0.1:0").unwrap())
    }

    /// A trap of an interface, as a user with encryption sends it.
    fn record(&self, receiver: &Receiver, trap: &str) -> Vec<u8> {
        self.record_at(receiver, trap, &[])
    }

    /// The same, with further options: `-Z BOOTS,TIME` is the clock of the sender's engine.
    fn record_at(&self, receiver: &Receiver, trap: &str, further: &[&str]) -> Vec<u8> {
        let user = [
            "-v3", "-u", "secure", "-l", "authPriv", "-a", "SHA-512", "-A", AUTH, "-x", "AES-256", "-X", PRIV,
        ];
        let options = [&["-e", "0x8000000001020304"][..], &user, further].concat();
        let to = self.0.local_addr().unwrap().to_string();
        assert!(receiver.send_to(&to, "snmptrap", &options, &["", trap, "1.3.6.1.2.1.2.2.1.1.3", "i", "3"]));
        let mut buffer = vec![0; 2000];
        let len = self.0.recv(&mut buffer).unwrap();
        buffer.truncate(len);
        buffer
    }

    fn play(&self, receiver: &Receiver, packet: &[u8]) {
        self.0.send_to(packet, &receiver.address).unwrap();
    }
}

#[test]
fn a_recorded_trap_counts_once_for_ever() {
    let mut receiver = Receiver::start("", LINK);
    let tap = Tap::new();
    let (down, up) = (tap.record(&receiver, LINK_DOWN), tap.record(&receiver, LINK_UP));
    for _ in 0..6 {
        tap.play(&receiver, &down);
    }
    receiver.await_count("not_timely", 5);
    tap.play(&receiver, &up);
    receiver.await_count("matched", 2);
    assert_eq!(receiver.runs("link", 2).len(), 2);
    wait_for("the log to tell", || {
        receiver
            .log()
            .contains("not timely from 127.0.0.1: the same message of engine 8000000001020304")
            .then_some(())
    });

    receiver.signal(Signal::SIGHUP);
    wait_for("the reload", || receiver.log().contains("is reloaded").then_some(()));
    tap.play(&receiver, &down);
    receiver.await_count("not_timely", 6);

    // The note is written within a second or two; a kill after that loses nothing.
    wait_for("the note", || receiver.stage.path("store/snmp-engines.note").exists().then_some(()));
    let fresh = tap.record(&receiver, LINK_UP);
    tap.play(&receiver, &fresh);
    receiver.await_count("matched", 3);
    for how in ["end", "kill"] {
        match how {
            "end" => assert!(receiver.end()),
            _ => receiver.kill(),
        }
        receiver.resume();
        for packet in [&down, &up, &fresh] {
            tap.play(&receiver, packet);
        }
        receiver.await_count("not_timely", 3);
        assert_eq!(receiver.count("matched"), 0, "{how}");
    }
    let status = receiver.runs("link", 3);
    assert_eq!(status.len(), 3);
    // Who goes on sending is heard as before.
    let next = tap.record(&receiver, LINK_DOWN);
    tap.play(&receiver, &next);
    receiver.await_count("matched", 1);
}

#[test]
fn a_kill_in_the_first_second_makes_nothing_count_twice() {
    let mut receiver = Receiver::start("", LINK);
    let tap = Tap::new();
    let first = tap.record(&receiver, LINK_DOWN);
    tap.play(&receiver, &first);
    receiver.await_count("matched", 1);
    wait_for("the note", || receiver.stage.path("store/snmp-engines.note").exists().then_some(()));
    assert!(receiver.end());
    receiver.resume();
    // The same engine a moment later, by a packet whose time the note does not have yet.
    receiver.kill();
    receiver.resume();
    tap.play(&receiver, &first);
    receiver.await_count("not_timely", 1);
    assert_eq!(receiver.count("matched"), 0);
}

/// What lies in the window of 150 seconds may have been overtaken on its way, so it counts once (RFC 3414, section 3.2); all
/// that is older does not, and after a restart nothing that is not newer than all that came before it.
#[test]
fn older_messages_do_not_count_after_newer_ones() {
    let mut receiver = Receiver::start("", LINK);
    let tap = Tap::new();
    let at = |time: &str| tap.record_at(&receiver, LINK_DOWN, &["-Z", time]);
    let [first, newest, overtaken, lost] = ["5,1950", "5,2000", "5,1900", "5,1910"].map(at);
    let old = ["5,1000", "5,1849", "4,2000"].map(at);
    for (matched, packet) in (1..).zip([&first, &newest, &overtaken]) {
        tap.play(&receiver, packet);
        receiver.await_count("matched", matched);
    }
    // Each is another message than the newest; those that came count no second time.
    let mut refused = 0;
    for packet in [&first, &overtaken, &newest].into_iter().chain(&old) {
        tap.play(&receiver, packet);
        refused += 1;
        receiver.await_count("not_timely", refused);
    }
    assert_eq!(receiver.count("matched"), 3);
    let note = receiver.stage.path("store/snmp-engines.note");
    wait_for("the note", || {
        let noted = std::fs::read(&note).unwrap_or_default();
        String::from_utf8_lossy(&noted).contains("8000000001020304 5 2000").then_some(())
    });
    for how in ["kill", "end"] {
        match how {
            "end" => assert!(receiver.end()),
            _ => receiver.kill(),
        }
        receiver.resume();
        for packet in [&first, &newest, &overtaken, &lost].into_iter().chain(&old) {
            tap.play(&receiver, packet);
        }
        receiver.await_count("not_timely", 7);
        assert_eq!(receiver.count("matched"), 0, "{how}");
    }
    assert_eq!(receiver.runs("link", 3).len(), 3);
}
