//! What a receiver over HTTP says of itself: what it is, when it was started, and which of its settings would lose or
//! double what is sent.

use super::answer::Looked;

/// Where receivers take samples; what stands before that in an address is before all their paths.
const WRITE_PATHS: [&str; 8] = [
    "/api/v1/otlp",
    "/opentelemetry",
    "/api/v1/write",
    "/api/v1/push",
    "/influx/api/v2/write",
    "/influx/write",
    "/api/v2/write",
    "/write",
];
/// How long Prometheus keeps samples unless it is told.
const PROMETHEUS_RETENTION: &str = "15d";

/// What stands before the paths of a receiver that takes samples at this one.
pub(super) fn base_path(write_path: &str) -> &str {
    let path = write_path.split('?').next().unwrap_or_default();
    WRITE_PATHS.iter().find_map(|known| path.strip_suffix(known)).unwrap_or_default()
}

/// What is known of a receiver.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::feed) struct About {
    kind: Kind,
    version: String,
    /// When its process was started, as it says (s since the epoch).
    started: Option<f64>,
    date_ms: Option<i64>,
    /// `-dedup.minScrapeInterval` of VictoriaMetrics.
    deduplicates: Option<String>,
    /// `-retentionPeriod` of VictoriaMetrics, `storage.tsdb.retention.time` of Prometheus.
    retention: Option<String>,
    /// `out_of_order_time_window` of Prometheus, if it says how it is set up.
    window: Option<String>,
    takes_writes: Option<bool>,
    /// Whether it, or what stands before it, is not ready to answer all questions.
    is_unready: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::feed) enum Kind {
    /// VictoriaMetrics.
    VictoriaMetrics,
    /// Prometheus.
    Prometheus,
    /// Something else, of which nothing is known.
    #[default]
    Other,
}

/// What is asked, one after the other.
#[derive(Debug)]
pub(super) struct Questions {
    base: String,
    open: Vec<&'static str>,
    about: About,
}

impl Questions {
    /// To a receiver that takes samples at this path.
    pub(super) fn new(write_path: &str) -> Questions {
        Questions { base: base_path(write_path).to_owned(), open: vec!["/metrics"], about: About::default() }
    }

    /// The path to ask next.
    pub(super) fn next(&mut self) -> Option<String> {
        self.open.pop().map(|path| format!("{}{path}", self.base))
    }

    /// Takes an answer. What a receiver does not say is not known.
    pub(super) fn answered(&mut self, path: &str, status: u16, body: &[u8], date_ms: Option<i64>) {
        self.about.date_ms = date_ms.or(self.about.date_ms);
        if status != 200 {
            // A Prometheus that starts says what it is, and not yet how it is set up.
            self.about.is_unready |= matches!(status, 502..=504);
            return;
        }
        let text = String::from_utf8_lossy(body);
        match path.strip_prefix(&*self.base).unwrap_or(path) {
            "/metrics" => {
                self.about.take_metrics(&text);
                match self.about.kind {
                    Kind::VictoriaMetrics => self.open.push("/flags"),
                    Kind::Prometheus => self.open.extend(["/api/v1/status/config", "/api/v1/status/flags"]),
                    Kind::Other => {}
                }
            }
            "/flags" => {
                let set = flag_line(&text, "-retentionPeriod=");
                self.about.retention = Some(set.unwrap_or_else(|| "1".to_owned()));
            }
            "/api/v1/status/flags" => self.about.take_flags(&text),
            _ => self.about.take_config(&text),
        }
    }

    pub(super) fn about(self) -> About {
        self.about
    }
}

impl About {
    /// A number that is another one for another process.
    pub(super) fn process(&self) -> u64 {
        self.started.map_or(0, |started| (started * 1000.0) as u64)
    }

    pub(in crate::feed) fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether its version is this one or a later one.
    pub(in crate::feed) fn is_from(&self, major: u32) -> bool {
        self.version
            .split('.')
            .next()
            .and_then(|number| number.parse().ok())
            .is_some_and(|own: u32| own >= major)
    }

    /// How long it keeps samples, as it says, and that in days.
    pub(in crate::feed) fn retention(&self) -> Option<(&str, f64)> {
        let retention = self.retention.as_deref()?;
        Some((retention, days(retention)?))
    }

    /// Whether it keeps both of two samples of a series and a millisecond.
    pub(in crate::feed) fn doubles(&self) -> bool {
        self.kind == Kind::VictoriaMetrics && self.deduplicates.as_deref().is_some_and(is_no_time)
    }

