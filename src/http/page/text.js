// Text on its way into the page: that of plugins, of people and of other agents says what it likes.
//
// Nothing else writes text into the page, so that there is one rule: what would do something to who looks rather than be seen (control
// characters, marks that turn the direction of text, invisible ones) is shown as its escape, as in a terminal.

const UNSAFE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const NAMED = { "\t": "\t", "\n": "\\n", "\r": "\\r" };

const escaped = (character) => NAMED[character] ?? `\\u{${character.codePointAt(0).toString(16)}}`;

// A text as it may be shown, in one line.
export function shown(text) {
  return `${text ?? ""}`.replace(UNSAFE, escaped);
}

export function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = shown(text);
  if (kind) made.className = kind;
  return made;
}

// Has a part of the page say a text, if it does not already: what is said again would be read out again.
export function say(node, text) {
  const safe = shown(text);
  if (node.textContent !== safe) node.textContent = safe;
}

// The same of text that has lines.
export function sayLines(node, text) {
  node.textContent = text.split("\n").map(shown).join("\n");
}

// Tells a name that is heard, or stands beside the pointer, and is not on the page.
export function name(node, attribute, text) { node.setAttribute(attribute, shown(text)); }

export function title(text) { document.title = shown(text); }

// A row of a table: cells are elements, or texts.
export function row(cells) {
  const made = element("tr");
  for (const cell of cells) {
    const one = element("td", typeof cell === "string" ? cell : undefined);
    if (typeof cell !== "string") one.append(cell);
    made.append(one);
  }
  return made;
}
