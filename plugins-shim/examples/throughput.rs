//! How many plugins a second the shim alone starts, reads and reports, with so many under way at once.
//!
//! Usage: throughput SECONDS AT_ONCE PROGRAM [ARGUMENT…]
//! Prints one JSON object; processor time is that of the shim's worker and of its plugins, for each plugin.

use std::error::Error;
use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use custos_shim::{
    Launch, Message, Outcome, SUBCOMMAND, Spec, VERSION, decode_message, encode_message, monotonic_us,
};

fn main() -> ExitCode {
    if std::env::args().nth(1).is_some_and(|arg| arg == SUBCOMMAND) {
        return custos_shim::serve();
    }
    match measure() {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("failed to measure: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn measure() -> Result<String, Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let mut number =
        || args.next().and_then(|arg| arg.to_str()?.parse::<u64>().ok()).ok_or("a number is missing");
    let (seconds, at_once) = (number()?, number()?);
    let spec = Box::new(Spec {
        env: vec![("PATH".into(), "/usr/bin:/bin".into()), ("LC_ALL".into(), "C".into())],
        grace: Duration::from_secs(2),
        stdout_max_bytes: 256 * 1024,
        stderr_max_bytes: 4096,
        ..Spec::new(args.collect(), Duration::from_secs(60))
    });
    let mut shim = Launch::default().start()?;
    let mut outbound = Vec::new();
    encode_message(&Message::Hello { version: VERSION }, &mut outbound)?;
    for ticket in 0..at_once {
        encode_message(
            &Message::Start { ticket, asked_us: monotonic_us(), awaited: true, spec: spec.clone() },
            &mut outbound,
        )?;
    }
    let (mut inbound, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    let (mut done, mut plugins_cpu_us) = (0_u64, 0_u64);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(seconds) {
        shim.socket.write_all(&outbound)?;
        outbound.clear();
        let len = shim.socket.read(&mut buffer)?;
        inbound.extend_from_slice(&buffer[..len]);
        let mut taken = 0;
        while let Some((message, len)) = decode_message(&inbound[taken..])? {
            taken += len;
            let Message::Report { ticket, report } = message else { continue };
            if report.outcome != Outcome::Exited(0) {
                return Err(format!("the plugin ended as {:?}", report.outcome).into());
            }
            done += 1;
            plugins_cpu_us += report.cpu_us;
            encode_message(
                &Message::Start { ticket, asked_us: monotonic_us(), awaited: true, spec: spec.clone() },
                &mut outbound,
            )?;
        }
        inbound.drain(..taken);
    }
    let per_s = done as f64 / begun.elapsed().as_secs_f64();
    let shim_us = worker_cpu_us(shim.guard.id())? as f64 / done as f64;
    let plugins_us = plugins_cpu_us as f64 / done as f64;
    drop(shim.socket);
    shim.guard.wait()?;
    Ok(format!(
        "{{\"at_once\":{at_once},\"n\":{done},\"per_s\":{per_s:.1},\"shim_cpu_us\":{shim_us:.1},\"plugin_cpu_us\":{plugins_us:.1}}}"
    ))
}

/// The processor time of the guard's child, without that of its plugins; ticks are a hundredth of a second.
fn worker_cpu_us(guard: u32) -> Result<u64, Box<dyn Error>> {
    let children = std::fs::read_to_string(format!("/proc/{guard}/task/{guard}/children"))?;
    let worker = children.split_whitespace().next().ok_or("the worker is gone")?;
    let stat = std::fs::read_to_string(format!("/proc/{worker}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 =
        fields.get(11).ok_or("stat")?.parse::<u64>()? + fields.get(12).ok_or("stat")?.parse::<u64>()?;
    Ok(ticks * 10_000)
}
