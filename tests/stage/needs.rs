//! What a test cannot do without. One that misses something fails and says what, since a test that tries nothing and
//! passes hides what is broken.

use std::path::Path;

/// A Python that every user may run, wherever the tests' own PATH leads.
pub(crate) const PYTHON: &str = "/usr/bin/python3";

/// The test changes users.
pub(crate) fn as_root() {
    assert!(nix::unistd::geteuid().is_root(), "this test acts as several users, so it has to run as root");
}

/// The test runs Python as another user.
pub(crate) fn python() -> &'static str {
    assert!(
        Path::new(PYTHON).exists(),
        "this test runs {PYTHON}, which is not there (scripts/test installs it)"
    );
    PYTHON
}
