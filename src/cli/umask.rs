//! The umask of an agent, which its plugins inherit.

use nix::sys::stat::{Mode, umask};

/// Takes the right to write from group and others where the umask would give it to others: some init systems start
/// programs with a umask of 0, and then every user could change what plugins write. Any other umask was chosen by somebody,
/// and stays.
///
/// To be called before there are other threads: the umask of the process changes for a moment.
pub(super) fn narrow_umask() {
    let safe = Mode::S_IWGRP | Mode::S_IWOTH;
    let inherited = umask(safe);
    umask(if inherited.contains(Mode::S_IWOTH) { inherited } else { inherited | safe });
}
