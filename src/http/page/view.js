// One check: why it is in its state, its graphs, live or over a span, and what happened.

import { Asked, columnsNow, lengthOf, opened } from "./asked.js";
import { age, heldWords, time } from "./board.js";
import { Chart, figure } from "./chart.js";
import { panelsOf } from "./columns.js";
import { Live } from "./live.js";
import { normal, tell, then, write } from "./past.js";
import { element, row, say, sayLines } from "./text.js";
import { Trial } from "./trial.js";

const LINES_MAX = 8;
const byId = (id) => document.getElementById(id);

const ends = ({ start, end }) => `${start ?? "−∞"} to ${end ?? "∞"}`;

export class View {
  // `go` changes the address, `said` tells what is wrong, and `denied` asks for a token where one would help.
  constructor(go, said, denied) {
    Object.assign(this, { go, said, denied });
    this.charts = new Map();
    this.watching = null;
    this.trial = new Trial(this);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.charts.forEach((chart) => chart.draw()));
  }

  close() {
    this.watching?.abort();
    this.watching = null;
    this.charts.forEach((chart) => chart.remove());
    this.charts.clear();
    this.trial.forget();
    this.decided = null;
    this.shown = this.live = this.drawnSpan = null;
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
    Object.assign(this, { agents, check, params });
    byId("view").hidden = false;
    say(byId("view-title"), check);
    byId("every").value = params.get("every") ?? "";
    byId("span").value = params.has("start") ? "" : params.get("since") ?? "6h";
    this.controls();
    this.stands(this.rows ?? []);
    const every = params.get("every");
    await Promise.all([
      this.why(), this.decides(),
      every ? this.follow(every === "own" ? "" : every) : this.draw(),
      ...(params.has("why") ? [this.else()] : []),
    ]);
  }

  // What the board knows of the check: whether somebody has acknowledged or silenced it.
  stands(rows) {
    this.rows = rows;
    const row = this.shown && rows.find((one) => one.check === this.check && one.agent === this.agents[0]);
    byId("held").replaceChildren(...(row ? heldWords(row) : []).flatMap(([name, text]) => [element("dt", name), element("dd", text)]));
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
    this.trial.crossed();
    this.trial.judge(150);
  }

  // Looks again at what does not come by itself: why the check is in its state, and while it is watched, what happened.
  async refresh() {
    if (!this.shown) return;
    await this.why();
    if (this.live) await this.marks(this.live.told(), { live: true });
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
    sayLines(byId("long"), long);
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
    say(byId("else-told"), "Comparing all metrics with their past …");
    byId("else-rows").replaceChildren();
    const found = await agent.get("/api/why", [["check", this.check], ["else", "1"], ...(at === "now" ? [] : [["at", at / 1000]])], { signal });
    if (signal.aborted) return;
    const link = (check) => { const anchor = element("a", check); anchor.href = `?${new URLSearchParams({ ...Object.fromEntries(this.params), check, metric: "", limit: "" })}`; return anchor; };
    byId("else-rows").replaceChildren(
      ...found.series.map((one) => row([time(one.onset_ms), link(one.check), one.metric, `${figure(one.before)} to ${figure(one.now)}`, one.as_far ? `so far in ${one.as_far} of ${one.windows} stretches` : `never so far in ${one.windows} stretches`])),
      ...found.texts.map((one) => row([time(one.onset_ms), link(one.check), "text", one.now, `new: ${one.text}`])),
      ...found.changes.map((one) => row([time(one.onset_ms), link(one.check), "state", `${one.before} to ${one.now}`, one.text])),
    );
    say(byId("else-told"), `${time(found.start_ms)} to ${time(found.end_ms)} against the past: ${found.series.length || "no"} metrics unlike it, ${found.others} as before, ${found.not_compared} not compared; ${found.changes.length || "no"} changes of state. What changed first need not be why.${found.like ? ` It was like this ${time(found.like.since_ms)} (${found.like.metric}): ${then(found.like)}.` : ""}`);
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

  // What graphs are asked with and named by.
  named() { return (agent, text) => this.name(agent, text); }

  async draw() {
    this.live = null;
    const { signal } = this.watching;
    const { began, span, answers } = opened(this.params) ?? new Asked(this.agents, this.params, { signal });
    const told = await answers;
    if (signal.aborted) return;
    if (told[0].error) throw told[0].error;
    const strange = (agent) => this.said(`${agent.name}: what it says of the past is not understood`);
    const panels = panelsOf(told, this.named(), { strange });
    const { dataset } = byId("charts");
    this.drawn(panels, span);
    dataset.tookMs = Math.round(performance.now() - began);
    requestAnimationFrame(() => setTimeout(() => { dataset.paintedMs = Math.round(performance.now()); }));
    await this.beside(span);
  }

  // Draws the past, and after it each run as it comes.
  async follow(every) {
    const { signal } = this.watching;
    const { dataset } = byId("charts");
    const live = this.live = new Live(this.agents, this.check, {
      every, length: lengthOf(this.params), columns: columnsNow(), signal, dataset, name: this.named(), said: this.said, denied: this.denied,
      shown: (panels, span, isNew) => {
        this.show(panels, span, { live: true, ahead: live.ahead(this.agents[0]) });
        if (!isNew) return;
        this.charts.forEach((chart) => this.lay(chart));
        this.metrics(panels);
      },
    });
    const error = await live.begin();
    if (signal.aborted) return;
    // Of a check that has never run there is only what comes.
    if (error) this.said(`${this.agents[0].name}: ${error.message}`);
    this.drawn(live.panels, live.span(), { live: true, ahead: live.ahead(this.agents[0]) });
    await this.beside(live.told(), { live: true });
  }

  // The span that is shown, by the clock of the agent that was chosen.
  spanNow() { return this.live?.told() ?? this.drawnSpan; }

  drawn(panels, span, more) {
    this.drawnSpan = span;
    this.trial.renew();
    this.show(panels, span, more);
    this.charts.forEach((chart) => { this.lay(chart); chart.draw(); });
    this.metrics(panels);
    this.trial.crossed();
  }

  // What comes when the values are there.
  async beside(span, more) {
    const { signal } = this.watching;
    await this.marks(span, more);
    if (signal.aborted) return;
    await Promise.all([this.trial.judge(0), this.past(span, signal)]);
  }

  // What stands on the axis of time, and in the list of what happened.
  async marks(span, more = {}) {
    const { signal } = this.watching;
    const bounds = [["check", this.check], ["start", span[0] / 1000], ["end", span[1] / 1000]];
    const ask = (agent, path, params, none) => (agent === this.agents[0] ? agent.get(path, [...params, ...bounds], { signal }) : agent.quick(path, [...params, ...bounds], { signal })).catch(() => none);
    const [all, marks] = await Promise.all([
      Promise.all(this.agents.map((agent) => ask(agent, "/api/events", [["limit", 200]], []))),
      ask(this.agents[0], "/api/marks", [], { incidents: [], notes: [], acks: [] }),
    ]);
    if (signal.aborted) return;
    const events = all.flat().filter((event) => Number.isFinite(event?.time_ms) && typeof event.to === "string");
    this.tellEvents(events, marks);
    this.charts.forEach((chart) => { Object.assign(chart, { events, ...marks }, more); chart.draw(); });
    byId("charts").dataset.markedMs = Math.round(performance.now());
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
      say(byId("note-told"), `note ${await write(this.agents[0], this.check, text)}`);
      byId("note").value = "";
      this.go({}, true);
    } catch (error) {
      this.denied(this.agents[0], error);
      say(byId("note-told"), `Not written: ${error.message}`);
    }
  }

  show(panels, span, more) {
    for (const name of [...this.charts.keys()]) if (!panels.has(name)) { this.charts.get(name).remove(); this.charts.delete(name); }
    for (const [unit, series] of panels) {
      const chart = this.chart(unit);
      chart.set(unit ? `${this.check} (${unit})` : this.check, span, series, more);
      chart.draw();
    }
  }

  // The metrics of which a threshold can be tried.
  metrics(panels) {
    const names = [...new Set([...panels.values()].flat().map((one) => one.metric).filter(Boolean))];
    const known = [...byId("metric").options].map((option) => option.value);
    if (names.join("\n") !== known.join("\n")) byId("metric").replaceChildren(...names.map((name) => { const made = element("option", name); made.value = name; return made; }));
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

  tellEvents(events, marks = { incidents: [], notes: [], acks: [] }) {
    const rows = [
      ...events.map((event) => ({ at: event.time_ms, cells: [[event.from, event.from], [event.to, event.to], [event.kind], [event.judgement || event.text]] })),
      ...marks.incidents.map(({ number, since_ms, until_ms, text }) => ({ at: since_ms, cells: [[""], [""], [`incident #${number}`], [`${text}, for ${age(until_ms - since_ms)}`]] })),
      ...marks.notes.map(({ time_ms, author, text }) => ({ at: time_ms, cells: [[""], [""], ["note"], [`${text} (${author})`]] })),
      ...marks.acks.map(({ at_ms, author, comment }) => ({ at: at_ms, cells: [[""], [""], ["acknowledged"], [[author, comment].filter(Boolean).join(": ")]] })),
    ];
    rows.sort((a, b) => b.at - a.at);
    byId("events").replaceChildren(...rows.slice(0, 100).map(({ at, cells }) => {
      const button = element("button", time(at));
      button.title = "What else was unlike its past then";
      button.addEventListener("click", () => this.go({ why: at + 1 }));
      const made = row([button]);
      made.append(...cells.map(([text, kind]) => element("td", text, kind)));
      return made;
    }));
  }
}
