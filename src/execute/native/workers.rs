//! The threads that do the work of plugins. One that a dead file system holds is given up, as nobody can end it.
//!
//! What reads a few files of the kernel needs no thread: to wake one costs more than the work. What looks at all processes goes through one
//! thread in turn. What asks file systems or for names has a few of its own. What talks to others on the network waits in the agent's loop,
//! and holds up nothing.

use std::collections::{HashMap, VecDeque};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use custos_native::{Live, Needs, NotNative, Plan, Printed, System};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use super::distribution::Identities;
use super::machine::{Common, Machine, Question, give_up};
use super::network::Talks;
use super::work::NativeWork;
use crate::clock;
use crate::limits::{NATIVE_OVERDUE_LOOK, NATIVE_QUEUE_MAX, NATIVE_STUCK_MAX, NATIVE_THREADS_MAX};
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
    ends: mpsc::UnboundedReceiver<(u64, NativeEnd)>,
    overdue: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    /// What takes its time, and what may block for ever.
    quick: Queue,
    slow: Queue,
    /// The work that somebody waits for, by ticket.
    under_way: Mutex<HashMap<u64, UnderWay>>,
    /// Told when there is some after there was none.
    begun: Notify,
    ended: mpsc::UnboundedSender<(u64, NativeEnd)>,
    identities: Mutex<Identities>,
    talks: Talks,
    common: Common,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    orders: VecDeque<Order>,
    /// Threads that serve this, those that were given up not counted, and how many of them wait.
    threads: usize,
    idle: usize,
    is_closed: bool,
}

#[derive(Debug, Default)]
struct Counts {
    /// Threads that were given up.
    stuck: usize,
    done: u64,
    left_to_plugins: u64,
    given_up: u64,
}

impl Counts {
    fn count(&mut self, end: &NativeEnd) {
        match end {
            NativeEnd::Done(_) => self.done += 1,
            NativeEnd::RunPlugin => self.left_to_plugins += 1,
        }
    }
}

#[derive(Debug)]
struct Order {
    ticket: u64,
    work: NativeWork,
    parent: Option<i32>,
    /// When it was given (µs, monotonic).
    since_us: u64,
    question: Arc<Question>,
}

/// Work that somebody waits for.
#[derive(Debug)]
struct UnderWay {
    /// Until when (µs, monotonic), and for how long in all.
    until_us: u64,
    timeout: Duration,
    is_slow: bool,
    /// Whether a thread has it.
    is_begun: bool,
    plan: Plan,
    question: Arc<Question>,
}

impl Natives {
    /// Needs a tokio runtime with time.
    pub(in crate::execute) fn new() -> Natives {
        let (ended, ends) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            quick: Queue::default(),
            slow: Queue::default(),
            under_way: Mutex::default(),
            begun: Notify::new(),
            ended,
            identities: Mutex::default(),
            talks: Talks::new(),
            common: Common::default(),
            counts: Mutex::default(),
        });
        let overdue = tokio::spawn(Arc::clone(&shared).give_up_overdue());
        Natives { shared, ends, overdue }
    }

    /// Begins the work; [`Natives::next`] yields its end, within that time or a little more. `parent` is the process that would be that of
    /// the plugin. False if that would hold up others: then the plugin is to be run.
    pub(in crate::execute) fn begin(
        &self,
        ticket: u64,
        work: NativeWork,
        parent: Option<i32>,
        timeout: Duration,
    ) -> bool {
        let needs = work.plan.needs();
        if needs == Needs::Figures
            && let Some(end) = self.shared.work_at_once(&work)
        {
            return self.shared.ended.send((ticket, end)).is_ok();
        }
        if needs == Needs::Network {
            return self.shared.begin_talk(ticket, work, timeout);
        }
        let is_slow = matches!(needs, Needs::Names | Needs::FileSystems);
        if is_slow && self.shared.counts().stuck >= NATIVE_STUCK_MAX {
            return false;
        }
        let question = Arc::new(Question::default());
        let since_us = clock::mono_us();
        let until_us = since_us.saturating_add(clock::micros(timeout));
        let waits = UnderWay {
            until_us,
            timeout,
            is_slow,
            is_begun: false,
            plan: work.plan.clone(),
            question: Arc::clone(&question),
        };
        let order = Order { ticket, work, parent, since_us, question };
        let was_none = {
            let mut under_way = locked(&self.shared.under_way);
            under_way.insert(ticket, waits);
            under_way.len() == 1
        };
        if !self.shared.submit(order, is_slow) {
            locked(&self.shared.under_way).remove(&ticket);
            return false;
        }
        if was_none {
            self.shared.begun.notify_one();
        }
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
            let for_s = now_us.saturating_sub(since_us) / 1_000_000;
            part.warning(format!("{path} has not answered for {for_s} s"));
        }
        part
    }
}

