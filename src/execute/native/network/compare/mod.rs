//! The plugins of Debian that talk to others beside what stands in for them, with the same servers: text, performance data and exit code
//! are the same to the byte, but for how long it took.
//!
//! With `CUSTOS_COMPARE=all`, as `scripts/compare-plugins` has it, every combination of options is tried, else every so many'th.

mod cases;
mod http;
mod ntp;
mod servers;
mod tcp;
