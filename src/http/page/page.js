// The page: what is in its address is what it shows, so that an address reproduces it.

import { agents as named, Denied } from "./agent.js";
import { chosen, rowsOf, show } from "./board.js";
import { element, say, title } from "./text.js";
import { View } from "./view.js";

const REFRESH_MS = 5000;
const OF_LIMIT = ["limit", "level", "below", "metric"];
const byId = (id) => document.getElementById(id);
let params = new URLSearchParams(location.search);
const agents = named(params);
let rows = [];

const said = (text) => say(byId("said"), text);

const view = new View(go, said, denied);

// Changes what the address says, and shows that. `quietly` leaves the history of the browser as it is.
function go(changes, quietly = false) {
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "" || value === false) params.delete(name); else params.set(name, value);
  }
  const address = `${location.pathname}?${params}`;
  if (quietly) history.replaceState(null, "", address); else history.pushState(null, "", address);
  // Another threshold needs no other values.
  if (view.shown && Object.keys(changes).length && Object.keys(changes).every((name) => OF_LIMIT.includes(name))) view.limited(params);
  else render();
}

function link(row) {
  const of = new URLSearchParams(params);
  for (const name of ["start", "end", "every", "why", "past", ...OF_LIMIT]) of.delete(name);
  of.set("check", row.check);
  if (agents.length > 1) of.set("at", row.agent.origin);
  return `?${of}`;
}

async function render() {
  board();
  byId("filter").value = params.get("q") ?? "";
  byId("state").value = params.get("state") ?? "";
  byId("sort").value = params.get("sort") ?? "state";
  const check = params.get("check");
  title(check ? `${check} – Custos` : "Custos");
  if (!check) { view.close(); return; }
  const at = params.get("at");
  const first = agents.find((agent) => agent.origin === at) ?? agents[0];
  try {
    await view.open([first, ...agents.filter((agent) => agent !== first)], params);
  } catch (error) {
    if (error.name !== "AbortError") trouble(first, error);
  }
}

function board() {
  const all = { q: params.get("q") ?? "", state: params.get("state") ?? "", sort: params.get("sort") ?? "state" };
  show(byId("board").tBodies[0], chosen(rows, all), link, agents.length === 1);
  view.stands(rows);
  const count = (state) => rows.filter((row) => row.state === state).length;
  const pending = count(null);
  // Where nothing is known, nothing is counted.
  say(byId("sums"), rows.length ? ["CRITICAL", "WARNING", "UNKNOWN", "OK"].map((state) => `${count(state)} ${state}`).join(", ") + (pending ? `, ${pending} PENDING` : "") : "");
}

// The browser says no more than that of a host that does not let itself be asked.
const reason = (error) => (error instanceof TypeError ? "does not answer, or lets this page not ask (`cors`)" : error.message);

function denied(agent, error) { if (error instanceof Denied) ask(agent); }

function trouble(agent, error) {
  denied(agent, error);
  said(`${agent.name}: ${reason(error)}`);
}

// Asks for the token of an agent.
function ask(agent) {
  const id = `door ${agent.origin}`;
  if (document.getElementById(id)) return;
  const form = element("form");
  form.id = id;
  const label = element("label", `Token of ${agent.name} `);
  const input = element("input");
  input.type = "password";
  input.autocomplete = "off";
  label.append(input);
  form.append(label, element("button", "Show"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    agent.token = input.value;
    form.remove();
    refresh().then(() => { if (!view.live) render(); });
  });
  byId("doors").append(form);
}

async function refresh() {
  const troubles = [];
  const found = await Promise.all(agents.map(async (agent) => {
    try {
      const { rows: told, strange } = rowsOf(agent, await (agents.length > 1 ? agent.quick("/api/board") : agent.get("/api/board")));
      if (strange) troubles.push(`${agent.name}: ${strange} of what it says of its checks is not understood, and left out`);
      return told;
    } catch (error) {
      denied(agent, error);
      troubles.push(`${agent.name}: ${reason(error)}`);
      return null;
    }
  }));
  // What is wrong at one agent does not hide what is wrong at another.
  if (troubles.length) said(troubles.join("; "));
  else if (!params.get("every")) said(`${found.flat().length} checks`);
  // What is not answered is not known; what was known of it may be wrong by now.
  rows = found.flatMap((one) => one ?? []);
  board();
}

function listen(id, event, changes) { byId(id).addEventListener(event, () => go(changes(byId(id)), event === "input")); }

listen("filter", "input", ({ value }) => ({ q: value }));
listen("state", "change", ({ value }) => ({ state: value }));
listen("sort", "change", ({ value }) => ({ sort: value }));
listen("span", "change", ({ value }) => ({ since: value, start: null, end: null }));
listen("every", "change", ({ value }) => ({ every: value }));
listen("limit", "change", ({ value }) => ({ limit: value }));
listen("level", "change", ({ value }) => ({ level: value === "CRITICAL" ? null : value }));
listen("metric", "change", ({ value }) => ({ metric: value }));
byId("else-ask").addEventListener("click", () => go({ why: "now" }));
byId("past-ask").addEventListener("click", () => go({ past: "1" }));
listen("normal", "change", ({ checked }) => ({ normal: checked && "1" }));
byId("note-form").addEventListener("submit", () => view.note());
listen("below", "change", ({ checked }) => ({ below: checked && "1" }));
for (const form of document.forms) form.addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("click", (event) => {
  const anchor = event.target.closest("a");
  if (!anchor || anchor.className === "skip" || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  params = new URLSearchParams(anchor.id === "home" ? (params.has("hosts") ? { hosts: params.get("hosts") } : {}) : anchor.search);
  go({});
  if (params.has("check")) { byId("view-title").tabIndex = -1; byId("view-title").focus(); }
});
addEventListener("popstate", () => { params = new URLSearchParams(location.search); render(); });

await Promise.all([refresh(), render()]);
setInterval(() => { refresh(); view.refresh().catch(() => { /* the board says what is wrong */ }); }, REFRESH_MS);
