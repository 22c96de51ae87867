//! What commands want of sinks.

use super::run::Daemon;
use crate::clock::Moment;
use crate::control::Response;
use crate::feed::sink::retry_note;

impl Daemon {
    /// Has a sink send again what was set aside: the process that delivers finds the note.
    pub(super) fn retry_sink(&self, name: &str, now: Moment) -> Response {
        if !self.config.sinks.iter().any(|sink| sink.name == name) {
            return Response::Refused(format!("there is no sink `{name}`"));
        }
        self.recorder.note(retry_note(name), now.wall_ms.to_string());
        Response::Done(format!("{name} sends again what was set aside"))
    }
}