    fn take_metrics(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, value)) = line.rsplit_once(' ') else { continue };
            if name == "process_start_time_seconds" {
                self.started = value.parse().ok();
            } else if name.starts_with("vm_app_version{") {
                self.kind = Kind::VictoriaMetrics;
                self.version = label(name, "short_version").trim_start_matches('v').to_owned();
            } else if name.starts_with("prometheus_build_info{") {
                self.kind = Kind::Prometheus;
                self.version = label(name, "version").to_owned();
            } else if name.starts_with("flag{") && label(name, "name") == "dedup.minScrapeInterval" {
                self.deduplicates = Some(label(name, "value").to_owned());
            }
        }
    }

    fn take_flags(&mut self, text: &str) {
        let Ok(flags) = serde_json::from_str::<serde_json::Value>(text) else { return };
        let flag = |name: &str| flags["data"][name].as_str().map(str::to_owned);
        self.takes_writes = flag("web.enable-remote-write-receiver").map(|value| value == "true");
        self.retention = flag("storage.tsdb.retention.time").map(|time| match is_no_time(&time) {
            true => PROMETHEUS_RETENTION.to_owned(),
            false => time,
        });
    }

    fn take_config(&mut self, text: &str) {
        let Ok(config) = serde_json::from_str::<serde_json::Value>(text) else { return };
        let Some(yaml) = config["data"]["yaml"].as_str() else { return };
        let window = flag_line(yaml, "out_of_order_time_window:");
        self.window = Some(window.unwrap_or_else(|| "0s".to_owned()));
    }

    /// What is told of it.
    pub(super) fn looked(&self) -> Looked {
        let name = match self.kind {
            Kind::VictoriaMetrics => "VictoriaMetrics",
            Kind::Prometheus => "Prometheus",
            Kind::Other => "",
        };
        let has_no_window = self.window.as_deref().is_none_or(is_no_time);
        Looked {
            process: self.process(),
            date_ms: self.date_ms,
            what: format!("{name} {}", self.version).trim().to_owned(),
            warnings: self.warnings(),
            // What is not known to take samples in any order gets them in order.
            in_order_only: self.is_unready || self.kind == Kind::Prometheus && has_no_window,
            is_unsure: self.is_unready,
        }
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.doubles() {
            warnings.push(
                "it keeps both of two equal samples, and what is sent again after a failure is doubled: start it with \
                 -dedup.minScrapeInterval=1ms"
                    .to_owned(),
            );
        }
        if let (Kind::VictoriaMetrics, Some(retention)) = (self.kind, &self.retention) {
            warnings.extend(is_short(retention).then(|| {
                let shown = if retention == "1" { "a month" } else { retention };
                format!("it drops what is older than {shown}, and says that it took it: start it with -retentionPeriod=100y")
            }));
        }
        if self.kind == Kind::Prometheus && self.takes_writes == Some(false) {
            warnings.push(
                "it takes no remote write: start it with --web.enable-remote-write-receiver".to_owned(),
            );
        }
        if self.kind == Kind::Prometheus && self.window.as_deref().is_some_and(is_no_time) {
            warnings.push(
                "it refuses samples that are older than others of their series: set out_of_order_time_window: 30d in its \
                 section storage.tsdb"
                    .to_owned(),
            );
        }
        warnings
    }
}

/// Whether a retention of VictoriaMetrics is below ten years.
fn is_short(retention: &str) -> bool {
    days(retention).is_some_and(|days| days < 3650.0)
}

/// A retention in days. A number without a unit is months.
fn days(retention: &str) -> Option<f64> {
    let digits = retention.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let days = match &retention[digits.len()..] {
        "" => 31.0,
        "m" => 1.0 / 1440.0,
        "h" => 1.0 / 24.0,
        "d" => 1.0,
        "w" => 7.0,
        "y" => 365.0,
        _ => return None,
    };
    Some(digits.parse::<f64>().ok()? * days)
}

/// `0`, `0s`, `0h0m0s`, or nothing.
fn is_no_time(time: &str) -> bool {
    !time.contains(|c: char| c.is_ascii_digit() && c != '0')
}

/// What follows a name at the start of a line, without quotes.
fn flag_line(text: &str, name: &str) -> Option<String> {
    let found = text.lines().find_map(|line| line.trim().strip_prefix(name))?;
    Some(found.trim().trim_matches('"').to_owned())
}

