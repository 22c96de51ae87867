//! Texts with places for values: `{trap} on {ifDescr} of {source}`. `{{` and `}}` stand for the braces themselves.

use crate::config::keys::trap::TEXT;
use crate::config::model::snmp::{Part, Template};
use crate::config::read::variable;
use crate::document::diagnostic::Findings;
use crate::document::fields::text;
use crate::document::yaml::Node;
use crate::mib::Names;

/// Reads a template.
pub(crate) fn read(node: &Node, names: &Names, findings: &mut Findings) -> Option<Template> {
    let written = text(node, "a text such as `\"{trap} on {ifDescr}\"`", findings)?;
    parse(written, names, node, findings)
}

/// The template that holds where none is given.
pub(crate) fn usual() -> Template {
    let parts = vec![
        Part::Trap,
        Part::Text(" from ".to_owned()),
        Part::Source,
        Part::Text(": ".to_owned()),
        Part::Variables,
    ];
    Template { written: TEXT.built_in().to_owned(), parts }
}

fn parse(written: &str, names: &Names, node: &Node, findings: &mut Findings) -> Option<Template> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut whole = true;
    let mut rest = written;
    while let Some(at) = rest.find(['{', '}']) {
        plain.push_str(&rest[..at]);
        let offset = written.len() - rest.len() + at;
        let place = node.place.within(written, written[..offset].chars().count());
        let after = &rest[at..];
        if let Some(next) = after.strip_prefix("{{").or_else(|| after.strip_prefix("}}")) {
            plain.push_str(&after[..1]);
            rest = next;
            continue;
        }
        let Some((name, next)) = after.strip_prefix('{').and_then(|inside| inside.split_once('}')) else {
            let message = "this brace has no other; write `{{` or `}}` for the brace itself";
            findings.error(&place, message);
            return None;
        };
        rest = next;
        let part = match name {
            "trap" => Some(Part::Trap),
            "source" => Some(Part::Source),
            "agent" => Some(Part::Agent),
            "uptime" => Some(Part::Uptime),
            "variables" => Some(Part::Variables),
            name => variable::named(name, &place, names, findings).map(Part::Variable),
        };
        whole &= part.is_some();
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        parts.extend(part);
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    whole.then(|| Template { written: written.to_owned(), parts })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::place::SourceFile;
    use crate::document::yaml::{self, Content};

    fn read_text(text: &str) -> (Option<Template>, String) {
        let file = SourceFile::new("f".into(), format!("v: \"{text}\"\n"));
        let mut findings = Findings::default();
        let root = yaml::parse(&file, &mut findings).unwrap();
        let Content::Map(entries) = &root.content else { panic!("no mapping") };
        let template = read(&entries[0].value, Names::builtin(), &mut findings);
        (template, findings.into_mistakes(&[]).to_string())
    }

    #[test]
    fn places_and_texts_are_told_apart() {
        let (template, mistakes) = read_text("{{x}} {trap}: {ifDescr} é{source}");
        assert_eq!(mistakes, "");
        let parts = template.unwrap().parts;
        assert_eq!(parts[..3], [Part::Text("{x} ".into()), Part::Trap, Part::Text(": ".into())]);
        assert!(matches!(&parts[3], Part::Variable(variable) if variable.label == "ifDescr"));
        assert_eq!(parts[4..], [Part::Text(" é".into()), Part::Source]);
        assert_eq!(read_text(TEXT.built_in()).0, Some(usual()));
    }

    #[test]
    fn faults_are_told_with_their_place() {
        let (template, mistakes) = read_text("é {ifDecsr} {x}");
        assert_eq!(template, None);
        assert!(
            mistakes.starts_with("f:1:7: no object is named `ifDecsr`; did you mean `ifDescr`?"),
            "{mistakes}"
        );
        assert_eq!(mistakes.lines().count(), 2);
        for open in ["{trap", "a } b", "{{ {"] {
            assert!(read_text(open).1.contains("this brace has no other"), "{open}");
        }
    }
}
