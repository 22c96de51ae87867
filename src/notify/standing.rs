//! How the notifier stands: its part of the agent's health, and the report for `custos notify status`.

use std::time::Duration;

use super::addressee::Addressee;
use super::alert::AlertId;
use super::ledger::{Entry, state_name};
use super::noted::Noted;
use super::notifier::Notifier;
use super::report::{MutedAlert, NotifyReport, OwedAlert, TargetReport};
use crate::clock::{Moment, micros};
use crate::config::Config;
use crate::limits::{NOTIFY_FAILING_LONG, NOTIFY_OVERDUE, NOTIFY_REPORTED_MAX};
use crate::part::Part;
use crate::text::human::{counted, duration_ms};

impl Notifier {
    /// The health of notifications; none where nobody is told and nothing is run.
    pub fn part(&self, now: Moment) -> Option<Part> {
        let handles = self.config.checks.values().any(|check| check.on_change.is_some());
        if self.targets.is_empty() && !handles && self.unreadable.is_empty() {
            return None;
        }
        let sum = |of: fn(&Addressee) -> u64| self.targets.values().map(of).sum::<u64>();
        let handlers = &self.handlers;
        let mut part = Part::new("notify")
            .with_totals(
                "notify",
                [
                    ("delivered", sum(|addressee| addressee.delivered)),
                    ("failed", sum(|addressee| addressee.failed)),
                    ("refused", sum(|addressee| addressee.refused)),
                    ("handlers_done", handlers.done),
                    ("handlers_failed", handlers.failed),
                    ("handlers_dropped", handlers.dropped),
                ],
            )
            .with_level("notify_owed", self.targets.values().map(|addressee| self.owed(addressee)).sum())
            .with_level("notify_acknowledged", self.acks.list().len() as u64)
            .with_level("notify_silences", self.silences.list().len() as u64);
        for addressee in self.targets.values() {
            find_faults(addressee, self.owed(addressee), now, &mut part);
            if let Some(overdue_ms) = self.overdue_ms(addressee, now).filter(|_| !fails_long(addressee, now))
            {
                part.warning(format!(
                    "{} owed to the target {}, the oldest for {}",
                    counted_are(self.owed(addressee)),
                    addressee.name,
                    duration_ms(overdue_ms)
                ));
            }
        }
        let not_followed = self.not_followed();
        if not_followed > 0 {
            part.warning(format!("{} not told, as too many fire", counted_are(not_followed)));
        }
        self.unreadable.values().for_each(|why| part.warning(why));
        self.told_nobody().into_iter().for_each(|why| part.critical(why));
        Some(part)
    }

    /// How long the oldest alert has been owed to a target although nothing but the target holds it up, if that is too long (ms).
    fn overdue_ms(&self, addressee: &Addressee, now: Moment) -> Option<i64> {
        let notify = self.config.notify.as_ref()?;
        if is_closed(addressee, now) {
            return None;
        }
        let wait = match addressee.target.medium.keeps_states() {
            true => Duration::ZERO,
            false => notify.group_wait.max(notify.group_interval),
        };
        let owed = self.owed_entries(addressee);
        let free_us = owed.filter_map(|(_, entry)| Some(entry.owed?.free_us)).min()?.max(addressee.open_us);
        let owed_us = (now.mono_us as i64).saturating_sub(free_us);
        (owed_us >= micros(wait.saturating_add(NOTIFY_OVERDUE)) as i64).then_some(owed_us / 1000)
    }

