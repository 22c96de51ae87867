//! Commands that other agents run, as checks in YAML, with all that is not carried over.

use std::collections::BTreeMap;

use custos_compat::mrpe::parse_mrpe;
use custos_compat::nrpe::{self, expand, plain_words, with_prefix};
use percent_encoding::percent_decode_str;

use super::page::{Page, Setting, written};
use crate::config::{CheckNameFault, yaml_word};

/// A line of a file.
type Place = (String, usize);
/// Keys of a check with their values.
type Settings = Vec<Setting>;

/// Checks and what did not become one, as they are found.
#[derive(Debug, Default)]
struct Definitions {
    checks: BTreeMap<String, (Place, Settings)>,
    notes: Vec<(Place, String)>,
}

impl Definitions {
    fn note(&mut self, place: &Place, what: impl Into<String>) {
        self.notes.push((place.clone(), what.into()));
    }

    /// Adds a command line for a shell, which is needed only where the line is more than words.
    fn add(&mut self, name: &str, place: &Place, line: &[u8], further: Settings) {
        if let Some(fault) = CheckNameFault::of(name) {
            return self.note(place, format!("{name}: as the name of a check {fault}"));
        }
        let Ok(text) = std::str::from_utf8(line.trim_ascii()) else {
            return self.note(place, format!("{name}: its command line is not UTF-8"));
        };
        if text.is_empty() || text.contains('\0') {
            return self.note(place, format!("{name}: it has no command line"));
        }
        let mut settings = vec![("command", yaml_word(text))];
        if plain_words(text.as_bytes()).is_none() {
            settings.push(("shell", "true".to_owned()));
        }
        settings.extend(further);
        if let Some((before, _)) = self.checks.insert(name.to_owned(), (place.clone(), settings)) {
            self.note(&before, format!("{name}: it is defined again later"));
        }
    }

    /// The page. `by` is the kind of import, and `of` what was read.
    fn page(mut self, by: &str, of: &str) -> String {
        let mut page = Page::begin(by, of);
        page.section("checks", self.checks.is_empty());
        for (name, ((file, line), settings)) in &self.checks {
            page.check((file, *line), name, written(settings));
        }
        self.notes.sort();
        page.end(self.notes.iter().map(|((file, line), what)| (file.as_str(), *line, what.as_str())))
    }
}

/// The commands of an `nrpe.cfg`, as YAML. `of` is its name.
pub fn nrpe_document(config: &nrpe::Config, of: &str) -> String {
    let mut found = Definitions::default();
    let timeout = format!("{}s", config.command_timeout_s);
    for (name, command) in &config.commands {
        let name = String::from_utf8_lossy(name).into_owned();
        let place = (command.file.display().to_string(), command.line_number);
        if command.line.windows(4).any(|part| part == b"$ARG") {
            found.note(&place, format!("{name}: it takes arguments from whoever asks"));
            continue;
        }
        let line = with_prefix(config.command_prefix.as_deref(), &expand(&command.line, &[]));
        let further = vec![("timeout", timeout.clone()), ("timeout_state", "critical".to_owned())];
        found.add(&name, &place, &line, further);
    }
    if let Some(user) = &config.nrpe_user {
        found.note(
            &(of.to_owned(), 0),
            format!(
                "the user that commands run as, {user}; here it is that of the agent, or `user` of a check"
            ),
        );
    }
    found.page("nrpe", of)
}

/// The plugins of an `mrpe.cfg`, as YAML. `of` is its name.
pub fn mrpe_document(text: &str, of: &str) -> String {
    let mut found = Definitions::default();
    let place = |line: usize| (of.to_owned(), line);
    let (plugins, others) = parse_mrpe(text);
    for plugin in plugins {
        let place = place(plugin.line);
        let name = percent_decode_str(&plugin.name).decode_utf8_lossy();
        let mut further = Vec::new();
        for (key, value) in &plugin.options {
            match (key.as_str(), value.parse::<u32>()) {
                ("interval", Ok(seconds)) if seconds > 0 => {
                    further.push(("check_interval", format!("{seconds}s")))
                }
                ("appendage", _) => {}
                _ => found.note(&place, format!("{name}: {key}={value}")),
            }
        }
        found.add(&name, &place, plugin.command.as_bytes(), further);
    }
    for line in others {
        found.note(&place(line), "a line without a command");
    }
    found.page("checkmk-mrpe", of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_nrpe_become_checks() {
        let text = b"command_timeout=30\ncommand_prefix=/usr/bin/nice\nnrpe_user=nagios\ncommand[load]=/p/check_load -w 5\n\
                     command[money]=/p/x '$$5'\ncommand[who]=who | wc -l\ncommand[args]=/p/check_disk -w $ARG1$\ncommand[-x]=/p\n";
        let mut answer =
            |_: nrpe::Ask<'_>| nrpe::Found::File { content: text.to_vec(), identity: "/n.cfg".into() };
        let config = nrpe::load("/n.cfg".as_ref(), &mut answer).unwrap();
        let page = nrpe_document(&config, "n.cfg");
        let expected = "\
# Written by custos import nrpe, by n.cfg. docs/configuration.md describes every key.

checks:
  # /n.cfg:4
  load:
    command: \"/usr/bin/nice /p/check_load -w 5\"
    timeout: 30s
    timeout_state: critical
  # /n.cfg:5
  money:
    command: \"/usr/bin/nice /p/x '$5'\"
    timeout: 30s
    timeout_state: critical
  # /n.cfg:6
  who:
    command: \"/usr/bin/nice who | wc -l\"
    shell: true
    timeout: 30s
    timeout_state: critical

# Not carried over:
#
# - /n.cfg:7: args: it takes arguments from whoever asks
# - /n.cfg:8: -x: as the name of a check NAME
# - n.cfg: the user that commands run as, nagios; here it is that of the agent, or `user` of a check
";
        let expected = expected.replace("NAME", &CheckNameFault::of("-x").unwrap().to_string());
        assert_eq!(page, expected, "{page}");
    }

    #[test]
    fn plugins_of_checkmk_become_checks() {
        let page = mrpe_document(
            "Load /p/check_load -w 5\nFoo%20Bar (interval=300:appendage=1) /p/check_foo | cat\nOdd (interval=x:z=1) /p\nlonely\nLoad /p/again\n%20 /p\n",
            "mrpe.cfg",
        );
        let expected = "\
# Written by custos import checkmk-mrpe, by mrpe.cfg. docs/configuration.md describes every key.

checks:
  # mrpe.cfg:2
  \"Foo Bar\":
    command: \"/p/check_foo | cat\"
    shell: true
    check_interval: 300s
  # mrpe.cfg:5
  Load:
    command: /p/again
  # mrpe.cfg:3
  Odd:
    command: /p

# Not carried over:
#
# - mrpe.cfg:1: Load: it is defined again later
# - mrpe.cfg:3: Odd: interval=x
# - mrpe.cfg:3: Odd: z=1
# - mrpe.cfg:4: a line without a command
# - mrpe.cfg:6:  : as the name of a check found a name with blanks around it, expected none
";
        assert_eq!(page, expected, "{page}");
    }
}
