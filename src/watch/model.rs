//! All that is watched, and what of it is looked at. Pure: what happens goes in, a picture comes out.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::host::{Event, Host};
use super::states::Stands;
use super::target::{Site, Target};
use super::view::{Act, View};
use crate::clock::Moment;
use crate::config::Threshold;
use crate::graph::Picture;
use crate::limits::WATCH_CURVES_MAX;
use crate::text::human::Prefixes;

/// What is watched.
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) hosts: Vec<Host>,
    pub(super) view: View,
    /// How often checks shall be run (ms); absent for as often as they are run anyway.
    pub(super) every_ms: Option<u64>,
    zone: TimeZone,
    prefixes: Prefixes,
    curves_free: usize,
}

/// How a model begins.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// What is watched.
    pub targets: Vec<Target>,
    /// How often checks shall be run (ms); absent for as often as they are run anyway.
    pub every_ms: Option<u64>,
    /// How much of the time is shown.
    pub window: Duration,
    /// The zone that times are shown in.
    pub zone: TimeZone,
    /// Prefixes of bytes.
    pub prefixes: Prefixes,
}

impl Model {
    /// Nothing has come yet.
    pub fn new(beginning: Beginning) -> Model {
        let Beginning { targets, every_ms, window, zone, prefixes } = beginning;
        let mut hosts: Vec<Host> = Vec::new();
        for target in targets {
            let known = hosts.iter().position(|host| host.site == target.site).unwrap_or_else(|| {
                hosts.push(Host::new(target.site.clone()));
                hosts.len() - 1
            });
            hosts[known].want(target);
        }
        let view = View::new(window);
        Model { hosts, view, every_ms, zone, prefixes, curves_free: WATCH_CURVES_MAX }
    }

    /// Where there is something to be watched, in the order in which it is shown.
    pub fn sites(&self) -> impl Iterator<Item = &Site> {
        self.hosts.iter().map(|host| &host.site)
    }

    /// The checks that the agent of a host is to be asked for.
    pub fn asked(&self, host: usize) -> Vec<String> {
        self.hosts.get(host).map(Host::asked).unwrap_or_default()
    }

    /// The expressions that it is to answer.
    pub fn asked_queries(&self, host: usize) -> Vec<String> {
        let host = self.hosts.get(host);
        host.into_iter().flat_map(Host::answered).map(|query| query.text.clone()).collect()
    }

    /// Has the thresholds of the definition of a check of this host drawn.
    pub fn judge(&mut self, check: &str, thresholds: &[Threshold]) {
        self.hosts.iter_mut().filter(|host| host.is_here()).for_each(|host| host.judge(check, thresholds));
    }

    /// Takes in what has happened with a host. `false` if it should be connected to anew, since it shows more than what is
    /// drawn.
    pub fn apply(&mut self, host: usize, event: Event, now: Moment) -> bool {
        let Some(host) = self.hosts.get_mut(host) else { return true };
        host.apply(event, now, &mut self.curves_free);
        !host.has_too_many()
    }

    /// Does what a key means. `true` if it ends.
    pub fn act(&mut self, act: Act, now: Moment) -> bool {
        self.view.act(act, now.wall_ms)
    }

    /// How long a column of time is that is drawn (ms), where the picture moves on at all.
    pub fn column_ms(&self, columns: usize) -> Option<i64> {
        let (start_ms, end_ms) = self.view.span(0, columns);
        self.view.stands_at_ms.is_none().then(|| (end_ms - start_ms) / columns.max(1) as i64)
    }

    /// By how much the times of a host are shifted to be drawn (ms).
    pub(super) fn shift_ms(&self, host: &Host) -> i64 {
        let certain = host.offset().filter(|offset| self.view.shifted && offset.is_certain());
        certain.map_or(0, |offset| offset.ahead_ms().saturating_neg())
    }

    /// How all checks stand that are watched, at a time by this host's clock.
    pub(super) fn standings(&self, at_ms: i64) -> Vec<Stands> {
        let of = |host: &Host| host.standings(at_ms.saturating_sub(self.shift_ms(host)));
        self.hosts.iter().flat_map(of).collect()
    }

    /// What is looked at.
    pub(super) fn picture(&self, now: Moment, (columns, cells): (usize, usize)) -> Picture {
        let (start_ms, end_ms) = self.view.span(now.wall_ms, columns);
        let mut picture = Picture {
            start_ms,
            end_ms,
            zone: self.zone.clone(),
            prefixes: self.prefixes,
            series: Vec::new(),
            ribbons: Vec::new(),
            notes: Vec::new(),
        };
        for host in &self.hosts {
            let shift_ms = self.shift_ms(host);
            for held in host.drawn() {
                let (series, ribbon) = held.drawn((start_ms, end_ms), (columns, cells), shift_ms);
                picture.series.extend(series);
                picture.ribbons.push(ribbon);
            }
            for query in host.answered() {
                picture.series.extend(query.drawn((start_ms, end_ms), columns, shift_ms));
            }
        }
        picture
    }
}
