// The dashboard in examples/grafana: every variable and every query of it asked through Grafana's own data source, over a history of the
// checks that examples/custos.yaml has. dashboard.rs makes that history.
"use strict";

const { test } = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { execFileSync } = require("node:child_process");
const { SETTINGS, dataSource, variables } = require("./grafana_server.cjs");
const { dateTime, getValueFormat, rangeUtil, standardTransformers, standardTransformersRegistry, transformDataFrame } = require("@grafana/data");
const { firstValueFrom, lastValueFrom } = require("rxjs");

const FILE = path.join(__dirname, "../../../examples/grafana/custos-host.json");
const dashboard = JSON.parse(fs.readFileSync(FILE, "utf8"));
const END_MS = Number(process.env.CUSTOS_END) * 1000;
/// The unit of each metric of a check, as the plugin printed it.
const UNITS = JSON.parse(process.env.CUSTOS_UNITS);
/// How Grafana writes what a plugin's unit is.
const FORMATS = { "": ["short", "none"], "%": ["percent"], s: ["s", "short"], B: ["bytes", "short"] };
const WIDTH = 800;

/// What the dashboard shows at a time.
function lastHours(now_ms) {
  return { from: dateTime(now_ms - 6 * 3_600_000), to: dateTime(now_ms), raw: { from: "now-6h", to: "now" } };
}

const panels = dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]).filter((panel) => panel.type !== "row");

standardTransformersRegistry.setInit(() => [standardTransformers.mergeTransformer, standardTransformers.organizeFieldsTransformer].map(
  (transformation) => ({ id: transformation.id, name: transformation.name, transformation: async () => transformation }),
));

/// What Grafana makes of a dashboard before it asks: each variable has all that it offers.
function chooseAll() {
  variables.set("datasource", "custos");
  for (const { name, type, allValue } of dashboard.templating.list) {
    if (type === "query") variables.set(name, allValue);
  }
}

/// What a panel asks, and what it gets.
async function shown(panel, targets, range = lastHours(END_MS)) {
  const { interval, intervalMs } = rangeUtil.calculateInterval(range, panel.maxDataPoints ?? WIDTH, "10s");
  const rangeS = (range.to.valueOf() - range.from.valueOf()) / 1000;
  const scopedVars = {
    __interval: { value: interval }, __interval_ms: { value: intervalMs },
    __range: { value: `${rangeS}s` }, __range_s: { value: rangeS }, __range_ms: { value: rangeS * 1000 },
  };
  const request = {
    requestId: "Q1", app: "dashboard", panelId: panel.id, timezone: "utc", startTime: 0, scopedVars, range, rangeRaw: range.raw,
    interval, intervalMs, maxDataPoints: panel.maxDataPoints ?? WIDTH, targets: targets.map((target) => ({ ...target, datasource: undefined })),
  };
  const answer = await lastValueFrom(dataSource.query(request));
  assert.equal(answer.error, undefined, `${panel.title}: ${answer.error?.message}`);
  return answer.data;
}

const number = (frame) => frame.fields.find((field) => field.type === "number");

test("it has the shape that Grafana's types say", () => {
  const work = fs.mkdtempSync(path.join(require("node:os").tmpdir(), "custos-dashboard-"));
  const modules = process.env.NODE_PATH;
  fs.symlinkSync(modules, path.join(work, "node_modules"));
  fs.copyFileSync(path.join(__dirname, "dashboard_types.ts"), path.join(work, "types.ts"));
  fs.writeFileSync(path.join(work, "check.ts"), typed(dashboard));
  const compilerOptions = {
    noEmit: true, strict: true, skipLibCheck: true, target: "es2022", module: "commonjs", moduleResolution: "node10", types: [],
  };
  fs.writeFileSync(path.join(work, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["check.ts"] }));
  try {
    execFileSync(process.execPath, [path.join(modules, "typescript/bin/tsc"), "--pretty", "false"], { cwd: work, encoding: "utf8" });
  } catch (error) {
    assert.fail(error.stdout);
  } finally {
    fs.rmSync(work, { recursive: true });
  }
});

