//! Asks a receiver what it has of some hours, finds what differs and why, and delivers again what is missing.

use std::collections::{BTreeMap, BTreeSet};

use custos_query::{RunSample, RunSeries};

use super::answers::{self, Found};
use super::compare::{Differing, compare, expected};
use super::difference::Difference;
use super::dispute::{Dispute, Proof, Why};
use super::hours::Hours;
use super::own::Own;
use super::questions::{Manner, range_form, selector};
use super::stored::Stored;
use crate::clock;
use crate::config::Protocol;
use crate::feed::sink::{
    Answer, Aside, Endpoint, Load, Parcel, RemoteWrite, SinkKind, SinkSettings, seconds,
};
use crate::limits::{PROOF_LOOKS_MAX, PROOF_NAMED_MAX, PROOF_PAUSE, SINK_BUDGET_MAX, SINK_SPLITS_MAX};

/// See the head of this file.
pub(super) struct Prover {
    settings: SinkSettings,
    receiver: RemoteWrite,
    what: String,
    manner: Manner,
    own: Own,
}

impl Prover {
    /// Connects to the receiver of a sink that delivers this.
    ///
    /// # Errors
    /// The receiver does not answer, or it is none that can be asked.
    pub(super) async fn connect(own: Own, settings: &SinkSettings) -> Result<Prover, String> {
        let (endpoint, protocol) = asked(settings)?;
        let mut receiver = RemoteWrite::new(endpoint, protocol);
        let what = receiver.look().await?.what;
        let manner = Manner::of(receiver.about()).ok_or(
            "the receiver does not say what it is; only VictoriaMetrics and Prometheus can be asked what they have",
        )?;
        if settings.host.is_empty() {
            return Err("the series have no label `host`, by which the receiver could be asked".to_owned());
        }
        Ok(Prover { settings: settings.clone(), receiver, what, manner, own })
    }

    /// Nothing is proven yet of these hours.
    pub(super) fn begin(&self, hours: Hours) -> Proof {
        let mut proof = Proof {
            sink: self.settings.name.clone(),
            receiver: self.what.clone(),
            from_ms: hours.range().start,
            until_ms: hours.range().end,
            ..Proof::default()
        };
        proof.note_not_proven(match self.manner {
            Manner::VictoriaMetrics => {
                "values are compared within 1e-12, and only the least and the greatest of each hour: VictoriaMetrics rounds them"
                    .to_owned()
            }
            Manner::Prometheus { .. } => {
                "of each hour the count, the least and the greatest are compared, not the first and the last time: Prometheus \
                 tells none"
                    .to_owned()
            }
        });
        proof
    }

    /// Compares some hours, few enough that their counts are kept in memory.
    ///
    /// # Errors
    /// The receiver does not answer.
    pub(super) async fn prove(
        &mut self,
        hours: Hours,
        repair: bool,
        proof: &mut Proof,
    ) -> Result<(), String> {
        let stored = self.own.read(move |store| store.count(hours)).await?;
        self.note(&stored, proof);
        let differing = self.differing(&stored, hours).await?;
        let mut look = Look::default();
        self.look(&stored, hours, &differing, repair, &mut look).await?;
        proof.delivered_again += look.delivered;
        proof.not_taken = look.not_taken.take().or(proof.not_taken.take());
        let mut disputes = look.disputes;
        if look.delivered > 0 {
            let left = self.left(&stored, hours).await?;
            let before = std::mem::replace(&mut disputes, left);
            let is_left = |one: &Dispute| {
                disputes.iter().any(|left| left.hour_ms == one.hour_ms && left.series == one.series)
            };
            proof.mended.extend(before.into_iter().filter(|one| !is_left(one)));
        }
        for dispute in disputes {
            proof.missing += dispute.missing;
            proof.doubled += dispute.doubled;
            if !dispute.is_known {
                proof.open_hours_ms.insert(dispute.hour_ms);
            }
            match proof.disputes.len() < PROOF_NAMED_MAX {
                true => proof.disputes.push(dispute),
                false => proof.not_named += 1,
            }
        }
        Ok(())
    }

    /// What is not right after something was delivered again. A receiver takes its time to find that, above all new series.
    async fn left(&mut self, stored: &Stored, hours: Hours) -> Result<Vec<Dispute>, String> {
        let mut looks = 0;
        loop {
            tokio::time::sleep(PROOF_PAUSE).await;
            looks += 1;
            let differing = self.differing(stored, hours).await?;
            let is_missing = |one: &Differing| one.there.samples < expected(&one.stored, self.manner);
            if looks < PROOF_LOOKS_MAX && differing.iter().any(is_missing) {
                continue;
            }
            let mut look = Look::default();
            self.look(stored, hours, &differing, false, &mut look).await?;
            return Ok(look.disputes);
        }
    }

