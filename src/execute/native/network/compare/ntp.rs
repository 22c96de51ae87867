//! `check_ntp_time`, with servers whose clocks are off by as much as is known.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::thread;

use super::cases::{combined, compare_each, lines};
use super::servers::{closed, udp};
use super::tcp::ports;
use crate::clock;

/// From the epoch of NTP to that of the system (s).
const EPOCH_S: f64 = 2_208_988_800.0;

/// A server whose clock is ahead by so much (s), and which answers only every so many'th question of a client.
fn server(ahead_s: f64, stratum: u8, leap: u8, every: usize) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut asked = [0; 64];
        let mut questions: HashMap<SocketAddr, usize> = HashMap::new();
        while let Ok((_, from)) = socket.recv_from(&mut asked) {
            let count = questions.entry(from).or_default();
            *count += 1;
            if !count.is_multiple_of(every) {
                continue;
            }
            let now_s = clock::wall_us() as f64 / 1e6 + ahead_s + EPOCH_S;
            let time =
                (((now_s.floor() as u64) << 32) | (now_s.fract() * 4_294_967_296.0) as u64).to_be_bytes();
            let mut answer = [0; 48];
            (answer[0], answer[1]) = (leap << 6 | 4 << 3 | 4, stratum);
            answer[24..32].copy_from_slice(&asked[40..48]);
            answer[32..40].copy_from_slice(&time);
            answer[40..48].copy_from_slice(&time);
            let _ = socket.send_to(&answer, from);
        }
    });
    port
}

#[test]
fn servers_of_ntp() {
    let servers = [
        server(0.0, 2, 0, 1),
        server(100.5, 1, 0, 1),
        server(-90.0, 3, 1, 1),
        server(3600.0, 15, 2, 1),
        server(0.0, 0, 0, 1),
        server(0.0, 2, 3, 1),
        server(60.0, 2, 0, 2),
        udp(None),
        udp(Some(b"short")),
        closed(),
    ];
    let options = lines(&[
        "-t 3",
        "-t 5 -q",
        "-t 3 -w 1 -c 2",
        "-t 3 -w 50:200 -c 0:500",
        "--warning=0.5 --critical 95 -t 4 -4",
        "-t 3 -w 10: -c 5",
        "-t 3 -o 3",
        "-t 2",
    ]);
    compare_each(
        combined("check_ntp_time", &[lines(&["-H 127.0.0.1", "-H localhost -4"]), ports(servers), options]),
        60,
    );
}
