//! The functions of Go's templates that make texts, within bounds.
//!
//! `gotmpl` has them, but only for templates. So each is called from a template of its own, once it is known that what it is to make
//! is not too long.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::{Template, TemplateError, Value, ValueFunc};

use super::budget::too_long;
use super::value;
use crate::limits::{TEMPLATE_ARGUMENTS_MAX, TEMPLATE_TEXT_MAX_BYTES};

/// Their names.
pub(super) const PRINTED: [&str; 6] = ["html", "js", "print", "printf", "println", "urlquery"];

/// How many times as long an argument may become by being escaped: `\u{10ffff}` of four bytes is among the worst.
const ESCAPED_TIMES: usize = 6;

/// The function of this name.
pub(super) fn function(name: &'static str) -> ValueFunc {
    let callers: Vec<Result<Template, TemplateError>> =
        (0..=TEMPLATE_ARGUMENTS_MAX).map(|count| caller(name, count)).collect();
    Arc::new(move |args| {
        let Some(caller) = callers.get(args.len()) else {
            let why = format!("{name} takes {TEMPLATE_ARGUMENTS_MAX} arguments at most");
            return Err(TemplateError::Exec(why));
        };
        let caller = caller.as_ref().map_err(|error| TemplateError::Exec(error.to_string()))?;
        if name == "printf" {
            refuse_long(args)?;
        }
        let named = args.iter().enumerate().map(|(index, arg)| (format!("a{index}").into(), arg.clone()));
        let data = Value::Map(Arc::new(named.collect::<BTreeMap<_, _>>()));
        Ok(Value::String(caller.execute_to_string(&data)?.into()))
    })
}

/// A template that calls a function with so many arguments.
fn caller(name: &str, count: usize) -> Result<Template, TemplateError> {
    let args: String = (0..count).map(|index| format!(" .a{index}")).collect();
    Template::new(name).parse(&format!("{{{{{name}{args}}}}}"))
}

