//! Takes over a configuration that was read again.

use std::sync::Arc;

use super::reading::{Reloaded, begin};
use super::run::Daemon;
use super::trap_receiver::{Reception, reception};
use crate::agent::Event;
use crate::clock::Moment;
use crate::nrpe::listener::Settings;

impl Daemon {
    /// Begins to read the configuration again, or will after the reading under way.
    pub(super) fn reload(&mut self, now: Moment) {
        if self.reload.wanted(now) {
            self.notify.reloading();
            self.inputs.reading = Some(begin(&self.source, &self.config));
        }
    }

    /// Takes over what was read: all of it, or nothing.
    pub(super) fn reloaded(&mut self, read: Result<Box<Reloaded>, String>, now: Moment) {
        let refused = read.and_then(|reloaded| self.take(*reloaded, now)).err();
        if refused.is_some() {
            tracing::error!("going on with the configuration as it was");
        }
        let again = self.reload.ended(refused);
        self.report_now(now);
        // Ready again, by the new configuration or the old.
        self.notify.ready(self.config.checks.len());
        if again {
            self.reload(now);
        }
    }

    fn take(&mut self, reloaded: Reloaded, now: Moment) -> Result<(), String> {
        let Reloaded { config, settings, http, sinks, reception, histories, normal, rows, lost_rules } =
            reloaded;
        let prepared = self.http.prepare(http);
        let reloaded = prepared.and_then(|http| {
            self.reload_listeners(reception, settings, now)?;
            self.http.take(http, now);
            self.sinks.take(sinks);
            Ok(())
        });
        reloaded.inspect_err(|why| tracing::error!("the configuration is not reloaded: {why}"))?;
        self.reload.taken(lost_rules);
        self.config = Arc::new(config);
        let known = self.inputs.executor.rows();
        known.adopt(rows);
        known.forget_others(&self.config);
        tracing::info!(checks = self.config.checks.len(), "the configuration is reloaded");
        self.reload_notify(&histories, now);
        if let Err(error) = self.judge.define(&self.config) {
            tracing::error!("rules are not judged: {error}");
        }
        self.handle(Event::Normal(normal), now);
        self.handle(Event::Reload(Arc::clone(&self.config), histories), now);
        Ok(())
    }

    /// Configures both listeners. If one that works cannot go on by the new configuration, both stay with the old one,
    /// and the reason is returned. One that did not work may go on failing, and keeps nothing else from being taken.
    fn reload_listeners(
        &mut self,
        wanted: Option<Reception>,
        settings: Option<Settings>,
        now: Moment,
    ) -> Result<(), String> {
        let traps = self.trap_receiver.reload(wanted, now).map_err(|error| error.to_string());
        let both = traps.and_then(|()| self.nrpe.reload(settings, now).map_err(|error| error.to_string()));
        if both.is_err() {
            self.trap_receiver.start_sometime(reception(&self.config, now), now);
        }
        both
    }
}
