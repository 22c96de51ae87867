// What a graph asks an agent for. That of the graph which the address names is asked for at once, while the rest of the page is still coming.

import { agents } from "./agent.js";

const UNITS_MS = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 };
const USUAL_MS = 6 * UNITS_MS.h;
// What a graph has beside its columns (pixels): the margins that page.css has, and the axis that chart.js has, which is not there yet.
const BESIDE = 32 + 72, WIDEST = 1760;

export function length(text) {
  const found = /^(\d+)(ms|s|m|h|d)$/.exec(text ?? "");
  return found ? found[1] * UNITS_MS[found[2]] : null;
}

// How many columns there are: as many as pixels.
export const columnsNow = () => Math.max(100, Math.min(document.documentElement.clientWidth, WIDEST) - BESIDE);

// How long the span is that an address names (ms).
export function lengthOf(params) {
  const [start, end] = [+params.get("start"), +params.get("end")];
  return start && end > start ? end - start : length(params.get("since")) ?? USUAL_MS;
}

// What an agent tells of a check over a span, or why it does not. The one that was chosen may take its time, others may not.
export async function ask(agent, check, [start, end], columns, { isChosen, ...more } = {}) {
  const path = [["series", check], ["columns", columns], ["start", start / 1000], ["end", end / 1000]];
  try {
    return { agent, envelope: await (isChosen ? agent.get("/api/envelope", path, more) : agent.quick("/api/envelope", path, more)) };
  } catch (error) {
    return { agent, error };
  }
}

export class Asked {
  // Of a check over the span that an address names, of agents of which the first tells the time.
  constructor(all, params, more = {}) {
    this.began = performance.now();
    const now = Date.now() + (all[0].clock?.offset ?? 0);
    const [start, end] = [+params.get("start"), +params.get("end")];
    this.span = start && end > start ? [start, end] : [now - lengthOf(params), now];
    // In the place of the envelope of an agent that does not tell it stands why.
    this.answers = Promise.all(all.map((agent, at) => ask(agent, params.get("check"), this.span, columnsNow(), { isChosen: at === 0, ...more })));
  }
}

function first() {
  const params = new URLSearchParams(location.search);
  const all = agents(params);
  // Of several agents, the one that is asked first is another question.
  return params.get("check") && !params.get("every") && all.length === 1 ? { key: `${params}`, asked: new Asked(all, params) } : null;
}

let opening = first();

// What was asked for already, once, if that is what these parameters ask for.
export function opened(params) {
  const { key, asked } = opening ?? {};
  opening = null;
  return key === `${params}` ? asked : null;
}
