//! Rust source as tokens, as far as the checks need it: comments apart, literals opaque.

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Word(String),
    /// A single character, or `::`.
    Sign(&'static str),
    /// A string, a character or a number.
    Literal,
}

impl Token {
    pub(crate) fn is(&self, text: &str) -> bool {
        match &self.kind {
            Kind::Word(word) => word == text,
            Kind::Sign(sign) => *sign == text,
            Kind::Literal => false,
        }
    }

    pub(crate) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            Kind::Sign(_) | Kind::Literal => None,
        }
    }
}

/// A comment, each of its lines apart, without the slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Comment {
    pub(crate) line: usize,
    pub(crate) text: String,
}

const SIGNS: [&str; 31] = [
    "{", "}", "(", ")", "[", "]", "<", ">", ";", ":", ",", ".", "#", "!", "=", "&", "|", "*", "+", "-", "/",
    "?", "%", "^", "@", "$", "~", "'", "\\", "`", "\"",
];

/// The tokens and the comments of a source text.
pub(crate) fn read(source: &str) -> (Vec<Token>, Vec<Comment>) {
    let mut lexer = Lexer { rest: source, line: 1, tokens: Vec::new(), comments: Vec::new() };
    while lexer.step() {}
    (lexer.tokens, lexer.comments)
}

struct Lexer<'s> {
    rest: &'s str,
    line: usize,
    tokens: Vec<Token>,
    comments: Vec<Comment>,
}

impl Lexer<'_> {
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        let quoted = self.rest.trim_start_matches(['b', 'c', 'r', '#']);
        let prefix = &self.rest[..self.rest.len() - quoted.len()];
        if first.is_whitespace() {
            self.skip(first.len_utf8());
        } else if self.rest.starts_with("//") {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.comment(end);
        } else if self.rest.starts_with("/*") {
            let end = self.rest.find("*/").map_or(self.rest.len(), |end| end + 2);
            self.comment(end);
        } else if quoted.starts_with('"') && (prefix.is_empty() || !prefix.starts_with('#')) {
            self.literal(string_len(prefix, quoted));
        } else if let Some(len) = char_len(self.rest) {
            self.literal(len);
        } else if first.is_alphabetic() || first == '_' {
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let len = self.rest.find(|c| !word(c)).unwrap_or(self.rest.len());
            self.push(Kind::Word(self.rest[..len].to_owned()), len);
        } else if first.is_ascii_digit() {
            let part = |c: char| c.is_alphanumeric() || c == '_';
            let len = self.rest.find(|c| !part(c)).unwrap_or(self.rest.len());
            self.literal(len);
        } else if self.rest.starts_with("::") {
            self.push(Kind::Sign("::"), 2);
        } else {
            let sign = SIGNS.iter().find(|sign| self.rest.starts_with(**sign)).copied();
            self.push(sign.map_or(Kind::Literal, Kind::Sign), first.len_utf8());
        }
        true
    }

    fn skip(&mut self, len: usize) {
        self.line += self.rest[..len].matches('\n').count();
        self.rest = &self.rest[len..];
    }

    fn push(&mut self, kind: Kind, len: usize) {
        self.tokens.push(Token { line: self.line, kind });
        self.skip(len);
    }

    fn literal(&mut self, len: usize) {
        self.push(Kind::Literal, len);
    }

    fn comment(&mut self, len: usize) {
        for (nth, line) in self.rest[..len].lines().enumerate() {
            let text = line.trim().trim_start_matches(['/', '!', '*']).trim().to_owned();
            self.comments.push(Comment { line: self.line + nth, text });
        }
        self.skip(len);
    }
}

/// Length of a string with its prefix, such as `br#`.
fn string_len(prefix: &str, quoted: &str) -> usize {
    if prefix.contains('r') {
        let end = format!("\"{}", "#".repeat(prefix.matches('#').count()));
        let inner = quoted[1..].find(&end).map_or(quoted.len(), |at| 1 + at + end.len());
        return prefix.len() + inner;
    }
    let mut escaped = false;
    for (at, c) in quoted.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return prefix.len() + at + 1,
            _ => {}
        }
    }
    prefix.len() + quoted.len()
}

/// Length of a character literal, such as `'a'`, `b'\n'`; `None` for a lifetime.
fn char_len(rest: &str) -> Option<usize> {
    let start = if rest.starts_with("b'") { 2 } else { 1 };
    let inner = rest.strip_prefix("b'").or_else(|| rest.strip_prefix('\''))?;
    if inner.starts_with('\\') {
        return Some(start + 2 + inner[2..].find('\'')? + 1);
    }
    let first = inner.chars().next()?;
    inner[first.len_utf8()..].starts_with('\'').then(|| start + first.len_utf8() + 1)
}
