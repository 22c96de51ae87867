//! All that is in memory, by check.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use custos_promql::{METRIC_NAME, Matcher, reaches_own_names};
use custos_store::{Run, Snapshot};

use super::check::{LiveCheck, Recorded, SeriesNumber};
use super::interest::{Interest, exactly, keep_ms, may_be_of, may_be_own_name, own_names};
use super::newest::{Named, Newest};
use super::older::{self, Older};
use crate::built_in::BuiltIn;
use crate::limits::{
    LIVE_KEEP_MS_MAX, LIVE_KEEP_MS_MIN, LIVE_QUESTIONS_MAX, LIVE_SAMPLES_MAX, LIVE_UNWRITTEN_MS,
};
use crate::promql::index::CHECK;

/// Runs of a check are forgotten once they are older than they need be by this part of how long they are kept.
const SPARE_PART: i64 = 4;

/// All that is in memory.
pub(super) struct Memory {
    pub(super) checks: Vec<LiveCheck>,
    /// The number of each check.
    by_name: BTreeMap<Arc<str>, u32>,
    /// The checks that have series of a name of their own, by that name.
    own_names: HashMap<String, BTreeSet<u32>>,
    /// Checks that nothing was asked about.
    ignored: HashSet<Arc<str>>,
    /// Names of their own of series that nothing was asked about.
    ignored_names: HashSet<String>,
    interest: Interest,
    /// Counts what changes the answer to which series there are.
    pub(super) version: u64,
    /// The newest runs, for checks that are asked about from now on.
    newest: Newest,
    samples: usize,
    /// How many samples there may be.
    samples_max: usize,
    /// The longest that runs are kept now (ms).
    keep_ms_max: i64,
    /// The time of the latest run, or judgement (ms since the epoch).
    pub(super) latest_ms: i64,
    /// Whether a run came that is earlier than what is in memory.
    late: bool,
}

impl Default for Memory {
    fn default() -> Memory {
        Memory {
            checks: Vec::new(),
            by_name: BTreeMap::new(),
            own_names: HashMap::new(),
            ignored: HashSet::new(),
            ignored_names: HashSet::new(),
            interest: Interest::default(),
            version: 0,
            newest: Newest::default(),
            samples: 0,
            samples_max: LIVE_SAMPLES_MAX,
            keep_ms_max: LIVE_KEEP_MS_MAX,
            latest_ms: i64::MIN,
            late: false,
        }
    }
}

impl Memory {
    /// The same, where so many samples may be in memory.
    pub(super) fn holding(samples_max: usize) -> Memory {
        Memory { samples_max, ..Memory::default() }
    }

    /// Takes in a run that the agent records.
    pub(super) fn record(&mut self, check: &Arc<str>, run: &Arc<Run>) {
        self.newest.push(check, run);
        self.latest_ms = self.latest_ms.max(run.time_ms);
        self.take(check, run, Recorded::Yes);
    }

    /// Takes in what a rule came to, before it is recorded.
    pub(super) fn judged(&mut self, check: &Arc<str>, run: &Run) {
        self.take(check, run, Recorded::Soon);
    }

    /// Takes in a run that the store has, by whatever name.
    pub(super) fn join(&mut self, check: &Arc<str>, run: &Run) {
        self.take(check, run, Recorded::Before);
    }

