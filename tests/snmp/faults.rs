//! A wire that loses, delays, doubles, reorders and invents datagrams.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use custos::clock;
use custos::snmp::{Device, Failure, Found, Poller, Question};
use custos_compat::snmp::{Body, Message, Value, Version};
use tokio::net::UdpSocket;

use crate::snmpd::{Snmpd, community, device, oid};
use crate::stage::free_port;

/// What a wire does to every so many datagrams; 0 is never.
#[derive(Clone, Copy, Default)]
struct Faults {
    lose: u64,
    double: u64,
    garbage: u64,
    forge: u64,
    /// Datagrams wait up to this long, each another time, so that they overtake one another.
    delay_ms: u64,
}

/// A proxy in front of a daemon. It ends with the test's runtime.
struct Wire {
    port: u16,
    lost: Arc<AtomicU64>,
}

impl Wire {
    async fn start(to: u16, faults: Faults) -> Wire {
        let front = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let back = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        back.connect(("127.0.0.1", to)).await.unwrap();
        let port = front.local_addr().unwrap().port();
        let lost = Arc::new(AtomicU64::new(0));
        tokio::spawn(carry(front, back, faults, Arc::clone(&lost)));
        Wire { port, lost }
    }
}

/// When a datagram goes on, its number, whether to the daemon, and the datagram.
type Delayed = Reverse<(u64, u64, bool, Vec<u8>)>;

/// Carries datagrams both ways. There is one client.
async fn carry(front: UdpSocket, back: UdpSocket, faults: Faults, lost: Arc<AtomicU64>) {
    let mut client: Option<SocketAddr> = None;
    let mut waiting: BinaryHeap<Delayed> = BinaryHeap::new();
    let mut count: u64 = 0;
    let (mut out, mut home) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        let due_us = waiting.peek().map_or(u64::MAX, |first| first.0.0);
        let wait =
            Duration::from_micros(due_us.saturating_sub(clock::now().mono_us)).min(Duration::from_secs(60));
        let (packet, outward) = tokio::select! {
            Ok((len, from)) = front.recv_from(&mut out) => {
                client = Some(from);
                (out[..len].to_vec(), true)
            }
            Ok(len) = back.recv(&mut home) => (home[..len].to_vec(), false),
            () = tokio::time::sleep(wait) => {
                while waiting.peek().is_some_and(|first| first.0.0 <= clock::now().mono_us) {
                    let Some(Reverse((_, _, outward, packet))) = waiting.pop() else { break };
                    if outward {
                        let _ = back.send(&packet).await;
                    } else if let Some(client) = client {
                        let _ = front.send_to(&packet, client).await;
                    }
                }
                continue;
            }
        };
        count += 1;
        let every = |n: u64| n > 0 && count.is_multiple_of(n);
        let mut copies = vec![packet.clone()];
        if every(faults.lose) {
            lost.fetch_add(1, Ordering::Relaxed);
            copies.clear();
        }
        if every(faults.double) {
            copies.push(packet.clone());
        }
        if every(faults.garbage) {
            copies.insert(0, packet[..packet.len() / 2].to_vec());
            copies.insert(0, (count as u32).to_be_bytes().repeat(20));
        }
        if !outward
            && every(faults.forge)
            && let Ok(mut message) = Message::read(&packet)
            && let Body::Pdu(pdu) = &mut message.body
        {
            pdu.request_id ^= 0x55;
            pdu.varbinds.iter_mut().for_each(|varbind| varbind.value = Value::Integer(666));
            copies.insert(0, message.write());
        }
        for copy in copies {
            // Numbers without pattern, but the same in every run.
            let delay_ms =
                if faults.delay_ms == 0 { 0 } else { count.wrapping_mul(2_654_435_761) % faults.delay_ms };
            count += u64::from(faults.delay_ms > 0);
            waiting.push(Reverse((clock::now().mono_us + delay_ms * 1000, count, outward, copy)));
        }
    }
}

