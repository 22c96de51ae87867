//! The handle of the judging thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use custos_store::Run;
use tokio::sync::mpsc;

use super::counts::Counts;
use super::queue::{Input, Queue};
use super::settings::Settings;
use super::thread::Thread;
use crate::part::Part;
use crate::rules::{External, JudgeOrder, JudgedGroup, RuleGroup};

/// Has rules judged on a thread of their own.
#[derive(Debug)]
pub struct Judge {
    queue: Arc<Queue>,
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

impl Judge {
    /// Starts the thread. Answers go to `answers`, one for each order; while they are not taken, the thread waits.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub fn start(settings: Settings, answers: mpsc::Sender<JudgedGroup>) -> std::io::Result<Judge> {
        let (queue, counts) = (Arc::<Queue>::default(), Arc::<Counts>::default());
        let thread = Thread::new(settings, Arc::clone(&queue), Arc::clone(&counts), answers);
        let thread = std::thread::Builder::new().name("custos-judge".to_owned()).spawn(|| thread.serve())?;
        Ok(Judge { queue, counts, thread: Some(thread) })
    }

    /// Puts groups into force, in place of those that are. Rules that mean the same go on with their alerts; of others that were
    /// judged before the start, alerts are what stored samples say they were. Templates say this of the host from now on.
    pub fn define(&self, groups: Vec<Arc<RuleGroup>>, external: External) {
        self.queue.put(Input::Groups(groups, external));
    }

    /// Takes note of a run that is recorded: what is ordered from now on sees it.
    pub fn record(&self, check: &Arc<str>, run: &Arc<Run>) {
        self.queue.record(Arc::clone(check), Arc::clone(run));
    }

    /// Has a group judged by what was recorded up to now. There must be no order of that group that is not answered.
    pub fn order(&self, order: JudgeOrder) {
        self.queue.put(Input::Order(order));
    }

    /// The health of the thread.
    pub fn part(&self) -> Part {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &self.counts;
        let totals = [
            ("judged", count(&counts.judged)),
            ("failed", count(&counts.failed)),
            ("lost_runs", count(&counts.lost_runs)),
            ("us", count(&counts.took_us)),
        ];
        let mut part = Part::new("rules")
            .with_totals("rules", totals)
            .with_level("rules_samples", count(&counts.samples))
            .with_level("rules_waiting", self.queue.len() as u64);
        if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            part.critical("the thread that judges rules ended; the log says why");
        }
        part
    }

    /// Ends the thread. What it was given and did not do yet is left undone.
    pub fn finish(mut self, answers: mpsc::Receiver<JudgedGroup>) {
        self.queue.end();
        // It may be waiting for room.
        drop(answers);
        if let Some(thread) = self.thread.take() {
            // A panic in it has printed its message.
            let _ = thread.join();
        }
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        self.queue.end();
    }
}
