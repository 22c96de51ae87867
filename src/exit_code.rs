//! Every exit status of the program, in one place.

use custos_store::State;

/// What a command ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// Done.
    Success,
    /// The command failed while running; the message is on stderr.
    Failure,
    /// The command line or the configuration is wrong.
    Usage,
    /// A check's verdict, 0 to 3, for `custos check`, `custos status --exit-code` and `custos check_nrpe`.
    Verdict(State),
    /// A status that another program defined, such as one received over NRPE.
    Raw(u8),
}

impl ExitCode {
    /// The number for the operating system.
    pub fn code(self) -> u8 {
        match self {
            ExitCode::Success => 0,
            ExitCode::Failure => 1,
            ExitCode::Usage => 2,
            ExitCode::Verdict(state) => state.code(),
            ExitCode::Raw(code) => code,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        std::process::ExitCode::from(code.code())
    }
}
