//! The notifier as it goes on from the store, and how it sends.

use std::sync::Arc;

use custos_store::Run;
use jiff::tz::TimeZone;

use crate::agent::History;
use crate::clock::Moment;
use crate::config::Config;
use crate::evaluate::is_judged;
use crate::execute::Commands;
use crate::notify::send::Sender;
use crate::notify::{Noted, Notifier, receiver_names};

/// The notifier of a configuration, which tells nobody before [`go_on`].
pub(super) fn notifier(config: &Arc<Config>, histories: &[History], now: Moment) -> Notifier {
    let mut notifier = Notifier::withheld(Arc::clone(config), now);
    histories.iter().for_each(|history| restore(&mut notifier, history, now));
    notifier
}

/// Has a notifier go on from what is noted in the store, which is this agent's, and from the last runs there.
pub(super) fn go_on(notifier: &mut Notifier, config: &Config, histories: &[History], now: Moment) {
    let lasts = histories.iter().filter_map(|history| Some((&*history.check, last(history)?)));
    notifier.begin(&noted(config), lasts, now);
}

/// Sends as a configuration says.
pub(super) fn sender(config: &Config, commands: Commands) -> Sender {
    Sender::new(&config.host, TimeZone::system(), commands, config.store.clone())
        .found_at(&config.external_url)
        .by_checks(&config.checks)
}

/// Where a check stood by its last run.
pub(super) fn restore(notifier: &mut Notifier, history: &History, now: Moment) {
    if let Some(run) = last(history) {
        notifier.restored(&history.check, run, now);
    }
}

/// The last run of a check that says how it is.
fn last(history: &History) -> Option<&Run> {
    history.runs.iter().rfind(|run| is_judged(run.reason))
}

fn noted(config: &Config) -> Noted {
    let noted = Noted::read(&config.store, &receiver_names(config));
    noted.faults().values().for_each(|why| tracing::error!("{why}"));
    noted
}