async fn poll_many(device: &Device, polls: u64) -> Poller {
    let (poller, mut outcomes) = Poller::start().unwrap();
    let location = Ok(Value::OctetString(b"Here, there".to_vec()));
    for ticket in 0..polls {
        let question = Question::Get(vec![oid("1.3.6.1.2.1.1.6.0"), oid("1.3.6.1.2.1.2.1.0")]);
        poller.submit(ticket, device, question, Duration::from_secs(60));
        if ticket % 20 < 19 {
            continue;
        }
        for _ in 0..20 {
            let (_, answer) = outcomes.recv().await.unwrap();
            let Found::Values(values) = answer.unwrap().found else { panic!("not values") };
            assert_eq!(values[0], location);
            assert!(matches!(values[1], Ok(Value::Integer(1..600))));
        }
    }
    poller
}

#[tokio::test]
async fn every_poll_gets_its_own_answer_over_a_bad_wire() {
    let snmpd = Snmpd::start("");
    let faults = Faults { lose: 7, double: 5, garbage: 6, forge: 4, delay_ms: 20 };
    let wire = Wire::start(snmpd.port, faults).await;
    let mut device = device(wire.port, community(Version::V2c));
    (device.timeout, device.retries) = (Duration::from_millis(100), 8);
    let poller = poll_many(&device, 200).await;
    let counters = poller.counters();
    assert!(wire.lost.load(Ordering::Relaxed) > 0 && counters.retries > 0);
    assert!(counters.late > 0, "{counters:?}");
    assert!(counters.malformed > 0 && counters.unknown > 0, "{counters:?}");
    assert_eq!(counters.failed, 0);
}

#[tokio::test]
async fn a_walk_gets_through_a_bad_wire() {
    let snmpd = Snmpd::start("");
    let wire =
        Wire::start(snmpd.port, Faults { lose: 6, double: 5, delay_ms: 10, ..Faults::default() }).await;
    let expected = snmpd.tool("snmpbulkwalk", &["-v2c", "-cpublic"], &["1.3.6.1.2.1.1"]);
    let mut device = device(wire.port, community(Version::V2c));
    (device.timeout, device.retries, device.max_repetitions) = (Duration::from_millis(100), 8, 3);
    let (poller, mut outcomes) = Poller::start().unwrap();
    let question = Question::Walk { roots: vec![oid("1.3.6.1.2.1.1")], rows_max: 1000 };
    poller.submit(1, &device, question, Duration::from_secs(60));
    let Found::Columns(columns) = outcomes.recv().await.unwrap().1.unwrap().found else {
        panic!("not columns")
    };
    let found: Vec<_> = columns[0].varbinds.iter().map(|varbind| varbind.oid.clone()).collect();
    assert!(found.iter().eq(expected.keys()));
}

#[tokio::test]
async fn a_dead_device_costs_its_own_poll_only() {
    let snmpd = Snmpd::start("");
    let (poller, mut outcomes) = Poller::start().unwrap();
    let mut dead = device(free_port(), community(Version::V2c));
    (dead.timeout, dead.retries) = (Duration::from_millis(300), 1);
    let alive = snmpd.device(community(Version::V2c));
    let question = Question::Get(vec![oid("1.3.6.1.2.1.1.6.0")]);
    poller.submit(0, &dead, question.clone(), Duration::from_secs(30));
    for ticket in 1..=50 {
        poller.submit(ticket, &alive, question.clone(), Duration::from_secs(30));
    }
    for _ in 0..=50 {
        match outcomes.recv().await.unwrap() {
            (0, outcome) => assert_eq!(outcome, Err(Failure::NoAnswer { attempts: 2 })),
            (ticket, outcome) => assert!(outcome.is_ok(), "{ticket}: {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn a_name_without_address_is_told() {
    let mut nowhere = device(161, community(Version::V2c));
    nowhere.host = "device.invalid".into();
    let answer = crate::snmpd::ask(&nowhere, Question::Get(Vec::new())).await;
    assert!(matches!(answer, Err(Failure::Unresolved(_))), "{answer:?}");
}
