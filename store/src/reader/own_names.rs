//! Which series have a name of their own, whatever check they are of.

use std::collections::{BTreeMap, BTreeSet};

use super::series::SeriesKey;
use super::snapshot::{Part, Snapshot};
use crate::own_name::own_name;

impl SeriesKey {
    /// The name that the series has of its own, if it is not named after its check.
    pub fn own_name(&self) -> Option<&str> {
        own_name(&self.labels)
    }
}

impl Snapshot {
    /// The checks that have series of a name of their own, by that name. What a segment says of a check and is damaged is left
    /// out.
    pub fn own_names(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for part in self.parts() {
            let of_part: Vec<(&str, &[String])> = match part {
                Part::Segment(segment) => segment.own_names().collect(),
                Part::Log(image) => image.own_names().collect(),
            };
            for (check, names) in of_part {
                for name in names {
                    all.entry(name).or_default().insert(check);
                }
            }
        }
        all
    }
}
