//! Measures how many bytes the texts of runs take.
//!
//! `cargo run --release -p custos-store --example texts < FILE` reads lines of a check, a tab and what its plugin
//! printed, the perfdata cut off. Such lines are collected by, for instance,
//!
//! ```sh
//! cd /usr/lib/nagios/plugins
//! for round in $(seq 1000); do
//!     for check in 'load -w 5 -c 9' 'disk -w 10% -c 5% -p /' 'ping -H 127.0.0.1 -w 9,9% -c 9,9% -p 1'; do
//!         printf '%s\t%s\n' "${check%% *}" "$(./check_$check | head -n 1 | cut -d '|' -f 1)"
//!     done
//!     sleep 1
//! done >FILE
//! ```
//!
//! Runs with and without their texts are stored and merged; the difference in bytes, a run, is what texts take. Beside
//! it stands what zstd makes of all texts of a check at once.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Read;

use custos_store::{Options, Run, Writer};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Bytes of a store of these runs.
fn stored(texts: &[&str], kept: bool) -> Result<u64> {
    let directory = tempfile::tempdir()?;
    let mut writer = Writer::open(directory.path(), Options::default())?;
    for (index, (time_ms, text)) in (0..).step_by(10_000).zip(texts).enumerate() {
        // What is merged takes less than what is only sealed, and merging takes two segments.
        if index == texts.len() / 2 {
            writer.compact()?;
        }
        let text = if kept { (*text).to_owned() } else { String::new() };
        writer.append(&[("x", &Run { time_ms, text, ..Run::default() })])?;
    }
    writer.compact()?;
    writer.close()?;
    let sizes = std::fs::read_dir(directory.path())?.map(|entry| Ok(entry?.metadata()?.len()));
    sizes.sum()
}

fn main() -> Result<()> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let mut checks: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (check, text) in input.lines().filter_map(|line| line.split_once('\t')) {
        checks.entry(check).or_default().push(text);
    }
    println!("{:<12} {:>8} {:>10} {:>10} {:>10}", "check", "runs", "printed", "zstd", "stored");
    let (mut runs, mut sums) = (0, [0; 3]);
    let row = |check: &str, count: usize, bytes: [u64; 3]| {
        let each = bytes.map(|bytes| bytes as f64 / count as f64);
        println!("{check:<12} {count:>8} {:>10.2} {:>10.2} {:>10.2}", each[0], each[1], each[2]);
    };
    for (check, texts) in &checks {
        let all = texts.join("\n");
        let zstd = zstd::bulk::compress(all.as_bytes(), 9)?.len() as u64;
        let bytes = [all.len() as u64, zstd, stored(texts, true)?.saturating_sub(stored(texts, false)?)];
        row(check, texts.len(), bytes);
        runs += texts.len();
        sums.iter_mut().zip(bytes).for_each(|(sum, bytes)| *sum += bytes);
    }
    row("all", runs.max(1), sums);
    Ok(())
}
