//! The way of what comes from one host into the model.
//!
//! It is taken in at once, however slow the terminal is: nothing waits between the two.

use std::sync::{Arc, Mutex};

use crate::clock;
use crate::lock::locked;
use crate::watch::host::Event;
use crate::watch::model::Model;
use crate::watch::offset::Asked;

/// Says that something has come. Whoever is woken looks at all there is.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// One host's way into the model.
#[derive(Clone)]
pub(super) struct Inlet {
    host: usize,
    model: Arc<Mutex<Model>>,
    wake: Wake,
}

impl Inlet {
    pub(super) fn new(host: usize, model: Arc<Mutex<Model>>, wake: Wake) -> Inlet {
        Inlet { host, model, wake }
    }

    /// The checks that the agent is to be asked for.
    pub(super) fn asked(&self) -> Vec<String> {
        locked(&self.model).asked(self.host)
    }

    /// The expressions that are to be answered.
    pub(super) fn asked_queries(&self) -> Vec<String> {
        locked(&self.model).asked_queries(self.host)
    }

    /// Takes in a line. `false` if the connection should be made anew, since it shows more than what is drawn.
    pub(super) fn line(&self, line: String) -> bool {
        self.tell(Event::Line(line))
    }

    /// Takes in an answer about the time.
    pub(super) fn clock(&self, asked: Asked) {
        self.tell(Event::Clock(asked));
    }

    pub(super) fn tell(&self, event: Event) -> bool {
        let goes_on = locked(&self.model).apply(self.host, event, clock::now());
        (self.wake)();
        goes_on
    }
}
