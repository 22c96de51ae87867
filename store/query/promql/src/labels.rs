//! The labels of a series.

use std::fmt;
use std::sync::Arc;

use crate::ast::Grouping;
use crate::literal::is_plain_name;
use crate::matcher::{METRIC_NAME, quoted, write_name};

/// Labels, sorted by name; none is empty. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Option<Arc<[Label]>>);

/// A label.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    /// Its name.
    pub name: Arc<str>,
    /// Its value, never empty.
    pub value: Arc<str>,
}

/// Labels that no longer hold once something is computed of a metric.
const OF_METRIC: [&str; 3] = [METRIC_NAME, "__type__", "__unit__"];

impl Labels {
    /// Labels of these names and values. Of a name that is there twice the last counts; empty values are dropped.
    pub fn new<N: AsRef<str>, V: AsRef<str>>(labels: impl IntoIterator<Item = (N, V)>) -> Labels {
        let label =
            |(name, value): (N, V)| Label { name: name.as_ref().into(), value: value.as_ref().into() };
        let mut all: Vec<Label> = labels.into_iter().map(label).collect();
        all.reverse();
        // Those of one name stay in this order, the last one first.
        all.sort_by(|left, right| left.name.cmp(&right.name));
        all.dedup_by(|later, kept| later.name == kept.name);
        all.retain(|label| !label.value.is_empty());
        Labels::of(all)
    }

    fn of(labels: Vec<Label>) -> Labels {
        Labels(if labels.is_empty() { None } else { Some(labels.into()) })
    }

    /// All labels, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Label> {
        self.as_slice().iter()
    }

    fn as_slice(&self) -> &[Label] {
        self.0.as_deref().unwrap_or(&[])
    }

    /// The value of a label; empty if there is none.
    pub fn get(&self, name: &str) -> &str {
        let labels = self.as_slice();
        labels.binary_search_by(|label| (*label.name).cmp(name)).map_or("", |index| &labels[index].value)
    }

    /// The name of the metric; empty if there is none.
    pub fn metric_name(&self) -> &str {
        self.get(METRIC_NAME)
    }

    /// All labels, the name of the metric among them: `{__name__="up", job="x"}`.
    pub fn in_braces(&self) -> String {
        let mut out = String::from("{");
        for label in self.iter() {
            if out.len() > 1 {
                out.push_str(", ");
            }
            // Writing into a String cannot fail.
            let _ = write_name(&mut out, &label.name);
            out.push('=');
            out.push_str(&quoted(&label.value));
        }
        out.push('}');
        out
    }

    /// The same with a label set, or taken away if the value is empty.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Labels {
        self.with_all([(name, value)])
    }

    /// The same with several labels set, one after the other.
    #[must_use]
    pub fn with_all<N: AsRef<str>, V: AsRef<str>>(&self, others: impl IntoIterator<Item = (N, V)>) -> Labels {
        let mut changed = self.as_slice().to_vec();
        for (name, value) in others {
            let (name, value) = (name.as_ref(), value.as_ref());
            match changed.binary_search_by(|label| (*label.name).cmp(name)) {
                Ok(index) if value.is_empty() => drop(changed.remove(index)),
                Ok(index) => changed[index].value = value.into(),
                Err(_) if value.is_empty() => {}
                Err(index) => changed.insert(index, Label { name: name.into(), value: value.into() }),
            }
        }
        Labels::of(changed)
    }

    /// The same without the labels of which `unwanted` is true.
    fn without(&self, unwanted: impl Fn(&str) -> bool) -> Labels {
        if !self.iter().any(|label| unwanted(&label.name)) {
            return self.clone();
        }
        Labels::of(self.iter().filter(|label| !unwanted(&label.name)).cloned().collect())
    }

    /// The same without the name of the metric, and without the labels that have its type and unit.
    #[must_use]
    pub fn without_name(&self) -> Labels {
        self.without(|name| OF_METRIC.contains(&name))
    }

    /// Only these labels.
    pub(crate) fn only(&self, names: &[String]) -> Labels {
        self.without(|name| !names.iter().any(|wanted| wanted == name))
    }

    /// All but these labels.
    pub(crate) fn all_but(&self, names: &[String]) -> Labels {
        self.without(|name| names.iter().any(|unwanted| unwanted == name))
    }

    /// The labels that make the group of a series. The name of the metric is none of them unless it is asked for.
    pub(crate) fn group(&self, grouping: &Grouping) -> Labels {
        match grouping.without {
            true => self.all_but(&grouping.labels).without_name(),
            false => self.only(&grouping.labels),
        }
    }

    /// The labels by which elements of two vectors find each other.
    pub(crate) fn signature(&self, on: bool, names: &[String]) -> Labels {
        match on {
            true => self.only(names),
            false => self.without(|name| name == METRIC_NAME || names.iter().any(|other| other == name)),
        }
    }
}

impl fmt::Display for Labels {
    /// `{job="x"}`, with the name of the metric before the braces: `up{job="x"}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.metric_name();
        let plain = is_plain_name(name, true);
        if plain {
            f.write_str(name)?;
        }
        let others: Vec<&Label> = self.iter().filter(|label| *label.name != *METRIC_NAME).collect();
        if plain && others.is_empty() {
            return Ok(());
        }
        f.write_str("{")?;
        let mut parted = "";
        if !plain && !name.is_empty() {
            f.write_str(&quoted(name))?;
            parted = ", ";
        }
        for label in others {
            f.write_str(parted)?;
            write_name(f, &label.name)?;
            f.write_str("=")?;
            f.write_str(&quoted(&label.value))?;
            parted = ", ";
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_never_empty() {
        let labels = Labels::new([("b", "2"), ("__name__", "up"), ("a", "1"), ("c", ""), ("b", "3")]);
        assert_eq!(labels.to_string(), "up{a=\"1\", b=\"3\"}");
        assert_eq!(labels.in_braces(), "{__name__=\"up\", a=\"1\", b=\"3\"}");
        assert_eq!(labels.get("b"), "3");
        assert_eq!(labels.get("c"), "");
        assert_eq!(labels.with("a", "").to_string(), "up{b=\"3\"}");
        assert_eq!(labels.without_name(), Labels::new([("a", "1"), ("b", "3")]));
        let typed = Labels::new([("__name__", "up"), ("__type__", "gauge"), ("__unit__", "s"), ("a", "1")]);
        assert_eq!(typed.without_name().to_string(), "{a=\"1\"}");
        assert_eq!(typed.signature(false, &[]).iter().len(), 3);
        assert_eq!(Labels::default().to_string(), "{}");
        assert_eq!(Labels::new([("__name__", "a b"), ("ä", "x")]).to_string(), "{\"a b\", \"ä\"=\"x\"}");
    }

    #[test]
    fn groups_leave_the_name_out_unless_it_is_asked_for() {
        let labels = Labels::new([("__name__", "up"), ("a", "1"), ("b", "2")]);
        let group = |without, names: &[&str]| {
            let labels_of = names.iter().map(ToString::to_string).collect();
            labels.group(&Grouping { without, labels: labels_of }).to_string()
        };
        assert_eq!(group(false, &["a"]), "{a=\"1\"}");
        assert_eq!(group(false, &["__name__", "x"]), "up");
        assert_eq!(group(true, &["a"]), "{b=\"2\"}");
    }
}
