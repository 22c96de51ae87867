//! The notifier as it goes on from the store, and how it sends.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::agent::History;
use crate::clock::Moment;
use crate::config::Config;
use crate::evaluate::is_judged;
use crate::execute::Commands;
use crate::notify::send::Sender;
use crate::notify::{Noted, Notifier};

/// The notifier of a configuration, which goes on from what is noted in the store if that is `ours`.
pub(super) fn notifier(config: &Arc<Config>, ours: bool, histories: &[History], now: Moment) -> Notifier {
    let noted = if ours { noted(config) } else { Noted::default() };
    let mut notifier = Notifier::new(Arc::clone(config), &noted, now);
    histories.iter().for_each(|history| restore(&mut notifier, history, now));
    notifier
}

/// Sends as a configuration says.
pub(super) fn sender(config: &Config, commands: Commands) -> Sender {
    Sender::new(&config.host, TimeZone::system(), commands, config.store.clone())
        .found_at(&config.external_url)
        .by_checks(&config.checks)
}

/// Where a check stood by its last run.
pub(super) fn restore(notifier: &mut Notifier, history: &History, now: Moment) {
    if let Some(run) = history.runs.iter().rfind(|run| is_judged(run.reason)) {
        notifier.restored(&history.check, run, now);
    }
}

fn noted(config: &Config) -> Noted {
    let targets = config.notify.iter().flat_map(|notify| notify.targets.keys());
    let noted = Noted::read(&config.store, targets);
    noted.faults().values().for_each(|why| tracing::error!("{why}"));
    noted
}
