//! Asking for variables by name: in batches, halved when the answer would not fit, each error on its own variable.
//!
//! Invariant: each answer answers at least one variable, or makes the batches smaller; so a conversation of `n` variables
//! ends after at most `2n` answers, whatever they say.

use std::collections::VecDeque;

use custos_compat::snmp::{ErrorStatus, Oid, Pdu, PduKind, Value, VarBind};

use super::request::Request;
use crate::limits::SNMP_GET_BATCH_MAX;
use crate::snmp::question::Absence;

/// sysUpTime.0
pub(super) const UPTIME: [u32; 9] = [1, 3, 6, 1, 2, 1, 1, 3, 0];

/// The conversation.
#[derive(Debug)]
pub(super) struct Get {
    oids: Vec<Oid>,
    found: Vec<Option<Result<Value, Absence>>>,
    /// Indexes into `oids`, as they will be asked for; the first batch is under way.
    batches: VecDeque<Vec<usize>>,
}

impl Get {
    /// A conversation about these, and about the uptime behind them.
    pub(super) fn new(asked: &[Oid]) -> Get {
        let mut oids = asked.to_vec();
        oids.push(Oid::from_ids(UPTIME));
        // The uptime goes first, so that it is of the same batch as most others.
        let order: Vec<usize> = std::iter::once(oids.len() - 1).chain(0..asked.len()).collect();
        let batches = order.chunks(SNMP_GET_BATCH_MAX).map(<[usize]>::to_vec).collect();
        Get { found: vec![None; oids.len()], oids, batches }
    }

    /// The next request; none when all is known.
    pub(super) fn request(&self) -> Option<Request> {
        let batch = self.batches.front()?;
        let oids = batch.iter().map(|index| self.oids[*index].clone()).collect();
        Some(Request { kind: PduKind::Get, non_repeaters: 0, max_repetitions: 0, oids })
    }

    /// Takes the answer to the request under way.
    pub(super) fn reply(&mut self, pdu: Pdu) {
        let Some(mut batch) = self.batches.pop_front() else { return };
        match pdu.status() {
            ErrorStatus::NO_ERROR => self.take(batch, pdu.varbinds),
            ErrorStatus::TOO_BIG if batch.len() > 1 => self.halve(batch),
            status => {
                // The error is of one variable: the others are asked for again without it.
                let named = usize::try_from(pdu.error_index).ok().and_then(|index| index.checked_sub(1));
                let named = named.filter(|index| *index < batch.len()).or((batch.len() == 1).then_some(0));
                // If it does not say of which, it is found by asking for fewer.
                let Some(named) = named else { return self.halve(batch) };
                let absence = if status == ErrorStatus::NO_SUCH_NAME {
                    Absence::NoSuchObject
                } else {
                    Absence::Status(status)
                };
                self.found[batch.remove(named)] = Some(Err(absence));
                if !batch.is_empty() {
                    self.batches.push_front(batch);
                }
            }
        }
    }

    fn halve(&mut self, mut batch: Vec<usize>) {
        let rest = batch.split_off(batch.len() / 2);
        self.batches.push_front(rest);
        self.batches.push_front(batch);
    }

    /// Takes an answer without error. What it leaves out is asked for again, in smaller batches if it left out all.
    fn take(&mut self, batch: Vec<usize>, varbinds: Vec<VarBind>) {
        let asked = batch.len();
        let whole = varbinds.len() == asked;
        let mut varbinds: Vec<Option<VarBind>> = varbinds.into_iter().map(Some).collect();
        let mut unanswered = Vec::new();
        for (position, index) in batch.into_iter().enumerate() {
            // In the order asked, but agents exist that leave some out.
            let own = |varbind: &Option<VarBind>| {
                varbind.as_ref().is_some_and(|varbind| varbind.oid == self.oids[index])
            };
            let at = if varbinds.get(position).is_some_and(own) {
                Some(position)
            } else {
                varbinds.iter().position(own)
            };
            let found = match at.and_then(|at| varbinds[at].take()) {
                Some(varbind) => Some(present(varbind.value)),
                // A name that cannot be read is told by where it stands.
                None => match varbinds.get(position).and_then(Option::as_ref) {
                    Some(VarBind { oid, value: Value::Unreadable(fault) }) if whole && oid.is_empty() => {
                        Some(Err(Absence::Unreadable(*fault)))
                    }
                    _ => None,
                },
            };
            match found {
                Some(found) => self.found[index] = Some(found),
                None => unanswered.push(index),
            }
        }
        match unanswered.len() {
            0 => {}
            left if left < asked => self.batches.push_front(unanswered),
            1 => self.found[unanswered[0]] = Some(Err(Absence::NotAnswered)),
            _ => self.halve(unanswered),
        }
    }

