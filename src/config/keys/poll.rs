//! The `snmp` of a check: which device is asked for what.

use crate::config::keys::shapes::{conditions, labelled_objects, number};
use crate::document::key::{Is, Key, Own, Required, key, section};
use crate::document::kind::{Choice, Whole};
use crate::document::section::{Rule, Shape};

/// A name or an address, without a port.
const HOST: &str = r"^([^:/\[ ]+|[0-9A-Fa-f:.]+)$";
/// The words for `empty`, and whether it is all right.
const EMPTY_WORDS: [(&str, bool); 2] = [("ok", true), ("unknown", false)];

section! {
    /// The poll of a device.
    POLL = "poll" rules [Rule::One(&[&GET, &TABLE])];
    TARGET: Key<Own, Required> = key("target", Own(|| Shape::Either(vec![number(), Shape::Boolean, Shape::Pattern(HOST)])),
        "name or address of the device")
        .required();
    PROFILE: Key<Own, Required> = key("profile", Own(|| Shape::Scalar), "the [profile](snmp.md#profiles)").required();
    PORT: Key<Whole<u16>> = key("port", Whole(1, u16::MAX), "its UDP port").says("that of the profile");
    GET: Key<Own> = key("get", Own(labelled_objects),
        "variables: one, a list, or labels with variables, as in `{ uptime: sysUpTime.0 }`")
        .says("this or `table` is required");
    TABLE: Key<Own> = key("table", Own(|| Shape::Section(&COLUMNS_OF)),
        "instead of `get`: columns of a table")
        .says("this or `get` is required");
}

section! {
    /// The table of a poll.
    COLUMNS_OF = "table";
    INDEX: Key<Own, Required> = key("index", Own(labelled_objects),
        "the column or columns whose values become labels; `index` among them is the number of the row")
        .required();
    COLUMNS: Key<Own, Required> = key("columns", Own(labelled_objects), "those that become metrics").required();
    WHERE: Key<Own> = key("where", Own(conditions),
        "what a row must be to count: columns with a value, or with a list of values of which one suffices")
        .says("every row counts");
    EMPTY: Key<Choice<bool>, Is<bool>> = key("empty", Choice(&EMPTY_WORDS),
        "`ok` if it is normal that no row is there, or none that counts; else the check is `unknown` then")
        .is(false);
}
