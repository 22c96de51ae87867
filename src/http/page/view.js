// One check: why it is in its state, its graphs, live or over a span, and what a threshold would have crossed.

import { age, element, time } from "./board.js";
import { Chart, figure } from "./chart.js";

const UNITS_MS = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 };
const LIVE_MS = 120e3;
const byId = (id) => document.getElementById(id);

export function length(text) {
  const found = /^(\d+)(ms|s|m|h|d)$/.exec(text ?? "");
  return found ? found[1] * UNITS_MS[found[2]] : null;
}

export class View {
  constructor(go, said) {
    this.go = go;
    this.said = said;
    this.charts = new Map();
    this.watching = null;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.charts.forEach((chart) => chart.draw()));
  }

  close() {
    this.watching?.abort();
    this.watching = null;
    this.charts.forEach((chart) => chart.remove());
    this.charts.clear();
    this.shown = null;
    byId("view").hidden = true;
  }

  // Shows a check of some agents, of which the first is where it was chosen.
  async open(agents, params) {
    const check = params.get("check");
    const key = `${agents.map((agent) => agent.origin)} ${check}`;
    if (this.shown !== key) this.close();
    this.shown = key;
    this.watching?.abort();
    this.watching = new AbortController();
    Object.assign(this, { agents, check, params, live: new Map() });
    byId("view").hidden = false;
    byId("view-title").textContent = check;
    byId("every").value = params.get("every") ?? "";
    byId("span").value = params.has("start") ? "" : params.get("since") ?? "6h";
    byId("limit").value = params.get("limit") ?? "";
    byId("below").checked = params.has("below");
    const every = params.get("every");
    await Promise.all([this.why(), ...(every ? [this.today(), this.follow(every === "own" ? "" : every)] : [this.draw()])]);
  }

  span() {
    const [start, end] = [+this.params.get("start"), +this.params.get("end")];
    if (start && end > start) return [start, end];
    const now = Date.now() + (this.agents[0].clock?.offset ?? 0);
    return [now - (length(this.params.get("since")) ?? UNITS_MS.h * 6), now];
  }

  // Looks again at what does not come by itself: why the check is in its state, and while it is watched, what changed today.
  async refresh() {
    if (!this.shown) return;
    await this.why();
    if (this.params.get("every")) await this.today();
  }

  async today() {
    const signal = this.watching.signal;
    const end = Date.now() + (this.agents[0].clock?.offset ?? 0);
    const events = await this.agents[0].get("/api/events", [["check", this.check], ["limit", 100], ["start", (end - UNITS_MS.d) / 1000], ["end", end / 1000 + 1]], { signal });
    if (!signal.aborted) this.tellEvents(events);
  }

  async why() {
    const [agent] = this.agents;
    const shown = this.shown;
    const run = await agent.get("/api/run", [["check", this.check]]);
    if (this.shown !== shown) return;
    const rows = [
      ["State", run.state], ["Since", `${time(run.since_ms)}, ${run.hard ? "confirmed" : `not confirmed (attempt ${run.attempt})`}${run.flapping ? ", flapping" : ""}`], ["Because", run.judgement || run.text], ["Text", run.text],
      ["Last run", `${time(run.time_ms)}, ${age(Date.now() + (agent.clock?.offset ?? 0) - run.time_ms)} ago`],
      ["Took", `${run.duration_ms} ms`],
      ...(run.metrics ?? []).map((metric) => [metric.label, this.metric(metric)]),
    ];
    byId("why").replaceChildren(...rows.flatMap(([name, text]) => {
      const told = element("dd", text ?? "");
      if (name === "State") told.className = text;
      return [element("dt", name), told];
    }));
    const long = [run.long_text, run.stderr && `stderr:\n${run.stderr}`].filter(Boolean).join("\n");
    byId("long").hidden = !long;
    byId("long").textContent = long;
  }

  metric({ value, unit, warn, crit }) {
    const told = [figure(Number(value), unit ?? "")];
    for (const [name, range] of [["warning", warn], ["critical", crit]]) {
      if (range) told.push(`${name} ${range.inside ? "within" : "outside"} ${range.start ?? "−∞"} to ${range.end ?? "∞"}`);
    }
    return told.join(", ");
  }

  chart(name) {
    if (!this.charts.has(name)) {
      this.charts.set(name, new Chart(byId("charts"), {
        span: (start, end) => this.go({ start: Math.round(start), end: Math.round(end), since: null, every: null }),
        limit: (limit) => this.go({ limit }, true),
      }));
    }
    return this.charts.get(name);
  }

  name(agent, text) { return this.agents.length > 1 ? `${agent.name} ${text}` : text; }

  async draw() {
    const began = performance.now();
    const span = this.span();
    const columns = Math.min(2000, Math.max(100, byId("charts").clientWidth - 72));
    const bounds = [["start", span[0] / 1000], ["end", span[1] / 1000]];
    const signal = this.watching.signal;
    const answers = await Promise.all(this.agents.map(async (agent) => {
      const asked = [["series", this.check], ["columns", columns], ...bounds];
      try {
        return { agent, envelope: await agent.get("/api/envelope", asked, { signal }) };
      } catch (error) {
        if (!signal.aborted && agent === this.agents[0]) throw error;
        return { agent, envelope: { series: [] } };
      }
    }));
    if (signal.aborted) return;
    const panels = new Map();
    for (const { agent, envelope } of answers) {
      const wide = (envelope.end_ms - envelope.start_ms) / envelope.columns;
      for (const one of envelope.series) {
        const points = one.points.map(([at, min, max, mean, last]) => {
          const from = envelope.start_ms + at * wide;
          return [from, from + wide, min, max, mean, last];
        });
        const series = { name: this.name(agent, one.metric), unit: one.unit, points, bridge: one.bridge_ms };
        if (!panels.has(one.unit)) panels.set(one.unit, []);
        panels.get(one.unit).push(series);
      }
    }
    this.show(panels, span, []);
    this.crossed(span);
    byId("charts").dataset.tookMs = Math.round(performance.now() - began);
    // Changes of state are found run by run, which takes longer over a long span: the graphs do not wait for them.
    const events = (await Promise.all(this.agents.map((agent) => agent
      .get("/api/events", [["check", this.check], ["limit", 200], ...bounds], { signal })
      .catch(() => [])))).flat();
    if (signal.aborted) return;
    this.tellEvents(events);
    this.show(panels, span, events);
  }

  show(panels, span, events) {
    for (const name of [...this.charts.keys()]) if (!panels.has(name)) { this.charts.get(name).remove(); this.charts.delete(name); }
    for (const [unit, series] of panels) {
      const chart = this.chart(unit);
      chart.limit = this.params.has("limit") ? +this.params.get("limit") : null;
      chart.set(unit ? `${this.check} (${unit})` : this.check, span, series, events);
    }
  }

  tellEvents(events) {
    byId("events").replaceChildren(...events.slice().reverse().slice(0, 100).map((event) => {
      const row = element("tr");
      const said = event.judgement || event.text;
      for (const [text, kind] of [[time(event.time_ms)], [event.from, event.from], [event.to, event.to], [event.kind], [said]]) row.append(element("td", text, kind));
      return row;
    }));
  }

  // What a threshold in the graph would have crossed: by the greatest, or the least, value of each column.
  crossed(span) {
    const limit = this.params.get("limit");
    if (limit === null || limit === "") { byId("crossed").textContent = ""; return; }
    const below = this.params.has("below");
    const told = [];
    for (const { series } of this.charts.values()) for (const { name, points, bridge } of series) {
      let stretches = 0, total = 0, before = -Infinity;
      for (const [from, to, min, max] of points) {
        if (!(below ? min < limit : max > limit)) continue;
        if (from - before > bridge) stretches++;
        total += to - from;
        before = to;
      }
      if (stretches) told.push(`${name} ${stretches} times, ${age(total)} in all`);
    }
    byId("crossed").textContent = `${below ? "Below" : "Above"} ${limit} between ${time(span[0])} and ${time(span[1])}: ${told.join("; ") || "never"}. Graphs know the extremes of each column; custos backtest judges every run.`;
  }

  async follow(every) {
    const signal = this.watching.signal;
    const panels = new Map(), byName = new Map();
    let runs = 0;
    const charts = byId("charts");
    const add = (agent, run) => {
      charts.dataset.newestMs = run.time_ms + run.duration_ms;
      for (const { label, labels, value, unit } of run.metrics ?? []) {
        const number = Number(value);
        if (!Number.isFinite(number)) continue;
        const further = Object.entries(labels ?? {}).map(([name, text]) => `${name}=${text}`).join(",");
        const name = this.name(agent, further ? `${label}{${further}}` : label);
        if (!byName.has(name)) {
          const one = { name, unit: unit ?? "", points: [], bridge: 5000 };
          byName.set(name, one);
          if (!panels.has(one.unit)) panels.set(one.unit, []);
          panels.get(one.unit).push(one);
        }
        const { points } = byName.get(name);
        // Moved by how far the agent's clock is ahead, which is shown.
        const at = run.time_ms - (agent.clock?.offset ?? 0);
        points.push([at, at, number, number, number, number]);
        while (points[0][0] < at - LIVE_MS) points.shift();
      }
      charts.dataset.runs = ++runs;
    };
    const trouble = (text) => this.said(text);
    for (const agent of this.agents) {
      agent.measureClock().then(({ offset, bound }) => {
        if (!signal.aborted && Math.abs(offset) > bound + 20) this.said(`The clock of ${agent.name} is ${Math.round(offset)} ms ahead (± ${Math.ceil(bound)} ms); its values are moved by that.`);
      }, () => {});
      agent.watch([this.check], every, signal, (line) => {
        if (line.run) add(agent, line.run);
        if (line.watching?.note) trouble(line.watching.note);
        if (line.ended) trouble(`${agent.name}: ${line.ended.why}`);
        if (line.dropped) trouble(`${agent.name}: ${line.dropped} lines were left out, since they were not taken in time`);
      }, trouble);
    }
    const frame = () => {
      if (signal.aborted) return;
      const now = Date.now();
      if (panels.size && !document.hidden) {
        this.show(panels, [now - LIVE_MS, now], []);
        charts.dataset.drawn = runs;
      }
      setTimeout(() => requestAnimationFrame(frame), 30);
    };
    requestAnimationFrame(frame);
  }
}