    /// The uptime if the device said it, and the rest in the order asked.
    pub(super) fn finish(mut self) -> (Option<u32>, Vec<Result<Value, Absence>>) {
        let uptime = match self.found.pop() {
            Some(Some(Ok(Value::TimeTicks(ticks)))) => Some(ticks),
            _ => None,
        };
        let found = self.found.into_iter().map(|value| value.unwrap_or(Err(Absence::NotAnswered)));
        (uptime, found.collect())
    }

    /// Whether anything was answered yet.
    pub(super) fn begun(&self) -> bool {
        self.found.iter().any(Option::is_some)
    }
}

fn present(value: Value) -> Result<Value, Absence> {
    match value {
        Value::NoSuchObject => Err(Absence::NoSuchObject),
        Value::NoSuchInstance => Err(Absence::NoSuchInstance),
        Value::EndOfMibView => Err(Absence::EndOfMibView),
        Value::Unreadable(fault) => Err(Absence::Unreadable(fault)),
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use custos_compat::snmp::Fault;

    use super::*;

    fn oid(last: u32) -> Oid {
        Oid::from_ids([1, 3, 6, 1, 4, 1, 9, last])
    }

    /// A device whose variables hold their last number; it answers with at most `fits` at once.
    fn answer(request: &Request, fits: usize, status: impl Fn(&Oid) -> Option<ErrorStatus>) -> Pdu {
        let mut pdu = request.to_pdu(1);
        pdu.kind = PduKind::Response;
        if request.oids.len() > fits {
            pdu.error_status = ErrorStatus::TOO_BIG.0;
        } else if let Some(place) = request.oids.iter().position(|oid| status(oid).is_some()) {
            pdu.error_status = status(&request.oids[place]).unwrap().0;
            pdu.error_index = place as i32 + 1;
        } else {
            for VarBind { oid, value } in &mut pdu.varbinds {
                *value = match oid.ids() {
                    ids if ids == UPTIME => Value::TimeTicks(42),
                    [.., 13] => Value::NoSuchInstance,
                    [.., last] => Value::Gauge32(*last),
                    [] => Value::NoSuchObject,
                };
            }
        }
        pdu
    }

    fn talk(count: u32, fits: usize, status: impl Fn(&Oid) -> Option<ErrorStatus>) -> (Get, usize) {
        let asked: Vec<Oid> = (0..count).map(oid).collect();
        let mut get = Get::new(&asked);
        let mut requests = 0;
        while let Some(request) = get.request() {
            requests += 1;
            assert!(requests < 1000);
            get.reply(answer(&request, fits, &status));
        }
        (get, requests)
    }

    #[test]
    fn batches_are_halved_until_they_fit() {
        let (get, requests) = talk(100, 5, |_| None);
        assert!(requests > 20);
        let (uptime, values) = get.finish();
        assert_eq!(uptime, Some(42));
        for (place, value) in values.into_iter().enumerate() {
            let expected =
                if place == 13 { Err(Absence::NoSuchInstance) } else { Ok(Value::Gauge32(place as u32)) };
            assert_eq!(value, expected);
        }
    }

    #[test]
    fn an_error_stays_on_its_own_variable() {
        let (get, requests) = talk(5, 100, |asked| (*asked == oid(3)).then_some(ErrorStatus::NO_SUCH_NAME));
        assert_eq!(requests, 2);
        let (_, values) = get.finish();
        assert_eq!(values[3], Err(Absence::NoSuchObject));
        assert_eq!(values[4], Ok(Value::Gauge32(4)));
        let (get, _) = talk(5, 100, |_| Some(ErrorStatus::GEN_ERR));
        let (uptime, values) = get.finish();
        assert_eq!(uptime, None);
        assert!(values.iter().all(|value| *value == Err(Absence::Status(ErrorStatus::GEN_ERR))));
        let (get, _) = talk(2, 0, |_| None);
        assert_eq!(get.finish().1, vec![Err(Absence::Status(ErrorStatus::TOO_BIG)); 2]);
    }

    /// A conversation with a device whose answers `twist` changes.
    fn twisted(count: u32, twist: impl Fn(&mut Pdu, usize)) -> (Vec<Result<Value, Absence>>, usize) {
        let asked: Vec<Oid> = (0..count).map(oid).collect();
        let mut get = Get::new(&asked);
        let mut requests = 0;
        while let Some(request) = get.request() {
            let mut pdu = answer(&request, 1000, |_| None);
            twist(&mut pdu, requests);
            get.reply(pdu);
            requests += 1;
            assert!(requests <= 2 * (count as usize + 1), "no end");
        }
        (get.finish().1, requests)
    }

    fn all(count: u32) -> Vec<Result<Value, Absence>> {
        let value =
            |place| if place == 13 { Err(Absence::NoSuchInstance) } else { Ok(Value::Gauge32(place)) };
        (0..count).map(value).collect()
    }

    #[test]
    fn what_an_answer_leaves_out_is_asked_for_again() {
        for keeps in 1..8 {
            let (found, _) = twisted(30, |pdu, _| pdu.varbinds.truncate(keeps));
            assert_eq!(found, all(30), "{keeps}");
        }
        let (found, requests) = twisted(30, |pdu, _| drop(pdu.varbinds.remove(pdu.varbinds.len() / 2)));
        // One that it never answers, and the one that it has not.
        assert_eq!((found.iter().filter(|value| value.is_err()).count(), requests), (2, 2));
        // An answer to something else than what was asked, once and always.
        let (found, _) = twisted(9, |pdu, number| {
            if number == 0 {
                pdu.varbinds.iter_mut().for_each(|varbind| varbind.oid = oid(99));
            }
        });
        assert_eq!(found, all(9));
        let (found, _) = twisted(9, |pdu, _| pdu.varbinds.iter_mut().for_each(|v| v.oid = oid(99)));
        assert_eq!(found, vec![Err(Absence::NotAnswered); 9]);
        let (found, _) = twisted(9, |pdu, _| pdu.varbinds.clear());
        assert_eq!(found, vec![Err(Absence::NotAnswered); 9]);
    }

    #[test]
    fn an_order_of_its_own_and_doubles_are_taken() {
        let (found, requests) = twisted(9, |pdu, _| pdu.varbinds.reverse());
        assert_eq!((found, requests), (all(9), 1));
        let (found, _) = twisted(9, |pdu, _| pdu.varbinds = [&pdu.varbinds[..], &pdu.varbinds].concat());
        assert_eq!(found, all(9));
    }

    #[test]
    fn an_error_of_no_variable_is_found_by_halves() {
        let (found, _) = twisted(9, |pdu, _| {
            if pdu.varbinds.iter().any(|varbind| varbind.oid == oid(3)) {
                (pdu.error_status, pdu.error_index) = (ErrorStatus::GEN_ERR.0, 0);
            }
        });
        let mut expected = all(9);
        expected[3] = Err(Absence::Status(ErrorStatus::GEN_ERR));
        assert_eq!(found, expected);
        let (found, _) = twisted(9, |pdu, _| (pdu.error_status, pdu.error_index) = (16, 77));
        assert_eq!(found, vec![Err(Absence::Status(ErrorStatus(16))); 9]);
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_name_or_where_it_stands() {
        let fault = Fault::Size { tag: 2, len: 0 };
        let (found, requests) = twisted(5, |pdu, _| {
            pdu.varbinds[2].value = Value::Unreadable(fault);
            pdu.varbinds[4] = VarBind { oid: Oid::default(), value: Value::Unreadable(Fault::Oid) };
        });
        let mut expected = all(5);
        // The uptime stands before them.
        expected[1] = Err(Absence::Unreadable(fault));
        expected[3] = Err(Absence::Unreadable(Fault::Oid));
        assert_eq!((found, requests), (expected, 1));
    }
}
