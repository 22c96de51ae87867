//! A feed over a simulated store: what is delivered, whatever happens to the store and to the feed.

mod scenes;
mod simulation;
mod stage;