    /// The names of the checks that have series which fulfil all conditions, and samples in these times (ms since the epoch).
    pub(super) fn checks_with(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Vec<Arc<str>> {
        let mut found = Vec::new();
        self.each_candidate(matchers, |_, check| {
            let earliest_ms = from_ms.saturating_sub(check.lookback_ms().unwrap_or(0));
            let is_there = |series| {
                let (first_ms, last_ms) = check.span_of(series);
                last_ms >= earliest_ms && first_ms <= to_ms
            };
            if check.select(matchers).any(is_there) {
                found.push(Arc::clone(&check.name));
            }
        });
        found
    }

    fn take(&mut self, check: &Arc<str>, run: &Run, recorded: Recorded) {
        let own = own_names(run);
        let Some(number) = self.wanted(check, &own) else { return };
        let of = &mut self.checks[number as usize];
        // The clock was set back. The store, as it was looked at last, does not have it where it would have such runs.
        self.late |= run.time_ms < self.latest_ms.saturating_sub(LIVE_UNWRITTEN_MS);
        if run.time_ms < of.from_ms && of.from_ms != i64::MAX {
            // What is earlier than what is in memory is read from the store.
            self.late = true;
            return;
        }
        let taken = of.take(run, recorded);
        let oldest_ms = self.latest_ms.saturating_sub(of.keep_ms);
        if of.from_ms < oldest_ms.saturating_sub(of.keep_ms / SPARE_PART) {
            let before = of.samples();
            of.forget_before(oldest_ms);
            self.samples = self.samples.saturating_sub(before - of.samples());
        }
        self.samples += taken.samples;
        if taken.is_new {
            self.version += 1;
            for name in own {
                self.own_names.entry(name.to_owned()).or_default().insert(number);
            }
        }
        if self.samples > self.samples_max && self.keep_ms_max > LIVE_KEEP_MS_MIN {
            self.keep_less();
        }
    }

    /// The number of a check, if something was asked about it.
    fn wanted(&mut self, check: &Arc<str>, own: &[&str]) -> Option<u32> {
        if let Some(number) = self.by_name.get(check) {
            return Some(*number);
        }
        if self.ignored.contains(check) && own.iter().all(|name| self.ignored_names.contains(*name)) {
            return None;
        }
        let by_own = if own.is_empty() { None } else { self.interest.keep_ms_of(own) };
        let Some(keep_ms) = self.interest.keep_ms(check).max(by_own) else {
            self.ignored.insert(Arc::clone(check));
            if self.ignored_names.len() >= LIVE_QUESTIONS_MAX {
                self.ignored_names.clear();
            }
            self.ignored_names.extend(own.iter().map(|name| (*name).to_owned()));
            return None;
        };
        // The store does not have it, or it would have been found there.
        Some(self.add(check, i64::MIN, keep_ms))
    }

    /// Adds a check. From `from_ms` on all its runs are in memory.
    fn add(&mut self, check: &Arc<str>, from_ms: i64, keep_ms: i64) -> u32 {
        let number = self.checks.len() as u32;
        let mut of = LiveCheck::new(check);
        of.from_ms = from_ms;
        of.keep_ms = self.bounded(keep_ms);
        self.checks.push(of);
        self.by_name.insert(Arc::clone(check), number);
        self.ignored.remove(check);
        self.version += 1;
        number
    }

    fn bounded(&self, keep_ms: i64) -> i64 {
        keep_ms.clamp(LIVE_KEEP_MS_MIN, self.keep_ms_max)
    }

    /// Makes room.
    fn keep_less(&mut self) {
        self.keep_ms_max = (self.keep_ms_max / 2).max(LIVE_KEEP_MS_MIN);
        for of in &mut self.checks {
            of.keep_ms = of.keep_ms.min(self.keep_ms_max);
            of.forget_before(self.latest_ms.saturating_sub(of.keep_ms));
        }
        self.samples = self.checks.iter().map(LiveCheck::samples).sum();
    }

    /// Sees to it that what fulfils these conditions is in memory, looking back to a time, as far as it may be; so it is from now
    /// on.
    pub(super) fn ask(&mut self, matchers: &[Matcher], from_ms: i64, older: &mut Older) {
        let looks_back_ms = keep_ms(self.latest_ms.saturating_sub(from_ms)).min(LIVE_KEEP_MS_MAX);
        if self.interest.len() >= LIVE_QUESTIONS_MAX {
            self.forget_questions();
        }
        if !self.interest.add(matchers, looks_back_ms) {
            return;
        }
        self.ignored.retain(|name| !may_be_of(matchers, name));
        self.ignored_names.retain(|name| !may_be_own_name(matchers, name));
        let snapshot = older.now(self.latest_ms);
        if let Some(snapshot) = &snapshot {
            for number in self.find_checks(matchers, looks_back_ms, snapshot) {
                self.fill(number, snapshot);
            }
        }
        // Those that began a moment ago are not written yet.
        let newest: Vec<Named> = self.newest.iter().cloned().collect();
        for (check, run) in newest {
            if !self.by_name.contains_key(&check) {
                self.take_new(&check, &run);
            }
        }
        self.samples = self.checks.iter().map(LiveCheck::samples).sum();
        self.version += 1;
    }

    /// Takes in all that there is of a check that is not in memory, if it is asked about.
    fn take_new(&mut self, check: &Arc<str>, run: &Arc<Run>) {
        if self.wanted(check, &own_names(run)).is_none() {
            return;
        }
        let newest: Vec<Named> = self.newest.iter().filter(|(of, _)| of == check).cloned().collect();
        newest.iter().for_each(|(check, run)| self.take(check, run, Recorded::Yes));
    }

    /// The checks of the store of which series may fulfil conditions. They are kept for so long from now on.
    fn find_checks(&mut self, matchers: &[Matcher], looks_back_ms: i64, snapshot: &Snapshot) -> Vec<u32> {
        let by_own = snapshot.own_names();
        let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (own, checks) in by_own.iter().filter(|(own, _)| may_be_own_name(matchers, own)) {
            checks.iter().for_each(|check| names.entry(check).or_default().push(own));
        }
        let all = snapshot.checks();
        for known in all.iter().filter(|known| may_be_of(matchers, &known.name)) {
            names.entry(&known.name).or_default();
        }
        let mut found = Vec::new();
        for (check, own) in names {
            let number = match self.by_name.get(check) {
                Some(number) => *number,
                None => self.add(&Arc::from(check), i64::MAX, 0),
            };
            let keep_ms = self.bounded(looks_back_ms);
            let of = &mut self.checks[number as usize];
            of.keep_ms = of.keep_ms.max(keep_ms);
            for own in own {
                self.own_names.entry(own.to_owned()).or_default().insert(number);
            }
            found.push(number);
        }
        found
    }

    /// Takes in the runs of a check that the store has, as far back as they are kept.
    fn fill(&mut self, number: u32, snapshot: &Snapshot) {
        let of = &mut self.checks[number as usize];
        let is_new = of.from_ms == i64::MAX;
        let name = Arc::clone(&of.name);
        if is_new && let Some((known, recent)) = older::describe(snapshot, &name) {
            of.describe(known, recent.into_iter());
        }
        // What the store has is later where the clock was set back since.
        let latest_ms = if self.latest_ms == i64::MIN { of.last_ms } else { self.latest_ms };
        let wanted_ms = latest_ms.saturating_sub(of.keep_ms);
        if wanted_ms >= of.from_ms {
            return;
        }
        let until_ms = of.from_ms;
        let until_ms = until_ms.min(latest_ms.saturating_add(LIVE_KEEP_MS_MAX));
        for run in older::runs(snapshot, &name, wanted_ms, until_ms) {
            of.take(&run, Recorded::Before);
        }
        if is_new {
            // Those that came meanwhile may not be written yet.
            let newest = self.newest.iter().filter(|(check, run)| *check == name && run.time_ms >= wanted_ms);
            for (_, run) in newest {
                of.take(run, if run.time_ms > of.last_ms { Recorded::Yes } else { Recorded::Before });
            }
        }
        of.from_ms = of.from_ms.min(wanted_ms);
    }

    /// Whether the store has to be looked at again, as it has runs that are new and yet earlier than what is in memory.
    pub(super) fn is_late(&self) -> bool {
        self.late
    }

    /// Does something with each check that may have such series, by name.
    pub(super) fn each_candidate(&self, matchers: &[Matcher], mut work: impl FnMut(u32, &LiveCheck)) {
        let metric = exactly(matchers, METRIC_NAME);
        let check = exactly(matchers, CHECK);
        // A built-in series may be of any check.
        let named = check.or(metric.filter(|name| BuiltIn::named(name).is_none()));
        let Some(named) = named else {
            self.by_name.values().for_each(|number| work(*number, &self.checks[*number as usize]));
            return;
        };
        let by_name = self.by_name.get(named).copied();
        let of_own: BTreeSet<u32> = match metric {
            Some(metric) => self.own_names.get(metric).cloned().unwrap_or_default(),
            None if reaches_own_names(matchers) => self.own_names.values().flatten().copied().collect(),
            None => BTreeSet::new(),
        };
        let mut numbers: Vec<u32> = of_own.into_iter().chain(by_name).collect();
        numbers.sort_by(|one, other| self.checks[*one as usize].name.cmp(&self.checks[*other as usize].name));
        numbers.dedup();
        numbers.into_iter().for_each(|number| work(number, &self.checks[number as usize]));
    }

    /// The numbers of the series that fulfil all conditions, by check.
    pub(super) fn select(&self, matchers: &[Matcher]) -> Vec<(u32, SeriesNumber)> {
        let mut found = Vec::new();
        self.each_candidate(matchers, |number, check| {
            found.extend(check.select(matchers).map(|series| (number, series)));
        });
        found
    }

    /// How many samples and checks are in memory.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.samples, self.checks.len())
    }

    /// Forgets what was asked, so that only what is asked from now on counts.
    pub(super) fn forget_questions(&mut self) {
        self.interest = Interest::default();
        self.version += 1;
        self.checks.iter_mut().for_each(|of| of.keep_ms = LIVE_KEEP_MS_MIN);
    }
}
