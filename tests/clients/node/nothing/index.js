// In place of what draws pages: whatever is asked of it is a function that returns the like of itself. Nothing is drawn here, and
// nothing of this is asked for an answer.
"use strict";

// A flag has its usual value.
const usual = (_, value) => value;

const nothing = new Proxy(function () {}, {
  get(_, name) {
    if (name === "__esModule") return true;
    if (name === "then") return undefined;
    if (name === "prototype") return {};
    if (/^get(Boolean|Number|Object|String)Value$/.test(String(name))) return usual;
    return name === Symbol.toPrimitive ? () => "" : nothing;
  },
  apply: () => nothing,
  construct: () => nothing,
});

module.exports = nothing;
