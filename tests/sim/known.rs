//! A second opinion on what is known without a run: the last result of each check's own job, and what was reported of
//! each thing that a passive check is about.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use custos::config::{Check, Serving, Stale};
use custos_store::{Run, State};

use crate::reference::Seen;

#[derive(Default)]
pub struct Known {
    /// The state of the last result, and when it was there.
    last: HashMap<String, (State, u64)>,
    /// By check: the state that each index was reported in last; none if that is not known any more.
    reported: BTreeMap<String, Option<BTreeMap<String, State>>>,
    /// The states of the runs that reports will make, by check.
    ahead: BTreeMap<String, Vec<Option<State>>>,
    /// What the request that is handled now is answered at once.
    pub expected: Option<State>,
}

impl Known {
    /// What a request for a check as it is served is answered at once; none if it waits for a run.
    pub fn answer(&self, check: &Check, now_us: u64) -> Option<State> {
        let Serving::Cached { max_age, stale } = check.serving else { return None };
        let age = |us: u64| Duration::from_micros(now_us - us);
        match (self.last.get(&check.name), stale) {
            (Some((state, us)), _) if age(*us) <= max_age => Some(*state),
            (_, Stale::Unknown) => Some(State::Unknown),
            (_, Stale::Run) => None,
        }
    }

    pub fn recorded_own(&mut self, check: &str, state: State, now_us: u64) {
        self.last.insert(check.to_owned(), (state, now_us));
    }

    /// A check changed, so that nothing is known of what it is now.
    pub fn forget(&mut self, check: &str) {
        self.last.remove(check);
    }

    /// Something will be reported: the run that comes of it has the worst state of all things.
    pub fn expect_report(&mut self, check: &str, index: &str, state: Option<State>) {
        let reported = self.reported.entry(check.to_owned()).or_insert_with(|| Some(BTreeMap::new()));
        if let (Some(reported), Some(state)) = (reported.as_mut(), state) {
            reported.insert(index.to_owned(), state);
        }
        let worst = reported.as_ref().map(worst);
        self.ahead.entry(check.to_owned()).or_default().push(worst);
    }

    pub fn recorded_passive(&mut self, check: &str, run: &Run) {
        let ahead = self.ahead.get_mut(check).filter(|ahead| !ahead.is_empty());
        let expected = ahead.expect("only what is reported is recorded").remove(0);
        if let Some(expected) = expected {
            assert_eq!(run.plugin_state, expected, "{check}: {}", run.text);
        }
    }

    pub fn assert_all_recorded(&self, check: &str) {
        assert!(self.ahead[check].is_empty(), "{check}: a report was not recorded");
    }

    /// After a restart only what the store has is known.
    pub fn go_on_by(&mut self, store: &BTreeMap<String, Vec<Seen>>) {
        self.last.clear();
        for (check, reported) in &mut self.reported {
            let seen = store.get(check).map(Vec::as_slice).unwrap_or_default();
            // What a lost run reported, a later one may tell or not.
            let whole = seen.iter().all(|one| !one.after_loss);
            *reported = whole.then(|| seen.iter().flat_map(|one| of_run(&one.run)).collect());
        }
    }
}

fn worst(reported: &BTreeMap<String, State>) -> State {
    reported.values().fold(State::Ok, |worst, state| worst.worst(*state))
}

/// What a run reports of one thing: the metric of its state.
fn of_run(run: &Run) -> Option<(String, State)> {
    let metric = run.metrics.iter().find(|metric| metric.label == "state")?;
    let code = metric.value?.to_f64() as u8;
    Some((metric.labels[0].1.clone(), State::from_code(code)?))
}
