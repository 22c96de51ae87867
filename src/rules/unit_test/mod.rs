//! Tests of rules in files, in the format of `promtool test rules`: series in, alerts and values out.

mod compare;
mod keys;
mod model;
mod read;
mod run;
pub(in crate::rules) mod running_group;
mod series;

pub use model::TestFile;
pub use read::read_test_files;
pub use run::{TestFailure, run};
