//! The search, worked out from its definition: every window of every length, sample by sample, in 64 bits. The search must find
//! the same.

use proptest::prelude::*;

use crate::block::Block;
use crate::bucket::Buckets;
use crate::form::Form;
use crate::limits::{LENGTHS, RANKED_MAX};
use crate::pattern::Pattern;
use crate::ranking::Ranking;
use crate::search::{Found, search};

const WIDTH_MS: i64 = 10;

type Sample = (i64, f64);

/// What the search was asked for, in plain numbers.
#[derive(Clone, Debug)]
struct Asked {
    samples: Vec<Sample>,
    /// Buckets of the series, and those of what is searched for.
    len: usize,
    query: std::ops::Range<usize>,
    spread: f64,
    form: Form,
}

/// The mean of each bucket; a gap of up to two is bridged if `bridged`, any gap otherwise, and the ends are extended.
fn means(asked: &Asked, range: std::ops::Range<usize>, any_gap: bool) -> (Vec<Option<f64>>, Vec<bool>) {
    let mean = |bucket: usize| {
        let start_ms = bucket as i64 * WIDTH_MS;
        let within = asked.samples.iter().filter(|(time, _)| (start_ms..start_ms + WIDTH_MS).contains(time));
        let values: Vec<f64> = within.map(|(_, value)| *value).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let plain: Vec<Option<f64>> = range.map(mean).collect();
    let bridged = (0..plain.len()).map(|at| {
        let before = (0..=at).rev().find(|at| plain[*at].is_some());
        let after = (at..plain.len()).find(|at| plain[*at].is_some());
        match (before, after) {
            (Some(before), Some(after)) if before == after => plain[at],
            (Some(before), Some(after)) if any_gap || after - before - 1 <= 2 => {
                let (from, to) = (plain[before]?, plain[after]?);
                Some(from + (to - from) * (at - before) as f64 / (after - before) as f64)
            }
            (Some(one), None) | (None, Some(one)) if any_gap => plain[one],
            _ => None,
        }
    });
    let bridged = bridged.collect();
    (bridged, plain.iter().map(Option::is_none).collect())
}

/// What is searched for at another length.
fn stretched(curve: &[f64], length: f64) -> Vec<f64> {
    let wanted = (curve.len() as f64 * length).round() as usize;
    let at = |index: usize| {
        let place = (index as f64 + 0.5) * curve.len() as f64 / wanted as f64 - 0.5;
        let place = place.clamp(0.0, (curve.len() - 1) as f64);
        let (before, part) = (place as usize, place.fract());
        curve[before] * (1.0 - part) + curve[(before + 1).min(curve.len() - 1)] * part
    };
    (0..wanted).map(at).collect()
}

/// The distance of one window, by the words of [`Form`].
fn distance(asked: &Asked, pattern: &[f64], window: &[Option<f64>]) -> Option<f64> {
    let both: Vec<(f64, f64)> =
        pattern.iter().zip(window).filter_map(|(one, other)| Some((*one, (*other)?))).collect();
    let count = both.len() as f64;
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| both.iter().map(of).sum::<f64>() / count;
    let (own, other) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
    let own_deviation = mean(&|pair| (pair.0 - own).powi(2)).sqrt();
    let deviation = mean(&|pair| (pair.1 - other).powi(2)).sqrt();
    if asked.form == Form::ExactLevel {
        let unit = own_deviation.max(asked.spread * 0.02);
        let distance = mean(&|pair| (pair.0 - pair.1).powi(2)) / (2.0 * unit * unit);
        return (distance < 4.0).then_some(distance);
    }
    let correlation = mean(&|pair| (pair.0 - own) * (pair.1 - other)) / (own_deviation * deviation);
    if deviation <= asked.spread * 0.02 || correlation.is_nan() || correlation <= 0.0 {
        return None;
    }
    let height = if asked.form == Form::Usual { (deviation / own_deviation).ln().powi(2) / 4.0 } else { 0.0 };
    Some(1.0 - correlation + height).filter(|distance| *distance < 4.0)
}

/// By start: the least distance of all lengths.
fn all_distances(asked: &Asked) -> Vec<f64> {
    let (pattern, _) = means(asked, asked.query.clone(), true);
    let pattern: Vec<f64> = pattern.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect();
    let (values, empty) = means(asked, 0..asked.len, false);
    let mut least = vec![f64::INFINITY; asked.len];
    for length in LENGTHS {
        let pattern = stretched(&pattern, length);
        for start in 0..=asked.len.saturating_sub(pattern.len()) {
            let end = start + pattern.len();
            if end > asked.len || (start < asked.query.end && end > asked.query.start) {
                continue;
            }
            let lacking = empty[start..end].iter().filter(|empty| **empty).count();
            if lacking * 5 > pattern.len() {
                continue;
            }
            if let Some(distance) = distance(asked, &pattern, &values[start..end]) {
                least[start] = least[start].min(distance);
            }
        }
    }
    least
}

/// Searches in blocks of so many starts, each with no more than the margins it needs.
fn search_in_blocks(asked: &Asked, pattern: &Pattern, size: usize) -> Found<usize> {
    let (before, after) = pattern.margins();
    let mut found = Found::default();
    for first in (0..asked.len).step_by(size) {
        let from = first.saturating_sub(before);
        let to = (first + size + after).min(asked.len);
        let mut buckets = Buckets::new(from as i64 * WIDTH_MS, WIDTH_MS, to - from);
        asked.samples.iter().for_each(|(time, value)| buckets.add(*time, *value));
        let starts = first - from..first - from + size;
        let shift = from as i64;
        let excluded = asked.query.start as i64 - shift..asked.query.end as i64 - shift;
        search(&Block::new(&buckets), pattern, asked.spread, starts, &excluded, &from, &mut found);
    }
    found
}

/// A walk with several samples in most buckets and none in others, and something to look for in it.
fn asked() -> impl Strategy<Value = Asked> {
    let step = (-1.0..1.0_f64, 0_i64..9, prop_oneof![12 => Just(0_i64), 2 => 8_i64..40, 1 => 50_i64..200]);
    let steps = prop::collection::vec(step, 300..700);
    let form = prop_oneof![Just(Form::Usual), Just(Form::AnyHeight), Just(Form::ExactLevel)];
    (steps, 0.0..0.8_f64, 8_usize..40, form, 0.5..1.0_f64).prop_map(|(steps, from, points, form, drift)| {
        let (mut time, mut level, mut samples) = (0, 0.0, Vec::new());
        for (change, wait, gap) in steps {
            time += wait + 1 + gap;
            level = level * drift + change;
            samples.push((time, level * 10.0 + 1000.0));
        }
        let len = (time / WIDTH_MS) as usize + 1;
        let start = ((len as f64) * from) as usize;
        let query = start..(start + points).min(len);
        Asked { samples, len, query, spread: 5.0, form }
    })
}

fn pattern(asked: &Asked) -> Option<Pattern> {
    let mut buckets = Buckets::new(asked.query.start as i64 * WIDTH_MS, WIDTH_MS, asked.query.len());
    asked.samples.iter().for_each(|(time, value)| buckets.add(*time, *value));
    Pattern::new(&buckets, asked.spread, asked.form).ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn the_search_finds_what_the_definition_says(asked in asked(), size in 40_usize..400) {
        let Some(pattern) = pattern(&asked) else { return Ok(()) };
        let least = all_distances(&asked);
        let found = search_in_blocks(&asked, &pattern, size);
        let near = 1e-4;
        let zone = pattern.zone();
        let around = |at: usize| at.saturating_sub(zone)..(at + zone + 1).min(least.len());
        let mut starts = Vec::new();
        for (candidate, from) in &found.nearest {
            let start = candidate.start + from;
            starts.push(start);
            let expected = least[start];
            prop_assert!((candidate.distance - expected).abs() < near, "{start}: {} {expected}", candidate.distance);
            let best = least[around(start)].iter().copied().fold(f64::INFINITY, f64::min);
            prop_assert!(expected <= best + near, "{start}: {expected}, but {best} is near");
        }
        for (start, distance) in least.iter().enumerate().filter(|(_, distance)| distance.is_finite()) {
            let others = around(start).filter(|other| *other != start);
            let is_nearest = others.clone().all(|other| least[other] > distance + near);
            prop_assert!(!is_nearest || starts.contains(&start), "{start} was not found");
        }
        prop_assert_eq!(found.separate as usize, starts.len());
        prop_assert!(starts.len() <= RANKED_MAX);
    }

    #[test]
    fn blocks_of_any_size_find_the_same(asked in asked(), one in 40_usize..400, other in 40_usize..400, warp in any::<bool>()) {
        let Some(pattern) = pattern(&asked) else { return Ok(()) };
        let ranked = |size| {
            let ranking = Ranking::new(search_in_blocks(&asked, &pattern, size), &pattern, warp);
            let starts: Vec<(usize, f64)> =
                ranking.ranked.iter().map(|one| (one.known + one.start, one.distance)).collect();
            (starts, ranking.stretches, ranking.left_out)
        };
        let (one, other) = (ranked(one), ranked(other));
        prop_assert_eq!((one.1, one.2), (other.1, other.2));
        for (one, other) in one.0.iter().zip(&other.0) {
            prop_assert!((one.1 - other.1).abs() < 1e-4, "{one:?} {other:?}");
        }
    }
}

#[test]
fn what_comes_again_is_found_higher_longer_and_at_another_level() {
    let bump = |at: f64| match at {
        at if at < 8.0 => 0.0,
        at if at < 20.0 => 6.0,
        at if at < 30.0 => 2.0,
        at if at < 48.0 => 9.0,
        _ => 3.0,
    };
    // Noise that never comes again.
    let noise = |at: usize| {
        let mut bits = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((bits ^ (bits >> 27)) >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let mut values: Vec<f64> = (0..4000).map(noise).collect();
    for at in 0..60 {
        values[3000 + at] += bump(at as f64);
        values[1000 + at] += bump(at as f64) * 1.4 + 3.0;
    }
    for at in 0..75 {
        values[2000 + at] += bump(at as f64 / 1.25) * 0.8;
    }
    let mut buckets = Buckets::new(0, WIDTH_MS, values.len());
    values.iter().enumerate().for_each(|(at, value)| buckets.add(at as i64 * WIDTH_MS, *value));
    let mut query = Buckets::new(3000 * WIDTH_MS, WIDTH_MS, 60);
    (3000..3060).for_each(|at| query.add(at as i64 * WIDTH_MS, values[at]));
    let pattern = Pattern::new(&query, 0.6, Form::Usual).unwrap();
    let mut found = Found::default();
    search(&Block::new(&buckets), &pattern, 0.6, 0..4000, &(3000..3060), &(), &mut found);
    let ranking = Ranking::new(found, &pattern, false);
    let [first, second, third, ..] = &ranking.ranked[..] else { panic!("{ranking:?}") };
    let mut both = [first, second];
    both.sort_by_key(|ranked| ranked.start);
    assert!(both[0].start.abs_diff(1000) <= 2 && both[1].start.abs_diff(2000) <= 2, "{both:?}");
    assert!((1.3..1.5).contains(&both[0].height) && (0.7..0.9).contains(&both[1].height), "{both:?}");
    assert!((4.4..5.6).contains(&both[0].level) && (1.2..1.3).contains(&both[1].length), "{both:?}");
    assert!(first.is_clear && second.is_clear && !third.is_clear, "{third:?}");
    assert_eq!(first.shape, 1.0);
}
