//! `check_tcp` and its kin: what is said and heard, and what comes of it.

use std::time::Duration;

use crate::certificate;
use crate::expect::{Match, c_string};
use crate::not_native::NotNative;
use crate::printed::{Printed, State};
use crate::step::{Event, Step, Target, out_of_turn};
use crate::tcp::Tcp;

/// What the plugin reads at once.
const READ_BYTES: usize = 1024;
/// How long it waits for more of an answer.
const MORE: Duration = Duration::from_secs(2);
/// More of an answer than that is left to the plugin.
const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// The program, at one of its steps.
#[derive(Debug)]
pub(crate) struct TcpTalk {
    tcp: Tcp,
    began_us: u64,
    phase: Phase,
    /// What was said of the certificate.
    said: Vec<u8>,
    answer: Vec<u8>,
    /// How the answer compares; none before it was compared.
    compares: Option<Match>,
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    Asking,
    Quitting,
}

impl TcpTalk {
    pub(crate) fn new(tcp: Tcp) -> TcpTalk {
        TcpTalk {
            tcp,
            began_us: 0,
            phase: Phase::Connecting,
            said: Vec::new(),
            answer: Vec::new(),
            compares: None,
        }
    }

    /// What it has said already.
    pub(crate) fn said(&self) -> &[u8] {
        &self.said
    }

    pub(crate) fn next(&mut self, event: Event<'_>, now_us: u64) -> Result<Step, NotNative> {
        match event {
            Event::Begun => {
                self.began_us = now_us;
                Ok(Step::Connect(self.tcp.target.clone()))
            }
            Event::NotConnected(error) => {
                Ok(Step::Done(self.tcp.refused.says(self.tcp.target.not_connected(error))))
            }
            Event::Connected if self.tcp.is_tls => Ok(Step::Secure { name: self.tcp.sni.clone() }),
            Event::Connected => Ok(self.ask(now_us)),
            Event::Secured(found) => {
                if let Some(days) = self.tcp.certificate {
                    let (state, line) = certificate::judge(found.as_ref(), days)?;
                    self.said = line;
                    if state != State::Ok {
                        return Ok(Step::Done(Printed {
                            exit: state as u8,
                            stdout: std::mem::take(&mut self.said),
                        }));
                    }
                }
                Ok(self.ask(now_us))
            }
            Event::Sent if self.phase == Phase::Asking => Ok(self.delay(now_us)),
            Event::Sent => Ok(self.done(now_us)),
            Event::Waited => Ok(self.listen(now_us)),
            Event::Read(_) => Err(out_of_turn(&event)),
            Event::Received([]) | Event::Silent => Ok(self.heard(now_us)),
            Event::Received(bytes) => self.received(bytes, now_us),
        }
        .and_then(|step| match self.phase {
            // Nothing was asked before there was a connection.
            Phase::Connecting if matches!(step, Step::Receive { .. }) => Err(out_of_turn(&Event::Begun)),
            _ => Ok(step),
        })
    }

    fn ask(&mut self, now_us: u64) -> Step {
        self.phase = Phase::Asking;
        match &self.tcp.send {
            Some(text) => Step::Send(text.clone()),
            None => self.delay(now_us),
        }
    }

    fn delay(&mut self, now_us: u64) -> Step {
        match self.tcp.delay_s {
            0 => self.listen(now_us),
            seconds => {
                // Does not count.
                self.began_us += seconds * 1_000_000;
                Step::Wait(Duration::from_secs(seconds))
            }
        }
    }

    fn listen(&mut self, now_us: u64) -> Step {
        match self.tcp.expected {
            Some(_) => Step::Receive { max: READ_BYTES, within: None },
            None => self.quit(now_us),
        }
    }

