//! As much of XML as such a file has: elements with text, one within the other. Attributes, comments and instructions are passed over.

/// What comes next in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event<'a> {
    /// An element begins.
    Begin(&'a str),
    /// Text, with entities replaced.
    Text(String),
    /// An element ends.
    End(&'a str),
}

/// The events of a file. What is no markup, such as a lone `&`, is text.
pub(super) struct Events<'a> {
    rest: &'a str,
    /// The end of an element that is empty, as in `<a/>`.
    ended: Option<&'a str>,
}

impl<'a> Events<'a> {
    pub(super) fn of(text: &'a str) -> Events<'a> {
        Events { rest: text, ended: None }
    }

    /// Passes over what ends with a mark, or to the end of the file.
    fn pass(&mut self, end: &str) {
        self.rest = self.rest.split_once(end).map_or("", |(_, rest)| rest);
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        if let Some(name) = self.ended.take() {
            return Some(Event::End(name));
        }
        loop {
            let at = self.rest.find('<').unwrap_or(self.rest.len());
            if at > 0 {
                let (text, rest) = self.rest.split_at(at);
                self.rest = rest;
                return Some(Event::Text(decoded(text)));
            }
            let inner = self.rest.strip_prefix('<')?;
            if inner.starts_with("!--") {
                self.pass("-->");
                continue;
            }
            let end = inner.find('>')?;
            let (tag, rest) = (&inner[..end], &inner[end + 1..]);
            self.rest = rest;
            if tag.starts_with(['?', '!']) {
                continue;
            }
            if let Some(name) = tag.strip_prefix('/') {
                return Some(Event::End(name.trim()));
            }
            let name = tag.trim_end_matches('/').split_whitespace().next().unwrap_or_default();
            self.ended = tag.ends_with('/').then_some(name);
            return Some(Event::Begin(name));
        }
    }
}

/// Text with its entities replaced; one that is not known stands for itself.
fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let entity = after.split_once(';').and_then(|(name, behind)| Some((entity(name)?, behind)));
        match entity {
            Some((character, behind)) => {
                out.push(character);
                rest = behind;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out + rest
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_and_text_come_in_order() {
        let text = "<?xml version=\"1.0\"?><!-- <x> --><A b=\"c\"><B>1 &lt; 2 &#38; &x; &</B><C/></A>";
        let begin = Event::Begin;
        let expected = [
            begin("A"),
            begin("B"),
            Event::Text("1 < 2 & &x; &".to_owned()),
            Event::End("B"),
            begin("C"),
            Event::End("C"),
            Event::End("A"),
        ];
        assert_eq!(Events::of(text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_ends_early_ends() {
        for text in ["<", "<A", "<!--", "<A>&#99999999999;", "&#xD800;"] {
            assert!(Events::of(text).count() <= 2, "{text}");
        }
    }
}
