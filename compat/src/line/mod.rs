//! Samples as lines of text: InfluxDB's line protocol
//! (<https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/>) and Graphite's plaintext protocol
//! (<https://graphite.readthedocs.io/en/latest/feeding-carbon.html>) with tags
//! (<https://graphite.readthedocs.io/en/latest/tags.html>).
//!
//! Invariant: whatever the names are, a sample is one line that reads back as what was written, but for the characters that the
//! format has no way to write, which become `_`.

mod graphite;
mod influx_read;
mod influx_write;
mod number;

pub use graphite::GraphiteSeries;
pub use influx_read::{InfluxFault, InfluxField, InfluxPoint};
pub use influx_write::InfluxSeries;
pub use number::Number;
