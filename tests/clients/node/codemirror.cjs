// What Prometheus' own page completes by, without a browser: its client asks `custos serve`, its strategy completes a query as it is
// typed. The history is described in history.rs.
"use strict";

const { test } = require("node:test");
const assert = require("node:assert/strict");
const { CompletionContext } = require("@codemirror/autocomplete");
const { EditorState } = require("@codemirror/state");
const { PromQLExtension } = require("@prometheus-io/codemirror-promql");
const { HTTPPrometheusClient } = require("@prometheus-io/codemirror-promql/dist/cjs/client/prometheus");

const HOUR_MS = 3_600_000;
const OWN_SERIES = [
  "check_cpu_seconds", "check_duration_seconds", "check_hard_state", "check_lateness_seconds", "check_max_rss_bytes", "check_state",
];

/// What is wrong with an answer fails the test, where the page would complete nothing.
const remote = (more) => ({
  url: process.env.CUSTOS_URL,
  lookbackInterval: 12 * HOUR_MS,
  httpErrorHandler: (error) => { throw error; },
  ...more,
});

/// The labels of what is proposed at `|`.
async function completed(typed, more) {
  const at = typed.indexOf("|");
  const extension = new PromQLExtension().setComplete({ remote: remote(more) });
  const state = EditorState.create({ doc: typed.replace("|", ""), extensions: [extension.asExtension()] });
  const result = await extension.getComplete().promQL(new CompletionContext(state, at, true));
  extension.destroy();
  return result.options;
}

const labels = (options) => options.map((option) => option.label);

for (const httpMethod of ["POST", "GET"]) {
  test(`the client's requests by ${httpMethod}`, async () => {
    const client = new HTTPPrometheusClient(remote({ httpMethod }));
    const names = await client.metricNames();
    assert.deepEqual(names, [...new Set(names)].sort());
    for (const name of ["load", "memory", "net", "switch.1", "über", ...OWN_SERIES]) assert.ok(names.includes(name), name);
    assert.deepEqual(await client.labelNames(), ["__name__", "check", "if", "if.name", "metric"]);
    assert.deepEqual(await client.labelNames("net"), ["__name__", "check", "if", "metric"]);
    assert.deepEqual(await client.labelValues("metric", "load"), ["load1", "load5"]);
    assert.deepEqual(await client.series("load"), [
      { __name__: "load", check: "load", metric: "load1" },
      { __name__: "load", check: "load", metric: "load5" },
    ]);
    const metadata = await client.metricMetadata();
    assert.deepEqual(metadata.net, [{ type: "counter", help: "", unit: "" }]);
  });
}

test("names of metrics are completed", async () => {
  const options = await completed("sum(lo|");
  assert.ok(labels(options).includes("load"));
  const net = (await completed("rate(net|")).find((option) => option.label === "net");
  assert.equal(net.detail, "counter");
});

test("names of labels are completed", async () => {
  assert.deepEqual(labels(await completed("net{|}")).sort(), ["check", "if", "metric"]);
  assert.ok(labels(await completed("sum by (|) (net)")).includes("if"));
});

test("values of labels are completed", async () => {
  assert.deepEqual(labels(await completed('load{metric="|"}')), ["load1", "load5"]);
  assert.deepEqual(labels(await completed('net{if="|"}')).sort(), ['Gigabit "0"\\1 é', "eth0"]);
  assert.deepEqual(labels(await completed('{check="|"}')).length, 6);
});
