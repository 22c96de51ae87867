//! What is sent in each version and each level of security arrives, and what must not come in does not.

use nix::sys::signal::Signal;

use crate::receiver::{AUTH, COMMUNITY, LINK_DOWN, PRIV, Receiver};
use crate::stage::{text, wait_for};

const CHECK: &str = "  any:
    trap: { oid: [coldStart, linkDown, 1.3.6.1.4.1.9], state: warning, metrics: { n: 1.3.6.1.4.1.9.1 } }
";

#[test]
fn traps_of_every_version_and_level_are_received() {
    let receiver = Receiver::start("", CHECK);
    let specific = ["1.3.6.1.4.1.9", "192.0.2.9", "6", "17", "5", "1.3.6.1.4.1.9.1.0", "i", "42"];
    assert!(receiver.send("snmptrap", &["-v1", "-c", COMMUNITY], &specific));
    let generic = ["1.3.6.1.4.1.9", "192.0.2.9", "2", "0", "5"];
    assert!(receiver.send("snmptrap", &["-v1", "-c", COMMUNITY], &generic));
    receiver.trap(&["", "1.3.6.1.6.3.1.1.5.1"]);
    let secure =
        ["-v3", "-u", "secure", "-l", "authPriv", "-a", "SHA-512", "-A", AUTH, "-x", "AES-256", "-X", PRIV];
    let md5 = ["-v3", "-u", "oldest", "-l", "authPriv", "-a", "MD5", "-A", AUTH, "-x", "DES", "-X", PRIV];
    let signed = ["-v3", "-u", "signed", "-l", "authNoPriv", "-a", "SHA-256", "-A", AUTH];
    let open = ["-v3", "-u", "open", "-l", "noAuthNoPriv"];
    // An engine id of its own, as a device has it.
    let senders: [&[&str]; 4] = [&secure, &md5, &signed, &open];
    for options in senders {
        let options = [&["-e", "0x8000000001020304"], options].concat();
        assert!(receiver.send("snmptrap", &options, &["", LINK_DOWN]));
    }
    let runs = receiver.runs("any", 7);
    assert_eq!(runs.len(), 7);
    let texts: Vec<&str> = runs.iter().map(|run| run["text"].as_str().unwrap()).collect();
    assert_eq!(texts[0], "1.3.6.1.4.1.9.0.17 from 127.0.0.1: 1.3.6.1.4.1.9.1.0 = 42");
    assert!(texts[1].starts_with("linkDown from 127.0.0.1"), "{texts:?}");
    assert!(texts[2].starts_with("coldStart from 127.0.0.1"), "{texts:?}");
    assert_eq!(runs[0]["metrics"][0]["value"], 42);
    assert_eq!((&runs[0]["state"], &runs[0]["origin"]), (&"WARNING".into(), &"trap 127.0.0.1".into()));
    assert_eq!(receiver.count("matched"), 7);
}

#[test]
fn informs_are_acknowledged() {
    let receiver = Receiver::start("", CHECK);
    assert!(receiver.send("snmpinform", &["-v2c", "-c", COMMUNITY], &["", LINK_DOWN]));
    let levels: [&[&str]; 4] = [
        &["-u", "secure", "-l", "authPriv", "-a", "SHA-512", "-A", AUTH, "-x", "AES-256", "-X", PRIV],
        &["-u", "oldest", "-l", "authPriv", "-a", "MD5", "-A", AUTH, "-x", "DES", "-X", PRIV],
        &["-u", "signed", "-l", "authNoPriv", "-a", "SHA-256", "-A", AUTH],
        &["-u", "open", "-l", "noAuthNoPriv"],
    ];
    for (place, level) in levels.iter().enumerate() {
        assert!(receiver.send("snmpinform", &[&["-v3"], *level].concat(), &["", LINK_DOWN]), "{level:?}");
        assert_eq!(receiver.count("acknowledged"), place as u64 + 2);
    }
    assert!(receiver.runs("any", 5).len() >= 5);
}

#[test]
fn what_nobody_may_send_is_refused_and_counted() {
    let receiver = Receiver::start("", CHECK);
    let quick = ["-r", "0", "-t", "1"];
    receiver.send("snmptrap", &["-v2c", "-c", "guess"], &["", LINK_DOWN]);
    receiver.await_count("wrong_community", 1);
    let wrong = ["-v3", "-u", "signed", "-l", "authNoPriv", "-a", "SHA-256", "-A", "some other secret"];
    assert!(!receiver.send("snmpinform", &[&wrong[..], &quick].concat(), &["", LINK_DOWN]));
    receiver.await_count("wrong_digest", 1);
    let unknown = ["-v3", "-u", "nobody", "-l", "noAuthNoPriv"];
    assert!(!receiver.send("snmpinform", &[&unknown[..], &quick].concat(), &["", LINK_DOWN]));
    receiver.await_count("wrong_user", 1);
    // A user with a passphrase who does without it.
    let bare = ["-v3", "-u", "secure", "-l", "noAuthNoPriv"];
    assert!(!receiver.send("snmpinform", &[&bare[..], &quick].concat(), &["", LINK_DOWN]));
    receiver.await_count("wrong_user", 2);
    let half = ["-v3", "-u", "secure", "-l", "authNoPriv", "-a", "SHA-512", "-A", AUTH];
    assert!(!receiver.send("snmpinform", &[&half[..], &quick].concat(), &["", LINK_DOWN]));
    receiver.await_count("wrong_user", 3);
    assert_eq!((receiver.count("matched"), receiver.count("unmatched")), (0, 0));
    receiver.trap(&["", LINK_DOWN]);
    assert_eq!(receiver.runs("any", 1).len(), 1);
}

