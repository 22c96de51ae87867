// What history says of one metric of a check: where it normally is, which stretches are like the one that is shown, when it reaches its
// limit; and what somebody writes into it.

import { age, time } from "./board.js";
import { figure } from "./chart.js";
import { element, row, say } from "./text.js";

const HOUR_MS = 36e5;
// The agent says of so many hours what is normal.
const NORMAL_HOURS_MAX = 1488;
const byId = (id) => document.getElementById(id);

// The state of the check when a stretch began, and what came of it.
export function then({ state, turns, ended_after_ms: ended }) {
  const told = [state ?? "not run before", ...turns.slice(0, 3).map((turn) => `${turn.state} after ${age(turn.after_ms)}`)];
  if (ended !== null) told.push(`OK again after ${age(ended)}`);
  else if (!turns.length) told.push("and nothing came of it");
  return told.join(", ");
}

// Where a metric normally is in a span, as [from_ms, to_ms, low, high][].
export async function normal(agent, check, metric, [start, end], signal) {
  if (end - start > (NORMAL_HOURS_MAX - 1) * HOUR_MS) return [];
  const found = await agent.get("/api/normal", [["check", check], ["metric", metric], ["start", start / 1000], ["end", end / 1000]], { signal });
  return found.hours.map(([from, low, , high]) => [from, from + HOUR_MS, low, high]);
}

// Shows stretches that are like a span of a metric, and when it reaches its limit.
export async function tell(agent, { check, metric, span: [start, end], limit, link }, signal) {
  const of = [["check", check], ["metric", metric]];
  byId("past").setAttribute("aria-busy", "true");
  say(byId("past-told"), `Searching the history of ${metric} …`);
  say(byId("past-forecast"), "");
  byId("past-rows").replaceChildren();
  const failed = (error) => ({ error: error.message });
  const [like, ahead] = await Promise.all([
    agent.get("/api/similar", [...of, ["start", start / 1000], ["end", end / 1000]], { signal }).catch(failed),
    agent.get("/api/forecast", limit ? [...of, ["limit", limit]] : of, { signal }).catch(failed),
  ]);
  if (signal.aborted) return;
  byId("past-rows").replaceChildren(...(like.matches ?? []).map((one) => {
    const anchor = element("a", time(one.since_ms));
    anchor.href = link(one.since_ms, one.until_ms);
    return row([anchor, `${one.shape.toFixed(2)} %`, `×${one.height.toFixed(2)}`, `×${one.length.toFixed(2)}`, then(one)]);
  }));
  const among = `${metric}, ${time(start)} to ${time(end)}, among ${like.stretches} separate stretches`;
  say(byId("past-told"), like.error ? `Not searched: ${like.error}` : `${among}: ${like.matches.length ? `${like.matches.length} clearly nearer than the rest` : "nothing is like it"}.`);
  say(byId("past-forecast"), forecast(ahead));
  byId("past").removeAttribute("aria-busy");
}

function forecast({ error, reason, limit, median_ms: median, low_ms: low, high_ms: high, probability, held }) {
  if (error) return `No forecast: ${error}`;
  if (reason) return `${figure(limit)}: ${reason === "short" ? "too little history to say when" : "it follows no rule, and forecasts made before did not hold"}.`;
  const when = median !== null
    ? `reached at ${time(median)}, in 8 of 10 cases between ${time(low)} and ${high === null ? "more than 60 days" : time(high)}`
    : low !== null ? `probably not reached within 60 days, at the earliest at ${time(low)}` : "not reached within 60 days";
  const percent = (share) => `${Math.round(share * 100)} %`;
  return `${figure(limit)} is ${when}; within 7 days ${percent(probability["7d"])}, within 30 days ${percent(probability["30d"])}. Of ${held[1]} such forecasts made before ${held[0]} held.`;
}

// Writes a note about a check, and returns its number.
export async function write(agent, check, text) {
  const { number } = await agent.get("/api/note", [], { method: "POST", body: new URLSearchParams({ check, text }) });
  return number;
}
