//! The formats that others defined, as pure functions: plugin output, perfdata, units and ranges (`nagios`),
//! packets and configuration of NRPE (`nrpe`), messages of SNMP (`snmp`), entries of the journal (`journal`), command lines
//! (`getopt`), plugins of Checkmk's agent (`mrpe`), metrics as text (`open_metrics`), lines of InfluxDB and Graphite (`line`), NATS (`nats`), OTLP (`otlp`), descriptions of PNP4Nagios (`pnp`), Protocol Buffers (`protobuf`), remote write (`remote_write`), files of
//! RRDtool (`rrd`) and Graphite (`whisper`), exports of VictoriaMetrics (`victoria`). No input or output, no clock.
#![forbid(unsafe_code)]

pub mod getopt;
pub mod journal;
pub mod line;
pub mod mrpe;
pub mod nagios;
pub mod nats;
pub mod nrpe;
pub mod open_metrics;
pub mod otlp;
pub mod pnp;
pub mod protobuf;
pub mod remote_write;
pub mod rrd;
pub mod snmp;
pub mod victoria;
pub mod whisper;
