//! What is kept for ever of who was told of what: a run beside those of the check.

use std::sync::Arc;

use custos_query::told_name;
use custos_store::{Provenance, Run, State};

use super::alert::Alert;
use super::ledger::{Ended, state_name};
use super::send::Taken;

/// Whom the agent has told of an alert, as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Telling {
    /// The name under which it is stored.
    pub name: Arc<str>,
    /// The state that was told, OK for what is over; the text says to whom, and `origin` is the target alone.
    pub run: Run,
}

/// What is stored of one alert of a message; nothing where it will be tried again, or only said again what the target knew.
pub(super) fn telling(target: &str, ended: &Ended, alert: Option<&Alert>, time_ms: i64) -> Option<Telling> {
    let Ended { item, taken, is_resent } = ended;
    let state = match (item.firing, alert) {
        (false, _) => State::Ok,
        (true, Some(alert)) => alert.state,
        (true, None) => State::Unknown,
    };
    let said = format!("{} {}", item.id.name(), state_name(state, !item.firing));
    let text = match taken {
        Taken::Delivered if !is_resent => format!("{target} was told: {said}"),
        Taken::Refused(why) => format!("{target} refused to be told: {said}: {why}"),
        Taken::Delivered | Taken::Later(_) => return None,
    };
    let run = Run {
        time_ms,
        state,
        plugin_state: state,
        text,
        origin: target.to_owned(),
        partial: true,
        provenance: Provenance::Submitted,
        ..Run::default()
    };
    Some(Telling { name: told_name(&item.id.check).into(), run })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::alert::AlertId;
    use crate::notify::ledger::Item;

    #[test]
    fn what_was_told_or_refused_is_kept_and_what_is_said_again_is_not() {
        let kept = |firing: bool, taken: Taken, is_resent: bool| {
            let id = AlertId { check: "disk".to_owned(), of: "path=\"/var\"".to_owned() };
            let item = Item { id, firing, changed_ms: 7, labels: None };
            telling("pager", &Ended { item, taken, is_resent }, None, 12)
        };
        let Telling { name, run } = kept(false, Taken::Delivered, false).unwrap();
        assert_eq!((&*name, run.time_ms, run.state), ("disk@told", 12, State::Ok));
        let told = ("pager was told: disk{path=\"/var\"} resolved", "pager");
        assert_eq!((run.text.as_str(), run.origin.as_str()), told);
        let refused = kept(true, Taken::Refused("no".to_owned()), false).unwrap().run;
        assert_eq!(refused.text, "pager refused to be told: disk{path=\"/var\"} UNKNOWN: no");
        assert_eq!(kept(true, Taken::Later("busy".to_owned()), false), None);
        assert_eq!(kept(true, Taken::Delivered, true), None);
    }
}
