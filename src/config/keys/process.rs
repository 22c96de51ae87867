//! The process of a check's plugin.

use custos_shim::OUTPUT_MAX_BYTES;

use crate::document::key::{Is, Key, Own, key, section};
use crate::document::kind::{Flag, Size, Span, Whole};
use crate::document::section::Shape;
use crate::limits::{INTERVAL_MAX, STDOUT_MAX_BYTES, TIMEOUT_MIN};

const IO_PRIORITY: &str = "^(idle|(best-effort|real-time)( +0*[0-7] *)?)$";
const ABSOLUTE: &str = "^/";

section! {
    /// The process of a plugin, allowed wherever the settings are.
    PROCESS = "process";
    USER: Key<Own> = key("user", Own(|| Shape::Scalar),
        "name or number of the user that the plugin runs as, with that user's groups and `HOME`")
        .says("the agent's");
    GROUP: Key<Own> = key("group", Own(|| Shape::Scalar), "name or number of its group").says("that of the user");
    GROUPS: Key<Own> = key("groups", Own(|| Shape::Scalar.one_or_more()),
        "names or numbers of its further groups, a list")
        .says("those of the user");
    WORKING_DIRECTORY: Key<Own, Is<&'static str>> = key("working_directory", Own(|| Shape::Pattern(ABSOLUTE)),
        "where it runs, an absolute path")
        .is("/");
    NICE: Key<Whole<i8>, Is<i8>> = key("nice", Whole(-20, 19), "niceness to add").is(0);
    IOPRIO: Key<Own> = key("ioprio", Own(|| Shape::Pattern(IO_PRIORITY)),
        "`idle`, `best-effort` or `real-time`, the latter two perhaps with a level from 0 to 7, as in `best-effort 7`")
        .says("by its niceness");
    NO_NEW_PRIVILEGES: Key<Flag, Is<bool>> = key("no_new_privileges", Flag,
        "`true`: setuid programs, `sudo` among them, gain nothing")
        .is(false);
    LIMITS: Key<Own> = key("limits", Own(|| Shape::Section(&BOUNDS)), "what it may use: a mapping of bounds")
        .says("none but for `output`");
}

section! {
    /// What a plugin may use.
    BOUNDS = "limits";
    ADDRESS_SPACE: Key<Size> = key("address_space", Size(i64::MAX as u64), "memory of each process, such as `512MiB`");
    CPU_TIME: Key<Span> = key("cpu_time", Span(TIMEOUT_MIN, INTERVAL_MAX),
        "processor time of each process, in whole seconds");
    PROCESSES: Key<Whole<i64>> = key("processes", Whole(1, i64::MAX), "processes of that user, in all");
    OPEN_FILES: Key<Whole<i64>> = key("open_files", Whole(1, i64::MAX), "descriptors of each process")
        .says("the agent's");
    OUTPUT: Key<Size, Is<u64>> = key("output", Size(OUTPUT_MAX_BYTES as u64),
        "what is kept of stdout; the rest is read and dropped")
        .is(STDOUT_MAX_BYTES as u64);
}
