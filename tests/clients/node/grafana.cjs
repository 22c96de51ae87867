// Grafana's own data source for Prometheus against `custos serve`, without a browser and without Grafana's server, of which
// grafana_server.cjs does the part. The history is described in history.rs.
"use strict";

const { test } = require("node:test");
const assert = require("node:assert/strict");
const { dataSource, inPackage, sent } = require("./grafana_server.cjs");
const { dateTime, rangeUtil } = require("@grafana/data");
const { firstValueFrom, lastValueFrom } = require("rxjs");

const END = Number(process.env.CUSTOS_END);
const OWN_SERIES = [
  "check_cpu_seconds", "check_duration_seconds", "check_hard_state", "check_lateness_seconds", "check_max_rss_bytes", "check_state",
];
const LABELS = ["check", "if", "if.name", "metric"];

/// The last hour of the history.
function lastHour() {
  const [from, to] = [dateTime((END - 3600) * 1000), dateTime(END * 1000)];
  return { from, to, raw: { from, to } };
}

function request(targets, more) {
  const range = lastHour();
  const { interval, intervalMs } = rangeUtil.calculateInterval(range, 360, "10s");
  return {
    requestId: "Q1", app: "dashboard", panelId: 1, timezone: "utc", startTime: 0, scopedVars: {}, maxDataPoints: 360,
    range, rangeRaw: range.raw, interval, intervalMs, targets: targets.map((target, at) => ({ refId: "ABC"[at], ...target })), ...more,
  };
}

const answer = (targets, more) => lastValueFrom(dataSource.query(request(targets, more)));
const values = (frame) => Array.from(frame.fields[1].values);
const texts = (found) => found.map((one) => one.text);
/// What a variable of a dashboard has for values.
const variable = (query) => dataSource.metricFindQuery(query, { range: lastHour() });

test("Save & test succeeds", async () => {
  const tested = await dataSource.testDatasource();
  assert.deepEqual(tested, { status: "success", message: "Successfully queried the Prometheus API." });
});

test("it is taken for a Prometheus that lists labels by selector", async () => {
  const { data } = (await dataSource.metadataRequest("/api/v1/status/buildinfo")).data;
  assert.equal(data.features, undefined);
  const settings = { ...dataSource.instanceSettings };
  settings.jsonData = { ...settings.jsonData, prometheusType: "Prometheus", prometheusVersion: data.version };
  const known = new dataSource.constructor(settings);
  assert.equal(known.hasLabelsMatchAPISupport(), true);
  const { LabelsApiClient } = inPackage("resource_clients");
  assert.ok(known.languageProvider.resourceClient instanceof LabelsApiClient);
});

test("what is asked for when the data source is loaded is answered", async () => {
  await dataSource.init();
  assert.equal(dataSource.exemplarsAvailable, true);
  await dataSource.loadRules();
  assert.deepEqual(dataSource.ruleMappings, {});
});

test("the language provider starts with metrics, labels and metadata", async () => {
  const provider = dataSource.languageProvider;
  await provider.start(lastHour());
  const metrics = provider.retrieveMetrics();
  for (const name of ["backup", "load", "memory", "net", "switch.1", "über", ...OWN_SERIES]) assert.ok(metrics.includes(name), name);
  assert.deepEqual(provider.retrieveLabelKeys(), ["__name__", ...LABELS]);
  assert.deepEqual(provider.retrieveMetricsMetadata().net, { type: "counter", help: "", unit: "" });
  assert.equal(provider.retrieveMetricsMetadata().check_state.type, "gauge");
  assert.deepEqual(await provider.queryLabelKeys(lastHour(), '{__name__="net"}'), ["__name__", "check", "if", "metric"]);
  assert.deepEqual(await provider.queryLabelValues(lastHour(), "if.name", '{__name__="switch.1"}'), ["uplink"]);
  assert.ok(sent.some((target) => target === "GET /api/v1/label/U__if_2e_name/values"), sent.join("\n"));
});

test("the older way by series finds the same", async () => {
  const settings = { ...dataSource.instanceSettings };
  settings.jsonData = { ...settings.jsonData, seriesEndpoint: true };
  const { languageProvider } = new dataSource.constructor(settings);
  await languageProvider.start(lastHour());
  assert.deepEqual(languageProvider.retrieveLabelKeys(), LABELS);
  assert.deepEqual(await languageProvider.queryLabelValues(lastHour(), "metric", "load"), ["load1", "load5"]);
});

test("a range is answered, step by step", async () => {
  const { data, error } = await answer([{ expr: 'load{metric="load1"}', legendFormat: "{{check}} {{metric}}", range: true }]);
  assert.equal(error, undefined);
  assert.equal(data.length, 1);
  const [time, value] = data[0].fields;
  assert.equal(value.config.displayNameFromDS, "load load1");
  assert.equal(time.values.at(-1), END * 1000);
  assert.deepEqual(values(data[0]).slice(-3), [3.58, 3.59, 3.6]);
  assert.equal(values(data[0]).length, 360);
});

test("variables of the query and of the dashboard are replaced", async () => {
  const { data } = await answer([{ expr: 'rate(net{if="eth0"}[$__rate_interval])', range: true }]);
  assert.equal(values(data[0]).at(-1), 100);
  const scopedVars = { check: { text: "load", value: "load" } };
  const scoped = await answer([{ expr: 'max by (check) (max_over_time({check="$check",metric="load1"}[$__range]))', instant: true }], { scopedVars });
  assert.deepEqual(values(scoped.data[0]), [3.6]);
});

