//! What a plugin does on the network, step by step: what comes next depends on what came of the last step, and on nothing else.
//!
//! Whoever carries the steps out begins with [`Event::Begun`], and reports each [`Step`] by an [`Event`] until one is [`Step::Done`].
//! None of that is bound to a way of waiting, so that nothing has to be blocked for it.

use std::time::Duration;

use crate::cpu::CpuTalk;
use crate::http_talk::HttpTalk;
use crate::not_native::NotNative;
use crate::ntp::NtpTalk;
use crate::printed::{Printed, State};
use crate::ssh::SshTalk;
use crate::step::{Event, Now, Step};
use crate::tcp_talk::TcpTalk;

/// The timeout of what has none of its own.
const NEVER: Duration = Duration::from_secs(86_400);

/// A plugin on the network, at one of its steps.
#[derive(Debug)]
pub struct Talk {
    of: Of,
    timeout: Duration,
}

#[derive(Debug)]
enum Of {
    Tcp(TcpTalk),
    Ssh(SshTalk),
    Http(Box<HttpTalk>),
    Ntp(NtpTalk),
    Cpu(CpuTalk),
}

impl Talk {
    pub(crate) fn of_tcp(talk: TcpTalk, timeout_s: u64) -> Talk {
        Talk { of: Of::Tcp(talk), timeout: Duration::from_secs(timeout_s) }
    }

    pub(crate) fn of_ssh(talk: SshTalk, timeout_s: u64) -> Talk {
        Talk { of: Of::Ssh(talk), timeout: Duration::from_secs(timeout_s) }
    }

    pub(crate) fn of_http(talk: HttpTalk, timeout_s: u64) -> Talk {
        Talk { of: Of::Http(Box::new(talk)), timeout: Duration::from_secs(timeout_s) }
    }

    pub(crate) fn of_ntp(talk: NtpTalk, timeout_s: u64) -> Talk {
        Talk { of: Of::Ntp(talk), timeout: Duration::from_secs(timeout_s) }
    }

    pub(crate) fn of_cpu(talk: CpuTalk) -> Talk {
        Talk { of: Of::Cpu(talk), timeout: NEVER }
    }

    /// What comes next, at this time.
    ///
    /// # Errors
    /// Only now it shows that the plugin itself has to be run.
    pub fn next(&mut self, event: Event<'_>, now: Now) -> Result<Step, NotNative> {
        match &mut self.of {
            Of::Tcp(talk) => talk.next(event, now.mono_us),
            Of::Ssh(talk) => talk.next(event, now.mono_us),
            Of::Http(talk) => talk.next(event, now.mono_us),
            Of::Ntp(talk) => talk.next(event, now),
            Of::Cpu(talk) => talk.next(event),
        }
    }

    /// After what time the plugin gives up, whichever step it is at.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What it says then.
    pub fn timed_out(&self) -> Printed {
        let before: &[u8] = match &self.of {
            Of::Tcp(talk) => talk.said(),
            Of::Http(talk) => talk.said(),
            Of::Ssh(_) | Of::Ntp(_) | Of::Cpu(_) => &[],
        };
        let line = format!("CRITICAL - Socket timeout after {} seconds", self.timeout.as_secs());
        State::Critical.says([before, line.as_bytes()].concat())
    }
}
