//! Any bytes are a message of SNMP or an error, for a listener and for a poller that waits for an answer.
#![no_main]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use custos::clock::Moment;
use custos::snmp::engine::{Engine, Poll};
use custos::snmp::{Answers, Credentials, Question, Target};
use custos_compat::snmp::usm::SecureMessage;
use custos_compat::snmp::{Message, Notification, Oid, Version};
use libfuzzer_sys::fuzz_target;

/// Messages of version 2c begin so, with the id of the request behind the community and two heads.
const ID_AT: usize = 17;

fuzz_target!(|data: &[u8]| {
    if let Ok(message) = Message::read(data) {
        // A number of more than 32 bits is cut as net-snmp cuts it, which may leave one that is cut once more.
        let rewritten = |bytes: &[u8]| Message::read(bytes).map(|message| message.write());
        let cut = rewritten(&message.write()).expect("what was written is read");
        assert_eq!(rewritten(&cut).as_deref(), Ok(&cut[..]));
        let Message { version, community, body } = message;
        let _ = Notification::from_body(version, community, body);
    }
    if let Ok(message) = SecureMessage::read(data) {
        let _ = message.open(None);
    }
    let Some((&kind, data)) = data.split_first() else { return };
    let credentials = match kind & 3 {
        0 => Credentials::Community { version: Version::V1, community: b"public".to_vec() },
        1 | 2 => Credentials::Community { version: Version::V2c, community: b"public".to_vec() },
        _ => Credentials::User { name: b"mon".to_vec(), context: Vec::new(), keys: None },
    };
    let root = Oid::from_ids([1, 3, 6, 1, 2, 1, 2, 2]);
    let question = match kind & 4 {
        0 => Question::Get(vec![root.clone(), root]),
        _ => Question::Walk { roots: vec![root.clone(), root], rows_max: 10 },
    };
    poll(credentials, question, data);
});

/// Answers a poll with pieces of the data, with the right id where they have one, until it ends.
fn poll(credentials: Credentials, question: Question, data: &[u8]) {
    let address = SocketAddr::from(([192, 0, 2, 1], 161));
    let target = Target {
        address,
        credentials: Arc::new(credentials),
        timeout: Duration::from_secs(1),
        retries: 1,
        max_repetitions: 5,
        answers: Answers::default(),
    };
    let mut now = Moment { mono_us: 1_000_000, wall_ms: 0 };
    let mut engine = Engine::new(7);
    let deadline_us = now.mono_us + 60_000_000;
    engine.submit(Poll { ticket: 1, target, question, deadline_us }, now);
    let mut done = 0;
    for answer in data.chunks(120) {
        for (_, request) in engine.take_outbox() {
            let mut answer = answer.to_vec();
            if answer.len() > ID_AT + 4 && request.len() > ID_AT + 4 {
                answer[ID_AT..ID_AT + 4].copy_from_slice(&request[ID_AT..ID_AT + 4]);
            }
            engine.datagram(address, &answer, now);
        }
        done += engine.take_done().len();
        if let Some(due_us) = engine.next_due_us() {
            now.mono_us = now.mono_us.max(due_us);
            engine.tick(now);
        }
    }
    while let Some(due_us) = engine.next_due_us() {
        now.mono_us = now.mono_us.max(due_us);
        engine.tick(now);
    }
    done += engine.take_done().len();
    assert_eq!((done, engine.under_way()), (1, 0));
}
