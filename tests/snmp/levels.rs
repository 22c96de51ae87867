//! Version 3 in every level of security, with every protocol that snmpd has.

use custos::snmp::{Device, Failure, Found, Poller, Question};
use custos_compat::snmp::Value;
use custos_compat::snmp::usm::{AuthProtocol, MasterKeys, PrivProtocol, ReportKind};
use std::time::Duration;

use crate::snmpd::{AUTH, PRIVACY, Snmpd, ask, oid, user};

const AUTHS: [(AuthProtocol, &str); 6] = [
    (AuthProtocol::Md5, "MD5"),
    (AuthProtocol::Sha1, "SHA"),
    (AuthProtocol::Sha224, "SHA-224"),
    (AuthProtocol::Sha256, "SHA-256"),
    (AuthProtocol::Sha384, "SHA-384"),
    (AuthProtocol::Sha512, "SHA-512"),
];

const PRIVACIES: [(PrivProtocol, &str); 4] = [
    (PrivProtocol::Des, "DES"),
    (PrivProtocol::Aes128, "AES"),
    (PrivProtocol::Aes192, "AES-192"),
    (PrivProtocol::Aes256, "AES-256"),
];

fn name(auth: AuthProtocol, privacy: PrivProtocol) -> String {
    format!("{}_{}", auth.name(), privacy.name())
}

/// A daemon with a user for each pair of protocols, who may use every level.
fn snmpd() -> Snmpd {
    let mut lines = String::new();
    for (auth, auth_name) in AUTHS {
        for (privacy, privacy_name) in PRIVACIES {
            let user = name(auth, privacy);
            lines += &format!(
                "createUser {user} {auth_name} \"{AUTH}\" {privacy_name} \"{PRIVACY}\"\nrouser {user} noauth\n"
            );
        }
    }
    Snmpd::start(&lines)
}

fn question() -> Question {
    Question::Get(vec![oid("1.3.6.1.2.1.1.6.0")])
}

#[tokio::test]
async fn every_level_and_protocol_gets_its_answer() {
    let snmpd = snmpd();
    let expected = Found::Values(vec![Ok(Value::OctetString(b"Here, there".to_vec()))]);
    for (auth, _) in AUTHS {
        for (privacy, _) in PRIVACIES {
            let user_name = name(auth, privacy);
            for (auth, privacy) in [(Some(auth), Some(privacy)), (Some(auth), None), (None, None)] {
                let device = snmpd.device(user(&user_name, auth, privacy));
                let answer = ask(&device, question()).await;
                assert_eq!(
                    answer.as_ref().map(|answer| &answer.found),
                    Ok(&expected),
                    "{user_name} {auth:?} {privacy:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_device_is_discovered_once_and_then_answers_at_once() {
    let snmpd = snmpd();
    let (poller, mut outcomes) = Poller::start().unwrap();
    let device = snmpd.device(user("sha256_aes128", Some(AuthProtocol::Sha256), Some(PrivProtocol::Aes128)));
    for ticket in 0..5 {
        poller.submit(ticket, &device, question(), Duration::from_secs(30));
        let (own, answer) = outcomes.recv().await.unwrap();
        assert_eq!((own, answer.is_ok()), (ticket, true));
    }
    assert_eq!(poller.counters().sent, 6);
}

#[tokio::test]
async fn what_is_wrong_is_told() {
    let snmpd = snmpd();
    let (auth, privacy) = (AuthProtocol::Sha256, PrivProtocol::Aes128);
    let with = |auth_passphrase: &str, priv_passphrase: &str| {
        let privacy = Some((privacy, priv_passphrase.as_bytes()));
        let keys = MasterKeys::derive(auth, auth_passphrase.as_bytes(), privacy).unwrap();
        let name = b"sha256_aes128".to_vec();
        custos::snmp::Credentials::User { name, context: Vec::new(), keys: Some(keys) }
    };
    for (credentials, expected) in [
        (user("nobody", Some(auth), Some(privacy)), ReportKind::UnknownUser),
        (with("another passphrase", PRIVACY), ReportKind::WrongDigest),
    ] {
        let answer = ask(&snmpd.device(credentials), question()).await;
        assert_eq!(answer, Err(Failure::Refused(expected)));
    }
    // What snmpd cannot decrypt it drops in silence.
    let device = Device { retries: 0, ..snmpd.device(with(AUTH, "another passphrase")) };
    assert_eq!(ask(&device, question()).await, Err(Failure::NoAnswer { attempts: 1 }));
}
