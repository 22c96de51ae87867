//! The store from outside: real files and simulated disks, damage, power cuts, another reader, random operations.
#![allow(clippy::unwrap_used)]

mod crash;
mod damage;
mod disk_full;
mod fixture;
mod instances;
mod kill;
mod model;
mod owner;
mod positions;
mod repair;
mod round_trip;
mod sealed;
mod snapshot;