/// The value of a label in a line of metrics; those that are asked for have nothing escaped.
fn label<'a>(series: &'a str, name: &str) -> &'a str {
    let Some((_, labels)) = series.split_once('{') else { return "" };
    let mut rest = labels;
    while let Some((key, after)) = rest.split_once("=\"") {
        let Some((value, next)) = after.split_once('"') else { return "" };
        if key.trim_start_matches([',', ' ']) == name {
            return value;
        }
        rest = next;
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(write_path: &str, answers: &[(&str, &str)]) -> About {
        let mut questions = Questions::new(write_path);
        while let Some(path) = questions.next() {
            match answers.iter().find(|(known, _)| *known == path) {
                Some((_, body)) => questions.answered(&path, 200, body.as_bytes(), Some(5)),
                None => questions.answered(&path, 404, b"", Some(5)),
            }
        }
        questions.about()
    }

    // As VictoriaMetrics 1.79.5 and Prometheus 2.42 of Debian answered.
    const VM: &str = "process_start_time_seconds 1795824927\nvm_app_version{version=\"x\", short_version=\"v1.79.5\"} 1\n\
                      flag{name=\"dedup.minScrapeInterval\", value=\"0s\", is_set=\"false\"} 1\n";
    const PROMETHEUS: &str = "# HELP x y\nprocess_start_time_seconds 1.79582492768e+09\n\
                              prometheus_build_info{branch=\"debian/sid\",goarch=\"amd64\",version=\"2.42.0+ds\"} 1\n";

    #[test]
    fn victoriametrics_as_it_comes_doubles_and_forgets() {
        let found = about("/api/v1/write", &[("/metrics", VM), ("/flags", "-httpListenAddr=\":1\"\n")]);
        let looked = found.looked();
        assert_eq!((looked.what.as_str(), looked.process), ("VictoriaMetrics 1.79.5", 1_795_824_927_000));
        assert!(looked.warnings[0].contains("-dedup.minScrapeInterval=1ms"), "{looked:?}");
        assert!(looked.warnings[1].contains("older than a month") && !looked.in_order_only, "{looked:?}");
        let set = VM.replace("\"0s\"", "\"1ms\"");
        let found = about("/api/v1/write", &[("/metrics", &set), ("/flags", "-retentionPeriod=\"100y\"\n")]);
        assert_eq!(found.looked().warnings, [""; 0]);
    }

    #[test]
    fn prometheus_is_asked_for_its_window_and_receiver() {
        let flags = r#"{"status":"success","data":{"web.enable-remote-write-receiver":"false","storage.tsdb.retention.time":"0s"}}"#;
        let config = r#"{"status":"success","data":{"yaml":"global:\n  scrape_interval: 1m\n"}}"#;
        let answers = [
            ("/prom/metrics", PROMETHEUS),
            ("/prom/api/v1/status/flags", flags),
            ("/prom/api/v1/status/config", config),
        ];
        let looked = about("/prom/api/v1/write?x=y", &answers).looked();
        assert_eq!((looked.what.as_str(), looked.in_order_only), ("Prometheus 2.42.0+ds", true));
        assert!(looked.warnings[0].contains("--web.enable-remote-write-receiver"), "{looked:?}");
        assert!(looked.warnings[1].contains("out_of_order_time_window: 30d"), "{looked:?}");
        let config =
            config.replace("global", "storage:\\n  tsdb:\\n    out_of_order_time_window: 30d\\nglobal");
        let answers = [
            ("/metrics", PROMETHEUS),
            ("/api/v1/status/flags", &flags.replace("false", "true")),
            ("/api/v1/status/config", &*config),
        ];
        let answers = answers.map(|(path, body): (&str, &str)| (path, body));
        let looked = about("/api/v1/write", &answers).looked();
        assert_eq!((looked.warnings.len(), looked.in_order_only), (0, false));
    }

    #[test]
    fn what_cannot_say_yet_how_it_is_set_up_gets_samples_in_order() {
        let looked = |answers: [(u16, &str); 3]| {
            let mut questions = Questions::new("/api/v1/write");
            for (status, body) in answers {
                let Some(path) = questions.next() else { break };
                questions.answered(&path, status, body.as_bytes(), None);
            }
            questions.about().looked()
        };
        let starting =
            looked([(200, PROMETHEUS), (503, "Service Unavailable"), (503, "Service Unavailable")]);
        assert!(starting.in_order_only && starting.is_unsure, "{starting:?}");
        let behind_a_proxy = looked([(502, "Bad Gateway"), (0, ""), (0, "")]);
        assert!(behind_a_proxy.in_order_only && behind_a_proxy.is_unsure, "{behind_a_proxy:?}");
        let silent = looked([(200, PROMETHEUS), (403, ""), (403, "")]);
        assert!(silent.in_order_only && !silent.is_unsure, "{silent:?}");
    }

    #[test]
    fn what_stands_before_the_path_of_samples_is_before_all_paths() {
        for (path, base) in [
            ("/api/v1/write", ""),
            ("/x/write?db=y", "/x"),
            ("/influx/write", ""),
            ("/api/v2/write?org=a&bucket=/write", ""),
            ("/vm/influx/api/v2/write", "/vm"),
            ("/insert", ""),
        ] {
            assert_eq!(base_path(path), base, "{path}");
        }
    }

    #[test]
    fn of_another_receiver_nothing_is_known() {
        let looked = about("/api/v1/push", &[]).looked();
        assert_eq!(looked, Looked { date_ms: Some(5), ..Looked::default() });
    }

    #[test]
    fn retentions_are_read_with_their_units() {
        for (retention, short) in
            [("1", true), ("12", true), ("1y", true), ("90d", true), ("100y", false), ("1200", false)]
        {
            assert_eq!(is_short(retention), short, "{retention}");
        }
    }
}