#[test]
fn sources_and_variables_decide() {
    let checks = "  there: { trap: { oid: linkDown, state: critical, source: 192.0.2.0/24 } }
  here: { trap: { oid: linkDown, state: critical, source: 127.0.0.0/8, where: { ifDescr: \"eth*\", ifAdminStatus: up } } }
";
    let receiver = Receiver::start("", checks);
    let (name, admin) = ("1.3.6.1.2.1.2.2.1.2.3", "1.3.6.1.2.1.2.2.1.7.3");
    receiver.trap(&["", LINK_DOWN, name, "s", "eth3", admin, "i", "1"]);
    receiver.trap(&["", LINK_DOWN, name, "s", "lo", admin, "i", "1"]);
    receiver.trap(&["", LINK_DOWN, name, "s", "eth3", admin, "i", "2"]);
    receiver.trap(&["", LINK_DOWN]);
    receiver.await_count("unmatched", 3);
    assert_eq!(receiver.count("matched"), 1);
    let run = &receiver.runs("here", 1)[0];
    assert_eq!(run["text"], "linkDown from 127.0.0.1: ifDescr.3 = eth3, ifAdminStatus.3 = up(1)");
    assert!(receiver.stage.history("there").is_empty());
    let closed = Receiver::start("    sources: [192.0.2.0/24]", checks);
    closed.trap(&["", LINK_DOWN]);
    closed.await_count("refused_source", 1);
}

#[test]
fn unmatched_traps_are_kept_and_listed() {
    let receiver = Receiver::start("", CHECK);
    receiver.trap(&["", "1.3.6.1.4.1.8072.4.0.2", "1.3.6.1.2.1.1.5.0", "s", "sw1"]);
    receiver.trap(&["", LINK_DOWN]);
    receiver.runs("any", 1);
    let kept = receiver.runs("custos.traps", 1);
    assert_eq!(kept[0]["text"], "nsNotifyShutdown from 127.0.0.1: sysName.0 = sw1");
    let listed = |arguments: &[&str]| text(&receiver.stage.custos(&[&["traps"], arguments].concat()).stdout);
    assert_eq!(listed(&[]).lines().count(), 2);
    let unmatched = listed(&["--unmatched", "--verbose"]);
    assert!(
        unmatched.contains("custos.traps: nsNotifyShutdown") && unmatched.contains("sysName.0 = sw1"),
        "{unmatched}"
    );
    assert!(!unmatched.contains("linkDown"));
    assert!(listed(&["--json"]).contains("\"origin\":\"trap 127.0.0.1\""));
    assert_eq!(listed(&["--since", "-1h", "-n", "1"]).lines().count(), 1);
}

#[test]
fn traps_of_reconnoiter_become_metrics_of_their_check() {
    let receiver =
        Receiver::start("", "  noit: { trap: { reconnoiter: f7cea020-f19d-11dd-85a6-cb6d3a2207dc } }\n");
    let root = "1.3.6.1.4.1.32863.1.1";
    let check = format!("{root}.1.63438.40992.61853.4573.34214.52077.14882.2012");
    let metric = |name: &str| {
        let letters: Vec<String> = name.bytes().map(|byte| byte.to_string()).collect();
        format!("{root}.2.{}.{}", name.len(), letters.join("."))
    };
    let (rtt, kind) = (metric("rtt"), metric("kind"));
    let (good, bad, message) = (format!("{root}.3.1"), format!("{root}.3.1.2"), format!("{root}.3.4"));
    receiver.trap(&[
        "",
        &check,
        &rtt,
        "i",
        "12",
        &kind,
        "s",
        "fast",
        &good,
        "o",
        &bad,
        &message,
        "s",
        "slow today",
    ]);
    let run = &receiver.runs("noit", 1)[0];
    assert_eq!((&run["state"], &run["text"]), (&"CRITICAL".into(), &"slow today".into()));
    assert_eq!((&run["metrics"][0]["label"], &run["metrics"][0]["value"]), (&"rtt".into(), &12.into()));
    assert_eq!(run["long_text"], "kind = fast\n");
    // A check that nobody defined.
    receiver.trap(&["", &format!("{root}.1.1.2.3.4.5.6.7.8"), &rtt, "i", "12"]);
    receiver.await_count("unmatched", 1);
}

#[test]
fn the_configuration_can_be_changed_while_traps_come() {
    let receiver = Receiver::start("", "  a: { trap: { oid: linkDown, state: critical } }\n");
    receiver.trap(&["", LINK_DOWN]);
    receiver.runs("a", 1);
    receiver.configure("", "  b: { trap: { oid: linkDown, state: warning } }\n");
    receiver.signal(Signal::SIGHUP);
    wait_for("the reload", || receiver.log().contains("is reloaded").then_some(()));
    receiver.trap(&["", LINK_DOWN]);
    assert_eq!(receiver.runs("b", 1)[0]["state"], "WARNING");
    assert_eq!((receiver.stage.history("a").len(), receiver.count("matched")), (1, 2));
}
