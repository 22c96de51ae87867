//! A load generator for NRPE daemons, used by `scripts/bench-nrpe`.
//!
//! Each client is a thread that asks, waits for the answer and asks again, with one connection for each question, as
//! check_nrpe does. Latency is from before the connection to the last byte of the answer. One line of `key=value` pairs
//! is printed at the end.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a load generator measures time and may panic"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use custos_compat::nrpe::{Assembler, Kind, Packet, Version};
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslFiletype, SslMethod, SslStream, SslVersion};

const USAGE: &str = "usage: nrpe_load --port N [--clients N] [--seconds S] [--query NAME] [--expect TEXT]
                 [--tls none|anonymous|adh|certificate] [--cert FILE --key FILE] [--idle N]";

#[derive(Clone, Debug)]
struct Options {
    port: u16,
    clients: usize,
    seconds: f64,
    query: String,
    expect: String,
    tls: String,
    cert: String,
    key: String,
    /// Connections that are opened and held, after the handshake if there is one, without asking anything.
    idle: usize,
}

fn options() -> Option<Options> {
    let mut options = Options {
        port: 0,
        clients: 1,
        seconds: 5.0,
        query: "_NRPE_CHECK".into(),
        expect: String::new(),
        tls: "none".into(),
        cert: String::new(),
        key: String::new(),
        idle: 0,
    };
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        let value = words.next()?;
        match name.as_str() {
            "--port" => options.port = value.parse().ok()?,
            "--clients" => options.clients = value.parse().ok()?,
            "--seconds" => options.seconds = value.parse().ok()?,
            "--query" => options.query = value,
            "--expect" => options.expect = value,
            "--tls" => options.tls = value,
            "--cert" => options.cert = value,
            "--key" => options.key = value,
            "--idle" => options.idle = value.parse().ok()?,
            _ => return None,
        }
    }
    (options.port > 0).then_some(options)
}

fn context(options: &Options) -> Option<SslContext> {
    let mut context = SslContextBuilder::new(SslMethod::tls_client()).unwrap();
    context.set_security_level(0);
    match options.tls.as_str() {
        "none" => return None,
        "certificate" => {}
        anonymous => {
            context.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
            let list = if anonymous == "adh" { "ADH" } else { "ALL:!MD5:@STRENGTH" };
            context.set_cipher_list(&format!("{list}:@SECLEVEL=0")).unwrap();
        }
    }
    if !options.cert.is_empty() {
        context.set_certificate_chain_file(&options.cert).unwrap();
        context.set_private_key_file(&options.key, SslFiletype::PEM).unwrap();
    }
    Some(context.build())
}

/// Opens a connection that asks nothing.
fn hold(options: &Options, context: Option<&SslContext>) -> Option<Box<dyn Read>> {
    let tcp = connect(options)?;
    let Some(context) = context else { return Some(Box::new(tcp)) };
    let mut stream = SslStream::new(Ssl::new(context).ok()?, tcp).ok()?;
    stream.connect().ok()?;
    Some(Box::new(stream))
}

fn connect(options: &Options) -> Option<TcpStream> {
    let tcp = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], options.port))).ok()?;
    tcp.set_nodelay(true).ok()?;
    tcp.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    Some(tcp)
}

fn ask(options: &Options, context: Option<&SslContext>, query: &[u8]) -> Option<()> {
    let tcp = connect(options)?;
    match context {
        None => converse(options, tcp, query),
        Some(context) => {
            let mut stream = SslStream::new(Ssl::new(context).ok()?, tcp).ok()?;
            stream.connect().ok()?;
            converse(options, &mut stream, query)?;
            let _ = stream.shutdown();
            Some(())
        }
    }
}

fn converse<S: Read + Write>(options: &Options, mut stream: S, query: &[u8]) -> Option<()> {
    stream.write_all(query).ok()?;
    let mut assembler = Assembler::default();
    let mut buffer = [0; 4096];
    while assembler.missing().ok()? > 0 {
        let read = stream.read(&mut buffer).ok().filter(|&read| read > 0)?;
        assembler.push(&buffer[..read]).ok()?;
    }
    let packet = assembler.finish(Kind::Response).ok()?;
    packet.text.starts_with(options.expect.as_bytes()).then_some(())
}

fn cpu_seconds() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}

fn main() {
    let Some(options) = options() else {
        eprintln!("{USAGE}");
        std::process::exit(2);
    };
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard.min(20_000), hard).unwrap();
    let context = context(&options);
    if options.idle > 0 {
        let idle: Vec<_> = (0..options.idle).map_while(|_| hold(&options, context.as_ref())).collect();
        println!("idle={}", idle.len());
        thread::sleep(Duration::from_secs_f64(options.seconds));
        return;
    }
    let query = Packet::encode_query(Version::V4, options.query.as_bytes());
    let (stop, measure) = (AtomicBool::new(false), AtomicBool::new(false));
    let (latencies, errors) = (Mutex::new(Vec::new()), Mutex::new(0_u64));
    let (mut cpu, mut elapsed) = (0.0, 0.0);
    thread::scope(|scope| {
        for _ in 0..options.clients {
            scope.spawn(|| {
                let (mut own, mut failed) = (Vec::new(), 0);
                while !stop.load(Ordering::Relaxed) {
                    let measured = measure.load(Ordering::Relaxed);
                    let start = Instant::now();
                    let done = ask(&options, context.as_ref(), &query);
                    if !measured {
                        continue;
                    }
                    match done {
                        Some(()) => own.push(start.elapsed().as_secs_f64()),
                        None => failed += 1,
                    }
                }
                latencies.lock().unwrap().extend(own);
                *errors.lock().unwrap() += failed;
            });
        }
        thread::sleep(Duration::from_millis(300));
        measure.store(true, Ordering::Relaxed);
        let (start, before) = (Instant::now(), cpu_seconds());
        thread::sleep(Duration::from_secs_f64(options.seconds));
        (cpu, elapsed) = (cpu_seconds() - before, start.elapsed().as_secs_f64());
        stop.store(true, Ordering::Relaxed);
    });
    let mut latencies = latencies.into_inner().unwrap();
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| match latencies.len() {
        0 => f64::NAN,
        len => latencies[((len - 1) as f64 * share) as usize] * 1e3,
    };
    println!(
        "ok={} errors={} per_second={:.1} median_ms={:.3} p99_ms={:.3} max_ms={:.3} cpu_s={cpu:.3} elapsed_s={elapsed:.3}",
        latencies.len(),
        errors.into_inner().unwrap(),
        latencies.len() as f64 / elapsed,
        at(0.5),
        at(0.99),
        at(1.0),
    );
}
