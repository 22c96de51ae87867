//! The threads that do the work of plugins. One that a dead file system holds is given up, as nobody can end it.

use std::os::unix::ffi::OsStrExt as _;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, bounded};
use custos_native::{Live, Needs, NotNative, Printed};
use tokio::sync::{mpsc, oneshot};

use super::distribution::Identities;
use super::machine::{Common, Machine, Question, give_up};
use super::work::NativeWork;
use crate::clock;
use crate::limits::{NATIVE_QUEUE_MAX, NATIVE_STUCK_MAX, NATIVE_THREADS_MAX};
use crate::lock::locked;
use crate::observe::{Ending, PluginEnd, Usage};
use crate::part::Part;

/// What came of the work of a plugin.
#[derive(Debug)]
pub(in crate::execute) enum NativeEnd {
    /// What the plugin would have left behind.
    Done(PluginEnd),
    /// The plugin itself has to be run.
    RunPlugin,
}

/// Does the work of plugins.
#[derive(Debug)]
pub(in crate::execute) struct Natives {
    shared: Arc<Shared>,
    ended: mpsc::UnboundedSender<(u64, NativeEnd)>,
    ends: mpsc::UnboundedReceiver<(u64, NativeEnd)>,
}

#[derive(Debug)]
struct Shared {
    orders: Sender<Order>,
    waiting: Receiver<Order>,
    identities: Mutex<Identities>,
    common: Common,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Threads that wait for work.
    idle: usize,
    /// Threads that do some that somebody waits for.
    busy: usize,
    /// Threads that were given up.
    stuck: usize,
    done: u64,
    left_to_plugins: u64,
    given_up: u64,
}

#[derive(Debug)]
struct Order {
    work: NativeWork,
    parent: Option<i32>,
    /// When it was given (µs, monotonic).
    since_us: u64,
    progress: Arc<Progress>,
    reply: oneshot::Sender<NativeEnd>,
}

/// How far the work is.
#[derive(Debug, Default)]
struct Progress {
    stage: Mutex<Stage>,
    question: Question,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Waiting,
    UnderWay,
    GivenUp,
}

impl Natives {
    pub(in crate::execute) fn new() -> Natives {
        let (orders, waiting) = bounded(NATIVE_QUEUE_MAX);
        let (ended, ends) = mpsc::unbounded_channel();
        let (identities, common, counts) = Default::default();
        Natives { shared: Arc::new(Shared { orders, waiting, identities, common, counts }), ended, ends }
    }

    /// Begins the work; [`Natives::next`] yields its end, within that time. `parent` is the process that would be that of the plugin.
    /// False if that would hold up others: then the plugin is to be run. Needs a tokio runtime with time.
    pub(in crate::execute) fn begin(
        &self,
        ticket: u64,
        work: NativeWork,
        parent: Option<i32>,
        timeout: Duration,
    ) -> bool {
        if work.plan.needs() != Needs::Kernel && self.shared.counts().stuck >= NATIVE_STUCK_MAX {
            return false;
        }
        let (reply, end) = oneshot::channel();
        let progress = Arc::new(Progress::default());
        let order =
            Order { work, parent, since_us: clock::mono_us(), progress: Arc::clone(&progress), reply };
        if self.shared.orders.try_send(order).is_err() {
            return false;
        }
        self.shared.grow();
        let (ended, shared) = (self.ended.clone(), Arc::clone(&self.shared));
        tokio::spawn(async move {
            let end = match tokio::time::timeout(timeout, end).await {
                Ok(Ok(end)) => end,
                // Its thread has panicked.
                Ok(Err(_)) => NativeEnd::RunPlugin,
                Err(_) => NativeEnd::Done(shared.give_up(&progress, timeout)),
            };
            // Nobody listens once the agent stops.
            let _ = ended.send((ticket, end));
        });
        true
    }

    /// The next end, with its ticket.
    pub(in crate::execute) async fn next(&mut self) -> Option<(u64, NativeEnd)> {
        self.ends.recv().await
    }

    /// The next end if it is there already.
    pub(in crate::execute) fn try_next(&mut self) -> Option<(u64, NativeEnd)> {
        self.ends.try_recv().ok()
    }