/// The dashboard, and the options and fields of each panel, as constants of the types that they must have.
function typed(dashboard) {
  const constants = panels.map((panel, at) => {
    const type = JSON.stringify(panel.type);
    const { defaults } = panel.fieldConfig;
    return `export const options${at}: Options[${type}] = ${JSON.stringify(panel.options)};\n`
      + `export const fields${at}: Fields[${type}] = ${JSON.stringify(defaults.custom ?? {})};\n`
      + `export const targets${at}: Query[] = ${JSON.stringify(panel.targets)};\n`;
  });
  // What an annotation asks is of a data source, which the type of a dashboard does not know.
  const whole = structuredClone(dashboard);
  const asked = whole.annotations.list.map(({ target }) => target);
  for (const annotation of whole.annotations.list) {
    annotation.target = { refId: annotation.target.refId };
    delete annotation.titleFormat;
    delete annotation.tagKeys;
  }
  constants.push(`export const annotations: Query[] = ${JSON.stringify(asked)};\n`);
  return `import type { Fields, Options, Plain, Query } from "./types";\nimport type { Dashboard } from "@grafana/schema";\n`
    + `export const dashboard: Plain<Dashboard> = ${JSON.stringify(whole)};\n${constants.join("")}`;
}

test("panels have places and numbers of their own", () => {
  const ids = dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]).map((panel) => panel.id);
  assert.equal(new Set(ids).size, ids.length);
  const taken = new Set();
  for (const { title, gridPos: { x, y, w, h } } of dashboard.panels) {
    assert.ok(x + w <= 24, title);
    for (let row = y; row < y + h; row++) {
      for (let column = x; column < x + w; column++) {
        assert.ok(!taken.has(`${row},${column}`), `${title} lies on another`);
        taken.add(`${row},${column}`);
      }
    }
  }
});

test("variables offer checks and metrics", async () => {
  chooseAll();
  const offered = {};
  for (const variable of dashboard.templating.list.filter((one) => one.type === "query")) {
    const request = { targets: [variable.query], range: lastHours(END_MS), scopedVars: {} };
    offered[variable.name] = (await firstValueFrom(dataSource.variables.query(request))).data.map((one) => one.text);
  }
  const checks = new Set(Object.keys(UNITS).map((name) => name.split(" ")[0]));
  assert.deepEqual(offered.check, [...checks].sort());
  const metrics = new Set(Object.keys(UNITS).map((name) => name.split(" ")[1]));
  assert.deepEqual(offered.metric, [...metrics].sort());
});

