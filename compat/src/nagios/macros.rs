//! Macros of Nagios in command lines: `$NAME$`, and `$$` for a dollar sign.

/// A text with its macros replaced. What is put in is not looked through again.
///
/// # Errors
/// The name of the first macro that `value` does not have.
pub fn expand_macros(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        match after.split_once('$') {
            Some(("", behind)) => {
                out.push('$');
                rest = behind;
            }
            Some((name, behind)) => {
                out.push_str(&value(name).ok_or_else(|| name.to_owned())?);
                rest = behind;
            }
            None => {
                out.push('$');
                rest = after;
            }
        }
    }
    Ok(out + rest)
}

/// A `check_command` apart: the name of the command, and its arguments. `\!` is an exclamation mark; another backslash stands for itself.
pub fn command_and_arguments(text: &str) -> (String, Vec<String>) {
    let mut parts = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek() == Some(&'!') => {
                characters.next();
                parts.last_mut().into_iter().for_each(|part| part.push('!'));
            }
            '!' => parts.push(String::new()),
            _ => parts.last_mut().into_iter().for_each(|part| part.push(character)),
        }
    }
    let arguments = parts.split_off(1);
    (parts.pop().unwrap_or_default(), arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_are_replaced_once() {
        let value = |name: &str| match name {
            "ARG1" => Some("$ARG2$".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let expand = |text| expand_macros(text, value);
        assert_eq!(expand("a $ARG1$ $$5 b$EMPTY$c 5$").as_deref(), Ok("a $ARG2$ $5 bc 5$"));
        assert_eq!(expand("$NOSUCH$"), Err("NOSUCH".to_owned()));
    }

    #[test]
    fn arguments_are_parted_at_exclamation_marks() {
        let (command, arguments) = command_and_arguments(r"disk!a\\b!c\xd!e\!f!!");
        assert_eq!(command, "disk");
        assert_eq!(arguments, [r"a\\b", r"c\xd", "e!f", "", ""]);
        assert_eq!(command_and_arguments("ok"), ("ok".to_owned(), Vec::new()));
    }
}