test("an instant query makes a table", async () => {
  const { data } = await answer([{ expr: "check_state", instant: true, format: "table" }]);
  const [table] = data;
  const column = (name) => Array.from(table.fields.find((field) => field.name === name).values);
  assert.deepEqual(column("check").sort(), ["backup", "load", "memory", "net", "switch.1", "über"]);
  assert.equal(column("Value")[column("check").indexOf("load")], 1);
});

test("a scalar is one frame", async () => {
  const { data } = await answer([{ expr: "1 + 1", instant: true }]);
  assert.deepEqual(data.map(values), [[2]]);
});

test("series of several queries stay apart, and names that need quotes work", async () => {
  const { data, error } = await answer([
    { expr: '{"über"}', range: true }, { expr: 'sum by ("if.name") (rate({"switch.1"}[1m]))', range: true }, { expr: "backup", range: true },
  ]);
  assert.equal(error, undefined);
  assert.deepEqual(data.map((frame) => [frame.refId, values(frame).at(-1)]), [["A", 0.25], ["B", 100], ["C", 18000]]);
  assert.deepEqual(data[1].fields[1].labels, { "if.name": "uplink" });
});

test("what is noted of a query is shown with it", async () => {
  const { data } = await answer([{ expr: "rate(load[1m])", range: true }]);
  assert.match(data[0].meta.notices[0].text, /metric might not be a counter/);
  const counter = await answer([{ expr: "rate(net[1m])", range: true }]);
  assert.deepEqual(counter.data[0].meta.notices, []);
});

test("a mistake is shown with its place", async () => {
  const { error } = await answer([{ expr: "sum(load", range: true }]);
  assert.match(error.message, /^bad_data: invalid parameter "query": 1:4: parse error: unclosed left parenthesis/);
  const failed = await answer([{ expr: 'label_replace(load, "a", "b", "c", "(")', range: true }]);
  assert.match(failed.error.message, /^execution: invalid regular expression/);
});

test("filters of the dashboard are put into the query", async () => {
  const filters = [{ key: "metric", operator: "=", value: "load5" }];
  const { data } = await answer([{ expr: "load", instant: true }], { filters });
  assert.deepEqual(data.map((frame) => frame.fields[1].labels.metric), ["load5"]);
  assert.deepEqual(texts(await dataSource.getTagKeys({ filters: [], timeRange: lastHour() })), ["__name__", ...LABELS]);
  const offered = await dataSource.getTagValues({ key: "metric", filters: [], queries: [{ refId: "A", expr: "load" }], timeRange: lastHour() });
  assert.deepEqual(texts(offered), ["load1", "load5"]);
});

test("variables find their values", async () => {
  const checks = ["backup", "load", "memory", "net", "switch.1", "über"];
  assert.deepEqual(texts(await variable("label_values(check)")), checks);
  assert.deepEqual(texts(await variable("label_values(check_state, check)")), checks);
  assert.deepEqual(texts(await variable('label_values({check="load"}, metric)')), ["load1", "load5"]);
  assert.deepEqual(texts(await variable("label_names()")), ["__name__", ...LABELS]);
  assert.deepEqual(texts(await variable("label_names(net)")), ["check", "if", "metric"]);
  assert.deepEqual(texts(await variable("metrics(mem.*)")), ["memory"]);
  assert.deepEqual(texts(await variable("query_result(check_state > 0)")), [`check_state{check="load"} 1 ${END * 1000}`]);
  assert.deepEqual(texts(await variable("query_result(1 + 1)")), ["2"]);
  assert.deepEqual(texts(await variable('{check="load",metric="load5"}')), ['load{check="load",metric="load5"}']);
  const typed = await firstValueFrom(dataSource.variables.query(request([{ query: "label_values(load, metric)" }])));
  assert.deepEqual(texts(typed.data), ["load1", "load5"]);
});

test("what went wrong is marked in graphs", async () => {
  const annotation = dataSource.annotations.prepareAnnotation({ expr: "check_state > 0", step: "10s", titleFormat: "{{check}}", tagKeys: "check" });
  const { data } = await answer([{ ...annotation.target, range: true }]);
  const [event, ...others] = await firstValueFrom(dataSource.annotations.processEvents(annotation, data));
  assert.deepEqual(others, []);
  assert.deepEqual([event.title, event.tags, event.time, event.timeEnd], ["load", ["load"], (END - 590) * 1000, END * 1000]);
});

test("a query is completed as it is typed", async () => {
  const provider = "components/monaco-query-field/monaco-completion-provider";
  const { getSituation } = inPackage(`${provider}/situation`);
  const { getCompletions } = inPackage(`${provider}/completions`);
  const { DataProvider } = inPackage(`${provider}/data_provider`);
  const data = new DataProvider({ languageProvider: dataSource.languageProvider, historyProvider: [] });
  const completed = async (typed, searched) => {
    const at = typed.indexOf("|");
    const found = await getCompletions(getSituation(typed.replace("|", ""), at), data, lastHour(), searched);
    return found.map((one) => one.label);
  };
  assert.ok((await completed("|", "mem")).includes("memory"));
  assert.deepEqual(await completed("net{|}"), ["check", "if", "metric"]);
  assert.deepEqual(await completed('load{metric="|"}'), ["load1", "load5"]);
});

test("hints for queries go by the kind of the metric", () => {
  const hints = (expression) => dataSource.getQueryHints({ refId: "A", expr: expression }, []).map((hint) => hint.type);
  assert.deepEqual(hints("net"), ["APPLY_RATE"]);
  assert.deepEqual(hints("load"), []);
});
