//! What a file describes: a service, and what each source of its RRD files is.

use super::markup::{Event, Events};
use crate::nagios::{Metric, Options, Perfdata};

/// Sources that one file describes at most; a plugin has no more metrics.
const SOURCES_MAX: usize = crate::nagios::TOKENS_MAX;
/// Bytes of one element's text that are kept.
const TEXT_MAX_BYTES: usize = 4096;

/// What one file describes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    /// The host's name.
    pub host: String,
    /// The description of the service; `_HOST_` for the check of the host itself.
    pub service: String,
    /// What is in RRD files, in the order of the file.
    pub sources: Vec<Described>,
}

/// What one source of an RRD is.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// The name of the RRD file, without its directories; empty if it is that of the XML.
    pub file: String,
    /// The name of the source in that file.
    pub source: String,
    /// The metric as the plugin printed it once, with the value 1, in base units: a value of the RRD times this one is in them.
    pub metric: Metric,
}

impl Description {
    /// Reads a file; none if it is not one of PNP's.
    pub fn parse(text: &str) -> Option<Description> {
        let mut found = Description::default();
        let mut fields: Option<Fields> = None;
        let mut element = "";
        let mut is_pnp = false;
        for event in Events::of(text) {
            match event {
                Event::Begin("NAGIOS") => is_pnp = true,
                Event::Begin("DATASOURCE") => fields = Some(Fields::default()),
                Event::Begin(name) => element = name,
                Event::End("DATASOURCE") => {
                    let described = fields.take().and_then(Fields::described);
                    found.sources.extend(described.filter(|_| found.sources.len() < SOURCES_MAX));
                }
                Event::End(_) => element = "",
                Event::Text(text) if text.len() <= TEXT_MAX_BYTES => match (&mut fields, element) {
                    (Some(fields), element) => fields.take(element, text),
                    // As it was configured; the other form has characters replaced.
                    (None, "NAGIOS_DISP_HOSTNAME") => found.host = text,
                    (None, "NAGIOS_DISP_SERVICEDESC") => found.service = text,
                    (None, "NAGIOS_HOSTNAME") if found.host.is_empty() => found.host = text,
                    (None, "NAGIOS_SERVICEDESC") if found.service.is_empty() => found.service = text,
                    (None, _) => {}
                },
                Event::Text(_) => {}
            }
        }
        is_pnp.then_some(found)
    }
}

/// The elements of one source.
#[derive(Default)]
struct Fields {
    file: String,
    source: String,
    name: String,
    label: String,
    unit: String,
    warn: Limits,
    crit: Limits,
    min: String,
    max: String,
}

/// A range as PNP took it apart.
#[derive(Default)]
struct Limits {
    whole: String,
    start: String,
    end: String,
    kind: String,
}

impl Fields {
    fn take(&mut self, element: &str, text: String) {
        let field = match element {
            "RRDFILE" => &mut self.file,
            "DS" => &mut self.source,
            "NAME" => &mut self.name,
            "LABEL" => &mut self.label,
            "UNIT" => &mut self.unit,
            "WARN" => &mut self.warn.whole,
            "WARN_MIN" => &mut self.warn.start,
            "WARN_MAX" => &mut self.warn.end,
            "WARN_RANGE_TYPE" => &mut self.warn.kind,
            "CRIT" => &mut self.crit.whole,
            "CRIT_MIN" => &mut self.crit.start,
            "CRIT_MAX" => &mut self.crit.end,
            "CRIT_RANGE_TYPE" => &mut self.crit.kind,
            "MIN" => &mut self.min,
            "MAX" => &mut self.max,
            _ => return,
        };
        *field = text.trim().to_owned();
    }

