//! Which command of nrpe looks at the same as a check.

use super::draft::Draft;
use super::subject::Subject;
use crate::discover::host::NrpeFile;

/// The name of the command that looks at the same as a draft.
pub(super) fn covering(draft: &Draft, nrpe: &NrpeFile) -> Option<String> {
    let found = nrpe.commands.iter().find(|(_, line)| {
        let words = words(line);
        let Some(at) = words.iter().position(|word| is_plugin(draft, base(word))) else { return false };
        looks_at(&draft.subject, base(&words[at]), &words[at + 1..])
    });
    found.map(|(name, _)| name.clone())
}

/// The words of a command line; of one that no shell could read, those between blanks.
fn words(line: &str) -> Vec<String> {
    shell_words::split(line).unwrap_or_else(|_| line.split_whitespace().map(str::to_owned).collect())
}

fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn is_plugin(draft: &Draft, name: &str) -> bool {
    let also = match draft.subject {
        Subject::Whole(also) => also,
        _ => &[],
    };
    draft.commands.iter().any(|command| command[0] == name) || also.contains(&name)
}

fn looks_at(subject: &Subject, plugin: &str, words: &[String]) -> bool {
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    let states = |word: &String| word.starts_with("-s") || word.starts_with("--state");
    match subject {
        Subject::Whole(_) => true,
        Subject::Mount(point) => {
            let some =
                has(&["-p", "--path", "--partition"]) || words.iter().any(|word| word.starts_with('/'));
            // Without a path, check_disk looks at all of them.
            words.iter().any(|word| word == point || word.strip_prefix("-p") == Some(point)) || !some
        }
        Subject::Zombies => {
            let at = words.iter().position(states);
            at.is_some_and(|at| words[at..].iter().take(2).any(|word| word.contains('Z')))
        }
        Subject::Processes => {
            let narrowed = ["-a", "-C", "-u", "-U", "-p", "-P", "--argument-array", "--command", "--user"];
            !has(&narrowed) && !words.iter().any(states)
        }
        Subject::Port(port) => {
            let number = port.to_string();
            let given = words.iter().any(|word| *word == number || word.strip_prefix("-p") == Some(&number));
            // Any other plugin than this one knows its port by itself.
            given || (plugin != "check_tcp" && !has(&["-p", "--port"]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nrpe(lines: &[(&str, &str)]) -> NrpeFile {
        NrpeFile {
            path: "/etc/nagios/nrpe.cfg".into(),
            commands: lines.iter().map(|(name, line)| ((*name).to_owned(), (*line).to_owned())).collect(),
            port: 5666,
            left_out: None,
            fault: None,
        }
    }

    #[test]
    fn a_command_covers_what_it_looks_at_and_nothing_else() {
        let nrpe = nrpe(&[
            ("root", "/usr/lib/nagios/plugins/check_disk -w 20% -c 10% -p /"),
            ("blank", "/usr/lib/nagios/plugins/check_disk -w 20% -c 10% -p '/srv/a b'"),
            ("zombies", "/usr/lib/nagios/plugins/check_procs -w 5 -c 10 -s Z"),
            ("cron", "/usr/lib/nagios/plugins/check_procs -c 1: -C cron"),
            ("load", "sudo -n /usr/lib/nagios/plugins/check_load -r -w .15,.10,.05 -c .30,.25,.20"),
            ("mem", "/opt/check_mem.pl -f -w 20 -c 10"),
            ("web", "check_http -H localhost"),
            ("odd", "check_users 'x"),
        ]);
        let draft = |plugin: &str, subject| Draft::new("x", "").command([plugin]).of(subject);
        let mount = |point: &str| Subject::Mount(point.to_owned());
        for (draft, expected) in [
            (draft("check_disk", mount("/")), Some("root")),
            (draft("check_disk", mount("/srv/a b")), Some("blank")),
            (draft("check_disk", mount("/srv")), None),
            (draft("check_procs", Subject::Zombies), Some("zombies")),
            (draft("check_procs", Subject::Processes), None),
            (draft("check_load", Subject::Whole(&[])), Some("load")),
            (draft("memory.sh", Subject::Whole(&["check_mem.pl"])), Some("mem")),
            (draft("check_http", Subject::Port(80)), Some("web")),
            (draft("check_tcp", Subject::Port(80)), None),
            (draft("check_users", Subject::Whole(&[])), Some("odd")),
        ] {
            assert_eq!(covering(&draft, &nrpe).as_deref(), expected, "{draft:?}");
        }
    }

    #[test]
    fn a_command_without_a_path_looks_at_all_file_systems() {
        let all = nrpe(&[("disk", "check_disk -w 20% -c 10% -e")]);
        let draft = Draft::new("x", "").command(["check_disk"]).of(Subject::Mount("/srv".to_owned()));
        assert_eq!(covering(&draft, &all).as_deref(), Some("disk"));
        let ports = nrpe(&[("a", "check_ssh -p 2222 ::1"), ("b", "check_tcp -H ::1 -p6379")]);
        let of = |plugin: &str, port| Draft::new("x", "").command([plugin]).of(Subject::Port(port));
        assert_eq!(covering(&of("check_ssh", 22), &ports), None);
        assert_eq!(covering(&of("check_ssh", 2222), &ports).as_deref(), Some("a"));
        assert_eq!(covering(&of("check_tcp", 6379), &ports).as_deref(), Some("b"));
    }
}