    /// Notes how much there is, and what of it cannot be proven.
    fn note(&self, stored: &Stored, proof: &mut Proof) {
        let (mut nans, mut series) = (0, 0);
        for (_, _, counts) in stored.each() {
            let some = counts.iter().filter(|count| !count.is_empty());
            series += u64::from(some.clone().next().is_some());
            for count in some {
                proof.hours += 1;
                proof.samples += expected(count, self.manner);
                nans += count.nans;
            }
        }
        proof.series = proof.series.max(series);
        proof.same_millisecond += stored.left_out;
        if nans > 0 && self.manner == Manner::VictoriaMetrics {
            proof.note_not_proven("values that are no number: VictoriaMetrics drops them".to_owned());
        }
        for (check, damages) in &stored.damages {
            damages.iter().for_each(|damage| proof.note_not_proven(format!("{check}: failed to {damage}")));
        }
    }

    async fn differing(&mut self, stored: &Stored, hours: Hours) -> Result<Vec<Differing>, String> {
        let names: BTreeSet<&str> = stored.each().map(|(_, series, _)| series.labels.metric_name()).collect();
        let host = ("host", &*self.settings.host);
        let mut asked = Vec::new();
        match self.manner {
            Manner::VictoriaMetrics => asked.push((None, selector([host]))),
            Manner::Prometheus { .. } => {
                asked.extend(names.iter().map(|name| (Some(*name), selector([("__name__", *name), host]))));
            }
        }
        let mut found = Found::new();
        for (name, selector) in asked {
            for figure in self.manner.figures() {
                let form = range_form(hours, &self.manner.query(*figure, &selector));
                let form = form.each_ref().map(|(name, value)| (*name, &**value));
                let body = self.receiver.question("/api/v1/query_range", &form).await?;
                answers::take(&body, *figure, name, hours, &mut found)?;
            }
        }
        Ok(compare(stored, &found, self.manner))
    }

    /// Looks at the samples of what differs, hour by hour.
    async fn look(
        &mut self,
        stored: &Stored,
        hours: Hours,
        differing: &[Differing],
        repair: bool,
        look: &mut Look,
    ) -> Result<(), String> {
        let mut by_hour: BTreeMap<usize, Vec<&Differing>> = BTreeMap::new();
        differing.iter().for_each(|one| by_hour.entry(one.hour).or_default().push(one));
        for (hour, differing) in by_hour {
            let only = Hours { first_ms: hours.hour(hour).start, count: 1 };
            let wanted: BTreeSet<(u32, usize)> = differing.iter().map(|one| (one.series, 0)).collect();
            let samples = self.own.read(move |store| store.samples(only, &wanted)).await?;
            let mut again = Vec::new();
            for one in differing {
                let own = samples.get(&(one.series, 0)).map_or(&[][..], Vec::as_slice);
                let there = match one.there.samples {
                    0 => Vec::new(),
                    _ => self.samples(&stored.series[one.series as usize], only).await?,
                };
                let difference = Difference::of(own, &there, self.manner);
                let why = self.why(stored, one, only, &difference);
                if repair && why.can_be_mended() {
                    again.extend_from_slice(&difference.missing);
                    again.extend(own.iter().filter(|sample| sample.value.is_none()));
                }
                look.disputes.extend(dispute(stored, one, only, &difference, &why));
            }
            if !again.is_empty() {
                self.deliver_again(&again, look).await?;
            }
        }
        Ok(())
    }

    /// All samples that a receiver has of a series and an hour.
    async fn samples(&mut self, series: &RunSeries, hour: Hours) -> Result<Vec<(i64, f64)>, String> {
        let labels = series.labels.iter().map(|label| (&*label.name, &*label.value));
        let (selector, range) = (selector(labels), hour.range());
        match self.manner {
            Manner::VictoriaMetrics => {
                let (start, end) = (seconds(range.start), seconds(range.end - 1));
                let form = [("match[]", &*selector), ("start", &*start), ("end", &*end)];
                answers::exported(&self.receiver.question("/api/v1/export", &form).await?)
            }
            Manner::Prometheus { .. } => {
                let (query, time) = (format!("{selector}{}", self.manner.window()), seconds(range.end - 1));
                let form = [("query", &*query), ("time", &*time)];
                answers::samples(&self.receiver.question("/api/v1/query", &form).await?)
            }
        }
    }

    /// Why both sides differ in a series and an hour.
    fn why(&self, stored: &Stored, one: &Differing, hour: Hours, difference: &Difference) -> Why {
        let check = &stored.series[one.series as usize].check;
        let range = hour.range();
        if !difference.missing.is_empty() {
            return self.why_missing(check, range.start, range.end);
        }
        if difference.doubled > 0 {
            return if self.receiver.about().doubles() { Why::Doubles } else { Why::Other };
        }
        if difference.foreign > 0 {
            return if stored.damages.contains_key(&**check) { Why::Damaged } else { Why::More };
        }
        match self.manner {
            _ if stored.repeated.contains(&(check.clone(), one.hour)) => Why::Repeated,
            Manner::VictoriaMetrics => Why::Rounded,
            Manner::Prometheus { .. } => Why::Other,
        }
    }

