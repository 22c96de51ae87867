//! Asking for variables by name: in batches, halved when the answer would not fit, each error on its own variable.

use std::collections::VecDeque;

use custos_compat::snmp::{ErrorStatus, Oid, Pdu, PduKind, Value};

use super::request::Request;
use crate::limits::SNMP_GET_BATCH_MAX;
use crate::snmp::question::{Absence, Failure};

/// sysUpTime.0
pub(super) const UPTIME: [u32; 9] = [1, 3, 6, 1, 2, 1, 1, 3, 0];

/// The conversation.
#[derive(Debug)]
pub(super) struct Get {
    oids: Vec<Oid>,
    found: Vec<Option<Result<Value, Absence>>>,
    /// Places in `oids`, as they will be asked for; the first batch is under way.
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
        let oids = batch.iter().map(|place| self.oids[*place].clone()).collect();
        Some(Request { kind: PduKind::Get, non_repeaters: 0, max_repetitions: 0, oids })
    }

    /// Takes the answer to the request under way.
    pub(super) fn reply(&mut self, pdu: Pdu) -> Result<(), Failure> {
        let Some(mut batch) = self.batches.pop_front() else { return Ok(()) };
        match pdu.status() {
            ErrorStatus::NO_ERROR => self.take(&batch, pdu),
            ErrorStatus::TOO_BIG if batch.len() > 1 => {
                let rest = batch.split_off(batch.len() / 2);
                self.batches.push_front(rest);
                self.batches.push_front(batch);
            }
            status => {
                // The error is of one variable: the others are asked for again without it.
                let place = usize::try_from(pdu.error_index).ok().and_then(|index| index.checked_sub(1));
                let place = place.filter(|place| *place < batch.len()).or((batch.len() == 1).then_some(0));
                let Some(place) = place else { return Err(Failure::Status(status)) };
                let absence = if status == ErrorStatus::NO_SUCH_NAME {
                    Absence::NoSuchObject
                } else {
                    Absence::Status(status)
                };
                self.found[batch.remove(place)] = Some(Err(absence));
                if !batch.is_empty() {
                    self.batches.push_front(batch);
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, batch: &[usize], pdu: Pdu) {
        let mut varbinds: Vec<Option<_>> = pdu.varbinds.into_iter().map(Some).collect();
        for (position, place) in batch.iter().enumerate() {
            // In the order asked, but agents exist that leave some out.
            let own = |varbind: &Option<custos_compat::snmp::VarBind>| {
                varbind.as_ref().is_some_and(|varbind| varbind.oid == self.oids[*place])
            };
            let at = if varbinds.get(position).is_some_and(own) {
                Some(position)
            } else {
                varbinds.iter().position(own)
            };
            let value = at.and_then(|at| varbinds[at].take()).map(|varbind| varbind.value);
            self.found[*place] = Some(value.map_or(Err(Absence::NotAnswered), present));
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
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use custos_compat::snmp::VarBind;

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
            get.reply(answer(&request, fits, &status)).unwrap();
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

    #[test]
    fn what_an_answer_leaves_out_is_missing_and_the_rest_is_found() {
        let mut get = Get::new(&[oid(1), oid(2), oid(3)]);
        let request = get.request().unwrap();
        let mut pdu = answer(&request, 9, |_| None);
        pdu.varbinds.remove(2);
        get.reply(pdu).unwrap();
        assert_eq!(get.request(), None);
        let (_, values) = get.finish();
        assert_eq!(values, [Ok(Value::Gauge32(1)), Err(Absence::NotAnswered), Ok(Value::Gauge32(3))]);
    }

    #[test]
    fn an_error_of_no_variable_ends_it() {
        let mut get = Get::new(&[oid(1), oid(2)]);
        let mut pdu = get.request().unwrap().to_pdu(1);
        (pdu.error_status, pdu.error_index) = (5, 77);
        assert_eq!(get.reply(pdu), Err(Failure::Status(ErrorStatus::GEN_ERR)));
    }
}
