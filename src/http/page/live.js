// A check that is watched: the past of the span that was chosen, and each run as it comes.

import { ask } from "./asked.js";
import { Growing, keyOf, panelsOf, Rate, unitOf } from "./columns.js";

// Runs that wait until the past is there, and series that are drawn.
const WAITING_MAX = 10_000;
const SERIES_MAX = 256;
// What is no gap where neither the check nor who watches says how often it is run.
const BRIDGE_MS = 5000;

const BUILT_IN = [["check_duration_seconds", "s", ({ duration_ms }) => duration_ms / 1000]];

// What a graph usually shows of a run: what its plugin printed, of a rule its values and not how many of them fire, and of a check without
// any metric how long it took.
function shownOf(run) {
  // Another host may say anything.
  const metrics = (Array.isArray(run.metrics) ? run.metrics : []).filter((one) => typeof one?.label === "string");
  const isRule = metrics.some(({ label }) => label === "value");
  const all = metrics.filter(({ label, labels }) => labels?.__name__ === undefined && !(isRule && (label === "firing" || label === "pending")));
  return all.length ? all : BUILT_IN.map(([label, unit, value]) => ({ label, unit, value: value(run) }));
}

const limitsOf = ({ warn, crit }) => [["WARNING", warn], ["CRITICAL", crit]].filter(([, range]) => range).map(([state, { start, end, inside }]) => [state, start, end, inside]);

// What is known of the check at one agent.
class Followed {
  constructor(agent) {
    this.agent = agent;
    this.series = new Map();
    // How often it is run by itself, and because it is watched.
    this.interval = this.every = 0;
    this.before = null;
    // Runs that wait until its past is there.
    this.waiting = [];
  }

  // Whether a run is further from the one before than they mostly are.
  isFar(ms, isWatched) {
    const { before, interval, every } = this;
    this.before = { ms, isWatched };
    const most = before?.isWatched && isWatched ? every * 2.5 : Math.max(interval * 1.5, every * 2.5);
    return before ? ms - before.ms > (most || BRIDGE_MS) : null;
  }
}

export class Live {
  // `shown` shows it; `said` tells what is wrong, `denied` asks for a token where one would help; `name` says how a series of an agent is called.
  constructor(agents, check, { every, length, columns, signal, name, said, denied, shown, dataset }) {
    Object.assign(this, { agents, check, every, length, columns, signal, name, said, denied, shown, dataset, panels: new Map(), runs: 0 });
    const [start] = this.span();
    this.grid = { start, wide: length / columns, count: columns };
    this.followed = new Map(agents.map((agent) => [agent, new Followed(agent)]));
  }

  ahead(agent) { return agent.clock?.offset ?? 0; }

  // The span that is shown now, by the clock of this browser.
  span() { const now = Date.now(); return [now - this.length, now]; }

  // The same by the clock of the agent that was chosen, as it is asked.
  told() { return this.span().map((ms) => ms + this.ahead(this.agents[0])); }

  // Begins to watch, and returns when the past of the agent that was chosen is there, with why it is not. A check that has not run yet has
  // none, and is watched all the same. Others hold up nobody, and are there when they answer.
  async begin() {
    const { agents: [chosen, ...others], check, every, signal } = this;
    for (const agent of this.agents) {
      agent.watch([check], every, signal, (line) => this.line(agent, line), (text, error) => {
        this.denied(agent, error);
        this.said(text && `Live: ${text}`);
      });
    }
    others.forEach((agent) => this.join(agent).catch((error) => this.said(`${agent.name}: ${error.message}`)));
    const error = await this.join(chosen);
    requestAnimationFrame(() => this.frame());
    return error;
  }

