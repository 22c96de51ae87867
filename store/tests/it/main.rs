//! The store from outside: real files and simulated disks, damage, power cuts, another reader, random operations.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod amendments;
mod bundle;
mod crash;
mod damage;
mod disk_full;
mod displaced;
mod fixture;
mod hostile;
mod instances;
mod kill;
mod model;
mod owner;
mod positions;
mod repair;
mod round_trip;
mod sealed;
mod snapshot;
mod strays;
