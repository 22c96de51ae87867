// A threshold that is tried: what it would have crossed, and what the check would have said.

import { age, time } from "./board.js";
import { say } from "./text.js";

const STATES = ["WARNING", "CRITICAL", "UNKNOWN"];
const byId = (id) => document.getElementById(id);

const minutes = (ms) => `${+(ms / 6e4).toFixed(ms < 6e5 ? 1 : 0)} minutes`;

// What a backtest comes to, in words: how many alerts, and for how long each state.
function told({ totals: { alerts }, stood_ms: stood = {} }) {
  const states = STATES.filter((state) => stood[state] > 0).map((state) => `${minutes(stood[state])} ${state}`);
  return `${alerts} ${alerts === 1 ? "alert" : "alerts"}${states.length ? `, ${states.join(", ")}` : ""}`;
}

export class Trial {
  // Of the view of a check.
  constructor(view) { Object.assign(this, { view, trying: null, asIs: null }); }

  forget() { this.trying?.abort(); this.asIs = null; }

  // The span is another one.
  renew() { this.asIs = null; }

  // What the check would have said with the threshold that is tried, beside what it said as it is: judged by the agent, run by run.
  async judge(wait) {
    this.trying?.abort();
    const { view } = this;
    const { params, check, agents: [agent], watching } = view;
    const limit = params.get("limit");
    const words = (text) => say(byId("would"), text);
    if (!limit || !view.spanNow()) { words(""); this.bands(null, null); return; }
    const trying = this.trying = new AbortController();
    const stop = () => trying.abort();
    watching.signal.addEventListener("abort", stop);
    const level = params.get("level") ?? "CRITICAL";
    const range = params.has("below") ? `${limit}:` : `~:${limit}`;
    // While it is watched, there is more of it each time.
    if (view.live) this.asIs = null;
    const [start, end] = view.spanNow();
    const bounds = [["check", check], ["start", start / 1000], ["end", end / 1000]];
    try {
      await new Promise((done) => setTimeout(done, wait));
      if (trying.signal.aborted) return;
      words("Judging each run …");
      const was = this.asIs ??= await agent.get("/api/backtest", bounds, { signal: trying.signal });
      const would = await agent.get("/api/backtest", [...bounds, ["metric", view.metricTried() ?? ""], [level.toLowerCase(), range]], { signal: trying.signal });
      if (trying.signal.aborted) return;
      this.bands(was, would);
      words(`With ${level} ${params.has("below") ? "below" : "above"} ${limit}: ${told(would)}. As it is: ${told(was)}. ${would.judged} runs judged${view.agents.length > 1 ? ` of ${agent.name}` : ""}; the lower strip is how it would have been, the upper one how it was.`);
      byId("charts").dataset.judged = limit;
    } catch (error) {
      if (!trying.signal.aborted) words(`Not judged: ${error.message}`);
    } finally {
      watching.signal.removeEventListener("abort", stop);
    }
  }

  bands(was, would) {
    const spans = (one) => one && (one.stood ?? []).map(({ since_ms, until_ms, state }) => [since_ms, until_ms, state]);
    this.view.charts.forEach((chart) => { [chart.was, chart.would] = [spans(was), spans(would)]; chart.draw(); });
  }

  // What a threshold in the graph would have crossed: by the greatest, or the least, value of each column.
  crossed() {
    const { view } = this;
    const { params } = view;
    const limit = params.get("limit");
    if (!view.spanNow() || limit === null || limit === "") { say(byId("crossed"), ""); return; }
    const span = view.spanNow();
    const below = params.has("below");
    const found = [];
    const tried = view.metricTried();
    for (const { series } of view.charts.values()) for (const { name, metric, points, bridge } of series) {
      if (metric && tried && metric !== tried) continue;
      let stretches = 0, total = 0, before = -Infinity;
      for (const [from, to, min, max] of points) {
        if (!(below ? min < limit : max > limit)) continue;
        if (from - before > bridge) stretches++;
        total += to - from;
        before = to;
      }
      if (stretches) found.push(`${name} ${stretches} times, ${age(total)} in all`);
    }
    say(byId("crossed"), `${below ? "Below" : "Above"} ${limit} between ${time(span[0])} and ${time(span[1])}: ${found.join("; ") || "never"}, by the extremes of each column.`);
  }
}
