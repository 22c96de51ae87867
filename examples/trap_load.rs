//! Sends SNMP traps at a rate, for benchmarks: linkDown and linkUp of many interfaces in turn, in version 2c.
//!
//! Usage: trap_load ADDRESS COMMUNITY PER_SECOND SECONDS [INTERFACES]
//! A rate of 0 sends as fast as it goes. Prints how many were sent, and how many a second.
#![expect(clippy::disallowed_methods, reason = "a load generator measures time")]

use std::net::UdpSocket;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use custos_compat::snmp::{Message, Oid, Pdu, PduKind, Value, VarBind, Version};

/// Traps that are sent without looking at the clock.
const BURST: u64 = 20;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize| words.get(place).and_then(|word| word.parse::<u64>().ok());
    let (Some(address), Some(community), Some(rate), Some(seconds)) =
        (words.first(), words.get(1), number(2), number(3))
    else {
        eprintln!("usage: trap_load ADDRESS COMMUNITY PER_SECOND SECONDS [INTERFACES]");
        return ExitCode::from(2);
    };
    let packets: Vec<Vec<u8>> = (0..number(4).unwrap_or(100) as u32)
        .flat_map(|interface| [3, 4].map(|trap| packet(community.as_bytes(), trap, interface)))
        .collect();
    match send(address, &packets, rate, Duration::from_secs(seconds)) {
        Ok((sent, took)) => {
            println!("sent {sent} {:.0}/s", sent as f64 / took.as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("failed to send: {error}");
            ExitCode::FAILURE
        }
    }
}

fn packet(community: &[u8], trap: u32, interface: u32) -> Vec<u8> {
    let bind = |ids: &[u32], value| VarBind { oid: Oid::new(ids).unwrap_or_default(), value };
    let column = |column, value| bind(&[1, 3, 6, 1, 2, 1, 2, 2, 1, column, interface], value);
    let name = Oid::from_ids([1, 3, 6, 1, 6, 3, 1, 1, 5, trap]);
    let varbinds = vec![
        bind(&[1, 3, 6, 1, 2, 1, 1, 3, 0], Value::TimeTicks(1)),
        bind(&[1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0], Value::ObjectId(name)),
        column(1, Value::Integer(i64::from(interface as i32))),
        column(7, Value::Integer(1)),
        column(8, Value::Integer(if trap == 3 { 2 } else { 1 })),
    ];
    let pdu = Pdu { kind: PduKind::Trap, request_id: 1, error_status: 0, error_index: 0, varbinds };
    Message::write_pdu(Version::V2c, community, &pdu)
}

fn send(address: &str, packets: &[Vec<u8>], rate: u64, span: Duration) -> std::io::Result<(u64, Duration)> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(address)?;
    let start = Instant::now();
    let mut sent = 0;
    for packet in packets.iter().cycle() {
        if sent % BURST == 0 {
            let passed = start.elapsed();
            if passed >= span {
                break;
            }
            let due = Duration::from_secs_f64(if rate == 0 { 0.0 } else { sent as f64 / rate as f64 });
            std::thread::sleep(due.saturating_sub(passed));
        }
        socket.send(packet)?;
        sent += 1;
    }
    Ok((sent, start.elapsed()))
}
