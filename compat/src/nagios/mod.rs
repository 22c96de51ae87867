//! The Nagios plugin API: output, perfdata, units and ranges.