    /// Prints the metric as the plugin did, and reads that.
    fn described(self) -> Option<Described> {
        let label = if self.label.is_empty() { self.name } else { self.label };
        // A percent sign would be an order to RRDtool, and so PNP doubles it.
        let unit = if self.unit == "%%" { "%" } else { &self.unit };
        let label = label.replace("%%", "%");
        let (warn, crit) = (self.warn.printed(), self.crit.printed());
        let printed =
            format!("'{}'=1{unit};{warn};{crit};{};{}", label.replace('\'', "''"), self.min, self.max);
        let options = Options { check_multi: false, ..Options::default() };
        let metric = Perfdata::parse(&printed, &options).metrics.into_iter().next()?;
        let file = self.file.rsplit('/').next().unwrap_or_default().to_owned();
        Some(Described { file, source: self.source, metric })
    }
}

impl Limits {
    fn printed(&self) -> String {
        let Limits { whole, start, end, kind } = self;
        if start.is_empty() && end.is_empty() {
            return whole.clone();
        }
        let inside = if kind == "inside" { "@" } else { "" };
        let start = if start.is_empty() { "~" } else { start };
        format!("{inside}{start}:{end}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nagios::Range;

    const FILE: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<NAGIOS>
  <DATASOURCE>
    <TEMPLATE>check_disk</TEMPLATE>
    <RRDFILE>/var/lib/pnp4nagios/perfdata/web1/disk_root.rrd</RRDFILE>
    <RRD_STORAGE_TYPE>SINGLE</RRD_STORAGE_TYPE>
    <DS>1</DS>
    <NAME>_</NAME>
    <LABEL>/</LABEL>
    <UNIT>MB</UNIT>
    <ACT>3422</ACT>
    <WARN>7000</WARN>
    <WARN_MIN></WARN_MIN>
    <WARN_MAX></WARN_MAX>
    <WARN_RANGE_TYPE></WARN_RANGE_TYPE>
    <CRIT></CRIT>
    <CRIT_MIN>10</CRIT_MIN>
    <CRIT_MAX>20</CRIT_MAX>
    <CRIT_RANGE_TYPE>inside</CRIT_RANGE_TYPE>
    <MIN>0</MIN>
    <MAX>8000</MAX>
  </DATASOURCE>
  <DATASOURCE><DS>2</DS><NAME>used</NAME><LABEL>used</LABEL><UNIT>%%</UNIT></DATASOURCE>
  <DATASOURCE><DS>3</DS></DATASOURCE>
  <RRD><RC>0</RC><TXT>successful updated</TXT></RRD>
  <NAGIOS_AUTH_HOSTNAME>web1</NAGIOS_AUTH_HOSTNAME>
  <NAGIOS_DISP_HOSTNAME>web1</NAGIOS_DISP_HOSTNAME>
  <NAGIOS_DISP_SERVICEDESC>disk /</NAGIOS_DISP_SERVICEDESC>
  <NAGIOS_SERVICEDESC>disk__</NAGIOS_SERVICEDESC>
</NAGIOS>
"#;

    #[test]
    fn sources_have_names_units_and_ranges() {
        let found = Description::parse(FILE).unwrap();
        assert_eq!((found.host.as_str(), found.service.as_str()), ("web1", "disk /"));
        assert_eq!(found.sources.len(), 2, "{found:?}");
        let [disk, used] = &found.sources[..] else { panic!("{found:?}") };
        assert_eq!((disk.file.as_str(), disk.source.as_str()), ("disk_root.rrd", "1"));
        assert_eq!((disk.metric.label.as_str(), disk.metric.unit.as_str()), ("/", "B"));
        assert_eq!(disk.metric.value.map(|value| value.to_f64()), Some(1e6));
        assert_eq!(disk.metric.warn, Range::new(0.0, 7e9, false));
        assert_eq!(disk.metric.crit, Range::new(1e7, 2e7, true));
        assert_eq!((disk.metric.min, disk.metric.max), (Some(0.0), Some(8e9)));
        assert_eq!((used.file.as_str(), used.metric.unit.as_str()), ("", "%"));
    }

    #[test]
    fn other_files_are_none_of_pnp() {
        for text in ["", "<rrd><version>0003</version></rrd>", "no markup < at all"] {
            assert_eq!(Description::parse(text), None, "{text}");
        }
    }
}
