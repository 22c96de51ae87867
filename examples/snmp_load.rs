//! What `scripts/bench-snmp` needs besides the agent itself: a poller that asks as fast as it can, a thousand devices on
//! loopback that lose datagrams and take their time, and a summary of stored runs.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a load generator measures time and may panic"
)]

use std::io::BufRead;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use custos::snmp::{Answers, Credentials, Device, Found, Poller, Question};
use custos_compat::snmp::{Body, Message, Oid, Pdu, PduKind, Value, Version};
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::time::TimeValLike;
use tokio::net::UdpSocket;

const USAGE: &str = "usage: snmp_load rate PORT POLLS [OID...]
       snmp_load table PORT POLLS COLUMN...
       snmp_load agents PORT COUNT LOSS_PERCENT LATENCY_MS
       snmp_load report FROM_MS TO_MS <runs.jsonl";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match &words[..] {
        ["rate", port, polls, oids @ ..] => {
            runtime.block_on(ask(port.parse().unwrap(), polls.parse().unwrap(), Question::Get(parse(oids))));
        }
        ["table", port, polls, roots @ ..] => {
            let question = Question::Walk { roots: parse(roots), rows_max: 10_000 };
            runtime.block_on(ask(port.parse().unwrap(), polls.parse().unwrap(), question));
        }
        ["agents", port, count, loss, latency] => {
            let latency = Duration::from_millis(latency.parse().unwrap());
            runtime.block_on(agents(
                port.parse().unwrap(),
                count.parse().unwrap(),
                loss.parse().unwrap(),
                latency,
            ));
        }
        ["report", from, to] => report(from.parse().unwrap(), to.parse().unwrap()),
        _ => {
            eprintln!("{USAGE}");
            std::process::exit(2);
        }
    }
}

fn parse(oids: &[&str]) -> Vec<Oid> {
    oids.iter().map(|oid| oid.parse().unwrap()).collect()
}

/// Asks one device the same question over and over, two at a time.
async fn ask(port: u16, polls: u64, question: Question) {
    let (poller, mut outcomes) = Poller::start().unwrap();
    let device = Device {
        host: "127.0.0.1".into(),
        port,
        credentials: Arc::new(Credentials::Community {
            version: Version::V2c,
            community: b"public".to_vec(),
        }),
        timeout: Duration::from_secs(1),
        retries: 3,
        max_repetitions: 25,
        answers: Answers::default(),
    };
    let (started, before) = (Instant::now(), processor_us());
    let mut values = 0;
    for ticket in 0..polls + 2 {
        if ticket < polls {
            poller.submit(ticket, &device, question.clone(), Duration::from_secs(30));
        }
        if ticket >= 2 {
            values = match outcomes.recv().await.unwrap().1.unwrap().found {
                Found::Values(values) => values.iter().filter(|value| value.is_ok()).count(),
                Found::Columns(columns) => columns.iter().map(|column| column.varbinds.len()).sum(),
            };
        }
    }
    let (wall, cpu_us) = (started.elapsed().as_secs_f64(), processor_us() - before);
    let counters = poller.counters();
    println!(
        "polls={polls} values={values} rate={:.0} ms={:.3} cpu_us={:.1} requests={} retries={}",
        polls as f64 / wall,
        wall * 1000.0 / polls as f64,
        cpu_us as f64 / polls as f64,
        counters.sent,
        counters.retries,
    );
}

fn processor_us() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    usage.user_time().num_microseconds() + usage.system_time().num_microseconds()
}

/// Devices on addresses of their own, 127.1.0.1 and so on, all on one port.
async fn agents(port: u16, count: u32, loss_percent: u64, latency: Duration) {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let started = Instant::now();
    for number in 0..count {
        let address = Ipv4Addr::new(127, 1, (number / 250) as u8, (number % 250 + 1) as u8);
        let socket = Arc::new(UdpSocket::bind(SocketAddr::from((address, port))).await.unwrap());
        tokio::spawn(agent(socket, u64::from(number), loss_percent, latency, started));
    }
    println!("ready");
    std::future::pending::<()>().await;
}

async fn agent(socket: Arc<UdpSocket>, number: u64, loss_percent: u64, latency: Duration, started: Instant) {
    let mut buffer = [0; 2048];
    let mut chance = number + 1;
    loop {
        let Ok((len, from)) = socket.recv_from(&mut buffer).await else { continue };
        let Ok(mut message) = Message::read(&buffer[..len]) else { continue };
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let Body::Pdu(pdu) = &mut message.body else { continue };
        if (chance >> 33) % 100 < loss_percent {
            continue;
        }
        answer(pdu, started);
        let socket = Arc::clone(&socket);
        tokio::spawn(async move {
            tokio::time::sleep(latency).await;
            let _ = socket.send_to(&message.write(), from).await;
        });
    }
}

/// Every variable is there: a time below sysUpTime, counters elsewhere.
fn answer(pdu: &mut Pdu, started: Instant) {
    let hundredths = started.elapsed().as_millis() / 10;
    pdu.kind = PduKind::Response;
    for varbind in &mut pdu.varbinds {
        varbind.value = match varbind.oid.ids() {
            [1, 3, 6, 1, 2, 1, 1, 3, ..] => Value::TimeTicks(hundredths as u32),
            _ => Value::Counter64((hundredths as u64).wrapping_mul(1_000_003)),
        };
    }
}

/// Sums up exported runs between two times: how they ended, and how late they began.
fn report(from_ms: i64, to_ms: i64) {
    let mut lateness_ms = Vec::new();
    let (mut answered, mut unanswered, mut missed) = (0u64, 0u64, 0u64);
    for line in std::io::stdin().lock().lines() {
        let run: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let time_ms = run["time_ms"].as_i64().unwrap_or_default();
        if time_ms < from_ms || time_ms >= to_ms || run["check"] == "custos" {
            continue;
        }
        match run["reason"].as_str() {
            Some("exited") => answered += 1,
            Some("missed") => missed += run["missed_slots"].as_u64().unwrap_or(1),
            _ => unanswered += 1,
        }
        lateness_ms.extend(run["lateness_ms"].as_f64());
    }
    lateness_ms.sort_by(f64::total_cmp);
    let at = |share: f64| {
        lateness_ms
            .get(((lateness_ms.len() as f64 * share) as usize).min(lateness_ms.len().saturating_sub(1)))
    };
    println!(
        "answered={answered} unanswered={unanswered} missed={missed} lateness_p50_ms={:.1} lateness_p99_ms={:.1} lateness_max_ms={:.1}",
        at(0.5).unwrap_or(&f64::NAN),
        at(0.99).unwrap_or(&f64::NAN),
        at(1.0).unwrap_or(&f64::NAN),
    );
}