    /// What was done here, and what does not answer.
    pub(in crate::execute) fn part(&self) -> Part {
        let counts = self.shared.counts();
        let totals = [
            ("done", counts.done),
            ("left_to_plugins", counts.left_to_plugins),
            ("given_up", counts.given_up),
        ];
        let mut part =
            Part::new("native").with_totals("native", totals).with_level("native_stuck", counts.stuck as u64);
        let now_us = clock::mono_us();
        for (path, since_us) in self.shared.common.all_hanging() {
            let path = String::from_utf8_lossy(path.as_bytes()).escape_debug().to_string();
            part.warning(format!(
                "{path} has not answered for {} s",
                now_us.saturating_sub(since_us) / 1_000_000
            ));
        }
        part
    }
}

impl Shared {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        locked(&self.counts)
    }

    /// Starts a thread if there is none for what waits, and there may be more.
    fn grow(self: &Arc<Shared>) {
        let mut counts = self.counts();
        if counts.idle >= self.waiting.len().max(1) || counts.idle + counts.busy >= NATIVE_THREADS_MAX {
            return;
        }
        let shared = Arc::clone(self);
        let started = std::thread::Builder::new().name("native".to_owned()).spawn(move || shared.serve());
        counts.idle += usize::from(started.is_ok());
    }

    /// The life of a thread: until the agent stops, or it was given up.
    fn serve(&self) {
        while let Ok(order) = self.waiting.recv() {
            {
                let mut stage = locked(&order.progress.stage);
                if *stage == Stage::GivenUp {
                    continue;
                }
                *stage = Stage::UnderWay;
                let mut counts = self.counts();
                counts.idle = counts.idle.saturating_sub(1);
                counts.busy += 1;
            }
            let end = self.work(&order);
            let stage = locked(&order.progress.stage);
            let mut counts = self.counts();
            if *stage == Stage::GivenUp {
                // Another one is in its place.
                counts.stuck = counts.stuck.saturating_sub(1);
                return;
            }
            counts.busy = counts.busy.saturating_sub(1);
            counts.idle += 1;
            match end {
                NativeEnd::Done(_) => counts.done += 1,
                NativeEnd::RunPlugin => counts.left_to_plugins += 1,
            }
            drop((stage, counts));
            // Whoever waits no longer was told that it timed out.
            let _ = order.reply.send(end);
        }
    }

    fn work(&self, order: &Order) -> NativeEnd {
        let began_us = clock::mono_us();
        let plugin = &order.work.plugin;
        if locked(&self.identities).flavour(plugin).is_err() {
            return NativeEnd::RunPlugin;
        }
        let cpu_us = clock::thread_cpu_us();
        let machine = Machine {
            live: Live { parent: order.parent },
            common: &self.common,
            since_us: order.since_us,
            question: &order.progress.question,
        };
        let Ok(Printed { exit, stdout }) = order.work.plan.run(&machine).map_err(|NotNative(_)| ()) else {
            return NativeEnd::RunPlugin;
        };
        let usage = Usage { cpu_us: clock::thread_cpu_us().saturating_sub(cpu_us), max_rss_bytes: None };
        NativeEnd::Done(PluginEnd {
            wait_us: began_us.saturating_sub(order.since_us),
            wall_us: clock::mono_us().saturating_sub(began_us),
            usage: Some(usage),
            ..PluginEnd::printed(Ending::Exited(exit), stdout)
        })
    }

    /// Waits for some work no longer. What it asked is named, and not asked again until it answers.
    fn give_up(self: &Arc<Shared>, progress: &Progress, timeout: Duration) -> PluginEnd {
        let mut stage = locked(&progress.stage);
        let was_under_way = *stage == Stage::UnderWay;
        *stage = Stage::GivenUp;
        let mut counts = self.counts();
        counts.given_up += 1;
        if was_under_way {
            counts.busy = counts.busy.saturating_sub(1);
            counts.stuck += 1;
        }
        drop((stage, counts));
        self.grow();
        let wall_us = clock::micros(timeout);
        match give_up(&progress.question, &self.common) {
            Some(path) => PluginEnd {
                wall_us,
                ..PluginEnd::printed(Ending::Exited(2), custos_native::does_not_answer(&path).stdout)
            },
            None => PluginEnd { wall_us, ..PluginEnd::printed(Ending::TimedOut, Vec::new()) },
        }
    }
}
