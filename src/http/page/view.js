// One check: why it is in its state, its graphs, live or over a span, and what a threshold would have crossed.

import { Asked, opened } from "./asked.js";
import { age, element, time } from "./board.js";
import { Chart, figure } from "./chart.js";
import { normal, tell, then, write } from "./past.js";

const DAY_MS = 864e5;
const LIVE_MS = 120e3;
const LINES_MAX = 8;
const byId = (id) => document.getElementById(id);

const minutes = (ms) => `${+(ms / 6e4).toFixed(ms < 6e5 ? 1 : 0)} minutes`;
const ends = ({ start, end }) => `${start ?? "−∞"} to ${end ?? "∞"}`;

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
    this.trying?.abort();
    this.decided = this.asIs = null;
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
    this.controls();
    const every = params.get("every");
    await Promise.all([
      this.why(), this.decides(),
      ...(every ? [this.today(), this.follow(every === "own" ? "" : every)] : [this.draw()]),
      ...(params.has("why") ? [this.else()] : []),
    ]);
  }

  controls() {
    byId("limit").value = this.params.get("limit") ?? "";
    byId("level").value = this.params.get("level") ?? "CRITICAL";
    byId("below").checked = this.params.has("below");
    byId("else").hidden = !this.params.has("why");
    byId("past").hidden = !this.params.has("past");
    byId("normal").checked = this.params.has("normal");
  }

  // Shows another threshold without asking for the values again.
  limited(params) {
    this.params = params;
    this.controls();
    this.charts.forEach((chart) => { this.lay(chart); chart.would = null; chart.draw(); });
    if (!params.get("every")) { this.crossed(); this.backtest(150); }
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
    const events = await this.agents[0].get("/api/events", [["check", this.check], ["limit", 100], ["start", (end - DAY_MS) / 1000], ["end", end / 1000 + 1]], { signal });
    if (!signal.aborted) this.tellEvents(events);
  }

  async why() {
    const [agent] = this.agents;
    const shown = this.shown;
    const run = await agent.get("/api/run", [["check", this.check]]);
    if (this.shown !== shown) return;
    const rows = [
      ["State", run.state], ["Since", `${time(run.since_ms)}, ${run.hard ? "confirmed" : `not confirmed (attempt ${run.attempt})`}${run.flapping ? ", flapping" : ""}`], ["Because", run.judgement || run.text], ["Text", run.text], ...this.rules(),
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

  // What decides the state, by the definition of the check: that is asked for once.
  async decides() {
    const { shown } = this;
    if (this.decided) return;
    const { stood } = await this.agents[0].get("/api/why", [["check", this.check]]);
    if (this.shown !== shown) return;
    this.decided = stood;
    this.charts.forEach((chart) => { const before = JSON.stringify(chart.lines); this.lay(chart); if (JSON.stringify(chart.lines) !== before) chart.draw(); });
    await this.why();
  }

  rules() {
    const { thresholds, rule, max_attempts: most } = this.decided ?? {};
    return [
      ...(thresholds ?? []).flatMap(({ metric, warning, critical, pending_for: { secs }, rate }) => [["WARNING", warning], ["CRITICAL", critical]]
        .filter(([, range]) => range)
        .map(([state, range]) => [`${state} if`, `${metric}${rate ? " per second" : ""} is ${range.inside ? "within" : "outside"} ${ends(range)}${secs ? ` for ${age(secs * 1000)}` : ""}`])),
      ...(thresholds ?? []).filter((one) => one.normal).map(({ metric, normal: { critical, written }, pending_for: { secs } }) => [`${critical ? "CRITICAL" : "WARNING"} if`, `${metric} is outside of what is normal and ${written} more${secs ? ` for ${age(secs * 1000)}` : ""}`]),
      ...(rule ? [["Rule", rule.query + (rule.alerting?.for_ms ? ` for ${age(rule.alerting.for_ms)}` : "")]] : []),
      ...(most ? [["Attempts", `${most} in a row confirm a problem`]] : []),
    ];
  }

  // What else was unlike its past, at the time that the address names.
  async else() {
    const at = this.params.get("why");
    const [agent] = this.agents;
    const { signal } = this.watching;
    byId("else").setAttribute("aria-busy", "true");
    byId("else-told").textContent = "Comparing all metrics with their past …";
    byId("else-rows").replaceChildren();
    const found = await agent.get("/api/why", [["check", this.check], ["else", "1"], ...(at === "now" ? [] : [["at", at / 1000]])], { signal });
    if (signal.aborted) return;
    const link = (check) => { const anchor = element("a", check); anchor.href = `?${new URLSearchParams({ ...Object.fromEntries(this.params), check, metric: "", limit: "" })}`; return anchor; };
    const row = (cells) => { const made = element("tr"); for (const cell of cells) { const one = element("td"); one.append(cell); made.append(one); } return made; };
    byId("else-rows").replaceChildren(
      ...found.series.map((one) => row([time(one.onset_ms), link(one.check), one.metric, `${figure(one.before)} to ${figure(one.now)}`, one.as_far ? `so far in ${one.as_far} of ${one.windows} stretches` : `never so far in ${one.windows} stretches`])),
      ...found.texts.map((one) => row([time(one.onset_ms), link(one.check), "text", one.now, `new: ${one.text}`])),
      ...found.changes.map((one) => row([time(one.onset_ms), link(one.check), "state", `${one.before} to ${one.now}`, one.text])),
    );
    byId("else-told").textContent = `${time(found.start_ms)} to ${time(found.end_ms)} against the past: ${found.series.length || "no"} metrics unlike it, ${found.others} as before, ${found.not_compared} not compared; ${found.changes.length || "no"} changes of state. What changed first need not be why.${found.like ? ` It was like this ${time(found.like.since_ms)} (${found.like.metric}): ${then(found.like)}.` : ""}`;
    byId("else").removeAttribute("aria-busy");
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
        limit: ({ value, state, below, metric }) => this.go({ limit: value, level: state, below: below && "1", metric }, true),
      }));
    }
    return this.charts.get(name);
  }

  name(agent, text) { return this.agents.length > 1 ? `${agent.name} ${text}` : text; }

  async draw() {
    const { signal } = this.watching;
    const { began, span, bounds, answers } = opened(this.params) ?? new Asked(this.agents, this.params, { signal });
    const told = await answers;
    if (signal.aborted) return;
    if (told[0].error) throw told[0].error;
    const panels = new Map();
    for (const { agent, envelope } of told.filter(({ error }) => !error)) {
      const wide = (envelope.end_ms - envelope.start_ms) / envelope.columns;
      for (const one of envelope.series) {
        const points = one.points.map(([at, min, max, mean, last]) => {
          const from = envelope.start_ms + at * wide;
          return [from, from + wide, min, max, mean, last];
        });
        const series = { name: this.name(agent, one.metric), metric: one.metric, limits: one.limits, unit: one.unit, points, bridge: one.bridge_ms };
        if (!panels.has(one.unit)) panels.set(one.unit, []);
        panels.get(one.unit).push(series);
      }
    }
    this.drawnSpan = span;
    this.asIs = null;
    this.show(panels, span);
    const { dataset } = byId("charts");
    dataset.tookMs = Math.round(performance.now() - began);
    requestAnimationFrame(() => setTimeout(() => { dataset.paintedMs = Math.round(performance.now()); }));
    this.metrics(panels);
    this.crossed();
    // What stands on the axis of time comes when the values are there.
    const ask = (agent, path, more, none) => agent.get(path, [["check", this.check], ...more, ...bounds], { signal }).catch(() => none);
    const [events, marks] = await Promise.all([
      Promise.all(this.agents.map((agent) => ask(agent, "/api/events", [["limit", 200]], []))),
      ask(this.agents[0], "/api/marks", [], { incidents: [], notes: [], acks: [] }),
    ]);
    if (signal.aborted) return;
    this.tellEvents(events.flat(), marks);
    this.show(panels, span, { events: events.flat(), ...marks });
    dataset.markedMs = Math.round(performance.now());
    await Promise.all([this.backtest(0), this.past(span, signal)]);
  }

  // What history says of the metric that is chosen: the band in which it normally is, and what was like it.
  async past(span, signal) {
    const [agent] = this.agents;
    const { check, params } = this;
    const metric = this.metricTried();
    if (!metric) return;
    if (params.has("normal")) {
      const band = await normal(agent, check, metric, span, signal).catch(() => []);
      if (signal.aborted) return;
      this.charts.forEach((chart) => {
        chart.band = chart.series.some((one) => one.metric === metric) ? band : [];
        chart.draw();
      });
      byId("charts").dataset.normal = band.length;
    }
    if (params.has("past")) {
      const link = (start, end) => `?${new URLSearchParams({ ...Object.fromEntries(params), start: Math.round(start), end: Math.round(end) })}`;
      await tell(agent, { check, metric, span, limit: params.get("limit"), link }, signal);
    }
  }

  // Writes what stands in the field into the history, and shows it there.
  async note() {
    const text = byId("note").value.trim();
    if (!text) return;
    try {
      byId("note-told").textContent = `note ${await write(this.agents[0], this.check, text)}`;
      byId("note").value = "";
      this.go({}, true);
    } catch (error) {
      byId("note-told").textContent = `Not written: ${error.message}`;
    }
  }

  show(panels, span, more) {
    for (const name of [...this.charts.keys()]) if (!panels.has(name)) { this.charts.get(name).remove(); this.charts.delete(name); }
    for (const [unit, series] of panels) {
      const chart = this.chart(unit);
      chart.set(unit ? `${this.check} (${unit})` : this.check, span, series, more);
      this.lay(chart);
      chart.draw();
    }
  }

  // The metrics of which a threshold can be tried.
  metrics(panels) {
    const names = [...new Set([...panels.values()].flat().map((one) => one.metric).filter(Boolean))];
    const known = [...byId("metric").options].map((option) => option.value);
    if (names.join("\n") !== known.join("\n")) byId("metric").replaceChildren(...names.map((name) => element("option", name)));
    byId("metric").value = this.metricTried() ?? "";
  }

  metricTried() { return this.params.get("metric") ?? byId("metric").options[0]?.value; }

  // The thresholds that a chart shows: the one that is tried, those of the definition, and those that the plugin prints.
  lay(chart) {
    const { params } = this;
    const tried = params.get("limit") ? [{ state: params.get("level") ?? "CRITICAL", value: +params.get("limit"), below: params.has("below"), metric: this.metricTried(), tried: true }] : [];
    const lines = tried.filter(({ metric }) => !metric || chart.series.length === 0 || chart.series.some((one) => !one.metric || one.metric === metric));
    const add = (state, metric, start, end) => {
      for (const [value, below] of [[start, true], [end, false]]) {
        // 0 is where ranges begin that are written as one number.
        if (value === null || value === undefined || Math.abs(value) > 1e300 || (below && value === 0)) continue;
        if (!lines.some((one) => one.state === state && one.below === below && (one.tried ? one.metric === metric : one.value === value))) lines.push({ state, value, below, metric });
      }
    };
    for (const { metric, limits } of chart.series) {
      for (const { metric: of, warning, critical, rate } of this.decided?.thresholds ?? []) {
        if (of !== metric || rate) continue;
        if (warning) add("WARNING", metric, warning.start, warning.end);
        if (critical) add("CRITICAL", metric, critical.start, critical.end);
      }
      for (const [state, start, end] of limits ?? []) add(state, metric, start, end);
    }
    chart.lines = lines.slice(0, LINES_MAX);
  }

  // What the check would have said with the threshold that is tried, beside what it said as it is: judged by the agent, run by run.
  async backtest(wait) {
    this.trying?.abort();
    const { params, check } = this;
    const limit = params.get("limit");
    if (!limit) { byId("would").textContent = ""; this.bands(null, null); return; }
    const trying = this.trying = new AbortController();
    const stop = () => trying.abort();
    this.watching.signal.addEventListener("abort", stop);
    const [agent] = this.agents;
    const level = params.get("level") ?? "CRITICAL";
    const range = params.has("below") ? `${limit}:` : `~:${limit}`;
    const bounds = [["check", check], ["start", this.drawnSpan[0] / 1000], ["end", this.drawnSpan[1] / 1000]];
    try {
      await new Promise((done) => setTimeout(done, wait));
      if (trying.signal.aborted) return;
      byId("would").textContent = "Judging each run …";
      const was = this.asIs ??= await agent.get("/api/backtest", bounds, { signal: trying.signal });
      const would = await agent.get("/api/backtest", [...bounds, ["metric", this.metricTried() ?? ""], [level.toLowerCase(), range]], { signal: trying.signal });
      if (trying.signal.aborted) return;
      this.bands(was, would);
      const told = ({ totals: { alerts, firing_ms: ms } }) => `${alerts} ${alerts === 1 ? "incident" : "incidents"}, ${minutes(ms)}`;
      byId("would").textContent = `With ${level} ${params.has("below") ? "below" : "above"} ${limit}: ${told(would)}. As it is: ${told(was)}. ${would.judged} runs judged${this.agents.length > 1 ? ` of ${agent.name}` : ""}; the lower strip is how it would have been, the upper one how it was.`;
      byId("charts").dataset.judged = limit;
    } catch (error) {
      if (!trying.signal.aborted) byId("would").textContent = `Not judged: ${error.message}`;
    } finally {
      this.watching?.signal.removeEventListener("abort", stop);
    }
  }

  bands(was, would) {
    const spans = (one) => one && one.intervals.map(({ since_ms, until_ms, state }) => [since_ms, until_ms ?? one.span?.until_ms ?? since_ms, state]);
    this.charts.forEach((chart) => { [chart.was, chart.would] = [spans(was), spans(would)]; chart.draw(); });
  }

  tellEvents(events, marks = { incidents: [], notes: [], acks: [] }) {
    const rows = [
      ...events.map((event) => ({ at: event.time_ms, cells: [[event.from, event.from], [event.to, event.to], [event.kind], [event.judgement || event.text]] })),
      ...marks.incidents.map(({ number, since_ms, until_ms, text }) => ({ at: since_ms, cells: [[""], [""], [`incident #${number}`], [`${text}, for ${age(until_ms - since_ms)}`]] })),
      ...marks.notes.map(({ time_ms, author, text }) => ({ at: time_ms, cells: [[""], [""], ["note"], [`${text} (${author})`]] })),
      ...marks.acks.map(({ at_ms, author, comment }) => ({ at: at_ms, cells: [[""], [""], ["acknowledged"], [[author, comment].filter(Boolean).join(": ")]] })),
    ];
    rows.sort((a, b) => b.at - a.at);
    byId("events").replaceChildren(...rows.slice(0, 100).map(({ at, cells }) => {
      const row = element("tr");
      const cell = element("td");
      const button = element("button", time(at));
      button.title = "What else was unlike its past then";
      button.addEventListener("click", () => this.go({ why: at + 1 }));
      cell.append(button);
      row.append(cell, ...cells.map(([text, kind]) => element("td", text, kind)));
      return row;
    }));
  }

  // What a threshold in the graph would have crossed: by the greatest, or the least, value of each column.
  crossed() {
    const span = this.drawnSpan;
    const limit = this.params.get("limit");
    if (!span || limit === null || limit === "") { byId("crossed").textContent = ""; return; }
    const below = this.params.has("below");
    const told = [];
    const tried = this.metricTried();
    for (const { series } of this.charts.values()) for (const { name, metric, points, bridge } of series) {
      if (metric && tried && metric !== tried) continue;
      let stretches = 0, total = 0, before = -Infinity;
      for (const [from, to, min, max] of points) {
        if (!(below ? min < limit : max > limit)) continue;
        if (from - before > bridge) stretches++;
        total += to - from;
        before = to;
      }
      if (stretches) told.push(`${name} ${stretches} times, ${age(total)} in all`);
    }
    byId("crossed").textContent = `${below ? "Below" : "Above"} ${limit} between ${time(span[0])} and ${time(span[1])}: ${told.join("; ") || "never"}, by the extremes of each column.`;
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
    let frames = 0;
    const frame = () => {
      if (signal.aborted) return;
      const now = Date.now();
      requestAnimationFrame(frame);
      // Two of three: at sixty a second these are forty.
      if (panels.size && !document.hidden && ++frames % 3) {
        this.show(panels, [now - LIVE_MS, now], { live: true });
        charts.dataset.drawn = runs;
      }
    };
    requestAnimationFrame(frame);
  }
}
