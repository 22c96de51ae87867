//! The command line that Nagios would run for a service.

use std::collections::HashMap;

use custos_compat::nagios::{Object, command_and_arguments, expand_macros};

/// What Nagios hands to a shell; without these it splits a line at blanks.
const SHELL: &str = "!$^&*()~[]\\|{};<>?`'\"#\n";

/// A command line.
pub(super) struct CommandLine {
    pub(super) line: String,
    /// Whether a shell reads it.
    pub(super) shell: bool,
}

/// Everything that a macro may stand for.
pub(super) struct Macros<'a> {
    pub(super) host: &'a Object,
    pub(super) service: &'a Object,
    pub(super) resources: &'a HashMap<String, String>,
}

impl Macros<'_> {
    /// The command line of a `check_command`.
    ///
    /// # Errors
    /// Why it cannot be written out.
    pub(super) fn command_line(
        &self,
        check_command: &str,
        commands: &[&Object],
    ) -> Result<CommandLine, String> {
        let (name, arguments) = command_and_arguments(check_command);
        let command = commands.iter().find(|command| command.get("command_name") == Some(&name));
        let line = command.and_then(|command| command.get("command_line"));
        let line = line.ok_or_else(|| format!("there is no command {name}"))?;
        let no_value = |name: String| format!("${name}$ has no value that is known before it runs");
        let arguments = arguments.iter().map(|argument| expand_macros(argument, |name| self.value(name)));
        let arguments = arguments.collect::<Result<Vec<_>, _>>().map_err(no_value)?;
        let argument = |name: &str| {
            let number: usize =
                name.strip_prefix("ARG")?.parse().ok().filter(|number| (1..=32).contains(number))?;
            Some(arguments.get(number - 1).cloned().unwrap_or_default())
        };
        let line =
            expand_macros(line, |name| argument(name).or_else(|| self.value(name))).map_err(no_value)?;
        let line = line.trim().to_owned();
        // A word with `=` in front would be a variable.
        let is_variable = line.split_ascii_whitespace().next().is_some_and(|word| word.contains('='));
        let shell = is_variable || line.contains(|c| SHELL.contains(c));
        match line.is_empty() {
            true => Err("its command line is empty".to_owned()),
            false => Ok(CommandLine { line, shell }),
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        if name.starts_with("USER") {
            return self.resources.get(name).cloned();
        }
        if let Some(custom) = name.strip_prefix("_HOST") {
            return Some(self.host.get(&format!("_{custom}"))?.to_owned());
        }
        if let Some(custom) = name.strip_prefix("_SERVICE") {
            return Some(self.service.get(&format!("_{custom}"))?.to_owned());
        }
        let of_host = |field: &str| self.host.get(field).map(str::to_owned);
        let host_name = || of_host("host_name");
        match name {
            "HOSTNAME" => host_name(),
            "HOSTADDRESS" => of_host("address").or_else(host_name),
            "HOSTALIAS" => of_host("alias").or_else(host_name),
            "HOSTDISPLAYNAME" => of_host("display_name").or_else(host_name),
            "SERVICEDESC" => self.service.get("service_description").map(str::to_owned),
            "SERVICEDISPLAYNAME" => {
                let display = self.service.get("display_name");
                display.or_else(|| self.service.get("service_description")).map(str::to_owned)
            }
            _ => None,
        }
    }
}