impl Drop for Natives {
    fn drop(&mut self) {
        self.overdue.abort();
        for queue in [&self.shared.quick, &self.shared.slow] {
            locked(&queue.waiting).is_closed = true;
            queue.more.notify_all();
        }
    }
}

impl Shared {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        locked(&self.counts)
    }

    fn queue(&self, is_slow: bool) -> &Queue {
        if is_slow { &self.slow } else { &self.quick }
    }

    /// Hands an order to a thread, a further one if all have work; false if too much waits.
    fn submit(self: &Arc<Shared>, order: Order, is_slow: bool) -> bool {
        let queue = self.queue(is_slow);
        let mut waiting = locked(&queue.waiting);
        if waiting.orders.len() >= NATIVE_QUEUE_MAX {
            return false;
        }
        waiting.orders.push_back(order);
        if waiting.idle > 0 {
            queue.more.notify_one();
        }
        self.grow(&mut waiting, is_slow);
        waiting.threads > 0
    }

    /// Starts a thread if there are too few for what waits.
    fn grow(self: &Arc<Shared>, waiting: &mut Waiting, is_slow: bool) {
        let most = if is_slow { NATIVE_THREADS_MAX } else { 1 };
        if waiting.threads >= most || waiting.idle >= waiting.orders.len() {
            return;
        }
        let shared = Arc::clone(self);
        let started =
            std::thread::Builder::new().name("native".to_owned()).spawn(move || shared.serve(is_slow));
        waiting.threads += usize::from(started.is_ok());
    }

    /// The life of a thread: until the agent stops, or it was given up.
    fn serve(&self, is_slow: bool) {
        while let Some(order) = self.next_order(is_slow) {
            let ticket = order.ticket;
            // Nobody waits any more for what has stood in the queue for too long.
            let Some(()) = locked(&self.under_way).get_mut(&ticket).map(|waits| waits.is_begun = true) else {
                continue;
            };
            let end = self.work(&order);
            let was_waited_for = locked(&self.under_way).remove(&ticket).is_some();
            let mut counts = self.counts();
            if !was_waited_for {
                // Another one is in its place.
                counts.stuck = counts.stuck.saturating_sub(1);
                return;
            }
            counts.count(&end);
            drop(counts);
            // Nobody listens once the agent stops.
            let _ = self.ended.send((ticket, end));
        }
    }

    /// The next order, which is waited for; none once the agent stops.
    fn next_order(&self, is_slow: bool) -> Option<Order> {
        let queue = self.queue(is_slow);
        let mut waiting = locked(&queue.waiting);
        loop {
            if waiting.is_closed {
                return None;
            }
            if let Some(order) = waiting.orders.pop_front() {
                return Some(order);
            }
            waiting.idle += 1;
            waiting = queue.more.wait(waiting).unwrap_or_else(std::sync::PoisonError::into_inner);
            waiting.idle -= 1;
        }
    }

    fn work(&self, order: &Order) -> NativeEnd {
        let began_us = clock::mono_us();
        let plugin = order.work.plugin.as_deref();
        if plugin.is_some_and(|plugin| locked(&self.identities).flavour(plugin).is_err()) {
            return NativeEnd::RunPlugin;
        }
        let machine = Machine {
            live: Live { parent: order.parent, now_s: Some(|| clock::now_ms().div_euclid(1000)) },
            common: &self.common,
            since_us: order.since_us,
            question: &order.question,
        };
        done(&order.work.plan, &machine, began_us.saturating_sub(order.since_us))
    }

    /// Does work that nothing holds up; none if a thread has to look at the plugin first.
    fn work_at_once(&self, work: &NativeWork) -> Option<NativeEnd> {
        if let Some(plugin) = &work.plugin {
            self.identities.try_lock().ok()?.flavour_at_once(plugin)?;
        }
        let end = done(&work.plan, &Live::default(), 0);
        self.counts().count(&end);
        Some(end)
    }

    /// Begins what is done on the network; false if there is too much of it.
    fn begin_talk(self: &Arc<Shared>, ticket: u64, work: NativeWork, timeout: Duration) -> bool {
        let (Some(place), Some(talk)) = (self.talks.place(), work.plan.talk()) else { return false };
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let _place = place;
            let end = match shared.is_own(work.plugin).await {
                true => shared.talks.carry_out(talk, timeout).await,
                false => None,
            };
            let end = end.map_or(NativeEnd::RunPlugin, NativeEnd::Done);
            let mut counts = shared.counts();
            counts.count(&end);
            drop(counts);
            // Nobody listens once the agent stops.
            let _ = shared.ended.send((ticket, end));
        });
        true
    }

    /// Whether a plugin is the distribution's own, for which a thread looks at it if that is not known.
    async fn is_own(self: &Arc<Shared>, plugin: Option<PathBuf>) -> bool {
        let Some(plugin) = plugin else { return true };
        let at_once =
            self.identities.try_lock().ok().and_then(|identities| identities.flavour_at_once(&plugin));
        if at_once.is_some() {
            return true;
        }
        let shared = Arc::clone(self);
        let looked = self.talks.apart(move || locked(&shared.identities).flavour(&plugin).is_ok()).await;
        looked.unwrap_or(false)
    }

    /// Gives up, as long as there is any, work whose time is over.
    async fn give_up_overdue(self: Arc<Shared>) {
        loop {
            self.begun.notified().await;
            loop {
                tokio::time::sleep(NATIVE_OVERDUE_LOOK).await;
                let now_us = clock::mono_us();
                let (overdue, is_any_left) = {
                    let mut under_way = locked(&self.under_way);
                    let overdue: Vec<(u64, UnderWay)> =
                        under_way.extract_if(|_, waits| waits.until_us <= now_us).collect();
                    let mut counts = self.counts();
                    counts.given_up += overdue.len() as u64;
                    counts.stuck += overdue.iter().filter(|(_, waits)| waits.is_begun).count();
                    drop(counts);
                    (overdue, !under_way.is_empty())
                };
                for (ticket, waits) in overdue {
                    let end = self.give_up(&waits);
                    let _ = self.ended.send((ticket, NativeEnd::Done(end)));
                }
                if !is_any_left {
                    break;
                }
            }
        }
    }

    /// Waits for some work no longer. What it asked is named, and not asked again until it answers.
    fn give_up(self: &Arc<Shared>, waits: &UnderWay) -> PluginEnd {
        if waits.is_begun {
            let mut waiting = locked(&self.queue(waits.is_slow).waiting);
            waiting.threads = waiting.threads.saturating_sub(1);
            self.grow(&mut waiting, waits.is_slow);
        }
        let wall_us = clock::micros(waits.timeout);
        match give_up(&waits.question, &self.common) {
            Some(path) => {
                let said = waits.plan.does_not_answer(&path);
                PluginEnd { wall_us, ..PluginEnd::printed(Ending::Exited(said.exit), said.stdout) }
            }
            None => PluginEnd { wall_us, ..PluginEnd::printed(Ending::TimedOut, Vec::new()) },
        }
    }
}

/// Does the work, for which it waited so long (µs).
fn done(plan: &Plan, machine: &dyn System, wait_us: u64) -> NativeEnd {
    let (began_us, cpu_us) = (clock::mono_us(), clock::thread_cpu_us());
    let Ok(Printed { exit, stdout }) = plan.run(machine).map_err(|NotNative(_)| ()) else {
        return NativeEnd::RunPlugin;
    };
    let usage = Usage { cpu_us: clock::thread_cpu_us().saturating_sub(cpu_us), max_rss_bytes: None };
    NativeEnd::Done(PluginEnd {
        wait_us,
        wall_us: clock::mono_us().saturating_sub(began_us),
        usage: Some(usage),
        ..PluginEnd::printed(Ending::Exited(exit), stdout)
    })
}