    /// What is owed to a target: not what is held back, such as by a silence.
    fn owed_entries<'a>(
        &'a self,
        addressee: &'a Addressee,
    ) -> impl Iterator<Item = (&'a AlertId, &'a Entry)> {
        let entries = addressee.ledger.entries.iter().filter(|(_, entry)| entry.owed.is_some());
        entries.filter(|(id, entry)| entry.over || !self.muted.contains_key(*id))
    }

    /// How many alerts are owed to a target.
    fn owed(&self, addressee: &Addressee) -> u64 {
        self.owed_entries(addressee).count() as u64
    }

    pub(super) fn not_followed(&self) -> u64 {
        self.not_followed.values().sum()
    }

    /// How notifications stand.
    pub fn report(&self, now: Moment) -> NotifyReport {
        let muted = self.alerts.iter().filter_map(|(id, alert)| {
            let why = self.muted.get(id)?.text();
            Some(MutedAlert { alert: id.name(), state: alert.state.name().to_owned(), why })
        });
        NotifyReport {
            targets: self.targets.values().map(|addressee| self.target_report(addressee, now)).collect(),
            silences: self.silences.list(),
            acks: self.acks.list(),
            muted: muted.take(NOTIFY_REPORTED_MAX).collect(),
            not_followed: self.not_followed(),
            unreadable: self.told_nobody().into_iter().chain(self.unreadable.values().cloned()).collect(),
        }
    }

    /// How notifications stood when they were noted last, for when no agent runs. Without a configuration nothing is known of
    /// targets.
    pub fn report_of(noted: &Noted, config: Option<Config>, now: Moment) -> NotifyReport {
        if let Some(config) = config {
            let mut notifier = Notifier::new(config.into(), noted, now);
            notifier.find_muted(now);
            return notifier.report(now);
        }
        let mut silences = noted.silences();
        silences.tidy(now.wall_ms);
        NotifyReport {
            silences: silences.list(),
            acks: noted.acks(),
            unreadable: noted.faults().into_values().collect(),
            ..NotifyReport::default()
        }
    }

    fn target_report(&self, addressee: &Addressee, now: Moment) -> TargetReport {
        let entries = &addressee.ledger.entries;
        let owed = self.owed_entries(addressee).filter_map(|(id, entry)| {
            let alert = self.alerts.get(id)?;
            let state = state_name(alert.state, entry.over).to_owned();
            Some(OwedAlert { alert: id.name(), state, since_ms: entry.owed?.since_ms })
        });
        let retry_us = u64::try_from(addressee.retry_us).ok().filter(|retry| *retry > now.mono_us);
        TargetReport {
            name: addressee.name.clone(),
            medium: addressee.target.medium.key().to_owned(),
            firing: entries.values().filter(|entry| entry.is_told_firing() && entry.believes()).count()
                as u64,
            owed: self.owed(addressee),
            owed_alerts: owed.take(NOTIFY_REPORTED_MAX).collect(),
            last_success_ms: addressee.last_success_ms,
            last_error: addressee.last_error.as_ref().map(|(why, _)| why.clone()),
            last_error_ms: addressee.last_error.as_ref().map(|(_, at_ms)| *at_ms),
            failing_since_ms: addressee.failing_since.map(|since| since.wall_ms),
            retry_ms: retry_us.map(|retry| now.wall_at(retry)),
            delivered: addressee.delivered,
            failed: addressee.failed,
            refused: addressee.refused,
            refused_firing: refused_firing(addressee),
            closed: is_closed(addressee, now),
            overdue_ms: self.overdue_ms(addressee, now),
        }
    }
}

/// Whether it may not be told now, by its hours.
fn is_closed(addressee: &Addressee, now: Moment) -> bool {
    addressee.target.hours.as_ref().is_some_and(|hours| !hours.is_open(now.wall_ms))
}

/// For how long it has not been reached (µs), if that is known to be so.
fn failing_us(addressee: &Addressee, now: Moment) -> Option<u64> {
    addressee.failing_since.map(|since| now.mono_us.saturating_sub(since.mono_us))
}

fn fails_long(addressee: &Addressee, now: Moment) -> bool {
    failing_us(addressee, now).is_some_and(|for_us| for_us >= micros(NOTIFY_FAILING_LONG))
}

fn refused_firing(addressee: &Addressee) -> u64 {
    let refused = addressee.ledger.entries.values().filter_map(|entry| entry.told.as_ref());
    refused.filter(|told| told.refused).count() as u64
}

fn counted_are(count: u64) -> String {
    let verb = if count == 1 { "is" } else { "are" };
    format!("{} {verb}", counted(count, "alert"))
}

fn find_faults(addressee: &Addressee, owed: u64, now: Moment, part: &mut Part) {
    let name = &addressee.name;
    let why = addressee.last_error.as_ref().map_or("", |(why, _)| why.as_str());
    if let Some(for_us) = failing_us(addressee, now).filter(|_| fails_long(addressee, now)) {
        let so_long = duration_ms((for_us / 1000) as i64);
        part.warning(format!(
            "the target {name} has not been reached for {so_long}, {} owed to it: {why}",
            counted_are(owed)
        ));
    }
    let refused = refused_firing(addressee);
    if refused > 0 {
        part.warning(format!("the target {name} refuses {}: {why}", counted(refused, "alert")));
    }
}
