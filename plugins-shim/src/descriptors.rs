//! The shim's own limit of open files: raised when the plugins at once need it, and only then, because every plugin
//! started after that must be given the old one back.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors of one plugin: the reading ends of its outputs.
const EACH: usize = 2;
/// Descriptors of the shim itself, and those open for a moment.
const OWN: usize = 64;

/// The limit as it was, and whether it was raised.
#[derive(Debug)]
pub(crate) struct Descriptors {
    soft: u64,
    hard: u64,
    raised: bool,
}

impl Descriptors {
    /// The limit that this process was started with.
    pub(crate) fn of_this_process() -> nix::Result<Descriptors> {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        Ok(Descriptors { soft, hard, raised: false })
    }

    /// Whether one more plugin beside so many may be too much for the limit.
    pub(crate) fn may_run_out(&self, runs: usize) -> bool {
        !self.raised && ((runs + 1) * EACH + OWN) as u64 > self.soft
    }

    /// Raises the limit as far as that is allowed.
    pub(crate) fn raise(&mut self) {
        self.raised = true;
        // If it is refused, so will be the pipes of the next plugins, which are then reported as not started.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, self.hard, self.hard);
    }

    /// Whether somebody else has changed the limit.
    pub(crate) fn are_changed_by_others(&self) -> bool {
        let soft = if self.raised { self.hard } else { self.soft };
        getrlimit(Resource::RLIMIT_NOFILE).is_ok_and(|now| now != (soft, self.hard))
    }

    /// The limit that a plugin must be given back, if it is not the one that it inherits.
    pub(crate) fn changed(&self) -> Option<libc::rlimit> {
        self.raised.then_some(libc::rlimit { rlim_cur: self.soft, rlim_max: self.hard })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_given_back_before_the_limit_is_raised() {
        let descriptors = Descriptors { soft: 1024, hard: 4096, raised: false };
        assert!(!descriptors.may_run_out(0) && descriptors.changed().is_none());
        assert!(!descriptors.may_run_out(479));
        assert!(descriptors.may_run_out(480));
        let raised = Descriptors { raised: true, ..descriptors };
        assert!(!raised.may_run_out(5000));
        assert_eq!(raised.changed().map(|limit| (limit.rlim_cur, limit.rlim_max)), Some((1024, 4096)));
    }
}
