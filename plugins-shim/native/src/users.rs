//! `check_users`: how many users are logged in, by `utmp`.

use std::ffi::OsString;

use crate::arguments::{options, valued};
use crate::not_native::NotNative;
use crate::printed::Printed;
use crate::range::{Range, Thresholds};
use crate::system::System;

/// Bytes of an entry of `utmp`, by `utmp(5)` on Linux with a C library of GNU.
const ENTRY_BYTES: usize = 384;
/// The type of the entry of a user's process.
const USER_PROCESS: u8 = 7;

/// The options.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Users {
    thresholds: Thresholds,
}

impl Users {
    pub(crate) fn read(words: &[OsString]) -> Result<Users, NotNative> {
        let (mut warning, mut critical) = (None, None);
        for (option, value) in options(words, &[valued(b'w', "warning"), valued(b'c', "critical")])? {
            match option {
                b'w' => warning = Some(Range::read("-w", &value)?),
                _ => critical = Some(Range::read("-c", &value)?),
            }
        }
        // The plugin needs both.
        if warning.is_none() || critical.is_none() {
            return Err(NotNative("only one of -w and -c".to_owned()));
        }
        Ok(Users { thresholds: Thresholds { warning, critical } })
    }

    pub(crate) fn run(&self, system: &dyn System) -> Printed {
        // Without the file nobody is logged in.
        let utmp = system.read("/var/run/utmp").unwrap_or_default();
        let users = utmp.chunks_exact(ENTRY_BYTES).filter(|entry| entry[..2] == [USER_PROCESS, 0]).count();
        let state = self.thresholds.judge(users as f64);
        let text =
            |range: &Option<Range>| range.as_ref().map_or_else(String::new, |range| range.text.clone());
        state.says(format!(
            "USERS {} - {users} users currently logged in |users={users};{};{};0",
            state.text(),
            text(&self.thresholds.warning),
            text(&self.thresholds.critical)
        ))
    }
}

#[cfg(test)]
mod tests {
    use crate::printed::State;

    #[test]
    fn states_are_exit_codes() {
        assert_eq!(
            [State::Ok, State::Warning, State::Critical, State::Unknown].map(|state| state as u8),
            [0, 1, 2, 3]
        );
    }
}
