//! Simulated days of an agent: no process, no sleep, no clock; everything follows from a seed.
//!
//! A *world* lives through days of incidents, with a store on a simulated disk, and is compared with naive second opinions;
//! a *scene* is set up to show one thing. `CUSTOS_SIM_SEED`, `CUSTOS_SIM_DAYS` and `CUSTOS_SIM_CHECKS` choose another world;
//! a failure prints the seed. `scripts/sim` runs ten days of a thousand checks with an optimised build.
#![expect(clippy::unwrap_used, unreachable_pub, reason = "a test may panic")]

mod backtest;
mod cached;
mod definitions;
mod known;
mod passive;
mod polls;
mod recorder;
mod reference;
mod reloads;
mod rule_backtest;
mod rule_judge;
mod rules;
mod scenes;
mod script;
mod slots;
mod stage;
mod submitted;
mod watching;
mod world;

use world::World;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
fn days_of_hangs_jumps_reloads_and_crashes() {
    let seed = number("CUSTOS_SIM_SEED", 1);
    let (days, checks) = (number("CUSTOS_SIM_DAYS", 2), number("CUSTOS_SIM_CHECKS", 200));
    println!("CUSTOS_SIM_SEED={seed} CUSTOS_SIM_DAYS={days} CUSTOS_SIM_CHECKS={checks}");
    let mut world = World::new(seed, checks);
    world.live(days * 86_400);
    println!("{}", world.judge());
}

#[test]
fn many_small_worlds() {
    let first = number("CUSTOS_SIM_SEED", 1);
    for seed in first..first + 12 {
        println!("CUSTOS_SIM_SEED={seed}");
        let mut world = World::new(seed, 30);
        world.live(18 * 3600);
        world.judge();
    }
}