/// Refuses a format that makes much of little: by widths, or by an argument that it names many times.
fn refuse_long(args: &[Value]) -> Result<(), TemplateError> {
    let [Value::String(format), args @ ..] = args else { return Ok(()) };
    let longest = args.iter().map(|arg| {
        let weight = value::weight(arg, TEMPLATE_TEXT_MAX_BYTES);
        weight.map_or(TEMPLATE_TEXT_MAX_BYTES, |weight| weight.bytes).saturating_mul(ESCAPED_TIMES)
    });
    let longest = longest.max().unwrap_or(0);
    let widest = args.iter().map(|arg| match arg {
        Value::Int(width) => usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX),
        _ => 0,
    });
    let widest = widest.max().unwrap_or(0);
    let mut bytes = 0_usize;
    for verb in format.split('%').skip(1) {
        let is_flag = |c: char| c.is_ascii_digit() || "+-# .*[]".contains(c);
        let flags = &verb[..verb.find(|c| !is_flag(c)).unwrap_or(verb.len())];
        let numbers = flags.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
        for digits in numbers {
            bytes = bytes.saturating_add(digits.parse().unwrap_or(usize::MAX));
        }
        bytes = bytes.saturating_add(flags.matches('*').count().saturating_mul(widest));
        if flags.contains('[') {
            bytes = bytes.saturating_add(longest);
        }
    }
    // An argument that is named once is as long as it may be escaped.
    if bytes > TEMPLATE_TEXT_MAX_BYTES * ESCAPED_TIMES { Err(too_long()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::super::text::tests::expanded;

    #[test]
    fn they_make_what_they_make_in_go() {
        for (source, text) in [
            ("{{ print 1 2 \"a\" \"b\" 3 }}|{{ println \"a\" 1 }}|{{ print }}", "1 2ab3|a 1\n|"),
            ("{{ printf \"%5.1f|%-4s|%q|%%\" 2.25 \"ab\" \"c\" }}", "  2.2|ab  |\"c\"|%"),
            ("{{ printf \"%[2]s %[1]s\" \"a\" \"b\" }} {{ \"x\" | printf \"<%*s>\" 3 }}", "b a <  x>"),
            ("{{ html \"<a>\" }} {{ js \"'\" }} {{ urlquery \"a b\" }}", "&lt;a&gt; \\' a+b"),
        ] {
            assert_eq!(expanded(source), text, "{source}");
        }
    }

    #[test]
    fn what_would_fill_the_memory_is_an_error() {
        let begun = "{{ $a := \"xxxxxxxxxxxxxxxx\" }}";
        let long = "{{ $a = printf \"%s%s\" $a $a }}".repeat(11);
        for doubling in [
            "{{ $a = printf \"%s%s\" $a $a }}",
            "{{ $a = print $a $a }}",
            "{{ $a = println $a $a }}",
            "{{ $a = printf \"%q%q\" $a $a }}",
            "{{ $a = printf \"%[1]s%[1]s\" $a }}",
            "{{ $a = js (print $a \"<<\" $a) }}",
            "{{ $a = html (print $a \"<<\" $a) }}",
            "{{ $a = urlquery (print $a \"<<\" $a) }}",
            "{{ $a = title (print $a $a) }}",
            "{{ $b := args $a $a }}{{ $a = printf \"%v\" $b }}",
            "{{ $a = reReplaceAll \"x\" \"xx\" $a }}",
        ] {
            let text = expanded(&format!("{begun}{}", doubling.repeat(40)));
            assert!(
                text.starts_with("<error expanding template: ") && text.contains("more than 65536 bytes"),
                "{doubling}: {text}"
            );
        }
        for source in [
            format!("{begun}{long}{{{{ reReplaceAll \"\" $a $a }}}}"),
            format!("{begun}{long}{{{{ reReplaceAll \".+\" \"{}\" $a }}}}", "$0".repeat(30_000)),
            format!("{{{{ printf \"{}\" 1 }}}}", "%65535d".repeat(9000)),
            format!("{{{{ printf \"{}\" 65535 1 }}}}", "%[1]*[2]d".repeat(7000)),
            format!("{begun}{long}{{{{ printf \"{}\" $a }}}}", "%[1]s".repeat(10_000)),
        ] {
            let text = expanded(&source);
            assert!(text.contains("more than 65536 bytes"), "{}", &text[..text.len().min(200)]);
        }
    }

    #[test]
    fn values_in_values_are_bounded() {
        let begun = "{{ $a := args 1 }}";
        let text = expanded(&format!("{begun}{}", "{{ $a = args $a }}".repeat(40)));
        assert!(text.contains("in each other more than"), "{text}");
        let wide = format!("{{{{ $a = args{} }}}}", " $a".repeat(1000)).repeat(4);
        let text = expanded(&format!("{begun}{wide}"));
        assert!(text.contains("a value has more than"), "{text}");
        let text = expanded(&format!("{begun}{}{{{{ eq $a $a }}}}", "{{ $a = args $a $a }}".repeat(30)));
        assert!(text.starts_with("<error expanding template: "), "{text}");
    }

    #[test]
    fn the_whole_expansion_is_bounded() {
        let define = |level: usize| {
            let next = level + 1;
            format!(
                "{{{{ define \"t{level}\" }}}}{{{{ template \"t{next}\" }}}}{{{{ template \"t{next}\" }}}}{{{{ end }}}}"
            )
        };
        let levels: String = (0..40).map(define).collect();
        let text =
            expanded(&format!("{levels}{{{{ define \"t40\" }}}}{{{{ end }}}}{{{{ template \"t0\" }}}}"));
        assert!(text.contains("calls functions more than"), "{text}");
        let many = "{{ range query \"up\" }}".repeat(18) + &"{{ end }}".repeat(18);
        let text = expanded(&many);
        assert!(text.starts_with("<error expanding template: "), "{text}");
        let long = "{{ $a := \"xxxxxxxxxxxxxxxx\" }}".to_owned() + &"{{ $a = print $a $a }}".repeat(11);
        let text = expanded(&format!("{long}{}", "{{ $b := toUpper $a }}".repeat(2000)));
        assert!(text.contains("the template makes more than"), "{text}");
    }
}
