//! Comparing what was printed with what a page says.
//!
//! `…` stands for any text within a line, and a line that is `…` for any number of lines. Everything else is compared
//! as it is, but for blanks at the ends of lines.

/// What stands for output that varies.
pub(crate) const ANY: &str = "…";

/// Whether the output is what the page says.
pub(crate) fn same(said: &[&str], printed: &[&str]) -> bool {
    // reachable[n]: what was said so far may be the first n lines that were printed.
    let mut reachable = vec![false; printed.len() + 1];
    reachable[0] = true;
    for line in said {
        let mut next = vec![false; printed.len() + 1];
        if line.trim() == ANY {
            let mut any = false;
            for (at, here) in reachable.iter().enumerate() {
                any |= here;
                next[at] = any;
            }
        } else {
            for (at, shown) in printed.iter().enumerate() {
                next[at + 1] = reachable[at] && same_line(line, shown);
            }
        }
        reachable = next;
    }
    reachable[printed.len()]
}

fn same_line(said: &str, printed: &str) -> bool {
    let (said, printed) = (said.trim_end(), printed.trim_end());
    let parts: Vec<&str> = said.split(ANY).collect();
    let [first, parts @ .., last] = &parts[..] else { return said == printed };
    let Some(mut rest) = printed.strip_prefix(first) else { return false };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Whether what a page says about the output could be anything.
pub(crate) fn says_nothing(said: &[&str]) -> bool {
    !said.is_empty() && said.iter().all(|line| line.replace(ANY, "").trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<&str> {
        text.lines().collect()
    }

    #[test]
    fn only_what_is_marked_may_vary() {
        for (said, printed, expected) in [
            ("", "", true),
            ("", "a", false),
            ("a", "", false),
            ("a\nb", "a\nb  ", true),
            ("a\nb", "a", false),
            ("a", "a\nb", false),
            ("load …ms late", "load 12.5ms late", true),
            ("load …ms late", "load 12.5ms", false),
            ("…a…", "bab", true),
            ("…a…a", "ba", false),
            ("pid …, up …, NRPE", "pid 17, up 3s, NRPE", true),
            ("pid …, up …, NRPE", "pid 17, up 3s, nothing", false),
            ("a\n…\nz", "a\nz", true),
            ("a\n…\nz", "a\nb\nc\nz", true),
            ("a\n…\nz", "a\nb\nc", false),
            ("…\nb\n…", "a\nb", true),
            ("…\nb\n…", "a\nc", false),
        ] {
            assert_eq!(same(&lines(said), &lines(printed)), expected, "{said:?} {printed:?}");
        }
    }

    #[test]
    fn an_expectation_that_is_all_wildcards_says_nothing() {
        assert!(says_nothing(&lines("…")) && says_nothing(&lines("…\n… …")));
        assert!(!says_nothing(&[]) && !says_nothing(&lines("…\na …")));
    }
}