for (const panel of panels) {
  test(`panel "${panel.title}" shows something, in its unit`, async () => {
    chooseAll();
    assert.equal(panel.datasource.uid, "${datasource}");
    assert.ok(panel.description?.length > 20);
    for (const target of panel.targets) {
      assert.equal(target.datasource.uid, "${datasource}");
      const frames = await shown(panel, [target]);
      const points = frames.flatMap((frame) => Array.from(number(frame).values));
      assert.ok(points.length > 0, `${target.expr} finds nothing`);
      assert.ok(points.every(Number.isFinite), target.expr);
      const { unit } = panel.fieldConfig.defaults;
      if (unit) assert.ok(getValueFormat(unit)(1).text, unit);
      frames.forEach((frame) => fits(panel, target, number(frame).labels, unit));
      for (const frame of frames) assert.ok(!/{{|undefined/.test(number(frame).config.displayNameFromDS ?? ""), target.legendFormat);
    }
  });
}

/// Fails if a panel shows something in another unit than it has. One that shows whatever is chosen has numbers only.
function fits({ repeat, title }, { expr }, labels, unit) {
  if (repeat) {
    assert.equal(unit, "short");
  } else if (labels?.metric) {
    const printed = UNITS[`${labels.check} ${labels.metric}`];
    assert.ok(FORMATS[printed].includes(unit), `${title}: ${JSON.stringify(labels)} is in "${printed}", shown as ${unit}`);
  } else if (/check_cpu_seconds.*\$__range_s/.test(expr)) {
    assert.equal(unit, "percentunit");
  } else if (/check_\w+_seconds/.test(expr)) {
    assert.equal(unit, "s");
  } else if (/check_\w+_bytes/.test(expr)) {
    assert.equal(unit, "bytes");
  }
}

test("the host has its load, memory and disks without naming a check", async () => {
  chooseAll();
  const labels = async (title) => {
    const panel = panels.find((one) => one.title === title);
    return (await shown(panel, [panel.targets[0]])).map((frame) => number(frame).labels.metric).sort();
  };
  assert.deepEqual(await labels("Load"), ["load1", "load15", "load5"]);
  assert.deepEqual(await labels("Memory in use"), ["used_percent"]);
  assert.deepEqual(await labels("Disks in use"), ["/"]);
});

test("the table has a line for each check that is not OK", async () => {
  chooseAll();
  const panel = panels.find((one) => one.title === "Not OK");
  const [table] = await firstValueFrom(transformDataFrame(panel.transformations, await shown(panel, panel.targets)));
  const columns = Object.fromEntries(table.fields.map((field) => [field.config.displayName ?? field.name, Array.from(field.values)]));
  assert.deepEqual(Object.keys(columns), ["Check", "State", "Confirmed state", "Not OK for", "Last result before"]);
  assert.deepEqual(columns.Check, ["uptime"]);
  assert.deepEqual([...columns.State, ...columns["Confirmed state"]], [2, 2]);
  const [forS] = columns["Not OK for"];
  assert.ok(forS >= 540 && forS <= 900, `${forS}`);
});

test("the board shows when a check was CRITICAL", async () => {
  chooseAll();
  const panel = panels.find((one) => one.title === "States");
  const frames = await shown(panel, panel.targets);
  const uptime = frames.filter((frame) => number(frame).labels.check === "uptime");
  assert.equal(uptime.length, 1);
  const states = Array.from(number(uptime[0]).values);
  assert.deepEqual([states.at(-1), states[0]], [2, 0]);
  const mapped = Object.entries(panel.fieldConfig.defaults.mappings[0].options).map(([value, { text }]) => `${value} ${text}`);
  assert.deepEqual(mapped, ["0 OK", "1 WARNING", "2 CRITICAL", "3 UNKNOWN"]);
});

test("a check of each hour has a state all the time", async () => {
  chooseAll();
  const panel = panels.find((one) => one.title === "States");
  const [hourly] = (await shown(panel, panel.targets)).filter((frame) => number(frame).labels.check === "hourly");
  const times = Array.from(hourly.fields[0].values);
  const stepMs = hourly.fields[0].config.interval;
  assert.ok(times.length >= (3 * 3_600_000) / stepMs, `${times.length}`);
  assert.ok(times.every((time, at) => at === 0 || time - times[at - 1] === stepMs));
});

test("an agent that stands still shows", async () => {
  chooseAll();
  const panel = panels.find((one) => one.title === "Newest result");
  const minutes_later = async (minutes) => {
    const frames = await shown(panel, panel.targets, lastHours(END_MS + minutes * 60_000));
    return frames.map((frame) => number(frame).values[0]);
  };
  assert.deepEqual(await minutes_later(0), [0]);
  assert.deepEqual(await minutes_later(20), [1200]);
  // The check of each hour counts for longer than an hour.
  assert.deepEqual(await minutes_later(120), [7200]);
  assert.deepEqual(await minutes_later(200), []);
  assert.match(panel.fieldConfig.defaults.noValue, /1 h/);
});

test("one check can be chosen", async () => {
  chooseAll();
  variables.set("check", ["load"]);
  variables.set("metric", ["load1", "load5"]);
  const panel = panels.find((one) => one.repeat === "check");
  const found = (await shown(panel, panel.targets)).map((frame) => number(frame).labels);
  assert.deepEqual(found.map((labels) => [labels.check, labels.metric]), [["load", "load1"], ["load", "load5"]]);
});

test("what was CRITICAL is marked in the graphs", async () => {
  chooseAll();
  const annotation = dataSource.annotations.prepareAnnotation(structuredClone(dashboard.annotations.list[0]));
  const frames = await shown({ title: "annotations" }, [{ ...annotation.target, range: true }]);
  const events = await firstValueFrom(dataSource.annotations.processEvents(annotation, frames));
  assert.deepEqual(events.map((event) => event.title), ["uptime is CRITICAL"]);
});

test("the data source of the example is the one that is tested", async () => {
  const read = (file) => fs.readFileSync(path.join(path.dirname(FILE), file), "utf8");
  const lines = read("datasource.yaml").matchAll(/^ +(?:- )?(\w+): (.*)$/gm);
  const written = Object.fromEntries(Array.from(lines, ([, key, value]) => [key, value]));
  const { httpMethod, timeInterval } = SETTINGS.jsonData;
  const { data } = (await dataSource.metadataRequest("/api/v1/status/buildinfo")).data;
  assert.deepEqual(
    [written.type, written.access, written.httpMethod, written.timeInterval, written.prometheusType, written.prometheusVersion],
    [SETTINGS.type, SETTINGS.access, httpMethod, timeInterval, "Prometheus", data.version],
  );
  assert.match(read("dashboards.yaml"), /^ {6}path: \/var\/lib\/grafana\/dashboards\/custos$/m);
});
