//! Incidents that people marked, and which alerts met them.

use super::interval::{AlertInterval, Backtest, Span, overlap};
use crate::limits::INCIDENTS_MAX;
use crate::timeline::{Mark, Marks};

/// A time at which something was wrong, as a person says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Incident {
    /// Its number, which is never given again.
    pub number: u64,
    /// When it began (ms since the epoch).
    pub since_ms: i64,
    /// When it ended (ms since the epoch).
    pub until_ms: i64,
    /// The check that should have noticed it; none for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// What it was.
    pub text: String,
}

impl Incident {
    /// Its time.
    pub fn span(&self) -> Span {
        Span { since_ms: self.since_ms, until_ms: self.until_ms }
    }
}

impl Mark for Incident {
    const WHAT: &'static str = "incident";
    const NOTE: &'static str = "incidents";
    const MOST: usize = INCIDENTS_MAX;

    fn number(&self) -> u64 {
        self.number
    }
}

/// All incidents of a store.
pub type Incidents = Marks<Incident>;

/// How alerts met incidents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Met {
    /// Incidents at whose time an alert of theirs fired, and by how much that began before the incident did; negative if later (ms).
    pub caught: Vec<(Incident, i64)>,
    /// Incidents without an alert.
    pub missed: Vec<Incident>,
    /// Incidents at a time at which nobody looked.
    pub not_observed: Vec<Incident>,
    /// Alerts at whose time there was no incident of theirs.
    pub false_alerts: Vec<AlertInterval>,
}

/// Which of these incidents a backtest meets, as far as they lie in its time. Of an incident of a check those alerts count that are
/// about that, as `is_about` says.
pub fn met(
    backtest: &Backtest,
    incidents: &[Incident],
    is_about: &dyn Fn(&AlertInterval, &str) -> bool,
) -> Met {
    let mut met = Met::default();
    let Some(span) = backtest.span else { return met };
    let end_ms = backtest.end_ms();
    let of_time: Vec<&Incident> =
        incidents.iter().filter(|incident| overlap(incident.span(), span) > 0).collect();
    let is_met = |alert: &AlertInterval, incident: &Incident| {
        overlap(alert.span(end_ms), incident.span()) > 0
            && incident.check.as_ref().is_none_or(|check| is_about(alert, check))
    };
    for incident in &of_time {
        let meets = |alert: &&AlertInterval| is_met(alert, incident);
        let first = backtest.intervals.iter().filter(meets).map(|alert| alert.since_ms).min();
        let dark: i64 = backtest.not_observed.iter().map(|dark| overlap(*dark, incident.span())).sum();
        match first {
            Some(since_ms) => {
                met.caught.push(((*incident).clone(), incident.since_ms.saturating_sub(since_ms)));
            }
            None if dark >= incident.span().length_ms() => met.not_observed.push((*incident).clone()),
            None => met.missed.push((*incident).clone()),
        }
    }
    let is_false = |alert: &&AlertInterval| of_time.iter().all(|incident| !is_met(alert, incident));
    met.false_alerts = backtest.intervals.iter().filter(is_false).cloned().collect();
    met
}

#[cfg(test)]
mod tests {
    use custos_promql::Labels;
    use custos_store::State;

    use super::*;

    #[test]
    fn an_incident_is_caught_by_any_alert_at_its_time() {
        let alert = |since_ms, until_ms| AlertInterval {
            check: "load".to_owned(),
            pending_since_ms: since_ms,
            since_ms,
            until_ms,
            state: State::Warning,
            labels: Labels::default(),
            peak: None,
            said: String::new(),
        };
        let incident = |number, since_ms, until_ms| Incident {
            number,
            since_ms,
            until_ms,
            check: None,
            text: String::new(),
        };
        let backtest = Backtest {
            span: Some(Span { since_ms: 0, until_ms: 1000 }),
            intervals: vec![alert(90, Some(120)), alert(300, Some(310)), alert(950, None)],
            not_observed: vec![Span { since_ms: 500, until_ms: 600 }],
            ..Backtest::default()
        };
        let incidents = [
            incident(1, 100, 200),
            incident(2, 400, 450),
            incident(3, 510, 590),
            incident(4, 940, 2000),
            incident(5, 5000, 6000),
            Incident { check: Some("load".to_owned()), ..incident(6, 100, 110) },
            Incident { check: Some("disk".to_owned()), ..incident(7, 300, 310) },
        ];
        let met = met(&backtest, &incidents, &|alert, check| alert.check == check);
        let caught: Vec<(u64, i64)> = met.caught.iter().map(|(of, lead)| (of.number, *lead)).collect();
        assert_eq!(caught, [(1, 10), (4, -10), (6, 10)]);
        let numbers = |all: &[Incident]| all.iter().map(|of| of.number).collect::<Vec<_>>();
        assert_eq!((numbers(&met.missed), numbers(&met.not_observed)), (vec![2, 7], vec![3]));
        assert_eq!(met.false_alerts.iter().map(|alert| alert.since_ms).collect::<Vec<_>>(), [300]);
    }
}