  // Asks an agent for its clock and its past, and goes on with what has come meanwhile.
  async join(agent) {
    const { check, signal, grid: { start }, length } = this;
    const clock = await agent.measureClock().catch(() => null);
    if (clock && !signal.aborted && Math.abs(clock.offset) > clock.bound + 20) this.said(`The clock of ${agent.name} is ${Math.round(clock.offset)} ms ahead (± ${Math.ceil(clock.bound)} ms); its values are moved by that.`);
    const ahead = this.ahead(agent);
    const answer = await ask(agent, check, [start + ahead, start + length + ahead], this.columns, { signal, isChosen: agent === this.agents[0] });
    if (signal.aborted) return null;
    const followed = this.followed.get(agent);
    const strange = () => this.said(`${agent.name}: what it says of the past is not understood`);
    for (const of of [...panelsOf([answer], this.name, { ahead: () => ahead, strange }).values()].flat()) {
      const one = new Growing(of, this.grid);
      followed.series.set(of.key, one);
      this.panel(of.unit).push(one);
    }
    this.isNew = true;
    const { waiting } = followed;
    followed.waiting = null;
    waiting.forEach((run) => this.add(followed, run));
    return answer.error;
  }

  panel(unit) {
    if (!this.panels.has(unit)) this.panels.set(unit, []);
    return this.panels.get(unit);
  }

  line(agent, { run, watching, ended, dropped }) {
    const followed = this.followed.get(agent);
    if (run && followed.waiting) {
      followed.waiting.push(run);
      if (followed.waiting.length > WAITING_MAX) { followed.waiting.shift(); this.said(`${agent.name}: runs were left out, since its past takes so long`); }
    } else if (run) {
      this.add(followed, run);
    }
    if (watching) [followed.interval, followed.every] = [watching.interval_ms ?? 0, watching.every_ms ?? 0];
    if (watching?.note) this.said(watching.note);
    if (ended) this.said(`${agent.name}: ${ended.why}`);
    if (dropped) this.said(`${agent.name}: ${dropped} lines were left out, since they were not taken in time`);
  }

  add(followed, run) {
    if (!Number.isFinite(run.time_ms)) return;
    this.dataset.newestMs = run.time_ms + run.duration_ms;
    // Moved by how far the agent's clock is ahead, which is shown.
    const at = run.time_ms - this.ahead(followed.agent);
    const isFar = followed.isFar(at, run.provenance === "watched");
    const there = new Set();
    for (const metric of shownOf(run)) {
      const one = this.series(followed, metric);
      if (!one) continue;
      there.add(one);
      one.add(at, typeof metric.value === "bigint" ? metric.value : Number(metric.value ?? NaN), isFar ?? (one.newest && at - one.newest[0] > one.bridge));
    }
    for (const one of followed.series.values()) if (!there.has(one)) one.gap();
    this.dataset.runs = ++this.runs;
  }

  // The series of a metric, which is a new one where the past has none such.
  series(followed, metric) {
    const { label } = metric;
    const printed = metric.unit ?? "", labels = metric.labels ?? {};
    const unit = unitOf(printed);
    const key = keyOf(label, Object.entries(labels), unit);
    let one = followed.series.get(key);
    if (!one) {
      if ([...this.panels.values()].flat().length >= SERIES_MAX) { this.said(`${SERIES_MAX} series are drawn; there are more`); return null; }
      const further = Object.entries(labels).map(([name, text]) => `${name}=${JSON.stringify(text)}`).join(",");
      const title = further ? `${label}{${further}}` : label;
      one = new Growing({ agent: followed.agent, name: this.name(followed.agent, title), metric: title, key, limits: [], unit, points: [], bridge: BRIDGE_MS, consolidated: [], note: "" }, this.grid);
      followed.series.set(key, one);
      this.panel(unit).push(one);
      this.isNew = true;
    }
    if (unit !== printed) one.rate ??= new Rate();
    else this.limit(one, limitsOf(metric));
    return one;
  }

  // The plugin may print other limits than before; a rate has none.
  limit(one, limits) {
    if (JSON.stringify(limits) === JSON.stringify(one.limits)) return;
    one.limits = limits;
    this.isNew = true;
  }

  frame() {
    if (this.signal.aborted) return;
    requestAnimationFrame(() => this.frame());
    // Two of three: at sixty a second these are forty.
    this.frames = (this.frames ?? 0) + 1;
    if (!this.panels.size || document.hidden || this.frames % 3 === 0) return;
    const span = this.span();
    for (const one of [...this.panels.values()].flat()) one.trim(span[0]);
    this.shown(this.panels, span, this.isNew);
    this.isNew = false;
    this.dataset.drawn = this.runs;
  }
}
