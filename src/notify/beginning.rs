//! A notifier that does not know its notes yet, as the store may be another agent's: it tells nobody, runs no event handler and
//! writes no note. What it hears meanwhile is kept, of each check the last, so that it goes on from the notes and from that.

use std::sync::Arc;

use custos_store::Run;

use super::addressee::Addressee;
use super::ledger::Ledger;
use super::noted::Noted;
use super::notifier::Notifier;
use super::receiver::receivers;
use super::withheld::Withheld;
use crate::clock::Moment;
use crate::config::Config;
use crate::rules::ActiveAlert;

impl Notifier {
    /// A notifier that tells nobody before [`Notifier::begin`]. Hand it the last run of each check next.
    pub fn withheld(config: Arc<Config>, now: Moment) -> Notifier {
        let mut notifier = Notifier::new(config, &Noted::default(), now);
        notifier.withheld = Some(Withheld::as_of("the store is not open yet"));
        notifier
    }

    /// Whether it still tells nobody.
    pub fn is_withheld(&self) -> bool {
        self.withheld.is_some()
    }

    /// Says why it still tells nobody.
    pub fn withhold(&mut self, why: &str) {
        if let Some(withheld) = &mut self.withheld {
            why.clone_into(&mut withheld.why);
        }
    }

    /// What people are told while nobody else is.
    pub fn told_nobody(&self) -> Option<String> {
        let why = &self.withheld.as_ref()?.why;
        Some(format!(
            "nobody is told, and no event handler is run, as what was told is not known before the store is this agent's: {why}"
        ))
    }

    /// Goes on from the notes, and from what it heard. `stored` are the last runs of checks as the store has them by now.
    pub fn begin<'r>(
        &mut self,
        noted: &Noted,
        stored: impl IntoIterator<Item = (&'r str, &'r Run)>,
        now: Moment,
    ) {
        let Some(mut withheld) = self.withheld.take() else { return };
        let mut fresh = Notifier::new(Arc::clone(&self.config), noted, now);
        // Somebody may be trying a target.
        (fresh.errands, fresh.last_ticket) = (std::mem::take(&mut self.errands), self.last_ticket);
        fresh.stopping = self.stopping;
        *self = fresh;
        stored.into_iter().for_each(|(check, run)| withheld.stored(check, run));
        let (before, since) = withheld.heard();
        before.iter().for_each(|(check, run)| self.restored(check, run, now));
        for (check, (run, alerts)) in &since {
            self.ran(check, run, alerts.as_deref(), now);
        }
    }

    /// Keeps a run instead of telling it. Returns whether that is so.
    pub(super) fn kept_back(
        &mut self,
        check: &str,
        run: &Run,
        alerts: Option<&[ActiveAlert]>,
        restored: bool,
    ) -> bool {
        let Some(withheld) = &mut self.withheld else { return false };
        let is_rule = self.config.checks.get(check).is_some_and(|definition| definition.command.is_rule());
        if restored {
            withheld.stood(check, run);
        } else if alerts.is_some() || !is_rule {
            // The run of a rule comes once more, with its alerts.
            withheld.ran(check, run, alerts);
        }
        true
    }

    /// Takes a configuration while nobody is told: its notes are read when it begins. Returns whether that is so.
    pub(super) fn reload_withheld(&mut self, config: &Arc<Config>) -> bool {
        let Some(withheld) = &mut self.withheld else { return false };
        withheld
            .keep(|check| config.checks.contains_key(check) || config.own_checks().any(|own| own == check));
        self.config = Arc::clone(config);
        let nothing = |name: &str, target| Addressee::new(name.to_owned(), target, Ledger::default());
        let targets = receivers(config).into_iter().map(|(name, target)| {
            let addressee = nothing(&name, target);
            (name, addressee)
        });
        self.targets = targets.collect();
        true
    }
}
