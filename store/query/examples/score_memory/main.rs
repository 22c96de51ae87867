//! How well what history says is right: `scripts/score-memory` calls it, and tells what of.
//!
//! `cargo run --release -p custos-query --example score_memory -- [--only similar|why|changes|forecast] [DIR]`. The parameters are
//! the same for all series.

mod changed;
mod dice;
mod disks;
mod host;
mod planted;
mod shifted;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (only, dir) = match &words[..] {
        [option, only, rest @ ..] if option == "--only" => (Some(only.as_str()), rest.first()),
        rest => (None, rest.first()),
    };
    let is_wanted = |what: &str| only.is_none_or(|only| only == what);
    let mut out = std::io::stdout().lock();
    if is_wanted("forecast") {
        disks::score(60, &mut out)?;
    }
    let hosts = dir.map_or(Ok(Vec::new()), |dir| host::read(Path::new(dir)))?;
    if is_wanted("why") && !hosts.is_empty() {
        shifted::score(&hosts, &mut out)?;
    }
    if is_wanted("changes") && !hosts.is_empty() {
        changed::score(&hosts, &mut out)?;
    }
    if is_wanted("similar") {
        planted::score("planted in a host that is made up", &[host::made_up()], &mut out)?;
        if !hosts.is_empty() {
            let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
            planted::score(&format!("planted in {}", names.join(", ")), &hosts, &mut out)?;
        }
    }
    Ok(())
}