    fn received(&mut self, bytes: &[u8], now_us: u64) -> Result<Step, NotNative> {
        self.answer.extend_from_slice(bytes);
        if self.answer.len() > ANSWER_MAX_BYTES {
            return Err(NotNative(format!("an answer of more than {ANSWER_MAX_BYTES} bytes")));
        }
        if self.tcp.bytes_max.is_some_and(|most| self.answer.len() >= most) {
            return Ok(self.heard(now_us));
        }
        let compares = self.tcp.expected.as_ref().map(|expected| expected.compare(c_string(&self.answer)));
        self.compares = compares;
        match compares {
            Some(Match::MayYet) => Ok(Step::Receive { max: READ_BYTES, within: Some(MORE) }),
            _ => Ok(self.heard(now_us)),
        }
    }

    /// The answer is at its end.
    fn heard(&mut self, now_us: u64) -> Step {
        if self.compares == Some(Match::MayYet) {
            self.compares = Some(Match::Fails);
        }
        if self.answer.is_empty() {
            return Step::Done(State::Critical.says([&*self.said, b"No data received from host"].concat()));
        }
        self.quit(now_us)
    }

    fn quit(&mut self, now_us: u64) -> Step {
        self.phase = Phase::Quitting;
        match &self.tcp.quit {
            Some(text) => Step::Send(text.clone()),
            None => self.done(now_us),
        }
    }

    fn done(&mut self, now_us: u64) -> Step {
        let took_s = (now_us as i64 - self.began_us as i64) as f64 / 1e6;
        let over = |limit_s: Option<f64>| limit_s.is_some_and(|limit_s| took_s > limit_s);
        let fails = self.compares == Some(Match::Fails);
        let state = match () {
            () if over(self.tcp.critical_s) => State::Critical,
            () if fails => self.tcp.mismatch,
            () if over(self.tcp.warning_s) => State::Warning,
            () => State::Ok,
        };
        let (banner, has_banner) = trimmed(&self.answer);
        let shows = has_banner && !self.tcp.is_hidden;
        let mut line = std::mem::take(&mut self.said);
        line.extend_from_slice(format!("{} {} - ", self.tcp.service, state.text()).as_bytes());
        if fails && shows {
            line.extend_from_slice(b"Unexpected response from host/socket: ");
            line.extend_from_slice(banner);
        } else {
            let what = match fails {
                true => "Unexpected response from host/socket".to_owned(),
                false => format!("{took_s:.3} second response time"),
            };
            line.extend_from_slice(format!("{what} on {}", self.place()).as_bytes());
        }
        if !fails && shows {
            line.extend_from_slice(b" [");
            line.extend_from_slice(banner);
            line.push(b']');
        }
        line.extend_from_slice(self.perfdata(took_s, fails).as_bytes());
        Step::Done(state.says(line))
    }

    fn place(&self) -> String {
        match &self.tcp.target {
            Target::Host { name, port, .. } if self.tcp.is_host_given => {
                format!("{name} port {port}")
            }
            Target::Host { port, .. } | Target::Only { port, .. } => format!("port {port}"),
            Target::Socket(path) => format!("socket {path}"),
        }
    }

    /// The thresholds are zero if the answer is not what was expected.
    fn perfdata(&self, took_s: f64, fails: bool) -> String {
        let limit = |limit_s: Option<f64>| {
            limit_s.map_or_else(String::new, |limit_s| format!("{:.6}", if fails { 0.0 } else { limit_s }))
        };
        format!(
            "|time={took_s:.6}s;{};{};0.000000;{}.000000",
            limit(self.tcp.warning_s),
            limit(self.tcp.critical_s),
            self.tcp.timeout_s
        )
    }
}

/// An answer without the blanks at its end, as far as it is a C string; and whether the plugin holds it for one that can be shown, which
/// it does with two characters or more.
fn trimmed(answer: &[u8]) -> (&[u8], bool) {
    let is_blank = |byte: u8| byte == b' ' || (b'\t'..=b'\r').contains(&byte);
    let mut last = answer.len().saturating_sub(1);
    let mut text = answer;
    while last > 0 && is_blank(answer[last]) {
        text = &answer[..last];
        last -= 1;
    }
    (c_string(text), last > 0)
}
