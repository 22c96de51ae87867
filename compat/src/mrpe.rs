//! `mrpe.cfg` of Checkmk's agent for Linux: plugins that it runs, one a line.
//!
//! ```text
//! NAME COMMAND
//! NAME (interval=SECONDS:appendage=1) COMMAND
//! ```
//!
//! A name is written as in a URL, with `%20` for a blank. The command is for a shell. A line that is empty, or begins with `#`, says nothing.

/// A plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MrpeLine {
    /// The number of its line, from 1.
    pub line: usize,
    /// What it is called, as it is written: `%20` stands for a blank.
    pub name: String,
    /// What stands in parentheses: each key with its value, which is empty without `=`.
    pub options: Vec<(String, String)>,
    /// The command line.
    pub command: String,
}

/// The plugins of a file, and the numbers of the lines that are none.
pub fn parse_mrpe(text: &str) -> (Vec<MrpeLine>, Vec<usize>) {
    let mut plugins = Vec::new();
    let mut others = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let (number, line) = (index + 1, line.trim());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match parse_line(number, line) {
            Some(plugin) => plugins.push(plugin),
            None => others.push(number),
        }
    }
    (plugins, others)
}

fn parse_line(line: usize, text: &str) -> Option<MrpeLine> {
    let (name, rest) = text.split_once([' ', '\t'])?;
    let rest = rest.trim_start();
    // Only what is followed by a blank is in parentheses for the agent; otherwise it is a subshell.
    let in_parentheses = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let in_parentheses = in_parentheses.filter(|(_, command)| command.starts_with([' ', '\t']));
    let (options, command) = match in_parentheses {
        Some((options, command)) => (options, command.trim_start()),
        None => ("", rest),
    };
    let options = options.split(':').filter(|option| !option.is_empty()).map(|option| {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        (key.to_owned(), value.to_owned())
    });
    let options = options.collect();
    (!command.is_empty()).then(|| MrpeLine {
        line,
        name: name.to_owned(),
        options,
        command: command.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_the_agent_reads_them() {
        let text = "# comment\n\nLoad /p/check_load -w 5\n Foo%20Bar\t(interval=300:appendage=1)  /p/check_foo 'a b' | cat\n\
                    Sub (cd /tmp; ls)\nSub2 (true)\nlonely\nOdd%zz%2 () /p\nEmpty (interval=3) \n";
        let (plugins, others) = parse_mrpe(text);
        let shown: Vec<_> = plugins
            .iter()
            .map(|plugin| {
                let options: Vec<_> =
                    plugin.options.iter().map(|(key, value)| format!("{key}={value}")).collect();
                format!("{} {}|{}|{}", plugin.line, plugin.name, options.join(","), plugin.command)
            })
            .collect();
        assert_eq!(
            shown,
            [
                "3 Load||/p/check_load -w 5",
                "4 Foo%20Bar|interval=300,appendage=1|/p/check_foo 'a b' | cat",
                "5 Sub||(cd /tmp; ls)",
                "6 Sub2||(true)",
                "8 Odd%zz%2||/p",
                "9 Empty||(interval=3)",
            ]
        );
        assert_eq!(others, [7]);
    }
}
