//! Standard plugins on the network, carried out by the agent's own loop.

#[cfg(test)]
mod compare;
mod connection;
mod driver;
mod resolver;
mod talks;

pub(super) use talks::Talks;
