// The board: where all checks of all agents stand.

import { element, say } from "./text.js";

const ORDER = ["CRITICAL", "UNKNOWN", "WARNING", null, "OK"];

export function age(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min`;
  if (s < 172800) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} d`;
}

export function time(ms) {
  // Another host may say any number.
  if (!(Math.abs(ms) < 8e15)) return "";
  const at = new Date(ms - new Date(ms).getTimezoneOffset() * 60000);
  return at.toISOString().slice(0, 19).replace("T", " ");
}

const compared = {
  state: (a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || compared.name(a, b),
  name: (a, b) => a.check.localeCompare(b.check) || a.agent.origin.localeCompare(b.agent.origin),
  since: (a, b) => (b.since_ms ?? 0) - (a.since_ms ?? 0) || compared.name(a, b),
};

const texts = ["check", "said"], times = ["since_ms", "time_ms"];

// What people did so that nobody is told of a check, as far as it is of the kind that is expected.
function heldOf(row) {
  const known = (all, at) => (Array.isArray(all) ? all : []).filter((one) => one && Number.isFinite(one[at]) && typeof one.author === "string");
  return { acknowledged: known(row.acknowledged, "at_ms"), silenced: known(row.silenced, "until_ms") };
}

const of = ({ of: labels }) => (typeof labels === "string" && labels ? ` {${labels}}` : "");
const because = ({ comment }) => (typeof comment === "string" && comment ? `: ${comment}` : "");

// The same in words, each with what it is called.
export function heldWords({ acknowledged, silenced }) {
  return [
    ...acknowledged.map((one) => ["Acknowledged", `since ${time(one.at_ms)} by ${one.author}${of(one)}${because(one)}`]),
    ...silenced.map((one) => ["Silenced", `until ${time(one.until_ms)} by ${one.author}${because(one)}`]),
  ];
}

// And shortly.
const heldShort = ({ acknowledged, silenced }) => [
  ...acknowledged.map((one) => `acknowledged${of(one)} by ${one.author}`), ...silenced.map((one) => `silenced until ${time(one.until_ms).slice(0, 16)} by ${one.author}`),
].join(", ");

const isHeld = ({ acknowledged, silenced }) => acknowledged.length + silenced.length > 0;

// What an agent says of its checks, as far as it is of the kind that is expected: another host may say anything.
export function rowsOf(agent, answer) {
  const all = Array.isArray(answer?.checks) ? answer.checks : [];
  const told = (row) => row && texts.every((name) => typeof row[name] === "string") && ORDER.includes(row.state ?? null)
    && times.every((name) => row[name] === null || row[name] === undefined || Number.isFinite(row[name]));
  const known = all.filter(told);
  const host = typeof answer?.host === "string" && answer.host ? answer.host : agent.name;
  const now_ms = Number.isFinite(answer?.now_ms) ? answer.now_ms : Date.now();
  return { rows: known.map((row) => ({ ...row, ...heldOf(row), state: row.state ?? null, agent, now_ms, host })), strange: all.length - known.length + (Array.isArray(answer?.checks) ? 0 : 1) };
}

// Rows that fit, in their order.
export function chosen(rows, { q, state, sort }) {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (row) => (!state || (row.state ?? "PENDING") === state || (state === "problems" && row.state !== "OK") || (state === "open" && row.state && row.state !== "OK" && !isHeld(row)))
    && words.every((word) => `${row.check} ${row.said} ${row.host} ${heldShort(row)}`.toLowerCase().includes(word));
  return rows.filter(fits).sort(compared[sort] ?? compared.state);
}

// Shows rows in a table. Rows that stand for the same check are kept, so that the focus is.
export function show(body, rows, link, isOne) {
  const known = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  const wanted = rows.map((one) => {
    const key = `${one.agent.origin} ${one.check}`;
    const row = known.get(key) ?? made(key, one, link);
    known.delete(key);
    const [state, check, since, old, said] = row.cells;
    say(state, (one.state ?? "PENDING") + (one.state && one.state !== "OK" && !one.hard ? " (soft)" : "") + (one.flapping ? " (flapping)" : ""));
    state.className = `state ${one.state ?? ""}`;
    const anchor = check.firstChild;
    say(anchor, isOne ? one.check : `${one.host}/${one.check}`);
    anchor.href = link(one);
    say(since, one.since_ms ? age(one.now_ms - one.since_ms) : "");
    say(old, one.time_ms ? age(one.now_ms - one.time_ms) : "");
    say(said.firstChild, heldShort(one));
    say(said.lastChild, one.said);
    return row;
  });
  known.forEach((row) => row.remove());
  wanted.forEach((row, at) => { if (body.rows[at] !== row) body.insertBefore(row, body.rows[at] ?? null); });
}

function made(key) {
  const row = element("tr");
  row.dataset.key = key;
  for (let cell = 0; cell < 5; cell++) row.append(element("td"));
  row.cells[1].append(element("a"));
  row.cells[4].append(element("span", "", "held"), element("span"));
  return row;
}
