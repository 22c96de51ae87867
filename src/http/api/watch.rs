//! What one who watches wants, and in which form its lines are sent.

use super::times::optional_duration;
use crate::http::params::Params;
use crate::http::reply::{Failure, Reply};
use crate::limits::{WATCH_CHECKS_MAX, WATCH_PAST_MAX, WATCH_QUERIES_MAX};

/// Where it is asked for.
pub(in crate::http) const WATCH_PATH: &str = "/api/watch";
/// Where the time of this host is asked for.
pub(in crate::http) const TIME_PATH: &str = "/api/time";

/// How lines are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum WatchForm {
    /// As they are.
    Lines,
    /// As events that a browser understands (`text/event-stream`).
    Events,
}

impl WatchForm {
    /// The type of the answer.
    pub(in crate::http) fn content_type(self) -> &'static str {
        match self {
            WatchForm::Lines => super::STREAM_CONTENT_TYPE,
            WatchForm::Events => "text/event-stream",
        }
    }

    /// Lines, each with its end, in this form.
    pub(in crate::http) fn write<L: AsRef<str>>(self, lines: &[L]) -> String {
        match self {
            WatchForm::Lines => lines.iter().map(AsRef::as_ref).collect(),
            WatchForm::Events => lines.iter().map(|line| format!("data: {}\n", line.as_ref())).collect(),
        }
    }
}

/// What one who watches wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) struct WatchWish {
    /// The checks.
    pub(in crate::http) checks: Vec<String>,
    /// The expressions.
    pub(in crate::http) queries: Vec<String>,
    /// How often checks shall be run (ms); absent for as often as they are run anyway.
    pub(in crate::http) every_ms: Option<u64>,
    pub(in crate::http) form: WatchForm,
    /// How much of the past to begin with (ms); 0 for nothing.
    pub(in crate::http) past_ms: i64,
}

impl WatchWish {
    /// What the parameters say, and the header `Accept`.
    ///
    /// # Errors
    /// The answer where they say nothing that is possible.
    pub(in crate::http) fn of(params: &Params, accept: &str) -> Result<WatchWish, Reply> {
        let every_ms = optional_duration(params, "every")?.map(u64::try_from).transpose();
        let every_ms = every_ms.map_err(|_| Reply::invalid("every", "it is negative"))?;
        let checks = each_once(params, "check");
        let queries = each_once(params, "query");
        if checks.is_empty() && queries.is_empty() {
            return Err(Reply::invalid("check", "no check is named"));
        }
        if queries.len() > WATCH_QUERIES_MAX {
            let what = format!("at most {WATCH_QUERIES_MAX} expressions can be watched at once");
            return Err(Reply::failure(Failure::BadData, &what));
        }
        if checks.len() > WATCH_CHECKS_MAX {
            let what = format!("at most {WATCH_CHECKS_MAX} checks can be watched at once");
            return Err(Reply::failure(Failure::BadData, &what));
        }
        let form = match params.get("format") {
            "sse" => WatchForm::Events,
            "jsonl" => WatchForm::Lines,
            "" if accept.split(',').any(|kind| kind.trim().starts_with("text/event-stream")) => {
                WatchForm::Events
            }
            "" => WatchForm::Lines,
            _ => return Err(Reply::invalid("format", "it is not sse or jsonl")),
        };
        let past_ms = optional_duration(params, "past")?.unwrap_or(0);
        if past_ms < 0 {
            return Err(Reply::invalid("past", "it is negative"));
        }
        let past_most_ms = i64::try_from(WATCH_PAST_MAX.as_millis()).unwrap_or(i64::MAX);
        Ok(WatchWish { checks, queries, every_ms, form, past_ms: past_ms.min(past_most_ms) })
    }

    /// Whether checks may be run because of this.
    pub(in crate::http) fn causes_runs(&self) -> bool {
        self.every_ms.is_some()
    }
}

/// What a parameter names, each once.
fn each_once(params: &Params, name: &'static str) -> Vec<String> {
    let mut named: Vec<String> = Vec::new();
    for text in params.all(name).filter(|text| !text.is_empty()) {
        if !named.iter().any(|known| known == text) {
            named.push(text.to_owned());
        }
    }
    named
}

/// The time of this host: when the request came, and when this leaves.
pub(in crate::http) fn time(received_ms: i64, sent_ms: i64) -> Reply {
    let body = format!("{{\"received_ms\":{received_ms},\"sent_ms\":{sent_ms}}}\n");
    Reply { status: 200, content_type: "application/json", body }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(query: &str, accept: &str) -> Result<WatchWish, u16> {
        WatchWish::of(&Params::of(query, b"").unwrap(), accept).map_err(|reply| reply.status)
    }

    #[test]
    fn each_check_is_wished_once_as_often_as_is_said() {
        let wished = wish("check=load&check=disk%20a&check=load&every=200ms", "").unwrap();
        assert_eq!(
            (&wished.checks[..], wished.every_ms),
            (&["load".to_owned(), "disk a".to_owned()][..], Some(200))
        );
        let asked = wish("query=sum(load)&query=sum(load)&query=b", "").unwrap();
        assert_eq!(
            (&asked.queries[..], asked.checks.len()),
            (&["sum(load)".to_owned(), "b".to_owned()][..], 0)
        );
        let many_queries: String = (0..=WATCH_QUERIES_MAX).map(|number| format!("query={number}&")).collect();
        assert_eq!((wished.past_ms, wish("check=a&past=2m", "").unwrap().past_ms), (0, 120_000));
        assert!(wished.causes_runs() && !wish("check=a", "").unwrap().causes_runs());
        let many: String = (0..=WATCH_CHECKS_MAX).map(|number| format!("check={number}&")).collect();
        for wrong in [
            "",
            "check=",
            "check=a&every=-1s",
            "check=a&every=x",
            "check=a&past=-1s",
            "check=a&format=xml",
            &many,
            &many_queries,
        ] {
            assert_eq!(wish(wrong, ""), Err(400), "{wrong}");
        }
    }

    #[test]
    fn a_browser_gets_events() {
        let form = |query: &str, accept: &str| wish(query, accept).unwrap().form;
        assert_eq!(form("check=a", "text/event-stream"), WatchForm::Events);
        assert_eq!(form("check=a&format=jsonl", "text/event-stream"), WatchForm::Lines);
        assert_eq!(form("check=a", "*/*"), WatchForm::Lines);
        assert_eq!(form("check=a&format=sse", ""), WatchForm::Events);
        assert_eq!(WatchForm::Events.write(&["{}\n", "1\n"]), "data: {}\n\ndata: 1\n\n");
        assert_eq!(WatchForm::Lines.write(&["{}\n", "1\n"]), "{}\n1\n");
    }
}
