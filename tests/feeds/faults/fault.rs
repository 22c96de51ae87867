//! What can go wrong, and what of it goes wrong together.

use super::proxy::Weather;
use crate::stage::Random;

/// Something that goes wrong until it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The agent is killed with no chance to tidy up.
    AgentKilled,
    /// The agent is ended.
    AgentEnded,
    /// The agent is stopped, and goes on.
    AgentStopped,
    /// The process that delivers is killed.
    SinksKilled,
    /// The agent is killed, and the clock is set by so many ms meanwhile.
    ClockSet(i64),
    /// The receiver is killed with no chance to tidy up.
    ReceiverKilled,
    /// The receiver is killed, and not there again before what it took would be taken for safe.
    ReceiverGone,
    /// The receiver is ended.
    ReceiverEnded,
    /// The receiver is stopped, and goes on.
    ReceiverStopped,
    /// The connections are cut.
    Cut,
    /// The connections are cut after so many more bytes.
    CutAfter(u64),
    /// The network is otherwise.
    Network(Weather),
    /// The disk of the store is full.
    DiskFull,
}

/// Rounds of which in one, the first, the receiver is gone for long: such a round takes longer than all others.
const GONE_EVERY: u64 = 25;

/// Draws what goes wrong in a round: at most one thing each with the agent, the receiver, the network and the disk.
pub(super) fn draw(random: &mut Random, round: u64, has_disk: bool, is_strict: bool) -> Vec<Fault> {
    let mut all = Vec::new();
    while all.is_empty() {
        let mut some = |chance: u64, one: fn(&mut Random) -> Fault| {
            if random.below(100) < chance {
                all.push(one(random));
            }
        };
        some(45, of_agent);
        some(45, of_receiver);
        some(55, of_network);
        some(if has_disk { 20 } else { 0 }, |_| Fault::DiskFull);
    }
    if round % GONE_EVERY == 1 {
        all.retain(|fault| !fault.is_of_receiver());
        all.push(Fault::ReceiverGone);
    }
    if is_strict {
        // Times that go back would be refused.
        all.iter_mut()
            .filter(|fault| matches!(fault, Fault::ClockSet(_)))
            .for_each(|fault| *fault = Fault::AgentKilled);
    }
    for at in (1..all.len()).rev() {
        all.swap(at, random.below(at as u64 + 1) as usize);
    }
    all
}

impl Fault {
    fn is_of_receiver(self) -> bool {
        matches!(self, Fault::ReceiverKilled | Fault::ReceiverEnded | Fault::ReceiverStopped)
    }
}

fn of_agent(random: &mut Random) -> Fault {
    const MINUTE_MS: i64 = 60_000;
    match random.below(6) {
        0 | 1 => Fault::AgentKilled,
        2 => Fault::AgentEnded,
        3 => Fault::AgentStopped,
        4 => Fault::SinksKilled,
        _ => {
            // Back, ahead by less than a sink's `clock_lead`, or by more.
            let jumps = [-90 * MINUTE_MS, -MINUTE_MS, -777, 1500, 4 * MINUTE_MS, 180 * MINUTE_MS];
            Fault::ClockSet(jumps[random.below(jumps.len() as u64) as usize])
        }
    }
}

fn of_receiver(random: &mut Random) -> Fault {
    match random.below(5) {
        0..=2 => Fault::ReceiverKilled,
        3 => Fault::ReceiverEnded,
        _ => Fault::ReceiverStopped,
    }
}

fn of_network(random: &mut Random) -> Fault {
    match random.below(8) {
        0 => Fault::Cut,
        1 => Fault::CutAfter(random.below(4000)),
        2 => Fault::Network(Weather::Closed),
        3 => Fault::Network(Weather::Still),
        4 | 5 => Fault::Network(Weather::Deaf),
        _ => Fault::Network(Weather::Slow),
    }
}
