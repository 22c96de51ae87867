//! How a run or a check stands, in the four states of the Nagios plugin API.

/// The state of a run or of a check, with the Nagios plugin API's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// 0: as it should be.
    #[default]
    Ok = 0,
    /// 1: needs attention.
    Warning = 1,
    /// 2: broken.
    Critical = 2,
    /// 3: not known.
    Unknown = 3,
}

impl State {
    /// Every state, by number.
    pub const ALL: [State; 4] = [State::Ok, State::Warning, State::Critical, State::Unknown];

    /// The state with that number, or none beyond 3.
    pub fn from_code(code: u8) -> Option<State> {
        State::ALL.get(usize::from(code)).copied()
    }

    /// The number that a plugin would exit with.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// `OK`, `WARNING`, `CRITICAL` or `UNKNOWN`.
    pub fn name(self) -> &'static str {
        match self {
            State::Ok => "OK",
            State::Warning => "WARNING",
            State::Critical => "CRITICAL",
            State::Unknown => "UNKNOWN",
        }
    }

    /// The rank by which the worst state is chosen: CRITICAL > UNKNOWN > WARNING > OK.
    pub fn severity(self) -> u8 {
        match self {
            State::Ok => 0,
            State::Warning => 1,
            State::Unknown => 2,
            State::Critical => 3,
        }
    }

    /// The worse of two states by [`State::severity`].
    pub fn worst(self, other: State) -> State {
        if other.severity() > self.severity() { other } else { self }
    }
}