    fn why_missing(&self, check: &str, start_ms: i64, end_ms: i64) -> Why {
        if let Some((retention, days)) = self.receiver.about().retention() {
            let kept_ms = (days * 86_400_000.0) as i64;
            if start_ms < clock::now_ms().saturating_sub(kept_ms) {
                return Why::Retention(retention.to_owned());
            }
        }
        let overlaps =
            |aside: &&Aside| aside.check == check && aside.first_ms < end_ms && start_ms <= aside.last_ms;
        if let Some(aside) = self.own.asides.all.iter().find(overlaps) {
            let why = aside.why.clone();
            return if aside.until_ms.is_some() { Why::HeldBack(why) } else { Why::Refused(why) };
        }
        if self.own.feed.owes(check, &(start_ms..end_ms)) { Why::NotDelivered } else { Why::Lost }
    }

    /// Sends samples directly, in halves where the receiver refuses some of them.
    async fn deliver_again(&mut self, samples: &[RunSample], look: &mut Look) -> Result<(), String> {
        let series = self.own.series();
        let mut waiting: Vec<Parcel> = vec![Load::of_samples(samples, series).whole()];
        let mut splits = 0;
        while let Some(parcel) = waiting.pop() {
            let halves = parcel.halves();
            if let (true, Some((one, other))) = (parcel.len() > SINK_BUDGET_MAX, &halves) {
                waiting.extend([other.clone(), one.clone()]);
                continue;
            }
            match (self.receiver.send(&parcel).await.answer, halves) {
                (Answer::Taken, _) => look.delivered += parcel.len() as u64,
                (Answer::Partly { refused, why }, _) => {
                    look.delivered += (parcel.len() as u64).saturating_sub(refused);
                    look.not_taken = Some(why);
                }
                (Answer::Refused(_) | Answer::TooLarge(_), Some((one, other)))
                    if splits < SINK_SPLITS_MAX =>
                {
                    splits += 1;
                    waiting.extend([other, one]);
                }
                (Answer::Refused(why) | Answer::TooLarge(why), _) => look.not_taken = Some(why),
                (Answer::Closed(why) | Answer::Later { why, .. }, _) => return Err(why),
            }
        }
        Ok(())
    }
}

/// Where and how the receiver of a sink is asked what it has.
///
/// # Errors
/// It is none that can be asked.
pub(super) fn asked(settings: &SinkSettings) -> Result<(&Endpoint, Protocol), String> {
    match &settings.kind {
        SinkKind::RemoteWrite(endpoint, protocol) => Ok((endpoint, *protocol)),
        kind => Err(cannot_be_asked(kind).to_owned()),
    }
}

/// Why it cannot be proven what a receiver has.
fn cannot_be_asked(kind: &SinkKind) -> &'static str {
    match kind {
        SinkKind::Nats(_) => {
            "a stream is proven by the hashes of its messages, not by hours: custos store import --from reads it"
        }
        SinkKind::Graphite(_) => {
            "the protocol of Graphite has no answers and no questions: it is known that lines were read, not what became of them"
        }
        SinkKind::Otlp(_) => "OTLP has no questions: it is known that the receiver acknowledged",
        SinkKind::Influx(_) => {
            "what takes InfluxDB's lines is not asked what it has: it is known that it acknowledged"
        }
        SinkKind::RemoteWrite(..) | SinkKind::File(_) => {
            "there is nobody to ask: lines count once they are on the disk"
        }
    }
}

/// What a look at the samples has found.
#[derive(Default)]
struct Look {
    disputes: Vec<Dispute>,
    delivered: u64,
    not_taken: Option<String>,
}

/// What is told of it. Nothing where the receiver has all of it by now.
fn dispute(
    stored: &Stored,
    one: &Differing,
    hour: Hours,
    difference: &Difference,
    why: &Why,
) -> Option<Dispute> {
    if *difference == Difference::default() {
        return None;
    }
    let series = &stored.series[one.series as usize];
    Some(Dispute {
        series: series.labels.to_string(),
        check: series.check.to_string(),
        hour_ms: hour.first_ms,
        stored: one.stored.samples,
        there: one.there.samples,
        missing: difference.missing.len() as u64,
        first_missing_ms: difference.missing.first().map(|sample| sample.time_ms),
        doubled: difference.doubled,
        not_stored: difference.foreign,
        other_values: difference.other_values,
        why: why.to_string(),
        is_known: why.is_known(),
    })
}
