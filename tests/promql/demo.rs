//! The metrics that the queries of the compliance suite are about, as three instances of a demonstration would have them.

use crate::data::{Series, regular};

/// Instances, each with its own phase.
const INSTANCES: [&str; 3] = ["demo.host:10000", "demo.host:10001", "demo.host:10002"];

/// All series.
pub(crate) fn series() -> Vec<Series> {
    let mut all = Vec::new();
    for (index, instance) in INSTANCES.into_iter().enumerate() {
        let phase = index as f64 * 1.7;
        let wave = move |n: u32, period: f64| (f64::from(n) / period + phase).sin();
        let mut add = |name, labels: &[(&'static str, &str)], value: &dyn Fn(u32) -> f64| {
            let mut one = Series::new(name, &[&[("instance", instance), ("job", "demo")], labels].concat());
            regular(&mut one, value);
            all.push(one);
        };
        for (kind, share) in [("buffers", 0.05), ("cached", 0.25), ("free", 0.3), ("used", 0.4)] {
            let bytes = move |n| (4e9 * share * (1.0 + 0.2 * wave(n, 37.0 * share + 5.0))).floor();
            add("demo_memory_usage_bytes", &[("type", kind)], &bytes);
        }
        for (mode, share) in [("idle", 0.7), ("system", 0.1), ("user", 0.2)] {
            let seconds = move |n: u32| 1e5 * share + 15.0 * share * (f64::from(n) + 0.5 * wave(n, 11.0));
            add("demo_cpu_usage_seconds_total", &[("mode", mode)], &seconds);
        }
        add("demo_num_cpus", &[], &|_| 4.0);
        add("demo_disk_usage_bytes", &[], &move |n| (1e10 + 3e5 * f64::from(n) + 1e6 * wave(n, 9.0)).floor());
        let succeeded = move |n: u32| 1_699_999_000.0 + f64::from(n / (20 + index as u32) * 300);
        add("demo_batch_last_success_timestamp_seconds", &[], &succeeded);
        durations(&mut add, phase);
    }
    let mut intermittent = Series::new("demo_intermittent_metric", &[("job", "demo")]);
    regular(&mut intermittent, f64::from);
    // Twice as long away as the look-back reaches, now and then.
    intermittent.samples.retain(|(time_ms, _)| time_ms / 600_000 % 2 == 0);
    all.push(intermittent);
    all
}

/// Adds a series of an instance: name, labels, value of each sample.
type Add<'a> = dyn FnMut(&'static str, &[(&'static str, &str)], &dyn Fn(u32) -> f64) + 'a;

/// How long requests take, as classic histograms.
fn durations(add: &mut Add<'_>, phase: f64) {
    let bounds = ["0.0001", "0.001", "0.005", "0.01", "0.05", "0.1", "0.5", "1", "5", "+Inf"];
    for (method, path) in [("GET", "/api/foo"), ("POST", "/api/foo"), ("GET", "/api/bar")] {
        let labels = [("method", method), ("path", path), ("status", "200")];
        let requests =
            move |n: u32, share: f64| (1e6 * share + f64::from(n) * share * (40.0 + phase)).floor();
        for (index, bound) in bounds.into_iter().enumerate() {
            let share = (index as f64 + 1.0) / 10.0;
            let labels = [&labels[..], &[("le", bound)]].concat();
            add("demo_api_request_duration_seconds_bucket", &labels, &move |n| requests(n, share));
        }
        add("demo_api_request_duration_seconds_count", &labels, &move |n| requests(n, 1.0));
        add("demo_api_request_duration_seconds_sum", &labels, &move |n| 0.3 * requests(n, 1.0));
    }
}
